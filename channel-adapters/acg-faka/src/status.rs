//! What goes wrong, in words that the other shop shows to people: the protocol has one code for success and no others.

use channel::{OrderState, OrderView, Refusal, Step};
use vocabulary::Reason;

use crate::cards;

/// The words for a business "no".
pub(crate) fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::UnknownItem | Reason::UnknownSku | Reason::UnknownChannel => "商品不存在",
        Reason::ChannelSuspended | Reason::NoPrice => "当前商品已停售",
        Reason::OutOfStock | Reason::QuotaExhausted => "库存不足",
        Reason::UnknownOrder => "订单不存在",
        Reason::InvalidQuantity | Reason::InvalidValue => "参数错误",
        Reason::OrderNumberReused | Reason::MessageIdReused | Reason::TxnReused => "请求ID已存在",
        _ => UNCLEAR,
    }
}

/// Nothing that was asked for came back.
pub(crate) const UNCLEAR: &str = "系统繁忙，请稍后再试";

/// The words for a request that was not acted on.
pub(crate) fn of_refusal(refusal: &Refusal) -> &'static str {
    match (refusal.step, refusal.code) {
        (Step::Signature | Step::Time, _) => "密钥错误",
        (_, "unsupported_order") => "该商品不支持预选或多规格",
        (Step::Size | Step::Format | Step::Meaning, _) => "参数错误",
    }
}

/// Whether an order's keys are all here to be shown.
pub(crate) fn is_delivered(order: &OrderView) -> bool {
    let handed = matches!(order.state, OrderState::Fulfilled | OrderState::Delivered);
    handed && cards::all_there(&order.lines)
}

/// The protocol's state of an order: 1 is paid, 0 is not.
pub(crate) fn of_order(order: &OrderView) -> u8 {
    match order.state {
        OrderState::Processing | OrderState::Fulfilled | OrderState::Delivered => 1,
        OrderState::AwaitingPayment | OrderState::Refunded | OrderState::Cancelled => 0,
    }
}
