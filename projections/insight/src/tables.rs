//! The tables of entries: what models are fitted to. Their rows never change once they are there, so those up to a
//! position are what was known there.

use projection::{Column, Kind, Table};

use Kind::{At, Int, Text};

const POS: Column = Column::new("entry_pos", Int, "The event's position.", "事件位置。").fixed();
const ORDER_ID: Column = Column::new("order_id", Text, "Our id of the order.", "我方订单号。").fixed();
const CURRENCY: Column = Column::new("currency", Text, "The currency.", "币种。").fixed();

pub(crate) static ORDER: Table = Table {
    name: "fct_insight_order",
    en: "Who ordered where, as models see it.",
    zh: "模型口径的订单:谁在哪里下单。",
    key: 1,
    columns: &[
        ORDER_ID,
        Column::new("entry_pos", Int, "The event's position.", "事件位置。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new("buyer_id", Text, "The buyer's pseudonym, where known.", "买家编号（如有）。").nullable(),
        Column::new("currency", Text, "The currency.", "币种。"),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static MONEY: Table = Table {
    name: "fct_insight_money",
    en: "Money that came or went with an order.",
    zh: "订单的收款与退款。",
    key: 1,
    columns: &[
        POS,
        ORDER_ID,
        Column::new("happened_at", At, "When.", "时间。").fixed(),
        Column::new(
            "amount_fen",
            Int,
            "Paid, or less than 0 where it was paid back, in minor units.",
            "收款；退款为负（分）。",
        )
        .fixed(),
        CURRENCY,
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static KEYS: Table = Table {
    name: "fct_insight_keys",
    en: "Keys of one batch that an order took or gave back.",
    zh: "订单从某批次取用或退回的卡密。",
    key: 2,
    columns: &[
        POS,
        Column::new("batch_id", Int, "The batch.", "批次。").fixed(),
        ORDER_ID,
        Column::new(
            "units_count",
            Int,
            "Units taken, or less than 0 where they went back.",
            "取用件数；退回为负。",
        )
        .fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static KEY_COST: Table = Table {
    name: "dim_insight_key_cost",
    en: "What a key of a batch cost.",
    zh: "批次的单卡成本。",
    key: 1,
    columns: &[
        Column::new("batch_id", Int, "The batch.", "批次。"),
        Column::new("entry_pos", Int, "The event's position.", "事件位置。"),
        Column::new("unit_cost_fen", Int, "What one key cost, in minor units.", "单卡成本（分）。"),
        Column::new("uses_count", Int, "How often a key can be sold.", "每张卡可售次数。"),
        Column::new("currency", Text, "The currency.", "币种。"),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static CUT: Table = Table {
    name: "dim_insight_cut",
    en: "What an account keeps of a sale, from a position on.",
    zh: "渠道账号自某位置起的扣点。",
    key: 2,
    columns: &[
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。").fixed(),
        POS,
        Column::new(
            "cut_bp",
            Int,
            "Commission and payment fee, in hundredths of a per cent.",
            "佣金与支付费率（万分比）。",
        )
        .fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static DEMAND: Table = Table {
    name: "fct_insight_demand",
    en: "Units of an item that were asked for, or a time from which there may be stock again.",
    zh: "对某 SKU 的需求,或可能恢复供货的时刻。",
    key: 2,
    columns: &[
        POS,
        Column::new("sku", Text, "The item.", "SKU。").fixed(),
        Column::new(
            "channel",
            Text,
            "The account, channel/shop; none means all of them.",
            "渠道账号；空为全部。",
        )
        .nullable()
        .fixed(),
        Column::new("happened_at", At, "When.", "时间。").fixed(),
        Column::new(
            "kind",
            Text,
            "asked (an order), refused (nothing for it) or supplied (keys came in, or a quota was set).",
            "asked（下单）、refused（无货被拒）、supplied（补货或调整配额）。",
        )
        .fixed(),
        Column::new("units_count", Int, "How many units.", "件数。").fixed(),
        Column::new("attempt_no", Text, "The channel's order number.", "渠道订单号。").nullable().fixed(),
        Column::new("order_id", Text, "Our id of the order, where one came of it.", "我方订单号（如有）。")
            .nullable()
            .fixed(),
        Column::new(
            "cause",
            Text,
            "Why it was refused: out_of_stock, quota_exhausted.",
            "被拒原因：out_of_stock、quota_exhausted。",
        )
        .nullable()
        .fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static TOUCH: Table = Table {
    name: "fct_insight_touch",
    en: "A contact on a journey.",
    zh: "旅程中的一次接触。",
    key: 1,
    columns: &[
        POS,
        Column::new("journey_id", Text, "The journey.", "旅程编号。").fixed(),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。").fixed(),
        Column::new("happened_at", At, "When.", "时间。").fixed(),
        Column::new("buyer_id", Text, "The buyer's pseudonym, where known.", "买家编号（如有）。")
            .nullable()
            .fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static JOURNEY_ORDER: Table = Table {
    name: "fct_insight_journey_order",
    en: "An order that a journey led to.",
    zh: "旅程带来的订单。",
    key: 1,
    columns: &[POS, ORDER_ID, Column::new("journey_id", Text, "The journey.", "旅程编号。").fixed()],
    indexes: &[],
    clustered: true,
};

pub(crate) static IDENTITY: Table = Table {
    name: "fct_insight_identity",
    en: "What was learnt of who a buyer is, as models see it.",
    zh: "模型口径的买家身份变化。",
    key: 1,
    columns: &[
        POS,
        Column::new("buyer_id", Text, "The buyer's pseudonym.", "买家编号。").fixed(),
        Column::new(
            "act",
            Text,
            "named (for the first time), linked, unlinked or erased.",
            "named（首次出现）、linked（关联）、unlinked（解除）、erased（抹除）。",
        )
        .fixed(),
        Column::new("id_kind", Text, "The sort of identifier that was linked.", "标识类型。")
            .nullable()
            .fixed(),
        Column::new(
            "id_hash",
            Text,
            "A keyed digest of the identifier; of sort buyer the other buyer's pseudonym.",
            "标识的带密钥摘要；类型为 buyer 时是对方买家编号。",
        )
        .nullable()
        .fixed(),
        Column::new(
            "strength",
            Text,
            "strong, medium or search_only.",
            "强度：strong、medium、search_only。",
        )
        .nullable()
        .fixed(),
    ],
    indexes: &[],
    clustered: true,
};
