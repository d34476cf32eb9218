//! How a request ended, in our words; the adapter turns it into the channel's.

use vocabulary::{CardKey, Money, OrderId, Quantity, Reason, Sku, Timestamp};

/// How a request ended.
pub enum Outcome {
    /// It was acted on, or there was nothing to do.
    Accepted {
        /// The order concerned, if one is.
        order: Option<OrderId>,
    },
    /// It was kept for later: its kind is unknown to us.
    Parked,
    /// An order, for orders, calls and order queries.
    Order(Box<OrderView>),
    /// What can be sold, for availability and catalogue.
    Offers(Vec<Offer>),
    /// The business answer is no. Nothing was recorded but the message itself.
    Rejected(Rejected),
}

/// A business "no".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub reason: Reason,
    /// What exactly, in English; holds no secret and no personal data.
    pub detail: String,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Placed, not paid.
    AwaitingPayment,
    /// Paid (or being checked); keys are not all there yet.
    Processing,
    /// Keys are bound, not yet handed over.
    Fulfilled,
    /// Keys are with the buyer or the channel.
    Delivered,
    /// The money went back.
    Refunded,
    /// Called off before payment, or a refund is due.
    Cancelled,
}

/// An order, shown to the channel it belongs to.
pub struct OrderView {
    /// Our id.
    pub order: OrderId,
    /// The channel's number.
    pub external_no: String,
    /// What the adapter asked to be kept with the order.
    pub memo: Option<String>,
    /// Where it stands.
    pub state: OrderState,
    /// What it costs.
    pub total: Money,
    /// Its lines.
    pub lines: Vec<LineView>,
    /// When it was placed, by our clock.
    pub placed_at: Timestamp,
    /// When it reached its present end (delivered, refunded, cancelled), by our clock.
    pub ended_at: Option<Timestamp>,
}

/// One line of an order.
pub struct LineView {
    /// The channel's item id, as the order named it.
    pub item: String,
    /// Our SKU.
    pub sku: Sku,
    /// The item's name.
    pub name: String,
    /// How many units.
    pub quantity: Quantity,
    /// What the line costs.
    pub amount: Money,
    /// The keys in clear: filled only where they were recorded as delivered or revealed for this very reply.
    pub keys: Vec<CardKey>,
}

/// An item the account may sell now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The channel's item id.
    pub item: String,
    /// Our SKU.
    pub sku: Sku,
    /// The item's name.
    pub name: String,
    /// The price of one unit on this account, if one is set.
    pub price: Option<Money>,
    /// Units the account may sell now.
    pub available: u64,
    /// Whether it is on sale: the account is not suspended and a price is set.
    pub on_sale: bool,
}
