//! The purchase process: what happens to keys when something happens to an order, and the other way round.
//!
//! Events in, commands out, run by the sequencer in the same atomic unit, so that "paid" and "keys chosen" cannot
//! come apart.

use events::{Fact, order::KeyReplaced, pool::AllocationReason};
use vocabulary::{DeliveryMethod, OrderId, Sku, Timestamp};

use super::{Command, DeliverBy, Placed, State};
use crate::pool;

/// A command that follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// For a key pool.
    Pool(Sku, Box<pool::Command>),
    /// For an order.
    Order(OrderId, Box<Command>),
}

/// What the process needs to know besides events and state.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// Now.
    pub now: Timestamp,
    /// The order whose channel waits for the reply to this very unit.
    pub replying_to: Option<OrderId>,
    /// How long a paid order waits for stock, in seconds.
    pub backorder_secs: i64,
    /// Whether sales on the order's account are stopped: paid orders wait.
    pub suspended: bool,
    /// Whether the order's account can be handed keys by a call of ours.
    pub can_call: bool,
    /// How many bad keys of one batch have the whole of it quarantined; 0 means that no number has.
    pub bad_keys_max: u32,
}

/// What follows from facts about an order. `was_over` is [`State::is_over`] before them; `order` is the state after
/// them. An order gives its keys up once, when it becomes over: a second time they might be somebody else's.
pub fn after_order(facts: &[Fact], was_over: bool, order: &State, around: &Surroundings) -> Vec<Then> {
    let Some(placed) = &order.placed else { return Vec::new() };
    let mut then = Vec::new();
    for fact in facts {
        match fact {
            Fact::OrderReserved(e) => then.extend(reserve(placed, e.until, around)),
            Fact::ReservationExpired(_) => then.extend(give_up(order, placed, "expired", around)),
            Fact::KeyReplaced(e) => then.extend(judge_batch(placed, e, around)),
            _ => {}
        }
    }
    if order.is_over() {
        if !was_over {
            let reason = if order.given_back() { "refunded" } else { "cancelled" };
            then.extend(give_up(order, placed, reason, around));
        }
    } else if facts.iter().any(|fact| may_go_on(fact, order)) {
        // Once, whatever the number of such facts: a line that is allocated twice takes keys twice.
        then.extend(allocate(order, placed, around));
        if order.fulfilled {
            then.push(deliver(order, placed, around));
        }
    }
    then
}

/// Whether a fact may have taken away what kept an order from its keys, or gave it keys to hand over.
fn may_go_on(fact: &Fact, order: &State) -> bool {
    match fact {
        Fact::PaymentConfirmed(_)
        | Fact::OrderReleased(_)
        | Fact::OrderFulfilled(_)
        | Fact::KeyReplaced(_)
        | Fact::RefundRefused(_) => true,
        // A request for part of the money is answered too. That alone repeats no delivery that was given up.
        Fact::RefundDue(_) | Fact::RefundSettled(_) => !order.delivery_failed,
        _ => false,
    }
}

/// What follows from facts about a pool.
pub fn after_pool(facts: &[Fact], around: &Surroundings) -> Vec<Then> {
    facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::KeysAllocated(e) if e.chosen != AllocationReason::Replacement => {
                let record = Command::RecordKeys { line: e.line, keys: e.keys.clone() };
                Some(Then::Order(e.order, Box::new(record)))
            }
            Fact::AllocationWaitlisted(e) => {
                let until = around.now.plus_secs(around.backorder_secs);
                Some(Then::Order(e.order, Box::new(Command::RecordShortage { line: e.line, until })))
            }
            _ => None,
        })
        .collect()
}

/// One bad key may be one bad key. Several of a batch say something about the rest of it.
fn judge_batch(placed: &Placed, replaced: &KeyReplaced, around: &Surroundings) -> Option<Then> {
    let sku = placed.lines.get(usize::from(replaced.line))?.sku.clone();
    let (batch, limit) = (replaced.old.batch, around.bad_keys_max);
    let judge = pool::Command::JudgeBatch { sku: sku.clone(), batch, limit };
    Some(Then::Pool(sku, Box::new(judge)))
}

/// The commands that give a paid order its keys, for when sales on its account go on again.
pub fn resume(order: &State, around: &Surroundings) -> Vec<Then> {
    order.placed.as_ref().map(|placed| allocate(order, placed, around)).unwrap_or_default()
}

fn numbered(placed: &Placed) -> impl Iterator<Item = (u16, &events::order::OrderLine)> {
    placed.lines.iter().enumerate().filter_map(|(n, line)| Some((u16::try_from(n).ok()?, line)))
}

fn reserve(placed: &Placed, until: Timestamp, around: &Surroundings) -> Vec<Then> {
    numbered(placed)
        .map(|(number, line)| {
            let command = pool::Command::Reserve {
                order: placed.order,
                line: number,
                account: placed.account.clone(),
                quantity: line.quantity,
                until,
                now: around.now,
            };
            Then::Pool(line.sku.clone(), Box::new(command))
        })
        .collect()
}

fn allocate(order: &State, placed: &Placed, around: &Surroundings) -> Vec<Then> {
    if around.suspended {
        return Vec::new();
    }
    let wanting = order.lines_wanting_keys();
    numbered(placed)
        .filter(|(number, _)| wanting.contains(number))
        .map(|(number, line)| {
            let command = pool::Command::Allocate {
                order: placed.order,
                line: number,
                account: placed.account.clone(),
                quantity: line.quantity,
                shortage: pool::Shortage::Waitlist,
                now: around.now,
            };
            Then::Pool(line.sku.clone(), Box::new(command))
        })
        .collect()
}

fn deliver(order: &State, placed: &Placed, around: &Surroundings) -> Then {
    let by = if around.replying_to == Some(placed.order) && placed.delivery == DeliveryMethod::Reply {
        DeliverBy::ReplyNow
    } else if placed.delivery != DeliveryMethod::Pickup && around.can_call {
        DeliverBy::Call
    } else {
        DeliverBy::Pickup
    };
    let again = order.delivered && !order.all_handed;
    Then::Order(placed.order, Box::new(Command::Deliver { by, again, reason: None }))
}

/// The order's keys go: back to stock where nobody can have seen them, else declared void. A delivery that was only
/// begun counts as seen: the call may have left.
fn give_up(order: &State, placed: &Placed, reason: &str, around: &Surroundings) -> Vec<Then> {
    numbered(placed)
        .filter_map(|(number, line)| {
            let keys = order.keys.get(&number).cloned().unwrap_or_default();
            let (id, account) = (placed.order, placed.account.clone());
            let reason = reason.to_owned();
            let command = if order.deliveries == 0 {
                let now = around.now;
                pool::Command::Release { order: id, line: number, account, allocated: keys, reason, now }
            } else if keys.is_empty() {
                return None;
            } else {
                pool::Command::Revoke { order: id, line: number, keys, reason }
            };
            Some(Then::Pool(line.sku.clone(), Box::new(command)))
        })
        .collect()
}
