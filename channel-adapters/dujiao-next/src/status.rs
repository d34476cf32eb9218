//! The protocol's states and error codes, and our states, reasons and refusals in its words.

use channel::{OrderState, OrderView, Refusal, Step};
use vocabulary::Reason;

use crate::cards;

/// An error: the HTTP status, the code, and words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

const fn failure(status: u16, code: &'static str, message: &'static str) -> Failure {
    Failure { status, code, message }
}

pub(crate) const INTERNAL: Failure = failure(500, "internal_error", "internal error");
pub(crate) const PRODUCT_NOT_FOUND: Failure = failure(404, "product_not_found", "product not found");
pub(crate) const PRODUCT_UNAVAILABLE: Failure = failure(404, "product_unavailable", "product unavailable");
const ORDER_NOT_FOUND: Failure = failure(404, "order_not_found", "order not found");
const BAD_REQUEST: Failure = failure(400, "bad_request", "bad request");

/// The words for a business "no".
pub(crate) fn of_reason(reason: Reason) -> Failure {
    match reason {
        Reason::UnknownItem
        | Reason::UnknownSku
        | Reason::UnknownChannel
        | Reason::NoPrice
        | Reason::ChannelSuspended => failure(400, "sku_unavailable", "sku unavailable"),
        Reason::OutOfStock | Reason::QuotaExhausted => {
            failure(409, "insufficient_stock", "insufficient stock")
        }
        Reason::UnknownOrder => ORDER_NOT_FOUND,
        Reason::WrongState => failure(409, "cancel_not_allowed", "order cannot be canceled"),
        Reason::InvalidQuantity
        | Reason::InvalidValue
        | Reason::OrderNumberReused
        | Reason::MessageIdReused
        | Reason::TxnReused => BAD_REQUEST,
        _ => INTERNAL,
    }
}

/// The words for a request that was not acted on.
pub(crate) fn of_refusal(refusal: &Refusal) -> Failure {
    match (refusal.step, refusal.code) {
        (Step::Signature, _) => failure(401, "invalid_signature", "invalid signature"),
        (Step::Time, _) => failure(401, "timestamp_expired", "timestamp expired"),
        (_, "invalid_callback_url") => failure(400, "invalid_callback_url", "invalid callback url"),
        (_, "unsupported_topic") => failure(404, "not_found", "not found"),
        (Step::Size | Step::Format | Step::Meaning, _) => BAD_REQUEST,
    }
}

/// How the other shop sees an order. It counts as delivered only when every key of it is shown.
pub(crate) fn of_order(order: &OrderView) -> &'static str {
    match order.state {
        OrderState::AwaitingPayment => "pending_payment",
        OrderState::Processing => "paid",
        OrderState::Fulfilled | OrderState::Delivered if cards::all_there(&order.lines) => "delivered",
        OrderState::Fulfilled | OrderState::Delivered => "fulfilling",
        OrderState::Refunded => "refunded",
        OrderState::Cancelled => "canceled",
    }
}

/// What a shop that we buy from says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bought {
    /// On its way.
    Underway,
    /// The cards are there.
    Delivered,
    /// There will be none.
    Cancelled,
    /// A state that the document does not list, or one after the cards came: a person must look.
    Unlisted,
}

/// The table of states.
pub(crate) fn bought(status: &str) -> Bought {
    match status {
        "pending_payment" | "paid" | "fulfilling" | "partially_delivered" => Bought::Underway,
        "delivered" | "completed" | "fulfilled" => Bought::Delivered,
        "canceled" | "cancelled" => Bought::Cancelled,
        _ => Bought::Unlisted,
    }
}
