//! The tables: Kuaishou's numbers and names → ours. Whatever is not listed is `Unlisted`, which is never "paid".

/// What a push is about, by its `event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Paid,
    Refund,
    /// Known, and nothing to us: deliveries are ours to know, and money that goes back is a refund's affair.
    Other,
    Unlisted,
}

pub(crate) fn event(name: &str) -> Event {
    match name {
        "kwaishop_order_paySuccess" => Event::Paid,
        "kwaishop_aftersales_addRefund" | "kwaishop_aftersales_updateRefund" => Event::Refund,
        "kwaishop_order_addOrder"
        | "kwaishop_order_delivering"
        | "kwaishop_order_deliverySuccess"
        | "kwaishop_order_orderSuccess"
        | "kwaishop_order_orderFail"
        | "kwaishop_order_totalFeeChange" => Event::Other,
        _ => Event::Unlisted,
    }
}

/// `status` of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Unpaid,
    Paid,
    /// Shipped, received or finished.
    Shipped,
    /// Cancelled, before payment or after a refund.
    Failed,
    Unlisted,
}

pub(crate) fn order_status(code: i64) -> OrderStatus {
    match code {
        10 => OrderStatus::Unpaid,
        30 => OrderStatus::Paid,
        40 | 50 | 70 => OrderStatus::Shipped,
        80 => OrderStatus::Failed,
        _ => OrderStatus::Unlisted,
    }
}

/// `status` of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    /// The seller is to answer.
    Requested,
    UnderWay,
    /// Agreed, and about to be paid by Kuaishou.
    Agreed,
    Settled,
    /// Turned down or closed.
    Over,
    Unlisted,
}

pub(crate) fn refund_status(code: i64) -> RefundStatus {
    match code {
        10 | 11 => RefundStatus::Requested,
        20..=23 | 30 | 40 | 45 => RefundStatus::UnderWay,
        50 => RefundStatus::Agreed,
        60 => RefundStatus::Settled,
        12 | 70 => RefundStatus::Over,
        _ => RefundStatus::Unlisted,
    }
}

/// `handlingWay`: money back without goods.
pub(crate) const REFUND_ONLY: i64 = 10;

/// Whether a refund of this `handlingWay` is about money: with (1) or without (10) goods to come back. Exchanges,
/// goods sent again and repairs are not.
pub(crate) fn is_about_money(handling_way: i64) -> bool {
    matches!(handling_way, 1 | REFUND_ONLY)
}

/// What an order is of, by its `coType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goods {
    /// Codes that the merchant issues.
    Eticket,
    /// Virtual, but handed over in a way that no document shows: phone, card pack, membership, fuel.
    OtherVirtual,
    /// Goods to be sent, which are not ours.
    Parcel,
}

pub(crate) fn goods(co_type: i64) -> Goods {
    match co_type {
        14 => Goods::Eticket,
        2 | 3 | 9 | 13 => Goods::OtherVirtual,
        _ => Goods::Parcel,
    }
}

/// How a reply's `result` is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    Ok,
    /// Over a limit: nothing was done.
    Busy,
    /// A passing fault of theirs: nobody knows what was done.
    Fault,
    /// The access token; it is renewed, then the call may be made again.
    Token,
    Refused,
}

pub(crate) fn call_status(result: i64) -> CallStatus {
    match result {
        1 => CallStatus::Ok,
        9 | 802_000 => CallStatus::Busy,
        2 | 8 | 11 | 15 | 16 | 17 | 1_016 | 1_017 => CallStatus::Fault,
        21 | 22 | 24 | 25 | 26 => CallStatus::Token,
        _ => CallStatus::Refused,
    }
}
