//! Columns that several views have.

use projection::{Column, Kind};

use Kind::{Date, Int, Text};

pub(crate) const CHANNEL: Column =
    Column::new("channel_id", Text, "The account, channel/shop.", "渠道账号（渠道/店铺）。");
pub(crate) const SKU: Column = Column::new("sku_id", Text, "The item.", "SKU。");
pub(crate) const BATCH: Column = Column::new("batch_id", Int, "The batch.", "批次号。");
pub(crate) const ORDER: Column = Column::new("order_id", Text, "Our id of the order.", "我方订单号。");
pub(crate) const PERSON: Column = Column::new(
    "person_id",
    Text,
    "The person: what buyers are joined into; a buyer nobody joined is their own.",
    "自然人编号；未合并的买家即其自身。",
);
pub(crate) const CURRENCY: Column = Column::new("currency", Text, "The currency of the amounts.", "币种。");
pub(crate) const DAY: Column =
    Column::new("business_date", Date, "The business day, in Shanghai.", "业务日（上海）。");

pub(crate) const NET_EN: &str = "Paid less paid back, in minor units.";
pub(crate) const NET_ZH: &str = "净销售额：实付减退款（分）。";
pub(crate) const MARGIN_EN: &str =
    "Net less commission, payment fee and cost of keys, in minor units; keys of unknown cost count as free.";
pub(crate) const MARGIN_ZH: &str = "毛利：净销售额减佣金、手续费与卡密成本（分）；成本未知的卡密按零计。";

/// The projections that say what an order is, what it came to, and which person bought it.
pub(crate) const OF_PERSONS: &[&str] = &["orders", "people", "sales"];
