//! What can be asked of an order.

use events::{
    channel::AttemptOutcome,
    order::{ClaimAttempted, OrderLine},
};
use vocabulary::{Account, BuyerId, DeliveryMethod, KeyRef, Money, OrderId, Timestamp};

use super::Past;

/// An order to place, priced.
#[derive(Debug, Clone, PartialEq)]
pub struct Placing {
    /// Our id.
    pub order: OrderId,
    /// Where it was placed.
    pub account: Account,
    /// The channel's number.
    pub external_no: String,
    /// Its lines, priced; their amounts add up to the total.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Money,
    /// Who buys.
    pub buyer: Option<BuyerId>,
    /// How its keys are to reach the buyer.
    pub delivery: DeliveryMethod,
    /// What the adapter wants kept.
    pub memo: Option<String>,
}

/// How the keys of a line that has just got them can leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliverBy {
    /// In the reply to the call that is being answered.
    ReplyNow,
    /// By a call of ours.
    Call,
    /// The buyer or channel will ask for them.
    Pickup,
}

/// What can be asked of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make it known; hold keys until an instant where one is given.
    Place(Box<Placing>, Option<Timestamp>),
    /// Take it over as history: it was sold, or given back, elsewhere. No fact where the same was taken over;
    /// `OrderNumberReused` where anything else is known of it.
    RecordPast(OrderId, Box<Past>),
    /// Confirm money. Rejected where the amount or currency is not the order's.
    Pay {
        /// The payment's number.
        txn: String,
        /// The account it came through.
        through: Account,
        /// How much.
        amount: Money,
        /// Whether that account can pay money back by a call of ours.
        can_refund: bool,
    },
    /// Ask the gateway whether a reported payment is real. Rejected where the amount is not the order's.
    CheckPayment {
        /// The payment's number.
        txn: String,
        /// The gateway's account.
        through: Account,
        /// How much.
        amount: Money,
    },
    /// The gateway answered, or could not be asked. A payment that is real is confirmed.
    SettlePaymentCheck {
        /// The payment's number.
        txn: String,
        /// How it ended; `Done` means that the gateway says: paid, this much.
        outcome: AttemptOutcome,
        /// How many attempts it took.
        attempts: u32,
        /// Whether the gateway can pay money back by a call of ours.
        can_refund: bool,
    },
    /// The line's keys are bound to it.
    RecordKeys {
        /// The line.
        line: u16,
        /// Its keys.
        keys: Vec<KeyRef>,
    },
    /// No keys for the line yet.
    RecordShortage {
        /// The line.
        line: u16,
        /// How long to wait before a refund is due.
        until: Timestamp,
    },
    /// The reservation's time is over (no fact if it is not, or was used).
    ExpireReservation {
        /// Now.
        now: Timestamp,
    },
    /// The wait for keys is over: a refund is due (no fact if it is not over).
    ExpireBackorder {
        /// Now.
        now: Timestamp,
        /// Whether the payment's account can pay money back by a call of ours.
        can_refund: bool,
    },
    /// Call it off. Rejected once delivered, unless the channel has paid the money back with it.
    Cancel {
        /// Why.
        reason: String,
        /// Whether the payment's account can pay money back by a call of ours.
        can_refund: bool,
        /// Whether the channel, which called it off, pays back by itself what was paid through it.
        channel_refunds: bool,
    },
    /// The channel acknowledged a delivery, or not.
    RecordDelivery {
        /// Which delivery.
        delivery: u32,
        /// Which attempt.
        attempt: u32,
        /// How it ended.
        outcome: AttemptOutcome,
    },
    /// Hand the keys over. No fact where it was done or is under way, unless `again`.
    Deliver {
        /// How.
        by: DeliverBy,
        /// A resend: hand them over once more.
        again: bool,
        /// Why they are handed over once more, in staff's words.
        reason: Option<String>,
    },
    /// Show the keys: delivers them where they were not yet delivered.
    ShowKeys {
        /// Why: `channel_query`, or a person's reason.
        reason: String,
    },
    /// A bad key gives way to a new one (both known to the pool already). Rejected while a delivery is under way.
    Replace {
        /// The line.
        line: u16,
        /// The bad key.
        old: KeyRef,
        /// The new key.
        new: KeyRef,
        /// Why.
        reason: String,
        /// Who bears the cost: `supplier`, `us`, `buyer`.
        cost_owner: String,
    },
    /// The buyer asks for money back.
    RequestRefund {
        /// The refund's number.
        refund: String,
        /// How much; `None` means all.
        amount: Option<Money>,
        /// Why.
        reason: String,
        /// What the adapter wants kept with the request.
        memo: Option<String>,
    },
    /// Turn a request down.
    RefuseRefund {
        /// The refund's number.
        refund: String,
        /// Why.
        reason: String,
    },
    /// Agree to pay money back.
    AgreeRefund {
        /// The refund's number: the request's, or a new one.
        refund: String,
        /// How much; `None` means all that is left.
        amount: Option<Money>,
        /// Why.
        reason: String,
        /// Whether the payment's account can pay it back by a call of ours.
        can_refund: bool,
    },
    /// A call that pays a refund ended.
    RecordRefundAttempt {
        /// The refund's number.
        refund: String,
        /// Which attempt.
        attempt: u32,
        /// How it ended.
        outcome: AttemptOutcome,
    },
    /// The channel says that money went back.
    SettleRefund {
        /// The refund's number.
        refund: String,
        /// How much; `None` means all that is left.
        amount: Option<Money>,
        /// Why.
        reason: String,
    },
    /// Stop everything about it.
    Hold {
        /// Why.
        reason: String,
    },
    /// Let it go on.
    Release {
        /// Why.
        reason: String,
    },
    /// Somebody claims the order. `UnknownOrder` before it is placed; `WrongState` where guessable proofs were tried
    /// [`super::CLAIM_TRIES`] times on that day.
    Claim(ClaimAttempted),
    /// Write something down.
    Note {
        /// What.
        text: String,
    },
}
