//! What is known of an order, and how facts add to it.

use std::collections::BTreeMap;

use events::{
    Fact,
    channel::AttemptOutcome,
    order::{LineKeys, OrderLine},
};
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, DeliveryMethod, KeyRef, Money, OrderId, Timestamp};

use super::{
    Taken,
    claim::{self, Claims},
};

/// What was ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Our id.
    pub order: OrderId,
    /// Where.
    pub account: Account,
    /// The channel's number.
    pub external_no: String,
    /// The lines.
    pub lines: Vec<OrderLine>,
    /// The price.
    pub total: Money,
    /// Who buys.
    pub buyer: Option<BuyerId>,
    /// How keys leave.
    pub delivery: DeliveryMethod,
    /// What the adapter wanted kept.
    pub memo: Option<String>,
}

/// Confirmed money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    /// The payment's number.
    pub txn: String,
    /// The account it came through.
    pub through: Account,
    /// How much.
    pub amount: Money,
}

/// A call of ours that is under way or to be tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The number of the delivery; 0 for a payment check.
    pub number: u32,
    /// Attempts recorded so far.
    pub attempts: u32,
    /// Whether the last attempt's outcome is unknown: ask before repeating.
    pub unknown: bool,
}

/// How far a refund is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RefundState {
    /// Asked for; `None` means all.
    Requested(Option<Money>),
    /// The channel says it is back, before we heard of the payment.
    SettledEarly(Option<Money>),
    /// Turned down or taken back.
    Refused,
    /// We owe it; `through` pays it by a call, or a person does.
    Due {
        /// How much.
        amount: Money,
        /// The account to call.
        through: Option<Account>,
        /// Attempts so far, and whether the last one's outcome is unknown.
        pending: Pending,
        /// Given up calling: a person must see to it.
        abandoned: bool,
    },
    /// Paid back.
    Settled(Money),
}

/// The order's state in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing but early words of it.
    Unknown,
    /// Placed, not paid.
    AwaitingPayment,
    /// A reported payment is being checked.
    CheckingPayment,
    /// Paid; keys are being chosen (or it is held back).
    Paid,
    /// Paid; waiting for stock.
    Backordered,
    /// Keys are bound.
    Fulfilled,
    /// Keys are handed over.
    Delivered,
    /// Money is due back.
    RefundDue,
    /// All money is back.
    Refunded,
    /// Called off.
    Cancelled,
    /// The reservation ran out.
    Expired,
    /// It was sold, or given back, elsewhere, and taken over as history: nothing happens with it any more.
    Past,
}

/// What is known of an order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What was ordered, once that is known.
    pub placed: Option<Placed>,
    /// Keys are held until then.
    pub reserved_until: Option<Timestamp>,
    /// The reservation ran out.
    pub expired: bool,
    /// It was called off.
    pub cancelled: bool,
    /// The channel that called it off pays back by itself what is paid through it.
    pub channel_refunds: bool,
    /// A payment that is being checked: its number, amount, gateway.
    pub checking: Option<(Paid, Pending)>,
    /// The confirmed payment.
    pub paid: Option<Paid>,
    /// Live keys, by line.
    pub keys: BTreeMap<u16, Vec<KeyRef>>,
    /// Lines that wait for stock.
    pub short: Vec<u16>,
    /// Until when they wait.
    pub backordered_until: Option<Timestamp>,
    /// Every line got its keys.
    pub fulfilled: bool,
    /// Keys were handed over at least once.
    pub delivered: bool,
    /// Every live key was handed over (false again when one was replaced).
    pub all_handed: bool,
    /// Refunds granted while keys stay live, in minor units.
    pub losses: i64,
    /// Deliveries begun so far.
    pub deliveries: u32,
    /// The delivery under way.
    pub delivering: Option<Pending>,
    /// A delivery was given up or refused: a person must look.
    pub delivery_failed: bool,
    /// Refunds by number.
    pub refunds: BTreeMap<String, RefundState>,
    /// The refunds that the channel asked for, by its numbers, with what it gave us to use in calls about them.
    pub asked: BTreeMap<String, Option<String>>,
    /// Keys that were replaced.
    pub replaced: Vec<KeyRef>,
    /// Held back by a person.
    pub held: bool,
    /// Over.
    pub closed: bool,
    /// Claims by proofs that can be guessed.
    pub claims: Claims,
    /// Somebody wrote something down about it.
    pub noted: bool,
    /// It was taken over as history, and is nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Taken>,
}

impl State {
    /// Money settled or due back, in minor units of the order's currency.
    pub fn refunded_or_due(&self) -> i64 {
        self.refunds
            .values()
            .map(|refund| match refund {
                RefundState::Due { amount, .. } | RefundState::Settled(amount) => amount.minor,
                _ => 0,
            })
            .fold(0, i64::saturating_add)
    }
    /// Money settled back, in minor units.
    pub fn refunded(&self) -> i64 {
        self.refunds
            .values()
            .map(|refund| if let RefundState::Settled(amount) = refund { amount.minor } else { 0 })
            .fold(0, i64::saturating_add)
    }
    /// Whether somebody has asked for money back and nobody has answered.
    pub fn refund_open(&self) -> bool {
        self.refunds.values().any(|r| matches!(r, RefundState::Requested(_) | RefundState::SettledEarly(_)))
    }
    /// Whether all that was paid is settled or due back.
    pub fn given_back(&self) -> bool {
        self.paid.as_ref().is_some_and(|paid| self.refunded_or_due() >= paid.amount.minor)
    }
    /// Whether the order has no claim to keys any more: it was called off, or all its money goes back. It never
    /// becomes otherwise again.
    pub fn is_over(&self) -> bool {
        self.cancelled || self.given_back()
    }
    /// Lines that should be given keys now: the order is paid, nothing speaks against it, and they neither have
    /// keys nor wait in line.
    pub fn lines_wanting_keys(&self) -> Vec<u16> {
        let Some(placed) = &self.placed else { return Vec::new() };
        if self.paid.is_none() || self.cancelled || self.held || self.refund_open() || self.given_back() {
            return Vec::new();
        }
        (0..placed.lines.len())
            .filter_map(|line| u16::try_from(line).ok())
            .filter(|line| !self.keys.contains_key(line) && !self.short.contains(line))
            .collect()
    }
    /// The live keys, line by line.
    pub fn line_keys(&self) -> Vec<LineKeys> {
        let Some(placed) = &self.placed else { return Vec::new() };
        self.keys
            .iter()
            .filter_map(|(line, keys)| {
                let sku = placed.lines.get(usize::from(*line))?.sku.clone();
                Some(LineKeys { line: *line, sku, keys: keys.clone() })
            })
            .collect()
    }
    /// The next instant at which time alone changes something: a reservation or a wait for stock that runs out.
    pub fn due_at(&self) -> Option<Timestamp> {
        if self.paid.is_none() && !self.cancelled && !self.expired && self.checking.is_none() {
            return self.reserved_until;
        }
        let waiting = !self.short.is_empty() && !self.cancelled && !self.given_back();
        self.backordered_until.filter(|_| waiting)
    }
    /// Whether nothing more is expected to happen by itself: no timer, no call, no wait. Such an order need not be
    /// kept in memory.
    pub fn is_at_rest(&self) -> bool {
        let calling = self.delivering.is_some()
            || self.checking.is_some()
            || self
                .refunds
                .values()
                .any(|r| matches!(r, RefundState::Due { through: Some(_), abandoned: false, .. }));
        !calling && self.due_at().is_none() && self.short.is_empty() && self.lines_wanting_keys().is_empty()
    }
    /// The state in one word.
    pub fn status(&self) -> Status {
        if self.given_back() {
            return if self.refunded() >= self.refunded_or_due() {
                Status::Refunded
            } else {
                Status::RefundDue
            };
        }
        match () {
            () if self.past.is_some() => Status::Past,
            () if self.cancelled => Status::Cancelled,
            () if self.delivered => Status::Delivered,
            () if self.fulfilled => Status::Fulfilled,
            () if !self.short.is_empty() => Status::Backordered,
            () if self.paid.is_some() => Status::Paid,
            () if self.checking.is_some() => Status::CheckingPayment,
            () if self.expired => Status::Expired,
            () if self.placed.is_some() => Status::AwaitingPayment,
            () => Status::Unknown,
        }
    }

    pub(super) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::OrderPlaced(e) => {
                self.placed = Some(Placed {
                    order: e.order,
                    account: e.account.clone(),
                    external_no: e.external_no.clone(),
                    lines: e.lines.clone(),
                    total: e.total,
                    buyer: e.buyer.clone(),
                    delivery: e.delivery,
                    memo: e.memo.clone(),
                });
            }
            Fact::OrderReserved(e) => self.reserved_until = Some(e.until),
            Fact::ReservationExpired(_) => self.expired = true,
            Fact::OrderCancelled(e) => {
                self.cancelled = true;
                self.channel_refunds = e.channel_refunds;
            }
            Fact::OrderHeld(_) => self.held = true,
            Fact::OrderReleased(_) => self.held = false,
            Fact::OrderClosed(_) => self.closed = true,
            Fact::ClaimAttempted(e) => claim::count(&mut self.claims, e),
            Fact::OrderNoted(_) => self.noted = true,
            Fact::PastOrderRecorded(e) => self.past = Some(Taken::from(e)),
            Fact::PastRefundRecorded(e) => self.past = Some(Taken::from(e)),
            Fact::LossRecorded(e) => self.losses = self.losses.saturating_add(e.amount.minor),
            Fact::PaymentCheckRequested(_) | Fact::PaymentCheckSettled(_) | Fact::PaymentConfirmed(_) => {
                self.apply_payment(fact);
            }
            Fact::OrderBackordered(e) => {
                self.short
                    .extend(e.lines.iter().filter(|l| !self.short.contains(l)).copied().collect::<Vec<_>>());
                self.backordered_until = Some(e.until);
            }
            Fact::KeyReplaced(e) => {
                self.replaced.push(e.old);
                self.all_handed = false;
                for key in self.keys.entry(e.line).or_default().iter_mut().filter(|key| **key == e.old) {
                    *key = e.new;
                }
            }
            Fact::LineAllocated(e) => {
                self.keys.insert(e.line, e.keys.clone());
                self.short.retain(|line| *line != e.line);
            }
            Fact::OrderFulfilled(e) => {
                self.fulfilled = true;
                self.short.clear();
                self.keys = e.lines.iter().map(|l| (l.line, l.keys.clone())).collect();
            }
            Fact::DeliveryRequested(_) | Fact::DeliveryAttempted(_) | Fact::OrderDelivered(_) => {
                self.apply_delivery(fact);
            }
            Fact::RefundRequested(_)
            | Fact::RefundRefused(_)
            | Fact::RefundDue(_)
            | Fact::RefundAttempted(_)
            | Fact::RefundSettled(_) => self.apply_refund(fact),
            _ => {}
        }
    }

    fn apply_payment(&mut self, fact: &Fact) {
        match fact {
            Fact::PaymentCheckRequested(e) => {
                let paid = Paid { txn: e.txn.clone(), through: e.through.clone(), amount: e.amount };
                self.checking = Some((paid, Pending { number: 0, attempts: 0, unknown: false }));
            }
            Fact::PaymentCheckSettled(_) => self.checking = None,
            Fact::PaymentConfirmed(e) => {
                self.paid = Some(Paid { txn: e.txn.clone(), through: e.through.clone(), amount: e.amount });
            }
            _ => {}
        }
    }

    fn apply_delivery(&mut self, fact: &Fact) {
        match fact {
            Fact::DeliveryRequested(e) => {
                self.deliveries = e.delivery;
                self.delivery_failed = false;
                self.delivering = Some(Pending { number: e.delivery, attempts: 0, unknown: false });
            }
            Fact::DeliveryAttempted(e) => {
                let over = matches!(
                    e.outcome,
                    AttemptOutcome::Done | AttemptOutcome::Refused { .. } | AttemptOutcome::Abandoned { .. }
                );
                if over {
                    self.delivering = None;
                    self.delivery_failed = e.outcome != AttemptOutcome::Done;
                } else if let Some(pending) = &mut self.delivering {
                    pending.attempts = e.attempt;
                    pending.unknown = matches!(e.outcome, AttemptOutcome::Unknown { .. });
                }
            }
            Fact::OrderDelivered(e) => {
                self.delivered = true;
                self.all_handed = true;
                self.deliveries = self.deliveries.max(e.delivery);
            }
            _ => {}
        }
    }

    fn apply_refund(&mut self, fact: &Fact) {
        match fact {
            Fact::RefundRequested(e) => {
                let state = if e.settled_early { RefundState::SettledEarly } else { RefundState::Requested };
                self.refunds.insert(e.refund.clone(), state(e.amount));
                self.asked.insert(e.refund.clone(), e.memo.clone());
            }
            Fact::RefundRefused(e) => {
                self.refunds.insert(e.refund.clone(), RefundState::Refused);
            }
            Fact::RefundDue(e) => {
                let pending = Pending { number: 0, attempts: 0, unknown: false };
                let due = RefundState::Due {
                    amount: e.amount,
                    through: e.through.clone(),
                    pending,
                    abandoned: false,
                };
                self.refunds.insert(e.refund.clone(), due);
                self.end_if_given_back();
            }
            Fact::RefundAttempted(e) => {
                if let Some(RefundState::Due { pending, abandoned, .. }) = self.refunds.get_mut(&e.refund) {
                    pending.attempts = e.attempt;
                    pending.unknown = matches!(e.outcome, AttemptOutcome::Unknown { .. });
                    *abandoned = matches!(
                        e.outcome,
                        AttemptOutcome::Abandoned { .. } | AttemptOutcome::Refused { .. }
                    );
                }
            }
            Fact::RefundSettled(e) => {
                self.refunds.insert(e.refund.clone(), RefundState::Settled(e.amount));
                self.end_if_given_back();
            }
            _ => {}
        }
    }

    /// With all money going back, nothing is delivered or waited for any more. (Its keys are given back or revoked
    /// by the purchase process in the same unit.)
    fn end_if_given_back(&mut self) {
        if self.given_back() {
            self.delivering = None;
            self.short.clear();
            self.backordered_until = None;
        }
    }
}
