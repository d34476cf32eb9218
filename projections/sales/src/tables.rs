//! The tables.

use projection::{Column, Kind, Table};

use Kind::{At, Date, Int, Json, Text};

use crate::sums;

const ORDER: Column = Column::new("order_id", Text, "Our id of the order.", "我方订单号。");
const POS: Column = Column::new("pos", Int, "The position of its event.", "事件位置。").fixed();
const CHANNEL: Column = Column::new("channel_id", Text, "The account, channel/shop.", "渠道账号。");
const SKU: Column = Column::new("sku_id", Text, "The item.", "SKU。");
const CURRENCY: Column = Column::new("currency", Text, "The currency of the amounts.", "币种。");

pub(crate) static SALE: Table = Table {
    name: "fct_sale",
    en: "What one order came to, so far.",
    zh: "一个订单至今的收支。",
    key: 1,
    columns: &[
        ORDER,
        CHANNEL.nullable(),
        CURRENCY.nullable(),
        Column::new("paid_at", At, "When it was first paid.", "首次付款时间。").nullable(),
        Column::new(
            "list_fen",
            Int,
            "What it would cost by our list prices when it was placed, in minor units; none where an item had none.",
            "下单时按标价计的金额（分），无标价则为空。",
        )
        .nullable(),
        Column::new(
            "discount_fen",
            Int,
            "The list price less what it costs, in minor units; below nothing where the platform sold it dearer.",
            "标价减成交金额（分），平台加价时为负。",
        )
        .nullable(),
        Column::new("paid_fen", Int, "Confirmed payments, in minor units.", "已付金额（分）。"),
        Column::new("refund_count", Int, "Refunds settled.", "退款笔数。"),
        Column::new("refund_fen", Int, "Settled refunds, in minor units.", "已退金额（分）。"),
        Column::new(
            "loss_fen",
            Int,
            "The part of the refunds whose keys stayed with the buyer, in minor units.",
            "退款中卡密未收回的部分（分）。",
        ),
        Column::new(
            "commission_fen",
            Int,
            "What the channel keeps of what was paid and not paid back, in minor units.",
            "渠道佣金，按实收计（分）。",
        ),
        Column::new(
            "pay_fee_fen",
            Int,
            "What taking the payment cost, in minor units.",
            "支付手续费（分）。",
        ),
        Column::new(
            "cost_fen",
            Int,
            "What its keys cost, bad ones included, in minor units.",
            "卡密成本，含坏卡（分）。",
        ),
        Column::new(
            "replacement_cost_fen",
            Int,
            "The part of the cost that replaced bad keys, in minor units.",
            "其中补发卡密的成本（分）。",
        ),
        Column::new(
            "uncosted_count",
            Int,
            "Units of which nobody said what they cost in this currency.",
            "无本币种成本记录的件数。",
        ),
        Column::new(
            "margin_fen",
            Int,
            "Paid less paid back, commission, fee and cost, in minor units.",
            "毛利：实付减退款、佣金、手续费与成本（分）。",
        ),
        Column::new("sale_json", Json, "All that the fold needs to go on.", "折叠所需的全部内容。"),
    ],
    indexes: &[],
    clustered: false,
};

pub(crate) static SALE_LINE: Table = Table {
    name: "fct_sale_line",
    en: "One item of one paid order.",
    zh: "一个已付订单中的一个 SKU。",
    key: 4,
    columns: &[
        SKU,
        CHANNEL,
        Column::new("hour_at", At, "The beginning of the hour of payment.", "付款小时起点。"),
        ORDER,
        Column::new("buyer_id", Text, "The buyer's pseudonym.", "买家匿名编号。").nullable(),
        CURRENCY,
        Column::new("paid_at", At, "When the order was first paid.", "首次付款时间。"),
        Column::new("units_count", Int, "Units ordered.", "件数。"),
        Column::new("amount_fen", Int, "What they cost, in minor units.", "金额（分）。"),
        Column::new(
            "paid_fen",
            Int,
            "Their part of what was paid, in minor units.",
            "分摊的已付金额（分）。",
        ),
        Column::new(
            "deliver_ms",
            Int,
            "From payment to first delivery, in milliseconds.",
            "付款到首次发货的毫秒数。",
        )
        .nullable(),
    ],
    indexes: &[],
    clustered: true,
};

const DAY: Column = Column::new("business_date", Date, "The business day, in Shanghai.", "业务日（上海）。");
const HOUR_KEY: [Column; 5] =
    [DAY, Column::new("hour_at", At, "The hour's beginning.", "小时起点。"), CHANNEL, SKU, CURRENCY];
const DAY_KEY: [Column; 4] = [DAY, CHANNEL, SKU, CURRENCY];

/// The columns of a key, and the sums.
const fn with_sums<const KEY: usize, const ALL: usize>(key: [Column; KEY]) -> [Column; ALL] {
    let mut all = [DAY; ALL];
    let mut place = 0;
    while place < ALL {
        all[place] = if place < KEY { key[place] } else { sums::COLUMNS[place - KEY] };
        place += 1;
    }
    all
}
const HOUR_COLUMNS: [Column; 5 + sums::COLUMNS.len()] = with_sums(HOUR_KEY);
const DAY_COLUMNS: [Column; 4 + sums::COLUMNS.len()] = with_sums(DAY_KEY);

pub(crate) static SALES_HOUR: Table = Table {
    name: "mart_sales_hour_sum",
    en: "What sales of one item on one account in one currency add up to in one hour.",
    zh: "一个 SKU 在一个渠道账号、一种币种下每小时的销售合计。",
    key: 5,
    columns: &HOUR_COLUMNS,
    indexes: &[],
    clustered: true,
};

pub(crate) static SALES_DAY: Table = Table {
    name: "mart_sales_day_sum",
    en: "What sales of one item on one account in one currency add up to on one business day.",
    zh: "一个 SKU 在一个渠道账号、一种币种下每业务日的销售合计。",
    key: 4,
    columns: &DAY_COLUMNS,
    indexes: &[],
    clustered: true,
};

pub(crate) static REFUSED: Table = Table {
    name: "fct_attempt_refused",
    en: "One item that somebody wanted and did not get.",
    zh: "一次被拒绝的购买中的一个 SKU。",
    key: 2,
    columns: &[
        POS,
        Column::new("line", Int, "The line, from 0.", "行号，从 0 起。").fixed(),
        CHANNEL.fixed(),
        SKU.fixed(),
        Column::new("platform_order_no", Text, "The channel's order number.", "平台订单号。").fixed(),
        Column::new("units_count", Int, "Units wanted.", "想买的件数。").fixed(),
        Column::new("reason", Text, "Why not, as a code.", "拒绝原因代码。").fixed(),
        Column::new("occurred_at", At, "When.", "发生时间。").fixed(),
    ],
    indexes: &[(&["sku_id", "channel_id", "occurred_at"], "")],
    clustered: false,
};

pub(crate) static REPLACED: Table = Table {
    name: "fct_key_replaced",
    en: "One bad key that was replaced.",
    zh: "一次坏卡补发。",
    key: 2,
    columns: &[
        ORDER.fixed(),
        POS,
        Column::new("line", Int, "The order's line, from 0.", "订单行号，从 0 起。").fixed(),
        CHANNEL.nullable().fixed(),
        SKU.nullable().fixed(),
        Column::new("old_batch_id", Int, "The batch of the bad key.", "坏卡批次。").fixed(),
        Column::new("new_batch_id", Int, "The batch of the new key.", "新卡批次。").fixed(),
        Column::new("reason", Text, "Why.", "原因。").fixed(),
        Column::new("cost_owner", Text, "Who bears the cost: supplier, us or buyer.", "成本承担方。").fixed(),
        CURRENCY.nullable().fixed(),
        Column::new("cost_fen", Int, "What the bad key had cost, in minor units.", "坏卡成本（分）。")
            .nullable()
            .fixed(),
        Column::new("occurred_at", At, "When.", "发生时间。").fixed(),
    ],
    indexes: &[],
    clustered: false,
};

pub(crate) static DISPUTED: Table = Table {
    name: "fct_payment_disputed",
    en: "One payment that did not fit its order.",
    zh: "一笔与订单不符的付款。",
    key: 2,
    columns: &[
        ORDER.fixed(),
        POS,
        Column::new("through_id", Text, "The account it came through.", "付款渠道账号。").fixed(),
        CURRENCY.fixed(),
        Column::new("expected_fen", Int, "What the order costs, in minor units.", "订单金额（分）。")
            .nullable()
            .fixed(),
        Column::new("paid_fen", Int, "What was reported as paid, in minor units.", "上报的付款金额（分）。")
            .fixed(),
        Column::new("reason", Text, "What does not fit, as a code.", "不符原因代码。").fixed(),
        Column::new("occurred_at", At, "When.", "发生时间。").fixed(),
    ],
    indexes: &[],
    clustered: false,
};

pub(crate) static PRICE: Table = Table {
    name: "fct_price",
    en: "One change of a list price.",
    zh: "一次标价变更。",
    key: 2,
    columns: &[
        SKU.fixed(),
        POS,
        Column::new(
            "channel_id",
            Text,
            "The account it holds for; none: every account without a price of its own.",
            "适用账号；空为通用价。",
        )
        .nullable()
        .fixed(),
        Column::new("old_fen", Int, "The price of one unit it replaced, in minor units.", "原单价（分）。")
            .nullable()
            .fixed(),
        Column::new(
            "new_fen",
            Int,
            "The price of one unit, in minor units; none where it was withdrawn.",
            "新单价（分），撤回则为空。",
        )
        .nullable()
        .fixed(),
        CURRENCY.nullable().fixed(),
        Column::new("from_at", At, "From when.", "生效时间。").fixed(),
        Column::new("until_at", At, "Until when, exclusive.", "失效时间。").nullable().fixed(),
        Column::new("actor_id", Text, "Who changed it.", "操作者。").fixed(),
        Column::new("reason", Text, "Why.", "原因。").fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static TERMS: Table = Table {
    name: "dim_channel_terms",
    en: "What one account takes of a sale, now.",
    zh: "一个渠道账号的现行费率。",
    key: 1,
    columns: &[
        CHANNEL,
        Column::new("currency", Text, "The currency of its amounts.", "币种。").nullable(),
        Column::new("commission_bp", Int, "Of a sale, in hundredths of a per cent.", "佣金（万分之一）。"),
        Column::new(
            "pay_fee_bp",
            Int,
            "For taking the payment, in hundredths of a per cent.",
            "支付费率（万分之一）。",
        ),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static BATCH_COST: Table = Table {
    name: "dim_batch_cost",
    en: "What the keys of one batch cost, where somebody said so.",
    zh: "一个批次的卡密成本（有记录者）。",
    key: 1,
    columns: &[
        Column::new("batch_id", Int, "The batch.", "批次号。").fixed(),
        Column::new("unit_cost_fen", Int, "What one key cost, in minor units.", "单张成本（分）。").fixed(),
        CURRENCY.fixed(),
        Column::new("use_limit", Int, "How many units each key is.", "每张卡密的件数。").fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static DECISION: Table = Table {
    name: "fct_decision",
    en: "One decision that was recorded: what was chosen, and why.",
    zh: "一次有记录的决定：选择与原因。",
    key: 1,
    columns: &[
        Column::new("decision_id", Int, "The position of its event.", "事件位置。").fixed(),
        Column::new(
            "kind",
            Text,
            "alloc, quota, price, payment or refund.",
            "类别：alloc 配货、quota 配额、price 价格、payment 付款、refund 退款。",
        )
        .fixed(),
        Column::new("mode", Text, "live: it took effect.", "模式：live 生效。").fixed(),
        Column::new("chosen", Text, "What was decided, as a code.", "决定代码。").fixed(),
        Column::new("reason_code", Text, "Why, as a code or in the words of whoever decided.", "原因。")
            .nullable()
            .fixed(),
        Column::new("order_id", Text, "The order concerned.", "相关订单。").nullable().fixed(),
        Column::new("channel_id", Text, "The account concerned.", "相关渠道账号。").nullable().fixed(),
        Column::new("sku_id", Text, "The item concerned.", "相关 SKU。").nullable().fixed(),
        Column::new("units_count", Int, "Units concerned.", "相关件数。").nullable().fixed(),
        Column::new("actor_id", Text, "Who decided.", "决定者。").fixed(),
        Column::new("as_of_pos", Int, "The event that led to it.", "依据的事件位置。").nullable().fixed(),
        Column::new("occurred_at", At, "When.", "发生时间。").fixed(),
    ],
    indexes: &[],
    clustered: true,
};
