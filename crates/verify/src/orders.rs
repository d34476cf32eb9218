//! What the events so far say of each order. The checks of lines, payment and money read it.

use std::collections::BTreeMap;

use events::{Fact, order::OrderLine};
use vocabulary::{Account, Money, OrderId};

use crate::{keys::Move, life::Status, money::Ledger};

/// What was ordered.
pub(crate) struct Placed {
    pub(crate) account: Account,
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) total: Money,
}

/// The units of one line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) reserved: u32,
    pub(crate) allocated: u32,
    /// Delivered and not revoked.
    pub(crate) delivered: u32,
    pub(crate) revoked: u32,
    /// Allocations that were made in place of a bad key.
    pub(crate) replacements: u32,
}

/// One order.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) placed: Option<Placed>,
    /// By line; a line is missing while nothing was held for it.
    pub(crate) tallies: Vec<Tally>,
    /// What was confirmed.
    pub(crate) paid: Option<Money>,
    pub(crate) ledger: Ledger,
    /// The newest delivery by a call: its number, and its keys in short.
    pub(crate) requested: Option<(u32, u128)>,
    /// Keys were handed over at least once.
    pub(crate) delivered: bool,
    /// It was closed or called off.
    pub(crate) closed: bool,
}

impl Order {
    /// Whether all of its price is confirmed, in its own currency.
    pub(crate) fn is_paid(&self) -> bool {
        let Some(placed) = &self.placed else { return false };
        let paid = self.paid.unwrap_or_else(|| Money::zero(placed.total.currency));
        paid.currency == placed.total.currency && paid.minor >= placed.total.minor
    }
    /// The units of a line.
    pub(crate) fn tally(&mut self, line: u16) -> &mut Tally {
        let line = usize::from(line);
        if self.tallies.len() <= line {
            self.tallies.resize(line + 1, Tally::default());
        }
        &mut self.tallies[line]
    }
    /// How many units are bound but not handed over.
    pub(crate) fn allocated(&self) -> u64 {
        self.tallies.iter().map(|tally| u64::from(tally.allocated)).sum()
    }
    /// How many units are with the buyer and good.
    pub(crate) fn live(&self) -> u64 {
        self.tallies.iter().map(|tally| u64::from(tally.delivered)).sum()
    }
}

/// The orders of one merchant.
#[derive(Default)]
pub(crate) struct Orders {
    orders: BTreeMap<OrderId, Order>,
    /// Orders that the unit at hand is about.
    touched: Vec<OrderId>,
}

impl Orders {
    pub(crate) fn get(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }
    /// The order, to be changed by the unit at hand.
    pub(crate) fn touch(&mut self, id: OrderId) -> &mut Order {
        if self.touched.last() != Some(&id) {
            self.touched.push(id);
        }
        self.orders.entry(id).or_default()
    }
    /// The orders that the unit was about, each once; the next unit begins.
    pub(crate) fn take_touched(&mut self) -> Vec<OrderId> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        touched
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = (OrderId, &Order)> {
        self.orders.iter().map(|(id, order)| (*id, order))
    }

    /// Takes in what an order's own stream says of its course.
    pub(crate) fn fact(&mut self, id: OrderId, fact: &Fact) {
        let order = self.touch(id);
        match fact {
            Fact::OrderPlaced(e) if order.placed.is_none() => {
                let (account, lines, total) = (e.account.clone(), e.lines.clone(), e.total);
                order.placed = Some(Placed { account, lines, total });
            }
            Fact::OrderDelivered(_) => order.delivered = true,
            Fact::OrderCancelled(_) | Fact::OrderClosed(_) => order.closed = true,
            _ => {}
        }
    }

    /// Takes in what happened to units.
    pub(crate) fn moved(&mut self, moves: &[Move]) {
        for (moved, (order, line)) in moves.iter().filter_map(|m| Some((m, m.holder?))) {
            let tally = self.touch(order).tally(line);
            match moved.from {
                Some(Status::Reserved) => tally.reserved = tally.reserved.saturating_sub(1),
                Some(Status::Allocated) => tally.allocated = tally.allocated.saturating_sub(1),
                Some(Status::Delivered) => tally.delivered = tally.delivered.saturating_sub(1),
                _ => {}
            }
            match moved.to {
                Status::Reserved => tally.reserved += 1,
                Status::Allocated => tally.allocated += 1,
                Status::Delivered => tally.delivered += 1,
                Status::Revoked => tally.revoked += 1,
                Status::Stock | Status::Voided => {}
            }
        }
    }
}
