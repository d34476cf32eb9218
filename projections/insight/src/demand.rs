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

/// Demand of one item on one account: units asked for, orders and refused attempts alike, and when nothing was in
/// stock.
///
/// Nothing is in stock from a refused attempt until something is ordered there, keys of the item come in, or its quota
/// is set. An attempt that comes again under its number is the same demand, and counts when it first came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// Units asked for in each hour, by hours since 1970 in the business zone.
    pub(crate) units: BTreeMap<i64, u32>,
    /// Times without stock, in order.
    pub(crate) outages: Vec<Outage>,
    /// Attempts that were refused, in order.
    refused: Vec<Refused>,
}

/// An attempt that was refused: when, and its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused {
    at_secs: i64,
    units: u32,
    /// Those that came through later: all or none.
    returned: u32,
}

/// A time without stock, as whoever counts the stock knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Empty {
    /// When it began, in seconds since 1970.
    pub from_secs: i64,
    /// When it ended; none while it lasts.
    pub to_secs: Option<i64>,
    /// Why there was none: `out_of_stock` or `quota_exhausted`.
    pub cause: String,
}

/// A time without stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When it began, in seconds since 1970.
    pub from_secs: i64,
    /// When it ended; none while it lasts.
    pub to_secs: Option<i64>,
    /// Why there was none, as the first refused attempt was told.
    pub cause: String,
    /// Units of attempts that were refused in it.
    pub refused_units: u32,
    /// Of these, units of attempts that came through later.
    pub returned_units: u32,
}

impl Outage {
    /// Whether some part of a business hour (since 1970) lies in it.
    fn touches(&self, hour: i64) -> bool {
        let last = self.to_secs.map_or(i64::MAX, business_hour);
        (business_hour(self.from_secs)..=last).contains(&hour)
    }
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

    /// The times without stock, in order.
    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// Replaces the times without stock, as whoever counts the stock knows them better: nobody needs to be refused for
    /// one to begin, and an attempt for more than there is does not make one. They come in order and do not overlap.
    /// Refused attempts belong to the time in which they came.
    pub fn with_outages(mut self, times: Vec<Empty>) -> Self {
        let outage = |Empty { from_secs, to_secs, cause }: Empty| {
            let within = |it: &&Refused| it.at_secs >= from_secs && to_secs.is_none_or(|to| it.at_secs < to);
            let refused: Vec<&Refused> = self.refused.iter().filter(within).collect();
            let sum = |units: fn(&Refused) -> u32| {
                refused.iter().fold(0_u32, |sum, refused| sum.saturating_add(units(refused)))
            };
            let (refused_units, returned_units) = (sum(|it| it.units), sum(|it| it.returned));
            Outage { from_secs, to_secs, cause, refused_units, returned_units }
        };
        self.outages = times.into_iter().map(outage).collect();
        self
    }

    /// Begins, goes on with or ends a time without stock.
    fn take_in(&mut self, at: i64, sign: &Sign) {
        if let Sign::Refused { units, returned, .. } = sign {
            self.refused.push(Refused { at_secs: at, units: *units, returned: *returned });
        }
        let open = self.outages.last_mut().filter(|outage| outage.to_secs.is_none());
        match (sign, open) {
            (Sign::Sold | Sign::Supplied, Some(outage)) => outage.to_secs = Some(at),
            (Sign::Sold | Sign::Supplied, None) => {}
            (Sign::Refused { units, returned, .. }, Some(outage)) => {
                outage.refused_units = outage.refused_units.saturating_add(*units);
                outage.returned_units = outage.returned_units.saturating_add(*returned);
            }
            (Sign::Refused { cause, units, returned }, None) => self.outages.push(Outage {
                from_secs: at,
                to_secs: None,
                cause: cause.clone(),
                refused_units: *units,
                returned_units: *returned,
            }),
        }
    }

    /// One day.
    pub fn day(&self, day: i64) -> Day {
        let hours = std::array::from_fn(|hour| {
            let hour = day * DAY_HOURS + hour as i64;
            let is_empty = self.outages.iter().any(|outage| outage.touches(hour));
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

/// What became of each attempt: when it first came, was first refused and came through.
const ATTEMPTS: &str = "
SELECT sku, channel, MIN(happened_epoch), MAX(units_count), MAX(cause),
       MIN(CASE kind WHEN 'refused' THEN happened_epoch END), MIN(CASE kind WHEN 'asked' THEN happened_epoch END)
FROM fct_insight_demand WHERE merchant = ?1 AND entry_pos <= ?2 AND kind <> 'supplied'
GROUP BY sku, channel, attempt_no ORDER BY sku, channel, 3, attempt_no";

const SUPPLIES: &str = "
SELECT sku, channel, happened_epoch FROM fct_insight_demand
WHERE merchant = ?1 AND entry_pos <= ?2 AND kind = 'supplied' ORDER BY entry_pos, sku";

/// What happened to the stock of an item, on one account or on all, in the order of its kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Sold,
    Refused { cause: String, units: u32, returned: u32 },
    Supplied,
}

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
    let mut signs: Vec<(i64, Sign, Sku, Option<Account>)> = Vec::new();
    let mut last = None;
    for row in sqlx::query(ATTEMPTS).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await? {
        let (sku, account): (Sku, Account) = (parsed(row.try_get(0)?)?, parsed(row.try_get(1)?)?);
        let (hour, units) = (business_hour(row.try_get(2)?), row.try_get::<u32, _>(3)?);
        let demand = found.entry((sku.clone(), account.clone())).or_default();
        let sum = demand.units.entry(hour).or_default();
        *sum = sum.saturating_add(units);
        last = last.max(Some(hour.div_euclid(DAY_HOURS)));
        let sold: Option<i64> = row.try_get(6)?;
        if let Some(refused) = row.try_get::<Option<i64>, _>(5)? {
            let cause = row.try_get::<Option<String>, _>(4)?.unwrap_or_default();
            let returned = if sold.is_some() { units } else { 0 };
            signs.push((
                refused,
                Sign::Refused { cause, units, returned },
                sku.clone(),
                Some(account.clone()),
            ));
        }
        signs.extend(sold.map(|at| (at, Sign::Sold, sku, Some(account))));
    }
    for row in sqlx::query(SUPPLIES).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await? {
        let account = row.try_get::<Option<&str>, _>(1)?.map(parsed::<Account>).transpose()?;
        signs.push((row.try_get(2)?, Sign::Supplied, parsed(row.try_get(0)?)?, account));
    }
    signs.sort();
    for (at, sign, sku, account) in signs {
        take_in(&mut found, at, &sign, &sku, account.as_ref());
    }
    Ok((found, last))
}

/// Tells every account that a sign speaks of.
fn take_in(
    found: &mut BTreeMap<(Sku, Account), Demand>,
    at: i64,
    sign: &Sign,
    sku: &Sku,
    account: Option<&Account>,
) {
    match account {
        Some(account) => {
            if let Some(demand) = found.get_mut(&(sku.clone(), account.clone())) {
                demand.take_in(at, sign);
            }
        }
        None => found.iter_mut().filter(|((its, _), _)| its == sku).for_each(|(_, it)| it.take_in(at, sign)),
    }
}

fn parsed<T: std::str::FromStr<Err = vocabulary::ParseError>>(text: &str) -> Result<T, sqlx::Error> {
    text.parse().map_err(damaged)
}
