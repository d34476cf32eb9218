//! Demand by hour, and when there was nothing to sell.

use std::collections::BTreeMap;

use models::forecast::{Calendar, Day};
use sqlx::{Row, SqliteExecutor};
use vocabulary::{Account, BusinessDay, MerchantId, Position, Sku, Timestamp};

use crate::history::{bound, damaged};

const HOUR_SECS: i64 = 3_600;
const DAY_HOURS: i64 = 24;

/// What happened at an instant, as the table holds it.
pub(crate) mod kind {
    /// Somebody ordered.
    pub(crate) const ASKED: &str = "asked";
    /// Somebody wanted to and could not.
    pub(crate) const REFUSED: &str = "refused";
    /// Keys came in, or a quota was set: from here on there may be stock again.
    pub(crate) const SUPPLIED: &str = "supplied";
}

/// Demand of one item on one account: units asked for, orders and refused attempts alike, and the hours without stock.
///
/// Nothing is in stock from a refused attempt until something is ordered there, keys of the item come in, or its quota
/// is set. An attempt that comes again under its number is the same demand, and counts when it first came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// Units asked for in each hour, by hours since 1970 in the business zone.
    units: BTreeMap<i64, u32>,
    /// Hours without stock, from and to, both included.
    empty: Vec<(i64, i64)>,
}

impl Demand {
    /// The days from the first one with demand to `last` (days since 1970 in the business zone), oldest first.
    pub fn days(&self, last: i64) -> Vec<Day> {
        let Some(first) = self.first_day() else { return Vec::new() };
        (first..=last).map(|day| self.day(day)).collect()
    }

    /// The day of the first demand, in days since 1970.
    pub fn first_day(&self) -> Option<i64> {
        self.units.keys().next().map(|hour| hour.div_euclid(DAY_HOURS))
    }

    /// Says that nothing was in stock from one instant to another (seconds since 1970), as whoever keeps count of
    /// the stock knows better: each hour of which some part had none is left out.
    pub fn without_stock(&mut self, from_secs: i64, to_secs: i64) {
        if from_secs < to_secs {
            self.empty.push((business_hour(from_secs), business_hour(to_secs - 1)));
        }
    }

    /// One day.
    pub fn day(&self, day: i64) -> Day {
        let hours = std::array::from_fn(|hour| {
            let hour = day * DAY_HOURS + hour as i64;
            let is_empty = self.empty.iter().any(|(from, to)| (*from..=*to).contains(&hour));
            (!is_empty).then(|| self.units.get(&hour).copied().unwrap_or(0))
        });
        Day { calendar: calendar(day), hours }
    }
}

/// A usual day, by its days since 1970.
pub fn calendar(day: i64) -> Calendar {
    // 1 January 1970 was a Thursday.
    Calendar::usual((day + 3).rem_euclid(7) as u8)
}

/// Days since 1970 as `yyyy-mm-dd`.
pub fn date(day: i64) -> String {
    Timestamp::from_secs(day.saturating_mul(DAY_HOURS * HOUR_SECS)).business_day(0).to_string()
}

/// `yyyy-mm-dd` as days since 1970; nothing where it is no date.
pub fn number(date: &str) -> Option<i64> {
    let midnight = Timestamp::parse_rfc3339(&format!("{date}T00:00:00Z")).ok()?;
    Some(midnight.secs().div_euclid(DAY_HOURS * HOUR_SECS))
}

/// The business hour an instant is in, in hours since 1970 in that zone.
fn business_hour(secs: i64) -> i64 {
    secs.saturating_add(BusinessDay::SHANGHAI_OFFSET.into()).div_euclid(HOUR_SECS)
}

const DEMAND: &str = "
SELECT sku, channel, kind, MIN(happened_epoch) AS at, MAX(units_count) FROM fct_insight_demand
WHERE merchant = ?1 AND entry_pos <= ?2 AND kind <> 'supplied' GROUP BY sku, channel, attempt_no, kind
UNION ALL
SELECT sku, channel, kind, happened_epoch, units_count FROM fct_insight_demand
WHERE merchant = ?1 AND entry_pos <= ?2 AND kind = 'supplied'
ORDER BY at, 3, 2, 1";

/// An attempt that was refused and then came through is one: its refusal brings no units of its own.
const AGAIN: &str = "
SELECT sku, channel, MIN(happened_epoch), MAX(units_count) FROM fct_insight_demand
WHERE merchant = ?1 AND entry_pos <= ?2 AND kind <> 'supplied' GROUP BY sku, channel, attempt_no ORDER BY 1, 2, 3";

/// Demand by item and account, as known at the position, and the last business day anything of it happened (in days
/// since 1970).
pub async fn demand<'e, E>(
    db: E,
    merchant: &MerchantId,
    at: Position,
) -> Result<(BTreeMap<(Sku, Account), Demand>, Option<i64>), sqlx::Error>
where
    E: SqliteExecutor<'e> + Copy,
{
    let mut found: BTreeMap<(Sku, Account), Demand> = BTreeMap::new();
    let mut last = None;
    for row in sqlx::query(AGAIN).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await? {
        let hour = business_hour(row.try_get(2)?);
        let units: u32 = row.try_get(3)?;
        let of = found.entry((parsed(row.try_get(0)?)?, parsed(row.try_get(1)?)?)).or_default();
        let sum = of.units.entry(hour).or_default();
        *sum = sum.saturating_add(units);
        last = last.max(Some(hour.div_euclid(DAY_HOURS)));
    }
    let mut out: BTreeMap<(Sku, Account), i64> = BTreeMap::new();
    let mut end = i64::MIN;
    for row in sqlx::query(DEMAND).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await? {
        let sku: Sku = parsed(row.try_get(0)?)?;
        let account = row.try_get::<Option<&str>, _>(1)?.map(parsed::<Account>).transpose()?;
        let hour = business_hour(row.try_get(3)?);
        end = end.max(hour);
        if let (kind::REFUSED, Some(account)) = (row.try_get(2)?, &account) {
            out.entry((sku, account.clone())).or_insert(hour);
            continue;
        }
        let is_over = |key: &(Sku, Account)| key.0 == sku && account.as_ref().is_none_or(|it| *it == key.1);
        let over: Vec<(Sku, Account)> = out.keys().filter(|key| is_over(key)).cloned().collect();
        for key in over {
            if let (Some(from), Some(demand)) = (out.remove(&key), found.get_mut(&key)) {
                demand.empty.push((from, hour));
            }
        }
    }
    for (key, from) in out {
        if let Some(demand) = found.get_mut(&key) {
            demand.empty.push((from, end));
        }
    }
    Ok((found, last))
}

fn parsed<T: std::str::FromStr<Err = vocabulary::ParseError>>(text: &str) -> Result<T, sqlx::Error> {
    text.parse().map_err(damaged)
}
