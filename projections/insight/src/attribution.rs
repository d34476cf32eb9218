//! What led to orders.

use std::collections::{BTreeMap, BTreeSet};

use events::policy::ModelFitted;
use models::attribution::{Model, Ordered, Path, Touch, attribute};
use projection::{ApplyError, Rows, Value};
use sqlx::{Row, SqliteConnection, SqliteExecutor};
use vocabulary::{BuyerId, Currency, MerchantId, OrderId, Position};

use crate::{
    history::{Purchase, bound, business_day, damaged, purchases},
    identity::{Identities, identities},
    marts,
};

/// The model's name in `ModelFitted`.
pub const ATTRIBUTION: &str = "attribution";

const DAY_SECS: i64 = 86_400;

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
    /// The orders it led to, as the channels told.
    pub orders: Vec<OrderId>,
    /// The persons whom its touches name.
    pub persons: BTreeSet<BuyerId>,
}

impl Journey {
    /// Whether a touch lies within `window_days` before an instant, in seconds since 1970.
    fn reaches(&self, at: i64, window_days: u32) -> bool {
        let window = i64::from(window_days).saturating_mul(DAY_SECS);
        self.touches.iter().any(|touch| touch.at <= at && at.saturating_sub(touch.at) <= window)
    }
}

/// The journeys, as known at the position, by id. `known` says who is whom there.
pub async fn journeys(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    at: Position,
    known: &Identities,
) -> Result<BTreeMap<String, Journey>, sqlx::Error> {
    let mut found: BTreeMap<String, Journey> = BTreeMap::new();
    let touches = "SELECT journey_id, happened_epoch, channel, buyer_id FROM fct_insight_touch
                   WHERE merchant = ? AND entry_pos <= ? ORDER BY entry_pos";
    for row in rows(touches, &mut *conn, merchant, at).await? {
        let touch = Touch { at: row.try_get(1)?, channel: row.try_get(2)? };
        let buyer = row.try_get::<Option<&str>, _>(3)?.map(str::parse::<BuyerId>).transpose();
        let buyer = buyer.map_err(damaged)?;
        let journey = found.entry(row.try_get(0)?).or_default();
        journey.touches.push(touch);
        journey.persons.extend(buyer.map(|buyer| known.person_of(&buyer)));
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

/// Paths by month and currency. Each order's path ends on the account it was placed on, so an order that nothing
/// led to is owed to its account; a journey that led to no paid order belongs to the month of its last touch,
/// and to every currency in it.
#[derive(Default)]
struct Paths {
    ordered: BTreeMap<(String, Currency), Vec<Path>>,
    lost: BTreeMap<String, Vec<Path>>,
}

impl Paths {
    fn of(bought: &[Purchase], journeys: &BTreeMap<String, Journey>, window_days: u32) -> Self {
        let led = leading(bought, journeys, window_days);
        let mut paths = Self::default();
        let leads: BTreeSet<&String> = led.values().flatten().copied().collect();
        for (_, journey) in journeys.iter().filter(|(id, _)| !leads.contains(id)) {
            if let Some(last) = journey.touches.iter().map(|touch| touch.at).max() {
                let path = Path::new(journey.touches.clone(), None, window_days);
                paths.lost.entry(business_day(last).1).or_default().push(path);
            }
        }
        for purchase in bought {
            let led = led.get(&purchase.order).into_iter().flatten();
            let mut touches: Vec<Touch> =
                led.filter_map(|id| journeys.get(*id)).flat_map(|journey| journey.touches.clone()).collect();
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

/// The journeys that led to each paid order: those the channels told of, and those on which the same person was
/// within the window before they paid.
fn leading<'j>(
    bought: &[Purchase],
    journeys: &'j BTreeMap<String, Journey>,
    window_days: u32,
) -> BTreeMap<OrderId, BTreeSet<&'j String>> {
    let mut told: BTreeMap<OrderId, Vec<&String>> = BTreeMap::new();
    let mut theirs: BTreeMap<&BuyerId, Vec<(&String, &Journey)>> = BTreeMap::new();
    for (id, journey) in journeys {
        journey.orders.iter().for_each(|order| told.entry(*order).or_default().push(id));
        journey.persons.iter().for_each(|person| theirs.entry(person).or_default().push((id, journey)));
    }
    let mut led: BTreeMap<OrderId, BTreeSet<&String>> = BTreeMap::new();
    for purchase in bought {
        let told = told.remove(&purchase.order).unwrap_or_default();
        let theirs = purchase.person.as_ref().and_then(|person| theirs.get(person)).into_iter().flatten();
        let reach = theirs.filter(|(_, journey)| journey.reaches(purchase.paid_secs, window_days));
        let journeys: BTreeSet<&String> = told.into_iter().chain(reach.map(|(id, _)| *id)).collect();
        if !journeys.is_empty() {
            led.insert(purchase.order, journeys);
        }
    }
    led
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
    let known = identities(&mut *conn, merchant, fitted.fit_pos).await?;
    let bought = purchases(&mut *conn, merchant, fitted.fit_pos, &known).await?;
    let journeys = journeys(&mut *conn, merchant, fitted.fit_pos, &known).await?;
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
