//! One table each way: our reasons and refusals to goofish's codes, our order states to its order states.

use channel::{OrderState, OrderView, Refusal, Step};
use vocabulary::Reason;

/// A code of the document's table and the words that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) i32, pub(crate) &'static str);

pub(crate) const OK: Code = Code(0, "OK");
pub(crate) const BAD_REQUEST: Code = Code(1, "请求错误");
pub(crate) const BAD_SIGNATURE: Code = Code(401, "签名错误");
pub(crate) const STALE_TIMESTAMP: Code = Code(408, "时间戳已过期");
pub(crate) const INTERNAL: Code = Code(500, "系统异常");
pub(crate) const MERCHANT_UNKNOWN: Code = Code(1000, "商户不存在");
pub(crate) const GOODS_UNKNOWN: Code = Code(1100, "商品不存在");
pub(crate) const GOODS_UNAVAILABLE: Code = Code(1101, "商品不可用");
pub(crate) const OUT_OF_STOCK: Code = Code(1102, "库存不足");
pub(crate) const ORDER_UNKNOWN: Code = Code(1200, "订单不存在");
pub(crate) const BAD_ORDER: Code = Code(1201, "下单参数错误");
pub(crate) const BELOW_COST: Code = Code(1202, "金额低于成本价");
pub(crate) const ORDER_EXISTS: Code = Code(1203, "订单号已存在");

/// The code for a business "no".
pub(crate) fn of_reason(reason: Reason) -> Code {
    match reason {
        Reason::UnknownItem | Reason::UnknownSku => GOODS_UNKNOWN,
        Reason::UnknownChannel => MERCHANT_UNKNOWN,
        Reason::ChannelSuspended | Reason::NoPrice | Reason::CurrencyMismatch => GOODS_UNAVAILABLE,
        Reason::OutOfStock | Reason::QuotaExhausted => OUT_OF_STOCK,
        Reason::UnknownOrder => ORDER_UNKNOWN,
        Reason::AmountMismatch => BELOW_COST,
        Reason::InvalidQuantity | Reason::InvalidValue | Reason::WrongState | Reason::RefundTooLarge => {
            BAD_ORDER
        }
        Reason::OrderNumberReused | Reason::TxnReused | Reason::MessageIdReused | Reason::AlreadyExists => {
            ORDER_EXISTS
        }
        // Keys are no part of what goofish asks, so these cannot be its fault; and a reason that is new here
        // is safest as "ask again": goofish then reads the order's detail.
        _ => INTERNAL,
    }
}

/// The code for a request that was not acted on. Whatever is wrong with a signature or a merchant's number,
/// the sender hears the same.
pub(crate) fn of_refusal(refusal: &Refusal) -> Code {
    match (refusal.step, refusal.code) {
        (Step::Signature, _) => BAD_SIGNATURE,
        (Step::Time, _) => STALE_TIMESTAMP,
        (_, "unknown_order") => ORDER_UNKNOWN,
        (_, "unsupported_order_type") => GOODS_UNAVAILABLE,
        (_, "bad_order") => BAD_ORDER,
        (Step::Size | Step::Format | Step::Meaning, _) => BAD_REQUEST,
    }
}

/// How goofish sees an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Processing = 10,
    Success = 20,
    Failed = 30,
}

/// An order counts as a success only when every key of it is in the reply: a success without cards cannot be
/// mended, while one that is "processing" is asked for again.
pub(crate) fn of_order(order: &OrderView) -> OrderStatus {
    match order.state {
        OrderState::Refunded | OrderState::Cancelled => OrderStatus::Failed,
        OrderState::Fulfilled | OrderState::Delivered if has_all_keys(order) => OrderStatus::Success,
        OrderState::AwaitingPayment
        | OrderState::Processing
        | OrderState::Fulfilled
        | OrderState::Delivered => OrderStatus::Processing,
    }
}

fn has_all_keys(order: &OrderView) -> bool {
    !order.lines.is_empty()
        && order.lines.iter().all(|line| u32::try_from(line.keys.len()) == Ok(line.quantity.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_reads_as_success() {
        for reason in Reason::ALL {
            assert_ne!(of_reason(*reason).0, 0, "{reason:?}");
        }
    }

    #[test]
    fn no_refusal_reads_as_success() {
        for step in [Step::Size, Step::Signature, Step::Time, Step::Format, Step::Meaning] {
            assert_ne!(of_refusal(&Refusal::new(step, "anything", "")).0, 0);
        }
    }
}
