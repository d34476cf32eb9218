//! Their states → ours. Whatever is not listed is `Unlisted`, which is never "paid".

/// `status` of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Unpaid,
    /// Paid, and not yet to be shipped: a group to be completed, an order to be accepted.
    Waiting,
    /// Paid: the keys are due.
    ToShip,
    /// Shipped or done. Virtual goods are so as soon as they are paid.
    Shipped,
    Closed,
    Unlisted,
}

pub(crate) fn order_status(text: &str) -> OrderStatus {
    match text {
        "WAIT_BUYER_PAY" => OrderStatus::Unpaid,
        "TRADE_PAID" | "WAIT_CONFIRM" => OrderStatus::Waiting,
        "WAIT_SELLER_SEND_GOODS" => OrderStatus::ToShip,
        "WAIT_BUYER_CONFIRM_GOODS" | "TRADE_SUCCESS" => OrderStatus::Shipped,
        "TRADE_CLOSED" => OrderStatus::Closed,
        _ => OrderStatus::Unlisted,
    }
}

/// `refund_state` of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterSale {
    None,
    /// Under way or done, in part or whole: the list of refunds says which.
    Some,
    Unlisted,
}

pub(crate) fn after_sale(code: i64) -> AfterSale {
    match code {
        0 => AfterSale::None,
        1 | 2 | 11 | 12 => AfterSale::Some,
        _ => AfterSale::Unlisted,
    }
}

/// `status` of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Requested,
    UnderWay,
    Refused,
    Settled,
    Unlisted,
}

pub(crate) fn refund_status(text: &str) -> RefundStatus {
    match text {
        "WAIT_SELLER_AGREE" => RefundStatus::Requested,
        "WAIT_BUYER_RETURN_GOODS" | "WAIT_SELLER_CONFIRM_GOODS" => RefundStatus::UnderWay,
        "SELLER_REFUSE_BUYER" | "SELLER_REFUSE_BUYER_RETURN_GOODS" | "CLOSED" => RefundStatus::Refused,
        "SUCCESS" => RefundStatus::Settled,
        _ => RefundStatus::Unlisted,
    }
}

/// How a call ended, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    /// Over a limit, or asked too early: nothing was done. The seconds to wait.
    Busy(u32),
    /// Something failed inside: nobody knows.
    Unknown,
    Refused,
}

pub(crate) fn call_status(code: &str) -> CallStatus {
    match code {
        "4101" | "500100004" | "123000042" | "141500203" => CallStatus::Busy(3),
        // The token is not good (now); renewing it or a person mends that.
        "4201" | "4202" | "4203" => CallStatus::Busy(60),
        // The same call is under way, or the refund was acted on a moment ago.
        "102510001" | "102010003" => CallStatus::Busy(3),
        "5001" | "5002" | "5003" | "106000001" | "106100118" | "-100" => CallStatus::Unknown,
        _ => CallStatus::Refused,
    }
}
