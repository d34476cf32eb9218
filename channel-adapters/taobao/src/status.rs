//! Their states → ours. Whatever is not listed is `Unlisted`, which is never "paid".

/// `status` of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TradeStatus {
    Unpaid,
    /// Paid: the keys are due.
    ToShip,
    /// Shipped, in part or whole, or done.
    Shipped,
    /// Closed after payment: the money went back.
    Refunded,
    /// Closed before payment.
    Cancelled,
    Unlisted,
}

pub(crate) fn trade_status(text: &str) -> TradeStatus {
    match text {
        "TRADE_NO_CREATE_PAY" | "WAIT_BUYER_PAY" | "PAY_PENDING" => TradeStatus::Unpaid,
        "WAIT_SELLER_SEND_GOODS" => TradeStatus::ToShip,
        "SELLER_CONSIGNED_PART" | "WAIT_BUYER_CONFIRM_GOODS" | "TRADE_BUYER_SIGNED" | "TRADE_FINISHED" => {
            TradeStatus::Shipped
        }
        "TRADE_CLOSED" => TradeStatus::Refunded,
        "TRADE_CLOSED_BY_TAOBAO" => TradeStatus::Cancelled,
        _ => TradeStatus::Unlisted,
    }
}

/// `status` of a refund, and `refund_status` of a part of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    None,
    /// The seller is to answer.
    Requested,
    /// Agreed, goods are on their way back (which keys never are); the money has not moved.
    UnderWay,
    /// Turned down, or taken back by the buyer.
    Refused,
    Settled,
    Unlisted,
}

pub(crate) fn refund_status(text: &str) -> RefundStatus {
    match text {
        "" | "NO_REFUND" => RefundStatus::None,
        "WAIT_SELLER_AGREE" => RefundStatus::Requested,
        "WAIT_BUYER_RETURN_GOODS" | "WAIT_SELLER_CONFIRM_GOODS" => RefundStatus::UnderWay,
        "SELLER_REFUSE_BUYER" | "CLOSED" => RefundStatus::Refused,
        "SUCCESS" => RefundStatus::Settled,
        _ => RefundStatus::Unlisted,
    }
}

/// The topic of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The trade must be looked at.
    Changed,
    /// Nothing that we act on changed.
    Idle,
    Unknown,
}

pub(crate) fn topic(text: &str) -> Topic {
    match text {
        "taobao_trade_TradeBuyerPay"
        | "taobao_trade_TradeClose"
        | "taobao_refund_RefundCreated"
        | "taobao_refund_RefundSellerAgreeAgreement"
        | "taobao_refund_RefundSellerRefuseAgreement"
        | "taobao_refund_RefundSuccess"
        | "taobao_refund_RefundClosed" => Topic::Changed,
        "taobao_trade_TradeCreate" | "taobao_trade_TradeSellerShip" | "taobao_trade_TradeSuccess" => {
            Topic::Idle
        }
        _ => Topic::Unknown,
    }
}

/// How a call ended, by `code` and `sub_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStatus {
    /// Over a limit: nothing was done.
    Busy,
    /// The session is not good (now); renewing it or a person mends that. Nothing was done.
    Session,
    /// Something failed inside: nobody knows.
    Unknown,
    Refused,
}

pub(crate) fn call_status(code: i64, sub_code: &str) -> CallStatus {
    match code {
        7 => CallStatus::Busy,
        26 | 27 => CallStatus::Session,
        _ if sub_code.starts_with("accesscontrol.limited-by") => CallStatus::Busy,
        _ if sub_code.starts_with("isp.") => CallStatus::Unknown,
        _ => CallStatus::Refused,
    }
}
