//! One order as sales see it, and what its facts add to the cells of the mart.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use events::{
    Fact,
    order::{OrderPlaced, PastLine},
};
use projection::Event;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BusinessDay, Currency, Money, Position, Timestamp};

const HOUR_US: i64 = 3_600_000_000;

/// What is kept of an order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sale {
    pub(crate) placed: Option<Placed>,
    /// What happened before the order itself became known, to be counted when it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    early: Vec<(Timestamp, Entry)>,
    pub(crate) units: i64,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) paid_fen: i64,
    pub(crate) refund_fen: i64,
    pub(crate) is_delivered: bool,
    #[serde(skip)]
    pub(crate) last_pos: Position,
}

/// What was ordered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) account: Account,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<Line>,
}

/// A line: item, units, price in minor units.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: Arc<str>,
    pub(crate) units: u32,
    pub(crate) minor: i64,
}

/// What counts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Paid(Money),
    Delivered,
    Refunded(Money),
    Lost(Money),
}

/// Which cell of the mart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) day: BusinessDay,
    pub(crate) account: Account,
    pub(crate) sku: Arc<str>,
    pub(crate) currency: Currency,
    pub(crate) hour: Timestamp,
}

/// What is added to a cell, in the order of the mart's columns after its key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) orders: i64,
    pub(crate) units: i64,
    pub(crate) gross: i64,
    pub(crate) delivered: i64,
    pub(crate) deliver_ms: i64,
    pub(crate) delivered_orders: i64,
    pub(crate) refunds: i64,
    pub(crate) refund: i64,
    pub(crate) loss: i64,
    pub(crate) last_pos: Position,
}

/// The cells a batch adds to.
pub(crate) type Cells = BTreeMap<Cell, Sums>;

impl Sale {
    /// Takes in an event of the order's stream. Returns whether it mattered.
    pub(crate) fn apply(&mut self, event: &Event, cells: &mut Cells) -> bool {
        let entry = match &event.fact {
            Fact::OrderPlaced(fact) => {
                self.place(fact, event.position, cells);
                self.last_pos = event.position;
                return true;
            }
            Fact::PastOrderRecorded(e) => {
                self.paid_at = Some(event.occurred_at);
                self.paid_fen = e.total.minor;
                self.units = units(&e.lines);
                self.count_past(&e.account, &e.lines, event, cells);
                return true;
            }
            Fact::PastRefundRecorded(e) => {
                self.refund_fen = e.total.minor;
                self.count_past(&e.account, &e.lines, event, cells);
                return true;
            }
            Fact::PaymentConfirmed(fact) => Entry::Paid(fact.amount),
            Fact::OrderDelivered(_) if !self.is_delivered => Entry::Delivered,
            Fact::RefundSettled(fact) => Entry::Refunded(fact.amount),
            Fact::LossRecorded(fact) => Entry::Lost(fact.amount),
            _ => return false,
        };
        self.last_pos = event.position;
        match self.placed.clone() {
            Some(placed) => self.count(&placed, event.occurred_at, entry, event.position, cells),
            None => self.early.push((event.occurred_at, entry)),
        }
        true
    }

    fn place(&mut self, fact: &OrderPlaced, position: Position, cells: &mut Cells) {
        let line = |line: &events::order::OrderLine| Line {
            sku: line.sku.as_str().into(),
            units: line.quantity.get(),
            minor: line.amount.minor,
        };
        let placed = Placed {
            account: fact.account.clone(),
            currency: fact.total.currency,
            lines: fact.lines.iter().map(line).collect(),
        };
        for (at, entry) in std::mem::take(&mut self.early) {
            self.count(&placed, at, entry, position, cells);
        }
        self.units = placed.lines.iter().map(|line| i64::from(line.units)).sum();
        self.placed = Some(placed);
    }

    /// All that ever happens to an order of the past. Its lines have their own amounts, some of them negative. A refund
    /// names no order, so it counts when it was given.
    fn count_past(&mut self, account: &Account, lines: &[PastLine], event: &Event, cells: &mut Cells) {
        let currency = lines.first().map_or(Currency::CNY, |line| line.amount.currency);
        self.placed = Some(Placed { account: account.clone(), currency, lines: Vec::new() });
        self.last_pos = event.position;
        let is_refund = matches!(event.fact, Fact::PastRefundRecorded(_));
        let mut items = BTreeSet::new();
        for line in lines {
            let once = i64::from(items.insert(line.item.as_str()));
            let key = cell(account, line.item.as_str().into(), currency, event.occurred_at);
            let sums = cells.entry(key).or_default();
            sums.last_pos = event.position;
            if is_refund {
                sums.refunds += once;
                sums.refund = sums.refund.saturating_sub(line.amount.minor);
            } else {
                sums.orders += once;
                sums.units = sums.units.saturating_add(line.quantity);
                sums.gross = sums.gross.saturating_add(line.amount.minor);
            }
        }
    }

    fn count(&mut self, placed: &Placed, at: Timestamp, entry: Entry, position: Position, cells: &mut Cells) {
        let is_first_payment = matches!(entry, Entry::Paid(_)) && self.paid_at.is_none();
        if is_first_payment {
            self.paid_at = Some(at);
        }
        let amount = match entry {
            Entry::Paid(amount) | Entry::Refunded(amount) | Entry::Lost(amount) => amount,
            Entry::Delivered => Money::zero(placed.currency),
        };
        match entry {
            Entry::Paid(_) => self.paid_fen = self.paid_fen.saturating_add(amount.minor),
            Entry::Refunded(_) => self.refund_fen = self.refund_fen.saturating_add(amount.minor),
            Entry::Delivered => self.is_delivered = true,
            Entry::Lost(_) => {}
        }
        let paid_at = self.paid_at.unwrap_or(at);
        let wait_ms = (at.micros().saturating_sub(paid_at.micros()) / 1_000).max(0);
        let shares = spread(amount.minor, &placed.lines);
        for (number, (line, share)) in placed.lines.iter().zip(shares).enumerate() {
            // Two lines of one item are one order for that item.
            let once = i64::from(!placed.lines[..number].iter().any(|earlier| earlier.sku == line.sku));
            let sums =
                cells.entry(cell(&placed.account, line.sku.clone(), amount.currency, paid_at)).or_default();
            sums.last_pos = position;
            match entry {
                Entry::Paid(_) => {
                    sums.gross = sums.gross.saturating_add(share);
                    sums.orders += i64::from(is_first_payment) * once;
                    sums.units += i64::from(is_first_payment) * i64::from(line.units);
                }
                Entry::Delivered => {
                    sums.delivered += i64::from(line.units);
                    sums.delivered_orders += once;
                    sums.deliver_ms = sums.deliver_ms.saturating_add(wait_ms * once);
                }
                Entry::Refunded(_) => {
                    sums.refunds += once;
                    sums.refund = sums.refund.saturating_add(share);
                }
                Entry::Lost(_) => sums.loss = sums.loss.saturating_add(share),
            }
        }
    }
}

fn units(lines: &[PastLine]) -> i64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
}

fn cell(account: &Account, sku: Arc<str>, currency: Currency, paid_at: Timestamp) -> Cell {
    Cell {
        day: paid_at.business_day(BusinessDay::SHANGHAI_OFFSET),
        hour: Timestamp::from_micros(paid_at.micros().div_euclid(HOUR_US).saturating_mul(HOUR_US)),
        account: account.clone(),
        sku,
        currency,
    }
}

/// Shares of an amount in proportion to what the lines cost (to their units where they cost nothing). Each share is
/// the difference of two rounded running totals, so they add up to the amount exactly.
fn spread(amount: i64, lines: &[Line]) -> Vec<i64> {
    let is_free = lines.iter().all(|line| line.minor <= 0);
    let weight = |line: &Line| i128::from(if is_free { i64::from(line.units) } else { line.minor.max(0) });
    let whole: i128 = lines.iter().map(weight).sum::<i128>().max(1);
    let (mut so_far, mut given) = (0_i128, 0_i64);
    lines
        .iter()
        .map(|line| {
            so_far += weight(line);
            // A part of an i64, hence one itself.
            let total = i64::try_from(i128::from(amount) * so_far / whole).unwrap_or(amount);
            let share = total - given;
            given = total;
            share
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_add_up_to_the_amount(
            amount in 0..i64::MAX,
            prices in proptest::collection::vec((0..1_000_000_i64, 1..100_u32), 1..8),
        ) {
            let line = |(minor, units)| Line { sku: "steam-50".into(), units, minor };
            let lines: Vec<Line> = prices.into_iter().map(line).collect();
            let shares = spread(amount, &lines);
            prop_assert_eq!(shares.iter().sum::<i64>(), amount);
            prop_assert!(shares.iter().all(|share| *share >= 0));
        }
    }
}
