//! The tables: their numbers → ours. Whatever is not listed is `Unlisted`, which is never "paid".

/// What a push is about, by its `msgTag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Order,
    AfterSale,
    Goods,
    Unlisted,
}

pub(crate) fn topic(tag: &str) -> Topic {
    match tag {
        "msg_fulfillment_status_change" | "msg_fulfillment_soon_cancel" => Topic::Order,
        "msg_after_sale_create"
        | "msg_after_sale_transfer"
        | "msg_after_sale_audit_pass"
        | "msg_after_sale_confirm_receive"
        | "msg_after_sale_refund_finished" => Topic::AfterSale,
        "msg_sku_create" | "msg_sku_buyable" => Topic::Goods,
        _ => Topic::Unlisted,
    }
}

/// `orderStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Unpaid,
    /// Paid, and held by Xiaohongshu: not yet to be shipped.
    Held,
    ToShip,
    PartlyShipped,
    Shipped,
    /// Closed after shipping; the money, if any went back, is an after-sale's affair.
    Closed,
    Cancelled,
    Unlisted,
}

pub(crate) fn order_status(code: i64) -> OrderStatus {
    match code {
        1 => OrderStatus::Unpaid,
        2 | 3 => OrderStatus::Held,
        4 => OrderStatus::ToShip,
        5 => OrderStatus::PartlyShipped,
        6 | 7 | 10 => OrderStatus::Shipped,
        8 => OrderStatus::Closed,
        9 => OrderStatus::Cancelled,
        _ => OrderStatus::Unlisted,
    }
}

/// `status` of an after-sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterSaleStatus {
    /// The seller is to answer.
    Requested,
    UnderWay,
    Settled,
    /// Taken back, closed or turned down.
    Over,
    Unlisted,
}

pub(crate) fn after_sale_status(code: i64) -> AfterSaleStatus {
    match code {
        1 => AfterSaleStatus::Requested,
        2 | 3 => AfterSaleStatus::UnderWay,
        4 => AfterSaleStatus::Settled,
        5 | 6 | 9 => AfterSaleStatus::Over,
        _ => AfterSaleStatus::Unlisted,
    }
}

/// Whether an order whose `orderAfterSalesStatus` is this may be delivered: none, turned down, closed or taken back.
pub(crate) fn may_deliver(after_sales_status: i64) -> bool {
    matches!(after_sales_status, 0 | 1 | 4 | 5 | 7)
}

/// Whether an after-sale of this `returnType` is about money; an exchange (2) is not.
pub(crate) fn is_about_money(return_type: i64) -> bool {
    matches!(return_type, 1 | 3..=5)
}

/// Refunded before shipping, which calls the order off.
pub(crate) const BEFORE_SHIPPING: i64 = 5;
