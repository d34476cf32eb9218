//! One table: their order and refund states → ours. Whatever is not listed is `Unlisted`, which is never
//! "paid".

/// `order_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Unpaid,
    Paid,
    /// Shipped or done: handed over by somebody else.
    HandedOver,
    Refunded,
    Closed,
    Unlisted,
}

pub(crate) fn order_status(code: i64) -> OrderStatus {
    match code {
        11 => OrderStatus::Unpaid,
        12 => OrderStatus::Paid,
        21 | 22 => OrderStatus::HandedOver,
        23 => OrderStatus::Refunded,
        24 => OrderStatus::Closed,
        _ => OrderStatus::Unlisted,
    }
}

/// `refund_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    None,
    /// The buyer asks; the seller is to answer.
    Requested,
    /// Agreed, goods are on their way back (which keys never are); the money has not moved yet.
    Returning,
    /// Taken back by the buyer or turned down by the seller.
    Refused,
    Settled,
    Unlisted,
}

pub(crate) fn refund_status(code: i64) -> RefundStatus {
    match code {
        0 => RefundStatus::None,
        1 => RefundStatus::Requested,
        2 | 3 | 8 => RefundStatus::Returning,
        4 | 6 => RefundStatus::Refused,
        5 => RefundStatus::Settled,
        _ => RefundStatus::Unlisted,
    }
}

/// Whether orders of this `order_type` are for card keys. Direct top-up (8) wants an account topped up, which
/// no key of ours does; the other types may be anything.
pub(crate) fn is_card_order(order_type: i64) -> bool {
    order_type == 7
}

/// How a call ended, by the `code` of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    Ok,
    Busy,
    Refused,
}

pub(crate) fn call_status(code: i64) -> CallStatus {
    match code {
        0 => CallStatus::Ok,
        // 408 is our time stamp arriving late: the next attempt carries a new one.
        408 | 429 | 500 => CallStatus::Busy,
        _ => CallStatus::Refused,
    }
}
