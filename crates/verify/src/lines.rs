//! I11: a line never has more units than were ordered and paid, a replacement needs a revoked key, and a call
//! that ended well handed over the keys it was begun with.
//!
//! Counts are compared where a unit of the log ends: what one command did is one step.

use events::{Fact, order::LineKeys, pool::AllocationReason};
use vocabulary::{KeyRef, OrderId};

use crate::{
    chain,
    keys::Keys,
    life::Status,
    orders::{Order, Orders},
    report::{At, Findings, Invariant},
};

/// Replacements of the unit at hand.
#[derive(Default)]
pub(crate) struct Lines {
    /// Order, line, bad key, new key.
    replaced: Vec<(OrderId, u16, KeyRef, KeyRef)>,
}

impl Lines {
    /// Call after keys and orders took the fact in. `own` is the order whose stream it stands in.
    pub(crate) fn fact(
        &mut self,
        fact: &Fact,
        own: Option<OrderId>,
        keys: &Keys,
        orders: &mut Orders,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        match (fact, own) {
            (Fact::KeysAllocated(e), _) if e.chosen == AllocationReason::Replacement => {
                let count = u32::try_from(e.keys.len()).unwrap_or(u32::MAX);
                orders.touch(e.order).tally(e.line).replacements += count;
            }
            (Fact::KeyReplaced(e), Some(order)) => self.replaced.push((order, e.line, e.old, e.new)),
            (Fact::OrderFulfilled(e), Some(order)) => {
                listed(&e.lines, order, keys, orders.touch(order), at, findings);
            }
            (Fact::DeliveryRequested(e), Some(order)) => {
                orders.touch(order).requested = Some((e.delivery, in_short(&e.lines)));
            }
            (Fact::OrderDelivered(e), Some(order)) => {
                let order = orders.touch(order);
                if order.requested.is_some_and(|(n, keys)| n == e.delivery && keys != in_short(&e.lines)) {
                    let message = format!("delivery {} was begun with other keys", e.delivery);
                    findings.violation(Invariant::I11, at, message);
                }
                items(&e.lines, keys, order, at, findings);
            }
            (Fact::LineAllocated(e), Some(order)) => all_bound(&e.keys, (order, e.line), keys, at, findings),
            _ => {}
        }
    }

    /// The unit is over: the keys it replaced.
    pub(crate) fn end_unit(&mut self, keys: &Keys, position: u64, findings: &mut Findings) {
        for (order, line, old, new) in self.replaced.drain(..) {
            let stream = order.to_string();
            let at = At::event(position, &stream);
            let revoked = keys
                .unit(old)
                .is_some_and(|unit| unit.status == Status::Revoked && unit.holder == Some((order, line)));
            if !revoked {
                findings.violation(Invariant::I11, at, format!("key {old} was replaced but not revoked"));
            }
            all_bound(&[new], (order, line), keys, at, findings);
        }
    }
}

/// The unit is over: the lines of an order it was about.
pub(crate) fn end_unit(id: OrderId, order: &Order, position: u64, findings: &mut Findings) {
    let stream = id.to_string();
    let mut wrong =
        |message: String| findings.violation(Invariant::I11, At::event(position, &stream), message);
    let ordered = order.placed.as_ref().map(|placed| placed.lines.as_slice()).unwrap_or_default();
    let paid = order.is_paid();
    for (number, tally) in order.tallies.iter().enumerate() {
        let quantity = ordered.get(number).map_or(0, |line| line.quantity.get());
        let has = tally.reserved.saturating_add(tally.allocated).saturating_add(tally.delivered);
        if has > quantity {
            wrong(format!("line {number} has {has} units, {quantity} were ordered"));
        }
        let paid_quantity = if paid { quantity } else { 0 };
        if tally.delivered > paid_quantity {
            wrong(format!("line {number} was handed {} units, {paid_quantity} are paid", tally.delivered));
        }
        if tally.replacements > tally.revoked {
            let (new, old) = (tally.replacements, tally.revoked);
            wrong(format!("line {number} got {new} replacements for {old} revoked keys"));
        }
    }
}

/// A fulfilled order lists every line with as many units as were ordered.
fn listed(lines: &[LineKeys], id: OrderId, keys: &Keys, order: &Order, at: At<'_>, findings: &mut Findings) {
    let ordered = order.placed.as_ref().map(|placed| placed.lines.as_slice()).unwrap_or_default();
    for (number, line) in (0_u16..).zip(ordered) {
        let has: usize = lines.iter().filter(|l| l.line == number).map(|l| l.keys.len()).sum();
        if has != line.quantity.get() as usize {
            let message = format!("line {number} is fulfilled with {has} of {} units", line.quantity.get());
            findings.violation(Invariant::I11, at, message);
        }
    }
    for line in lines {
        all_bound(&line.keys, (id, line.line), keys, at, findings);
    }
    items(lines, keys, order, at, findings);
}

/// The lines and their keys, to see whether they are the same.
fn in_short(lines: &[LineKeys]) -> u128 {
    let pairs = lines.iter().flat_map(|line| line.keys.iter().map(|key| (line.line, *key)));
    let mut texts: Vec<String> = pairs.map(|(line, key)| format!("{line} {key}")).collect();
    texts.sort_unstable();
    chain::short(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Every key is of the item that its line ordered.
fn items(lines: &[LineKeys], keys: &Keys, order: &Order, at: At<'_>, findings: &mut Findings) {
    for line in lines {
        let ordered = order.placed.as_ref().and_then(|placed| placed.lines.get(usize::from(line.line)));
        let wrong = line.keys.iter().find(|key| keys.sku(**key) != ordered.map(|line| &line.sku));
        if let Some(key) = wrong {
            let message = format!("key {key} is not of the item that line {} ordered", line.line);
            findings.violation(Invariant::I11, at, message);
        }
    }
}

fn all_bound(list: &[KeyRef], holder: (OrderId, u16), keys: &Keys, at: At<'_>, findings: &mut Findings) {
    for key in list {
        if !keys.unit(*key).is_some_and(|unit| unit.is_bound_to(holder)) {
            let message = format!("key {key} is listed but not bound to line {}", holder.1);
            findings.violation(Invariant::I11, at, message);
        }
    }
}
