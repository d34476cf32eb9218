//! Stream `order-<uuid>`: one order from the first word of it to its close.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, DeliveryMethod, KeyRef, Money, OrderId, Quantity, Sku, Timestamp};

use crate::channel::AttemptOutcome;

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// Our SKU.
    pub sku: Sku,
    /// The channel's item id, as the order named it; left out where it is the SKU itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// How many units.
    pub quantity: Quantity,
    /// What the whole line costs.
    pub amount: Money,
}

impl OrderLine {
    /// What the channel calls the item.
    pub fn item(&self) -> &str {
        self.item.as_deref().unwrap_or(self.sku.as_str())
    }
}

/// An order became known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderPlaced {
    /// Our id.
    pub order: OrderId,
    /// Where it was placed.
    pub account: Account,
    /// The channel's order number, unique within the account's order numbers.
    pub external_no: String,
    /// Its lines; a line's number is its place here, from 0.
    pub lines: Vec<OrderLine>,
    /// What the order costs: the sum of its lines.
    pub total: Money,
    /// The buyer's pseudonym, where the channel says who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<BuyerId>,
    /// How its keys are to reach the buyer.
    pub delivery: DeliveryMethod,
    /// What the channel gave us to use in later calls about the order (a call-back address), as the adapter wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

/// Every line of an unpaid order holds keys until an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderReserved {
    /// Until when.
    pub until: Timestamp,
}

/// The hold ran out before payment came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationExpired {}

/// The order was called off. Money that comes later is due back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCancelled {
    /// Why, as the channel or staff put it.
    pub reason: String,
    /// The channel pays back by itself what was paid through it: we must not pay it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub channel_refunds: bool,
}

/// Money for the order is confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentConfirmed {
    /// The payment's own number, used once within the account it came through.
    pub txn: String,
    /// The account it came through (a payment gateway's, or the channel's own).
    pub through: Account,
    /// How much.
    pub amount: Money,
}

/// Money was reported that does not fit the order. Nothing is delivered for it; a person must look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentDisputed {
    /// The payment's own number.
    pub txn: String,
    /// The account it came through.
    pub through: Account,
    /// What was reported.
    pub amount: Money,
    /// What does not fit: `amount_mismatch`, `paid_twice`, `not_confirmed`.
    pub reason: String,
}

/// Intent: ask the payment gateway whether a reported payment is real, because its message could be forged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentCheckRequested {
    /// The gateway's account.
    pub through: Account,
    /// The payment's own number.
    pub txn: String,
    /// What was reported.
    pub amount: Money,
}

/// A payment check ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentCheckSettled {
    /// The gateway's account.
    pub through: Account,
    /// The payment's own number.
    pub txn: String,
    /// Whether the gateway says it is paid, and if not how the check ended.
    pub outcome: AttemptOutcome,
    /// How many attempts it took.
    pub attempts: u32,
}

/// The order is paid but lacks keys. It waits until an instant, then a refund is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderBackordered {
    /// The lines without keys.
    pub lines: Vec<u16>,
    /// Until when.
    pub until: Timestamp,
}

/// One line got its keys while others of the order still lack theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineAllocated {
    /// The line.
    pub line: u16,
    /// Its keys.
    pub keys: Vec<KeyRef>,
}

/// Every line has its keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderFulfilled {
    /// The keys, line by line.
    pub lines: Vec<LineKeys>,
}

/// The keys of one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineKeys {
    /// The line's number.
    pub line: u16,
    /// Its SKU.
    pub sku: Sku,
    /// Its keys.
    pub keys: Vec<KeyRef>,
}

/// Intent: hand the order's keys to the channel by its interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryRequested {
    /// Which delivery of the order, from 1: a resend is a new one.
    pub delivery: u32,
    /// The account to call.
    pub account: Account,
    /// The keys, line by line.
    pub lines: Vec<LineKeys>,
    /// Why they are handed over once more, in staff's words; none for the first delivery and what follows by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One try of a delivery, a plaintext key having left or not. The last one says how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryAttempted {
    /// Which delivery.
    pub delivery: u32,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
}

/// The keys are with the buyer or the channel. Recorded before a reply with them leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderDelivered {
    /// Which delivery, from 1.
    pub delivery: u32,
    /// How.
    pub method: DeliveryMethod,
    /// Which keys, line by line.
    pub lines: Vec<LineKeys>,
}

/// Keys of the order were shown once more. Recorded before the plaintext leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysRevealed {
    /// Which keys.
    pub keys: Vec<KeyRef>,
    /// Why: `channel_query`, `delivery_attempt`, or a person's reason.
    pub reason: String,
}

/// A bad key of a delivered line was replaced by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyReplaced {
    /// The line.
    pub line: u16,
    /// The bad key, revoked.
    pub old: KeyRef,
    /// The new key.
    pub new: KeyRef,
    /// Why.
    pub reason: String,
    /// Who bears the cost: `supplier`, `us`, `buyer`.
    pub cost_owner: String,
}

/// The buyer, or the channel for them, asks for money back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundRequested {
    /// The refund's own number at the channel.
    pub refund: String,
    /// How much; none means all that was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Why, in the asker's words or code.
    pub reason: String,
    /// The channel says that the money is back already, although we have not heard of the payment yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled_early: bool,
    /// What the channel gave us to use in later calls about this refund, as the adapter wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

/// A request for money back was turned down or taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundRefused {
    /// The refund's number.
    pub refund: String,
    /// Why.
    pub reason: String,
}

/// We owe the buyer money back; also the intent to have it paid where the account can.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundDue {
    /// The refund's number: the channel's, or ours.
    pub refund: String,
    /// How much.
    pub amount: Money,
    /// Why: `paid_after_cancel`, `backorder_expired`, `refund_agreed`, or staff's reason.
    pub reason: String,
    /// The account that is to pay it; none where a person must see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Account>,
}

/// One try to have a refund paid by its account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundAttempted {
    /// The refund's number.
    pub refund: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
}

/// Money went back to the buyer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefundSettled {
    /// The refund's number, used once.
    pub refund: String,
    /// How much.
    pub amount: Money,
}

/// Money went back although the keys stay with the buyer: our loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossRecorded {
    /// How much.
    pub amount: Money,
    /// Why: `partial_refund`, `key_stays_live`, or staff's reason.
    pub reason: String,
}

/// Nothing more happens with the order until it is released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderHeld {
    /// Why.
    pub reason: String,
}

/// The order goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderReleased {
    /// Why.
    pub reason: String,
}

/// A person wrote something down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderNoted {
    /// What. Holds no personal data and no key: the API refuses text that looks like either.
    pub text: String,
}

/// The order is over: delivered and accepted, or refunded in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderClosed {
    /// `completed` or `refunded` or `cancelled`.
    pub reason: String,
}

/// Somebody said on the claim page that the order is theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimAttempted {
    /// With what: `phone_last4` or `card_key`.
    pub proof: String,
    /// Whether it fits the order.
    pub matched: bool,
    /// A keyed digest of where the attempt came from, to bound guessing.
    pub client: String,
    /// The business day in Shanghai by which tries are counted, `yyyy-mm-dd`.
    pub day: String,
}

/// An order that was sold and fulfilled elsewhere, taken over as history. It moves no key of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastOrderRecorded {
    /// Our id.
    pub order: OrderId,
    /// The account it is booked under.
    pub account: Account,
    /// The order's number there.
    pub external_no: String,
    /// Its lines as they were booked; a correction may have a negative quantity or amount.
    pub lines: Vec<PastLine>,
    /// The sum of its lines.
    pub total: Money,
    /// The buyer's pseudonym, where they were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<BuyerId>,
}

/// Money that was given back elsewhere, taken over as history; the order it belonged to is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastRefundRecorded {
    /// Our id of the cancelling order.
    pub order: OrderId,
    /// The account it is booked under.
    pub account: Account,
    /// Its number there.
    pub external_no: String,
    /// Its lines as they were booked: what came back has a negative quantity.
    pub lines: Vec<PastLine>,
    /// What was given back: the sum of its lines, with the sign turned.
    pub total: Money,
    /// The buyer's pseudonym, where they were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<BuyerId>,
}

/// A line of something past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastLine {
    /// What the item was called there.
    pub item: String,
    /// How many units.
    pub quantity: i64,
    /// What the line cost.
    pub amount: Money,
}
