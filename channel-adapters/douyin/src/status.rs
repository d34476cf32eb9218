//! The tables: their numbers → ours. Whatever is not listed is `Unlisted`, which is never "paid".

/// What a push is about, by its `tag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Trade,
    AfterSale,
    Probe,
    Unlisted,
}

pub(crate) fn topic(tag: &str) -> Topic {
    match tag {
        "100" | "101" | "102" | "103" | "106" | "108" | "109" | "110" => Topic::Trade,
        "200" | "201" | "204" | "206" | "207" | "208" => Topic::AfterSale,
        "0" => Topic::Probe,
        _ => Topic::Unlisted,
    }
}

/// `order_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Unpaid,
    /// Paid, and held by Douyin (105): not yet to be shipped.
    Held,
    /// Paid and to be shipped.
    ToShip,
    /// Shipped in part or whole, or done.
    HandedOver,
    Cancelled,
    Unlisted,
}

pub(crate) fn order_status(code: i64) -> OrderStatus {
    match code {
        1 => OrderStatus::Unpaid,
        105 => OrderStatus::Held,
        2 => OrderStatus::ToShip,
        101 | 3 | 5 => OrderStatus::HandedOver,
        4 => OrderStatus::Cancelled,
        _ => OrderStatus::Unlisted,
    }
}

/// Whether a key can be what the order wants: a virtual item (2), an electronic coupon (4) or a third-party coupon
/// (5), but not a phone top-up (`biz` 24), which wants an account topped up.
pub(crate) fn is_coupon_order(order_type: i64, biz: i64) -> bool {
    matches!(order_type, 2 | 4 | 5) && biz != 24
}

/// How far an after-sale is, by `after_sale_status` and `refund_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterSaleStatus {
    /// The seller is to answer.
    Requested,
    /// Agreed or being argued about; the money has not moved.
    UnderWay,
    /// Turned down, taken back or failed.
    Over,
    Settled,
    Unlisted,
}

pub(crate) fn after_sale_status(status: i64, refund_status: i64) -> AfterSaleStatus {
    match (status, refund_status) {
        (_, 3) => AfterSaleStatus::Settled,
        (6, _) => AfterSaleStatus::Requested,
        (27 | 28, _) => AfterSaleStatus::Over,
        (7 | 8 | 11 | 13 | 14 | 29, _) | (12 | 51 | 53, 0..=2) => AfterSaleStatus::UnderWay,
        _ => AfterSaleStatus::Unlisted,
    }
}

/// Whether an after-sale of this type is about money: 0 with return, 1 refund only, 2 before shipping, 4 called off
/// by the platform, 5 by the buyer, 6 price difference. The others send goods.
pub(crate) fn is_about_money(after_sale_type: i64) -> bool {
    matches!(after_sale_type, 0..=2 | 4..=6)
}

/// How a call ended, by `code` and `sub_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    Ok,
    /// The request was acted on before.
    AlreadyDone,
    Busy,
    /// A fault inside Douyin: nobody knows how far it came.
    Fault,
    Refused,
}

pub(crate) fn call_status(code: i64, sub_code: &str) -> CallStatus {
    let reason = sub_code.rsplit(':').next().unwrap_or_default();
    match code {
        10_000 => CallStatus::Ok,
        20_000 => CallStatus::Fault,
        _ if sub_code.starts_with("isp.") => CallStatus::Fault,
        _ if !sub_code.starts_with("isv.business-failed:") => {
            // A token that ran out is renewed; the call can be made again then.
            if sub_code.starts_with("isv.access-token") { CallStatus::Busy } else { CallStatus::Refused }
        }
        _ if matches!(reason, "000008" | "8") => CallStatus::AlreadyDone,
        _ if matches!(reason, "010013" | "10013" | "030004" | "30004" | "020007" | "20007") => {
            CallStatus::Busy
        }
        _ => CallStatus::Refused,
    }
}
