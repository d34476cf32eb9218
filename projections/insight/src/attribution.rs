//! What led to orders.

use std::collections::BTreeMap;

use events::policy::ModelFitted;
use models::attribution::{Model, Ordered, Path, Touch, attribute};
use projection::{ApplyError, Rows, Value};
use sqlx::{Row, SqliteConnection, SqliteExecutor};
use vocabulary::{Currency, MerchantId, OrderId, Position};

use crate::{
    history::{Purchase, bound, business_day, damaged, purchases},
    marts,
};

/// The model's name in `ModelFitted`.
pub const ATTRIBUTION: &str = "attribution";

/// How touches count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributionSettings {
    /// Touches longer than this before the order lead to nothing.
    pub window_days: u32,
    /// After how many days a touch counts half, in the model `decay`.
    pub half_life_days: f64,
}

impl Default for AttributionSettings {
    fn default() -> Self {
        Self { window_days: 30, half_life_days: 7.0 }
    }
}

impl AttributionSettings {
    /// As they stand in `ModelFitted`.
    pub fn to_params(&self) -> BTreeMap<String, f64> {
        let params = [("window_days", f64::from(self.window_days)), ("half_life_days", self.half_life_days)];
        params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// From what stands in `ModelFitted`; what is missing is as usual, and what is not above 0 an error.
    pub fn from_params(params: &BTreeMap<String, f64>) -> Result<Self, String> {
        let usual = Self::default();
        let get = |name: &str, usual: f64| match params.get(name) {
            None => Ok(usual),
            Some(value) if value.is_finite() && *value > 0.0 => Ok(*value),
            Some(_) => Err(format!("the parameter {name} is not above 0")),
        };
        Ok(Self {
            window_days: get("window_days", usual.window_days.into())? as u32,
            half_life_days: get("half_life_days", usual.half_life_days)?,
        })
    }
}

/// What is known of a journey at a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journey {
    /// Its touches, in the order they were recorded.
    pub touches: Vec<Touch>,
    /// The orders it led to.
    pub orders: Vec<OrderId>,
}

/// The journeys, as known at the position, by id.
pub async fn journeys(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    at: Position,
) -> Result<BTreeMap<String, Journey>, sqlx::Error> {
    let mut found: BTreeMap<String, Journey> = BTreeMap::new();
    let touches = "SELECT journey_id, happened_epoch, channel FROM fct_insight_touch
                   WHERE merchant = ? AND entry_pos <= ? ORDER BY entry_pos";
    for row in rows(touches, &mut *conn, merchant, at).await? {
        let touch = Touch { at: row.try_get(1)?, channel: row.try_get(2)? };
        found.entry(row.try_get(0)?).or_default().touches.push(touch);
    }
    let orders = "SELECT journey_id, order_id FROM fct_insight_journey_order
                  WHERE merchant = ? AND entry_pos <= ? ORDER BY entry_pos";
    for row in rows(orders, conn, merchant, at).await? {
        let order = row.try_get::<&str, _>(1)?.parse().map_err(damaged)?;
        let journey = found.entry(row.try_get(0)?).or_default();
        if !journey.orders.contains(&order) {
            journey.orders.push(order);
        }
    }
    Ok(found)
}

async fn rows(
    sql: &'static str,
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    at: Position,
) -> Result<Vec<sqlx::sqlite::SqliteRow>, sqlx::Error> {
    sqlx::query(sql).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await
}

/// Paths by month and currency. Each order's path ends on the account it was placed on, so an order that no journey
/// led to is owed to its account; a journey that led to no paid order belongs to the month of its last touch,
/// and to every currency in it.
#[derive(Default)]
struct Paths {
    ordered: BTreeMap<(String, Currency), Vec<Path>>,
    lost: BTreeMap<String, Vec<Path>>,
}

impl Paths {
    fn of(bought: &[Purchase], journeys: &BTreeMap<String, Journey>, window_days: u32) -> Self {
        let mut paths = Self::default();
        let mut led: BTreeMap<OrderId, Vec<Touch>> = BTreeMap::new();
        let paid: BTreeMap<OrderId, i64> = bought.iter().map(|it| (it.order, it.paid_secs)).collect();
        for journey in journeys.values() {
            let orders: Vec<&OrderId> =
                journey.orders.iter().filter(|order| paid.contains_key(order)).collect();
            for order in &orders {
                led.entry(**order).or_default().extend(journey.touches.iter().cloned());
            }
            let last = journey.touches.iter().map(|touch| touch.at).max();
            if let Some(last) = last.filter(|_| orders.is_empty()) {
                let path = Path::new(journey.touches.clone(), None, window_days);
                paths.lost.entry(business_day(last).1).or_default().push(path);
            }
        }
        for purchase in bought {
            let mut touches = led.remove(&purchase.order).unwrap_or_default();
            let (at, net_minor) = (purchase.paid_secs, purchase.net_minor);
            let last = touches.iter().filter(|touch| touch.at <= at).max();
            if last.is_none_or(|touch| touch.channel != purchase.account.as_str()) {
                touches.push(Touch { at, channel: purchase.account.to_string() });
            }
            let path = Path::new(touches, Some(Ordered { at, net_minor }), window_days);
            let key = (business_day(at).1, purchase.currency);
            paths.ordered.entry(key).or_default().push(path);
        }
        paths
    }
}

/// Computes the rows of `mart_attribution` anew.
pub(crate) async fn refresh(
    merchant: &MerchantId,
    fitted: &ModelFitted,
    position: Position,
    conn: &mut SqliteConnection,
) -> Result<(), ApplyError> {
    let settings = AttributionSettings::from_params(&fitted.params);
    let settings = settings.map_err(|why| ApplyError::event(position, why))?;
    let bought = purchases(&mut *conn, merchant, fitted.fit_pos).await?;
    let journeys = journeys(&mut *conn, merchant, fitted.fit_pos).await?;
    let paths = Paths::of(&bought, &journeys, settings.window_days);
    let delete = "DELETE FROM mart_attribution WHERE merchant = ?";
    sqlx::query(delete).bind(merchant.as_str()).execute(&mut *conn).await?;
    let mut rows = Rows::new(&marts::ATTRIBUTION, merchant);
    for ((month, currency), mut paths_of_month) in paths.ordered {
        paths_of_month.extend(paths.lost.get(&month).into_iter().flatten().cloned());
        for model in Model::ALL {
            for (channel, credit) in attribute(&paths_of_month, model, settings.half_life_days) {
                let values = [
                    month.as_str().into(),
                    channel.into(),
                    model.as_str().into(),
                    Value::text(currency),
                    credit.orders.into(),
                    credit.net_minor.into(),
                    fitted.version.into(),
                    fitted.fit_pos.into(),
                ];
                rows.push(position, values);
            }
        }
    }
    rows.write(conn).await
}
