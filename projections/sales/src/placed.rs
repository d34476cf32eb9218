//! What was ordered, item by item, and sharing amounts among the items.

use std::sync::Arc;

use events::order::PastLine;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, Currency, Sku, Timestamp};

use crate::sums::{Cell, hour_of};

/// What was ordered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) account: Account,
    pub(crate) currency: Currency,
    pub(crate) buyer: Option<BuyerId>,
    pub(crate) at: Timestamp,
    /// Money that was given back elsewhere is no order.
    pub(crate) is_order: bool,
    /// Each item once.
    pub(crate) parts: Vec<Part>,
    /// Which part each line belongs to.
    pub(crate) lines: Vec<u16>,
}

/// One item of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) sku: Arc<str>,
    pub(crate) units: i64,
    /// What it costs.
    pub(crate) amount: i64,
    /// What it would cost by our list price, where there was one.
    pub(crate) list: Option<i64>,
}

impl Placed {
    pub(crate) fn new(
        account: &Account,
        currency: Currency,
        buyer: Option<BuyerId>,
        at: Timestamp,
        lines: impl Iterator<Item = Part>,
    ) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut places = Vec::new();
        for line in lines {
            let known = parts.iter().position(|part| part.sku == line.sku);
            places.push(u16::try_from(known.unwrap_or(parts.len())).unwrap_or(u16::MAX));
            match known.and_then(|place| parts.get_mut(place)) {
                Some(part) => {
                    part.units = part.units.saturating_add(line.units);
                    part.amount = part.amount.saturating_add(line.amount);
                    part.list = part.list.zip(line.list).map(|(a, b)| a.saturating_add(b));
                }
                None => parts.push(line),
            }
        }
        Self { account: account.clone(), currency, buyer, at, is_order: true, parts, lines: places }
    }

    /// What the order costs.
    pub(crate) fn amount(&self) -> i64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.amount))
    }

    /// The item of a line.
    pub(crate) fn sku_of(&self, line: u16) -> Option<&Arc<str>> {
        let part = self.lines.get(usize::from(line))?;
        self.parts.get(usize::from(*part)).map(|part| &part.sku)
    }

    /// The cell that an item counts in at an instant.
    pub(crate) fn cell(&self, part: &Part, at: Timestamp) -> Cell {
        Cell {
            hour: hour_of(at),
            account: self.account.clone(),
            sku: part.sku.clone(),
            currency: self.currency,
        }
    }
}

/// A line of something past: its item is by the name it had there, where that is none of ours.
pub(crate) fn past(line: &PastLine, sign: i64) -> Part {
    let sku = line.item.parse::<Sku>().map_or_else(|_| line.item.as_str().into(), |sku| sku.as_str().into());
    let (units, amount) = (sign.saturating_mul(line.quantity), sign.saturating_mul(line.amount.minor));
    Part { sku, units, amount, list: None }
}

/// Shares of an amount in proportion to what the parts cost (to their units where they cost nothing). Each share is
/// the difference of two rounded running totals, so they add up to the amount exactly. An amount that is what the
/// parts cost is shared just so.
pub(crate) fn spread(amount: i64, parts: &[Part]) -> Vec<i64> {
    if parts.iter().map(|part| i128::from(part.amount)).sum::<i128>() == i128::from(amount) {
        return parts.iter().map(|part| part.amount).collect();
    }
    let is_free = parts.iter().all(|part| part.amount <= 0);
    let weight = |part: &Part| i128::from(if is_free { part.units } else { part.amount }.max(0));
    let whole: i128 = parts.iter().map(weight).sum();
    let (mut so_far, mut given) = (0_i128, 0_i64);
    let last = parts.len().saturating_sub(1);
    parts
        .iter()
        .enumerate()
        .map(|(place, part)| {
            so_far += weight(part);
            // A part of an i64, hence one itself. Where nothing weighs anything, the last part takes all.
            let total = if place == last { amount } else { share_of(amount, so_far, whole) };
            let share = total - given;
            given = total;
            share
        })
        .collect()
}

fn share_of(amount: i64, part: i128, whole: i128) -> i64 {
    i64::try_from(i128::from(amount) * part / whole.max(1)).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_add_up_to_the_amount(
            amount in 0..i64::MAX,
            prices in proptest::collection::vec((0..1_000_000_i64, 1..100_i64), 1..8),
        ) {
            let part = |(amount, units)| Part { sku: "steam-50".into(), units, amount, list: None };
            let parts: Vec<Part> = prices.into_iter().map(part).collect();
            let shares = spread(amount, &parts);
            prop_assert_eq!(shares.iter().sum::<i64>(), amount);
            prop_assert!(shares.iter().all(|share| *share >= 0));
        }
    }

    #[test]
    fn what_the_parts_cost_is_shared_just_so_even_where_one_takes_off() {
        let part = |amount| Part { sku: "x".into(), units: 1, amount, list: None };
        assert_eq!(spread(70, &[part(100), part(-30)]), [100, -30]);
        assert_eq!(spread(35, &[part(100), part(-30)]), [35, 0]);
    }
}
