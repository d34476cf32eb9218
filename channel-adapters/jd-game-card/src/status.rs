//! JD's table of return codes, whole, and our reasons, refusals and order states in its words.

use channel::{OrderState, OrderView, Refusal, Step};
use vocabulary::Reason;

/// A return code. `retry` marks those that JD tries again; on a query, any other but 100 makes JD refund the
/// buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetCode {
    pub(crate) code: u16,
    pub(crate) message: &'static str,
    pub(crate) retry: bool,
}

const fn last(code: u16, message: &'static str) -> RetCode {
    RetCode { code, message, retry: false }
}

const fn retried(code: u16, message: &'static str) -> RetCode {
    RetCode { code, message, retry: true }
}

pub(crate) const OK: RetCode = last(100, "成功");
pub(crate) const ORDER_UNKNOWN: RetCode = last(101, "订单不存在");
pub(crate) const ORDER_EXISTS: RetCode = last(102, "订单号不允许重复");
pub(crate) const BAD_PARAMETER: RetCode = last(104, "传入的参数有误");
pub(crate) const BAD_SIGNATURE: RetCode = retried(106, "验证摘要串验证失败");
pub(crate) const GOODS_UNKNOWN: RetCode = last(107, "没有对应商品");
pub(crate) const BUSY: RetCode = retried(108, "数据库繁忙，请稍后重试");
pub(crate) const NOT_SELLABLE: RetCode = last(109, "本商品不可销售");
pub(crate) const OUT_OF_STOCK: RetCode = retried(110, "库存不足");
pub(crate) const PRICE_DIFFERS: RetCode = last(111, "商品价钱不一致");
pub(crate) const SYSTEM: RetCode = retried(999, "系统错误");

/// The whole table of the document.
pub(crate) const TABLE: [RetCode; 27] = [
    OK,
    ORDER_UNKNOWN,
    ORDER_EXISTS,
    last(103, "该游戏区服不存在或者区服已暂停"),
    BAD_PARAMETER,
    retried(105, "IP地址不符合要求"),
    BAD_SIGNATURE,
    GOODS_UNKNOWN,
    BUSY,
    NOT_SELLABLE,
    OUT_OF_STOCK,
    PRICE_DIFFERS,
    last(112, "账户余额不足"),
    last(113, "角色或账号不存在"),
    last(114, "角色或账号验证失败"),
    last(115, "游戏品牌不存在"),
    last(116, "充值帐户输入错误"),
    last(117, "账号不匹配身份要求"),
    last(118, "账号达到最大购买次数限制"),
    last(119, "账号被风控"),
    last(120, "账号被封停"),
    last(121, "无该产品的购买资格"),
    last(122, "账号转换映射失败"),
    last(123, "品牌侧下单失败"),
    last(124, "非有效价格"),
    SYSTEM,
    retried(1000, "调用品牌方超时"),
];

/// The table's row for a code that JD sent.
pub(crate) fn by_code(code: u16) -> Option<RetCode> {
    TABLE.into_iter().find(|row| row.code == code)
}

/// The code for a business "no".
pub(crate) fn of_reason(reason: Reason) -> RetCode {
    match reason {
        Reason::UnknownItem | Reason::UnknownSku | Reason::UnknownChannel => GOODS_UNKNOWN,
        Reason::ChannelSuspended | Reason::NoPrice | Reason::WrongState => NOT_SELLABLE,
        Reason::OutOfStock | Reason::QuotaExhausted => OUT_OF_STOCK,
        Reason::UnknownOrder => ORDER_UNKNOWN,
        Reason::AmountMismatch | Reason::CurrencyMismatch => PRICE_DIFFERS,
        Reason::InvalidQuantity | Reason::InvalidValue => BAD_PARAMETER,
        Reason::OrderNumberReused | Reason::TxnReused | Reason::MessageIdReused | Reason::AlreadyExists => {
            ORDER_EXISTS
        }
        // Nothing JD asks for can end so; a reason that is new here must not make JD give up.
        _ => SYSTEM,
    }
}

/// The code for a business "no" to a query. Only that the order is unknown may be final: any other final code
/// makes JD refund a buyer who may hold the keys already.
pub(crate) fn of_query_reason(reason: Reason) -> RetCode {
    if reason == Reason::UnknownOrder { ORDER_UNKNOWN } else { SYSTEM }
}

/// The code for a request that was not acted on. The table has none for a time stamp; a stale one is a bad
/// signature.
pub(crate) fn of_refusal(refusal: &Refusal) -> RetCode {
    match (refusal.step, refusal.code) {
        (Step::Signature | Step::Time, _) => BAD_SIGNATURE,
        (_, "unsupported_order") => NOT_SELLABLE,
        (Step::Size | Step::Format | Step::Meaning, _) => BAD_PARAMETER,
    }
}

/// How JD sees an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    Success = 0,
    Working = 1,
    Failed = 2,
}

/// An order counts as done only when every key of it is there: "return all N cards at once", says the
/// document.
pub(crate) fn of_order(order: &OrderView) -> OrderStatus {
    let complete = !order.lines.is_empty()
        && order.lines.iter().all(|line| u32::try_from(line.keys.len()) == Ok(line.quantity.get()));
    match order.state {
        OrderState::Refunded | OrderState::Cancelled => OrderStatus::Failed,
        OrderState::Fulfilled | OrderState::Delivered if complete => OrderStatus::Success,
        OrderState::AwaitingPayment
        | OrderState::Processing
        | OrderState::Fulfilled
        | OrderState::Delivered => OrderStatus::Working,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_or_refusal_reads_as_success() {
        for reason in Reason::ALL {
            assert_ne!(of_reason(*reason), OK, "{reason:?}");
        }
        for step in [Step::Size, Step::Signature, Step::Time, Step::Format, Step::Meaning] {
            assert_ne!(of_refusal(&Refusal::new(step, "anything", "")), OK);
        }
    }

    #[test]
    fn only_an_unknown_order_ends_a_query_for_good() {
        for reason in Reason::ALL {
            assert_eq!(of_query_reason(*reason).retry, *reason != Reason::UnknownOrder, "{reason:?}");
        }
    }

    #[test]
    fn the_table_holds_each_code_once_and_marks_the_six_that_are_retried() {
        let codes: Vec<u16> = TABLE.iter().map(|row| row.code).collect();
        let wanted: Vec<u16> = (100..=124).chain([999, 1000]).collect();
        assert_eq!(codes, wanted);
        let retried: Vec<u16> = TABLE.iter().filter(|row| row.retry).map(|row| row.code).collect();
        assert_eq!(retried, [105, 106, 108, 110, 999, 1000]);
        assert_eq!(by_code(110), Some(OUT_OF_STOCK));
        assert_eq!(by_code(42), None);
    }
}
