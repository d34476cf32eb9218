//! I15 and I16: each order's money adds up.
//!
//! At the end of every unit, per order: `paid + loss = live delivered value + refunded + refund due + owed`,
//! where loss is what went back although keys stay with the buyer, and `owed` (paid and not delivered) is
//! above zero only while the order is open. No more is confirmed than the order costs: other money is
//! disputed.
//!
//! The value of some of a line's units is their share of the line's amount; where it does not divide, either
//! rounding is accepted. A refund may be settled before its payment is known: its order is judged from the
//! payment on.

use std::collections::{BTreeMap, HashMap, HashSet};

use events::{Fact, order::PaymentConfirmed};
use vocabulary::{Money, OrderId};

use crate::{
    chain,
    orders::{Order, Orders},
    report::{At, Findings, Invariant},
};

/// What went back, or will, in minor units of the order's currency.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    loss: i128,
    refunded: i128,
    /// By refund number.
    due: BTreeMap<Box<str>, i128>,
    settled: Vec<Box<str>>,
}

impl Ledger {
    fn due(&self) -> i128 {
        self.due.values().sum()
    }
    /// What went back or will.
    fn going_back(&self) -> i128 {
        self.refunded + self.due()
    }
}

/// The numbers used so far, and the refunds of the unit at hand.
#[derive(Default)]
pub(crate) struct Books {
    txns: HashSet<u128>,
    /// Refund numbers by account: the order that used them first.
    refunds: HashMap<u128, OrderId>,
    /// Orders with live keys whose refunds the unit is about, and how much was going back before.
    giving_back: BTreeMap<OrderId, i128>,
    /// Orders whose keys were revoked or whose loss was recorded.
    answered: HashSet<OrderId>,
}

impl Books {
    /// `own` is the order of the event's stream.
    pub(crate) fn fact(
        &mut self,
        fact: &Fact,
        own: Option<OrderId>,
        orders: &mut Orders,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        if let Fact::KeysRevoked(e) = fact {
            self.answered.insert(e.order);
        }
        let Some(id) = own else { return };
        match fact {
            Fact::PaymentConfirmed(e) => self.payment(e, at, findings),
            Fact::LossRecorded(e) => {
                self.answered.insert(id);
                let order = orders.touch(id);
                if same_currency(order, e.amount, at, findings) {
                    order.ledger.loss += i128::from(e.amount.minor);
                }
            }
            Fact::RefundDue(e) => {
                let order = orders.touch(id);
                self.asked(id, order, &e.refund, e.amount, at, findings);
                if same_currency(order, e.amount, at, findings) {
                    order.ledger.due.insert(e.refund.as_str().into(), e.amount.minor.into());
                }
            }
            Fact::RefundRefused(e) => {
                orders.touch(id).ledger.due.remove(e.refund.as_str());
            }
            Fact::RefundSettled(e) => self.settled(id, orders.touch(id), &e.refund, e.amount, at, findings),
            _ => {}
        }
    }

    /// The unit is over: money that goes back took keys with it or was a loss. (What was due and is settled, or
    /// is due under another number, goes back once.)
    pub(crate) fn end_unit(&mut self, orders: &Orders, position: u64, findings: &mut Findings) {
        for (id, before) in std::mem::take(&mut self.giving_back) {
            let more = orders.get(id).is_some_and(|order| order.ledger.going_back() > before);
            if !more || self.answered.contains(&id) {
                continue;
            }
            let stream = id.to_string();
            let message = "money for delivered keys goes back, but they are neither revoked nor a loss";
            findings.violation(Invariant::I16, At::event(position, &stream), message);
        }
        self.answered.clear();
    }

    fn payment(&mut self, paid: &PaymentConfirmed, at: At<'_>, findings: &mut Findings) {
        if !self.txns.insert(chain::short(&[paid.through.as_str(), &paid.txn])) {
            let message = format!("payment {} of {} was used before", paid.txn, paid.through);
            findings.violation(Invariant::I16, at, message);
        }
        if paid.amount.minor < 0 {
            findings.violation(Invariant::I15, at, "the payment is below zero");
        }
    }

    fn asked(
        &mut self,
        id: OrderId,
        order: &Order,
        refund: &str,
        amount: Money,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        if amount.minor <= 0 {
            findings.violation(Invariant::I16, at, format!("refund {refund} is not above zero"));
        }
        if order.ledger.settled.iter().any(|settled| **settled == *refund) {
            findings.violation(Invariant::I16, at, format!("refund {refund} was settled before"));
        }
        if order.live() > 0 {
            self.giving_back.entry(id).or_insert(order.ledger.going_back());
        }
    }

    fn settled(
        &mut self,
        id: OrderId,
        order: &mut Order,
        refund: &str,
        amount: Money,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        self.asked(id, order, refund, amount, at, findings);
        order.ledger.due.remove(refund);
        order.ledger.settled.push(refund.into());
        if same_currency(order, amount, at, findings) {
            order.ledger.refunded += i128::from(amount.minor);
        }
        let Some(placed) = &order.placed else { return };
        let number = chain::short(&[placed.account.as_str(), refund]);
        // Numbers of our own are unique within an order only, so this alone is no violation.
        let first = *self.refunds.entry(number).or_insert(id);
        if first != id && !ours(refund) {
            findings
                .warn(format!("refund {refund} of {} was settled for {first} and for {id}", placed.account));
        }
    }
}

/// The unit is over: the money of an order it was about.
pub(crate) fn end_unit(id: OrderId, order: &Order, position: u64, findings: &mut Findings) {
    let Some(paid) = order.paid else { return };
    let paid = i128::from(paid.minor);
    let stream = id.to_string();
    let mut wrong = |invariant, message| findings.violation(invariant, At::event(position, &stream), message);
    let price = order.placed.as_ref().map_or(paid, |placed| i128::from(placed.total.minor));
    if paid > price {
        wrong(Invariant::I15, format!("{paid} is confirmed, the order costs {price}"));
    }
    let Ledger { loss, refunded, .. } = &order.ledger;
    let due = order.ledger.due();
    if *refunded > paid {
        wrong(Invariant::I16, format!("{refunded} was refunded of {paid} paid"));
    } else if refunded + due > paid {
        wrong(Invariant::I16, format!("{refunded} was refunded and {due} is due of {paid} paid"));
    }
    if *loss < 0 || *loss > refunded + due {
        wrong(Invariant::I15, format!("the loss is {loss}, with {refunded} refunded and {due} due"));
    }
    let (least, most) = live_value(order);
    let balance = paid + loss - refunded - due;
    if balance < least {
        wrong(
            Invariant::I15,
            format!("keys worth {least} are live, but only {balance} of the payment is left"),
        );
    }
    if order.closed && order.allocated() == 0 && balance > most {
        wrong(Invariant::I15, format!("the order is closed, but owes {}", balance - most));
    }
}

/// The log is over: refunds that no payment explains.
pub(crate) fn finish(orders: &Orders, findings: &mut Findings) {
    let unexplained = |order: &Order| order.paid.is_none() && order.ledger.refunded > 0;
    for (id, _) in orders.iter().filter(|(_, order)| unexplained(order)) {
        findings.warn(format!("a refund of {id} is settled, but no payment is known"));
    }
}

/// The value of the live delivered units, rounded down and up.
fn live_value(order: &Order) -> (i128, i128) {
    let lines = order.placed.iter().flat_map(|placed| &placed.lines);
    lines.zip(&order.tallies).fold((0, 0), |(least, most), (line, tally)| {
        let share = i128::from(line.amount.minor) * i128::from(tally.delivered);
        let quantity = i128::from(line.quantity.get());
        let up = i128::from(share.rem_euclid(quantity) != 0);
        (least + share.div_euclid(quantity), most + share.div_euclid(quantity) + up)
    })
}

/// Numbers that the order process makes up, the same for every order.
fn ours(refund: &str) -> bool {
    let first = refund.split("-rest").next().unwrap_or_default();
    matches!(first, "backorder" | "cancelled") || refund.starts_with("late-")
}

fn same_currency(order: &Order, amount: Money, at: At<'_>, findings: &mut Findings) -> bool {
    let total = order.placed.as_ref().map(|placed| placed.total).or(order.paid);
    let same = total.is_none_or(|total| total.currency == amount.currency);
    if !same {
        findings.violation(Invariant::I15, at, "the amount is not in the order's currency");
    }
    same
}
