//! The reasons for which a wish is turned down. Each has a stable code, a sentence in two languages and a page.

use std::fmt;

macro_rules! reasons {
    ($( $(#[$doc:meta])* $name:ident = $code:literal, $en:literal, $zh:literal; )*) => {
        /// Why a command was rejected. Adapters map these to the channel's own codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $( $(#[$doc])* $name ),* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),* ];
            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $( Self::$name => $code ),* }
            }
            /// One sentence in English.
            pub fn en(self) -> &'static str {
                match self { $( Self::$name => $en ),* }
            }
            /// One sentence in Chinese.
            pub fn zh(self) -> &'static str {
                match self { $( Self::$name => $zh ),* }
            }
        }
    };
}

reasons! {
    /// The channel's item stands for nothing of ours.
    UnknownItem = "unknown_item", "The item is not one we sell.", "商品不存在。";
    /// The SKU is not defined.
    UnknownSku = "unknown_sku", "The SKU does not exist.", "SKU 不存在。";
    /// The account is not connected.
    UnknownChannel = "unknown_channel", "The channel account is not connected.", "渠道账号未接入。";
    /// No such order.
    UnknownOrder = "unknown_order", "There is no such order.", "订单不存在。";
    /// No such batch or key.
    UnknownKey = "unknown_key", "There is no such key or batch.", "卡密或批次不存在。";
    /// Sales on the account are stopped.
    ChannelSuspended = "channel_suspended", "Sales on this channel are stopped.", "该渠道已暂停销售。";
    /// Fewer units than wanted are left for this account.
    OutOfStock = "out_of_stock", "Not enough keys are left for this channel.", "该渠道库存不足。";
    /// Stock is left, but the account's quota is used up.
    QuotaExhausted = "quota_exhausted", "The channel's quota is used up.", "该渠道配额已用完。";
    /// No price is set for the SKU on this account.
    NoPrice = "no_price", "No price is set for this item on this channel.", "该渠道未设置价格。";
    /// The amount is not what the order costs.
    AmountMismatch = "amount_mismatch", "The amount is not what the order costs.", "金额与订单不符。";
    /// The currency is not the order's.
    CurrencyMismatch = "currency_mismatch", "The currency is not the order's.", "币种与订单不符。";
    /// The quantity is not between 1 and the most one line may have, or the order has no line or too many.
    InvalidQuantity = "invalid_quantity", "The quantity is out of range.", "数量超出范围。";
    /// The order number is taken by an order with other content.
    OrderNumberReused = "order_number_reused", "The order number belongs to another order.", "订单号已被使用。";
    /// The payment's number was used for another order.
    TxnReused = "txn_reused", "The payment was used for another order.", "支付流水号已被使用。";
    /// The message id was used with another content.
    MessageIdReused = "message_id_reused", "The message id was used with other content.", "消息编号重复且内容不同。";
    /// The order is not in a state that allows this.
    WrongState = "wrong_state", "The order's state does not allow this.", "订单当前状态不允许此操作。";
    /// The refunds would exceed what was paid.
    RefundTooLarge = "refund_too_large", "Refunds would exceed what was paid.", "退款金额超过已付金额。";
    /// The key was replaced before, or is not one of the line's.
    NotReplaceable = "not_replaceable", "The key cannot be replaced.", "该卡密不能更换。";
    /// A value is not acceptable; the detail says which.
    InvalidValue = "invalid_value", "A value is not acceptable.", "参数不合法。";
    /// The thing exists already with another content.
    AlreadyExists = "already_exists", "It exists already, with other content.", "已存在且内容不同。";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.en())
    }
}
