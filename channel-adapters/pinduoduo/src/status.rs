//! Their states → ours. Whatever is not listed is `Unlisted`, which is never "paid".

/// `message.type` of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The order must be looked at.
    Changed,
    /// Nothing that we act on changed.
    Idle,
    Unknown,
}

pub(crate) fn topic(kind: &str) -> Topic {
    match kind {
        "pdd_trade_TradeConfirmed"
        | "pdd_trade_TradeRiskChanged"
        | "pdd_refund_RefundCreated"
        | "pdd_refund_RefundAgreeAgreement"
        | "pdd_refund_RefundClosed" => Topic::Changed,
        "pdd_trade_TradeSellerShip"
        | "pdd_trade_TradeSuccess"
        | "pdd_trade_TradeMemoModified"
        | "pdd_trade_TradeLogisticsAddressChanged" => Topic::Idle,
        _ => Topic::Unknown,
    }
}

/// `order_status`, `confirm_status` and `risk_control_status` of an order that has no after-sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    /// Paid, confirmed, past the risk review: the keys are due.
    ToShip,
    /// The group is not complete, or the platform still reviews the order.
    Waiting,
    Cancelled,
    /// Shipped or received.
    Shipped,
    Unlisted,
}

pub(crate) fn order_status(order: i64, confirm: i64, risk: i64) -> OrderStatus {
    match (confirm, order, risk) {
        (2, _, _) => OrderStatus::Cancelled,
        (0, 1, 0 | 1) | (1, 1, 1) => OrderStatus::Waiting,
        (1, 1, 0) => OrderStatus::ToShip,
        (1, 2 | 3, _) => OrderStatus::Shipped,
        _ => OrderStatus::Unlisted,
    }
}

/// `refund_status` of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterSale {
    /// None, or closed.
    None,
    /// Under way or done: the list of after-sales says which.
    Some,
    Unlisted,
}

pub(crate) fn after_sale(refund_status: i64) -> AfterSale {
    match refund_status {
        1 => AfterSale::None,
        2..=4 => AfterSale::Some,
        _ => AfterSale::Unlisted,
    }
}

/// `after_sales_status` of an after-sale that is about money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Requested,
    /// Agreed, or with the platform; the money has not moved.
    UnderWay,
    Refused,
    Settled,
    Unlisted,
}

/// The states in which an after-sale asks something of us; the list is queried for each.
pub(crate) const POLLED: [i64; 8] = [2, 3, 6, 9, 10, 11, 12, 13];

pub(crate) fn refund_status(code: i64) -> RefundStatus {
    match code {
        2 | 3 => RefundStatus::Requested,
        4 | 5 | 7 | 8 | 31 => RefundStatus::UnderWay,
        6 | 9 | 11 | 12 | 13 => RefundStatus::Refused,
        10 => RefundStatus::Settled,
        _ => RefundStatus::Unlisted,
    }
}

/// Whether an after-sale of this `after_sales_type` is about money: 2 refund only, 3 return and refund. Exchanges,
/// resends and repairs (4, 5, 6) are not; `None` for types nobody knows.
pub(crate) fn is_about_money(after_sales_type: i64) -> Option<bool> {
    match after_sales_type {
        2 | 3 => Some(true),
        4..=6 => Some(false),
        _ => None,
    }
}

/// How a call ended, by `error_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    /// Over a limit: nothing was done.
    Busy,
    /// The token is not good (now); renewing it or a person mends that. Nothing was done.
    Token,
    /// Something failed inside: nobody knows.
    Unknown,
    Refused,
}

pub(crate) fn call_status(code: i64) -> CallStatus {
    match code {
        70_031 | 70_032 => CallStatus::Busy,
        10_019 | 10_035 => CallStatus::Token,
        50_000..=52_999 => CallStatus::Unknown,
        _ => CallStatus::Refused,
    }
}
