//! What times without stock cost.

use std::collections::BTreeMap;

use events::policy::SalesLost;
use models::{
    forecast::Forecaster,
    lost_sales::{self, EmptyHour},
};
use projection::Value;
use sqlx::{Row, SqliteExecutor};
use vocabulary::{Account, Currency, MerchantId, Money, OrderId, Position, Sku, Timestamp};

use crate::{
    demand::{Demand, Outage, calendar},
    fit::VERSION,
    history::{Purchase, bound, damaged},
};

const HOUR_SECS: i64 = 3_600;

/// What one unit of an item earns on an account, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitMargin {
    currency: Currency,
    margin_minor: i64,
    units: i64,
}

/// What units earned, by item and account, in the orders that had nothing else in them: of others it is not known
/// which item earned how much. Orders in another currency than the first one's do not count.
pub async fn unit_margins(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    at: Position,
    purchases: &[Purchase],
) -> Result<BTreeMap<(Sku, Account), UnitMargin>, sqlx::Error> {
    let sql = "SELECT order_id, MIN(sku), SUM(units_count) FROM fct_insight_demand
               WHERE merchant = ?1 AND entry_pos <= ?2 AND order_id IS NOT NULL
               GROUP BY order_id HAVING MIN(sku) = MAX(sku)";
    let mut ordered: BTreeMap<OrderId, (Sku, i64)> = BTreeMap::new();
    for row in sqlx::query(sql).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await? {
        let sku = row.try_get::<&str, _>(1)?.parse().map_err(damaged)?;
        ordered.insert(row.try_get::<&str, _>(0)?.parse().map_err(damaged)?, (sku, row.try_get(2)?));
    }
    let mut margins: BTreeMap<(Sku, Account), UnitMargin> = BTreeMap::new();
    for purchase in purchases {
        let Some((sku, units)) = ordered.get(&purchase.order) else { continue };
        let none = UnitMargin { currency: purchase.currency, margin_minor: 0, units: 0 };
        let margin = margins.entry((sku.clone(), purchase.account.clone())).or_insert(none);
        if margin.currency == purchase.currency {
            margin.margin_minor = margin.margin_minor.saturating_add(purchase.margin_minor);
            margin.units = margin.units.saturating_add(*units);
        }
    }
    margins.retain(|_, margin| margin.units > 0);
    Ok(margins)
}

/// Up to when times without stock were assessed, in seconds since 1970. Those of one item and account do not overlap.
pub type Assessed = BTreeMap<(Sku, Account), i64>;

/// What was assessed already.
pub async fn assessed(db: impl SqliteExecutor<'_>, merchant: &MerchantId) -> Result<Assessed, sqlx::Error> {
    let sql =
        "SELECT sku, channel, MAX(to_epoch) FROM mart_stockout WHERE merchant = ? GROUP BY sku, channel";
    let rows = sqlx::query(sql).bind(merchant.as_str()).fetch_all(db).await?;
    let one = |row: sqlx::sqlite::SqliteRow| {
        let sku = row.try_get::<&str, _>(0)?.parse().map_err(damaged)?;
        let account = row.try_get::<&str, _>(1)?.parse().map_err(damaged)?;
        Ok(((sku, account), row.try_get(2)?))
    };
    rows.into_iter().map(one).collect()
}

/// Estimates what each time without stock cost that is over, was not assessed, and follows at least a week of demand.
pub fn assess(
    demand: &BTreeMap<(Sku, Account), Demand>,
    margins: &BTreeMap<(Sku, Account), UnitMargin>,
    known: &Assessed,
    at: Position,
) -> Vec<SalesLost> {
    let mut lost = Vec::new();
    for (of, demand) in demand {
        let ((sku, account), margin) = (of, margins.get(of));
        for outage in &demand.outages {
            let is_known = known.get(of).is_some_and(|until| outage.from_secs < *until);
            let Some(to) = outage.to_secs.filter(|to| !is_known && *to > outage.from_secs) else { continue };
            let Some(estimate) = estimate(demand, outage, to, margin) else { continue };
            lost.push(SalesLost {
                sku: sku.clone(),
                account: account.clone(),
                from: Timestamp::from_secs(outage.from_secs),
                until: Timestamp::from_secs(to),
                cause: outage.cause.clone(),
                model_version: VERSION,
                fit_pos: at,
                refused_units: outage.refused_units,
                substituted_units: outage.returned_units,
                expected_units: estimate.expected_units,
                quantiles: [estimate.units_p10, estimate.units_p50, estimate.units_p90],
                margin: margin.map(|margin| Money::new(estimate.margin_minor, margin.currency)),
            });
        }
    }
    lost
}

/// Fits to the days before the outage, so that what came after it does not change what it cost.
fn estimate(
    demand: &Demand,
    outage: &Outage,
    to_secs: i64,
    margin: Option<&UnitMargin>,
) -> Option<lost_sales::Lost> {
    let begin = crate::history::business_day(outage.from_secs).0;
    let model = Forecaster::fit(&demand.days(begin - 1)).ok()?;
    let outage = lost_sales::Outage {
        hours: hours(outage.from_secs, to_secs),
        refused_units: outage.refused_units,
        substituted_units: outage.returned_units,
        unit_margin_minor: margin.map_or(0, |margin| margin.margin_minor / margin.units),
    };
    Some(lost_sales::lost(&model, &outage))
}

/// The business hours from one instant to another, each with the share of it that lies between them.
fn hours(from_secs: i64, to_secs: i64) -> Vec<EmptyHour> {
    let offset = i64::from(vocabulary::BusinessDay::SHANGHAI_OFFSET);
    let (from, to) = (from_secs + offset, to_secs + offset);
    let hour = |hour: i64| {
        let (begin, end) = (hour * HOUR_SECS, (hour + 1) * HOUR_SECS);
        let share = (to.min(end) - from.max(begin)) as f64 / HOUR_SECS as f64;
        EmptyHour { day: calendar(hour.div_euclid(24)), hour: hour.rem_euclid(24) as u8, share }
    };
    (from.div_euclid(HOUR_SECS)..=(to - 1).div_euclid(HOUR_SECS)).map(hour).collect()
}

/// The row of an estimate.
pub(crate) fn row(fact: &SalesLost) -> [Value; 16] {
    let [p10, p50, p90] = fact.quantiles.map(Value::from);
    [
        fact.sku.as_str().into(),
        fact.account.as_str().into(),
        fact.from.into(),
        fact.until.into(),
        fact.until.secs().saturating_sub(fact.from.secs()).into(),
        fact.cause.as_str().into(),
        fact.refused_units.into(),
        fact.substituted_units.into(),
        fact.expected_units.into(),
        p10,
        p50,
        p90,
        fact.margin.map(|margin| margin.minor).into(),
        Value::maybe(fact.margin.map(|margin| margin.currency)),
        fact.model_version.into(),
        fact.fit_pos.into(),
    ]
}
