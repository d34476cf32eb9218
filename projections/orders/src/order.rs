//! An order as its stream tells it.

use std::{collections::BTreeMap, sync::Arc};

use events::{
    Fact, RecordedEvent,
    channel::AttemptOutcome,
    order::{LineKeys, PastLine},
};
use projection::Event;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, Currency, DeliveryMethod, KeyRef, Money, OrderId, Position, Timestamp};

/// An order's state in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing but early words of it: a refund or payment came before the order itself.
    Unknown,
    /// Placed, not paid.
    AwaitingPayment,
    /// A reported payment is being checked.
    CheckingPayment,
    /// Paid; keys are being chosen, or it is held back.
    Paid,
    /// Paid; waiting for stock.
    Backordered,
    /// Keys are bound.
    Fulfilled,
    /// Keys are handed over.
    Delivered,
    /// All that was paid is due back, and not all of it settled.
    RefundDue,
    /// All that was paid is back.
    Refunded,
    /// Called off.
    Cancelled,
    /// The reservation ran out.
    Expired,
    /// It was sold, or given back, elsewhere, and taken over as history.
    Past,
}

impl Status {
    /// The word as tables hold it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::AwaitingPayment => "awaiting_payment",
            Self::CheckingPayment => "checking_payment",
            Self::Paid => "paid",
            Self::Backordered => "backordered",
            Self::Fulfilled => "fulfilled",
            Self::Delivered => "delivered",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Past => "past",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The item: our SKU, or of a past order what the item was called there.
    pub sku: Arc<str>,
    /// Units ordered; of a past order negative where they came back.
    pub quantity: i64,
    /// What the line costs.
    pub amount: Money,
    /// The keys bound to it now.
    pub keys: Vec<KeyRef>,
    /// Whether it waits for keys.
    pub is_waiting: bool,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Asked for.
    Requested,
    /// Turned down or taken back.
    Refused,
    /// Owed.
    Due,
    /// Owed, and paying it by a call was given up: a person must see to it.
    Stuck,
    /// Paid back.
    Settled,
}

/// One refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// How far it is.
    pub state: RefundState,
    /// How much, in minor units of the order's currency; none where all of it was asked for.
    pub amount_fen: Option<i64>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Our id.
    pub order: OrderId,
    /// The account it was placed on; none before the order itself is known.
    pub account: Option<Account>,
    /// The channel's order number.
    pub external_no: Option<String>,
    /// Who buys, where the channel says.
    pub buyer: Option<BuyerId>,
    /// How its keys reach the buyer.
    pub delivery: Option<DeliveryMethod>,
    /// Its lines, by number.
    pub lines: Vec<Line>,
    /// The currency of its amounts.
    pub currency: Option<Currency>,
    /// What it costs, in minor units.
    pub total_fen: i64,
    /// Confirmed payments, in minor units.
    pub paid_fen: i64,
    /// Recorded losses, in minor units.
    pub loss_fen: i64,
    /// Refunds, by their numbers.
    pub refunds: BTreeMap<String, Refund>,
    /// Keys that were replaced.
    pub replaced: Vec<KeyRef>,
    /// A reported payment is being checked.
    pub is_checking: bool,
    /// The reservation ran out.
    pub is_expired: bool,
    /// It was called off.
    pub is_cancelled: bool,
    /// Every line got its keys.
    pub is_fulfilled: bool,
    /// Held back by a person.
    pub is_held: bool,
    /// It was taken over as history: what is known of it is all that ever happened.
    pub is_past: bool,
    /// The last delivery was refused or given up: a person must look.
    pub is_delivery_failed: bool,
    /// Until when its keys are held for payment.
    pub reserved_until: Option<Timestamp>,
    /// Until when it waits for stock.
    pub backordered_until: Option<Timestamp>,
    /// When it was placed, by the channel's clock.
    pub placed_at: Option<Timestamp>,
    /// When we recorded that.
    #[serde(default)]
    pub recorded_at: Option<Timestamp>,
    /// When it was first paid.
    pub paid_at: Option<Timestamp>,
    /// When it was first delivered.
    pub delivered_at: Option<Timestamp>,
    /// When money went back last.
    pub refunded_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// The position of its first event.
    pub first_pos: Position,
    /// The position of its last event.
    pub last_pos: Position,
    /// Events in its stream.
    pub event_count: u64,
}

impl Order {
    /// The order after the events of its own stream, in order from the first; none without events. Events that
    /// cannot be decoded, or are of other streams, change nothing.
    pub fn fold(stream: &[RecordedEvent]) -> Option<Self> {
        let mut order = None;
        for stored in stream {
            let Ok(event) = Event::decode(stored.clone()) else { continue };
            let Some(of) = event.order.as_ref().filter(|_| event.is_of_order_stream()) else { continue };
            order.get_or_insert_with(|| Self::unknown(of.id, event.position)).apply(&event);
        }
        order
    }

    /// An order of which nothing is known but that there is an event at `first_pos`.
    pub(crate) fn unknown(order: OrderId, first_pos: Position) -> Self {
        Self {
            order,
            account: None,
            external_no: None,
            buyer: None,
            delivery: None,
            lines: Vec::new(),
            currency: None,
            total_fen: 0,
            paid_fen: 0,
            loss_fen: 0,
            refunds: BTreeMap::new(),
            replaced: Vec::new(),
            is_checking: false,
            is_expired: false,
            is_cancelled: false,
            is_fulfilled: false,
            is_held: false,
            is_past: false,
            is_delivery_failed: false,
            reserved_until: None,
            backordered_until: None,
            placed_at: None,
            recorded_at: None,
            paid_at: None,
            delivered_at: None,
            refunded_at: None,
            closed_at: None,
            first_pos,
            last_pos: first_pos,
            event_count: 0,
        }
    }

    /// Minor units in refunds of a state.
    fn refunds_fen(&self, wanted: impl Fn(RefundState) -> bool) -> i64 {
        let amounts = self.refunds.values().filter(|r| wanted(r.state)).filter_map(|r| r.amount_fen);
        amounts.fold(0, i64::saturating_add)
    }
    /// Settled refunds, in minor units.
    pub fn refunded_fen(&self) -> i64 {
        self.refunds_fen(|state| state == RefundState::Settled)
    }
    /// Owed back and not settled, in minor units.
    pub fn refund_due_fen(&self) -> i64 {
        self.refunds_fen(|state| matches!(state, RefundState::Due | RefundState::Stuck))
    }
    /// From payment to first delivery in milliseconds, by the clocks that reported them; at least 0.
    pub fn deliver_ms(&self) -> Option<i64> {
        let micros = self.delivered_at?.micros().saturating_sub(self.paid_at?.micros());
        Some((micros / 1_000).max(0))
    }
    /// The state in one word.
    pub fn status(&self) -> Status {
        if self.is_past {
            return Status::Past;
        }
        let (due, settled) = (self.refund_due_fen(), self.refunded_fen());
        if self.paid_at.is_some() && due.saturating_add(settled) >= self.paid_fen.max(1) {
            return if due == 0 { Status::Refunded } else { Status::RefundDue };
        }
        match () {
            () if self.is_cancelled => Status::Cancelled,
            () if self.delivered_at.is_some() => Status::Delivered,
            () if self.is_fulfilled => Status::Fulfilled,
            () if self.lines.iter().any(|line| line.is_waiting) => Status::Backordered,
            () if self.paid_at.is_some() => Status::Paid,
            () if self.is_checking => Status::CheckingPayment,
            () if self.is_expired => Status::Expired,
            () if self.placed_at.is_some() => Status::AwaitingPayment,
            () => Status::Unknown,
        }
    }

    /// Takes in one event of the order's own stream.
    pub(crate) fn apply(&mut self, event: &Event) {
        self.last_pos = event.position;
        self.event_count += 1;
        let at = event.occurred_at;
        match &event.fact {
            Fact::OrderPlaced(e) => {
                self.recorded_at = Some(event.recorded_at);
                self.account = Some(e.account.clone());
                self.external_no = Some(e.external_no.clone());
                self.buyer = e.buyer.clone();
                self.delivery = Some(e.delivery);
                self.currency = Some(e.total.currency);
                self.total_fen = e.total.minor;
                self.placed_at = Some(at);
                self.lines = e.lines.iter().map(Line::from).collect();
            }
            Fact::PastOrderRecorded(e) => {
                self.take_over(&e.account, &e.external_no, e.buyer.as_ref(), &e.lines, event);
                self.currency = Some(e.total.currency);
                (self.total_fen, self.paid_fen) = (e.total.minor, e.total.minor);
                self.paid_at = Some(at);
            }
            Fact::PastRefundRecorded(e) => {
                self.take_over(&e.account, &e.external_no, e.buyer.as_ref(), &e.lines, event);
                self.currency = Some(e.total.currency);
                self.total_fen = e.total.minor.saturating_neg();
                self.refunded_at = Some(at);
                let refund = Refund { state: RefundState::Settled, amount_fen: Some(e.total.minor) };
                self.refunds.insert(e.external_no.clone(), refund);
            }
            Fact::OrderReserved(e) => self.reserved_until = Some(e.until),
            Fact::ReservationExpired(_) => self.is_expired = true,
            Fact::OrderCancelled(_) => self.is_cancelled = true,
            Fact::PaymentCheckRequested(_) => self.is_checking = true,
            Fact::PaymentCheckSettled(_) => self.is_checking = false,
            Fact::PaymentConfirmed(e) => {
                self.paid_fen = self.paid_fen.saturating_add(e.amount.minor);
                self.currency.get_or_insert(e.amount.currency);
                self.paid_at.get_or_insert(at);
            }
            Fact::OrderBackordered(e) => {
                self.backordered_until = Some(e.until);
                self.wait(|line| e.lines.contains(&line), true);
            }
            Fact::LineAllocated(e) => {
                self.bind(e.line, &e.keys);
                self.wait(|line| line == e.line, false);
            }
            Fact::OrderFulfilled(e) => {
                self.is_fulfilled = true;
                self.bind_all(&e.lines);
                self.wait(|_| true, false);
            }
            Fact::KeyReplaced(e) => {
                self.replaced.push(e.old);
                let keys =
                    self.lines.get_mut(usize::from(e.line)).into_iter().flat_map(|line| &mut line.keys);
                keys.filter(|key| **key == e.old).for_each(|key| *key = e.new);
            }
            Fact::DeliveryRequested(_) => self.is_delivery_failed = false,
            Fact::DeliveryAttempted(e) => self.is_delivery_failed = is_given_up(&e.outcome),
            Fact::OrderDelivered(e) => {
                self.delivered_at.get_or_insert(at);
                self.bind_all(&e.lines);
            }
            Fact::LossRecorded(e) => self.loss_fen = self.loss_fen.saturating_add(e.amount.minor),
            Fact::OrderHeld(_) => self.is_held = true,
            Fact::OrderReleased(_) => self.is_held = false,
            Fact::OrderClosed(_) => self.closed_at = Some(at),
            _ => self.apply_refund(&event.fact, at),
        }
    }

    fn apply_refund(&mut self, fact: &Fact, at: Timestamp) {
        let mut put = |number: &String, state, amount_fen| {
            self.refunds.insert(number.clone(), Refund { state, amount_fen });
        };
        match fact {
            Fact::RefundRequested(e) => put(&e.refund, RefundState::Requested, e.amount.map(|a| a.minor)),
            Fact::RefundRefused(e) => put(&e.refund, RefundState::Refused, None),
            Fact::RefundDue(e) => put(&e.refund, RefundState::Due, Some(e.amount.minor)),
            Fact::RefundSettled(e) => {
                put(&e.refund, RefundState::Settled, Some(e.amount.minor));
                self.refunded_at = Some(at);
            }
            Fact::RefundAttempted(e) => {
                let due = self.refunds.get_mut(&e.refund).filter(|refund| refund.state == RefundState::Due);
                if let Some(refund) = due.filter(|_| is_given_up(&e.outcome)) {
                    refund.state = RefundState::Stuck;
                }
            }
            _ => {}
        }
        if self.paid_at.is_some() && matches!(self.status(), Status::Refunded | Status::RefundDue) {
            self.wait(|_| true, false);
        }
    }

    fn take_over(
        &mut self,
        account: &Account,
        external_no: &str,
        buyer: Option<&BuyerId>,
        lines: &[PastLine],
        event: &Event,
    ) {
        self.is_past = true;
        self.account = Some(account.clone());
        self.external_no = Some(external_no.to_owned());
        self.buyer = buyer.cloned();
        self.placed_at = Some(event.occurred_at);
        self.recorded_at = Some(event.recorded_at);
        self.lines = lines.iter().map(Line::from).collect();
    }

    fn wait(&mut self, of: impl Fn(u16) -> bool, is_waiting: bool) {
        let lines = (0_u16..).zip(&mut self.lines);
        lines.filter(|(number, _)| of(*number)).for_each(|(_, line)| line.is_waiting = is_waiting);
    }
    fn bind(&mut self, line: u16, keys: &[KeyRef]) {
        if let Some(line) = self.lines.get_mut(usize::from(line)) {
            line.keys = keys.to_vec();
        }
    }
    fn bind_all(&mut self, lines: &[LineKeys]) {
        lines.iter().for_each(|line| self.bind(line.line, &line.keys));
    }
}

fn is_given_up(outcome: &AttemptOutcome) -> bool {
    matches!(outcome, AttemptOutcome::Refused { .. } | AttemptOutcome::Abandoned { .. })
}

impl From<&events::order::OrderLine> for Line {
    fn from(line: &events::order::OrderLine) -> Self {
        Self {
            sku: line.sku.as_str().into(),
            quantity: line.quantity.get().into(),
            amount: line.amount,
            keys: Vec::new(),
            is_waiting: false,
        }
    }
}

impl From<&PastLine> for Line {
    fn from(line: &PastLine) -> Self {
        let (sku, quantity, amount) = (line.item.as_str().into(), line.quantity, line.amount);
        Self { sku, quantity, amount, keys: Vec::new(), is_waiting: false }
    }
}
