//! Sales by hour and day. Sums come from tables; what is no sum (distinct persons, percentiles) is asked of the
//! lines, and costs nothing where nobody asks for it.

use projection::{Column, Kind, View};

use Kind::{At, Int, Real};

use crate::columns::{CHANNEL, CURRENCY, DAY, MARGIN_EN, MARGIN_ZH, NET_EN, NET_ZH, OF_PERSONS, SKU};

const HOUR_AT: Column = Column::new("hour_at", At, "The hour's beginning.", "小时起点。");

/// What both marts have beside their keys.
const FIGURES: [Column; 24] = [
    Column::new(
        "attempts",
        Int,
        "Orders placed, and wishes to buy that were refused.",
        "购买尝试次数：下单加被拒。",
    ),
    Column::new("refused_count", Int, "The refused ones among them.", "其中被拒绝的次数。"),
    Column::new(
        "orders",
        Int,
        "Orders placed with the item, counted when they were placed.",
        "含该 SKU 的下单数（按下单时间）。",
    ),
    Column::new(
        "paid_count",
        Int,
        "Paid orders with the item, counted like all that follows when they were paid.",
        "含该 SKU 的已付订单数（此后各项按付款时间）。",
    ),
    Column::new("units", Int, "Units in them.", "件数。"),
    Column::new("gross_fen", Int, "Paid, in minor units.", "付款金额（分）。"),
    Column::new(
        "discount_fen",
        Int,
        "List prices less what the lines cost, where a list price was known, in minor units.",
        "标价与成交价之差（仅计有标价者，分）。",
    ),
    Column::new("net_fen", Int, NET_EN, NET_ZH),
    Column::new("commission_fen", Int, "What the channel keeps, in minor units.", "渠道佣金（分）。"),
    Column::new("pay_fee_fen", Int, "What taking the payments cost, in minor units.", "支付手续费（分）。"),
    Column::new("cost_fen", Int, "What the keys cost, in minor units.", "卡密成本（分）。"),
    Column::new(
        "uncosted_count",
        Int,
        "Units of which nobody said what they cost in this currency.",
        "无本币种成本记录的件数。",
    ),
    Column::new("margin_fen", Int, MARGIN_EN, MARGIN_ZH),
    Column::new("refund_count", Int, "Refunds settled.", "退款笔数。"),
    Column::new("refund_fen", Int, "Paid back, in minor units.", "退款金额（分）。"),
    Column::new(
        "loss_fen",
        Int,
        "The part of it whose keys stayed with buyers, in minor units.",
        "其中卡密未收回的部分（分）。",
    ),
    Column::new("delivered_count", Int, "Units delivered.", "已发货件数。"),
    Column::new("delivered_orders_count", Int, "Orders delivered.", "已发货订单数。"),
    Column::new(
        "deliver_ms_sum",
        Int,
        "From payment to first delivery, in milliseconds, over delivered_orders_count orders.",
        "付款到首次发货的毫秒数之和。",
    ),
    Column::new(
        "buyers",
        Int,
        "Different persons who paid, where it is known who.",
        "付款人数（已知者去重）。",
    ),
    Column::new(
        "new_buyers",
        Int,
        "Persons among them who had paid for nothing before, on any account.",
        "其中首次付款的人数（全渠道）。",
    ),
    Column::new(
        "p50_deliver_ms",
        Int,
        "Half of the delivered orders took at most so many milliseconds.",
        "发货时长中位数（毫秒）。",
    )
    .nullable(),
    Column::new(
        "p95_deliver_ms",
        Int,
        "95 of a hundred delivered orders took at most so many milliseconds.",
        "发货时长 95 分位（毫秒）。",
    )
    .nullable(),
    Column::new(
        "replacement_cost_fen",
        Int,
        "The part of the cost that replaced bad keys, in minor units.",
        "成本中补发卡密的部分（分）。",
    ),
];

/// The columns of a key, and the figures.
const fn with_figures<const KEY: usize, const ALL: usize>(key: [Column; KEY]) -> [Column; ALL] {
    let mut all = [DAY; ALL];
    let mut place = 0;
    while place < ALL {
        all[place] = if place < KEY { key[place] } else { FIGURES[place - KEY] };
        place += 1;
    }
    all
}
const HOUR_COLUMNS: [Column; 5 + FIGURES.len()] = with_figures([DAY, HOUR_AT, CHANNEL, SKU, CURRENCY]);
const DAY_COLUMNS: [Column; 4 + FIGURES.len()] = with_figures([DAY, CHANNEL, SKU, CURRENCY]);

/// The query over a table of sums; `$lines` chooses the lines of a row's cell.
macro_rules! select {
    ($key:literal, $table:literal, $lines:literal) => {
        concat!(
            "SELECT s.merchant, ", $key, ", s.channel_id, s.sku_id, s.currency,
       s.refused_count + s.orders_count AS attempts, s.refused_count, s.orders_count AS orders, s.paid_count,
       s.units_count AS units, s.gross_fen, s.discount_fen, s.gross_fen - s.refund_fen AS net_fen, s.commission_fen,
       s.pay_fee_fen, s.cost_fen, s.uncosted_count,
       s.gross_fen - s.refund_fen - s.commission_fen - s.pay_fee_fen - s.cost_fen AS margin_fen,
       s.refund_count, s.refund_fen, s.loss_fen, s.delivered_count, s.delivered_orders_count, s.deliver_ms_sum,
       s.replacement_cost_fen,
       (SELECT COUNT(DISTINCT COALESCE(p.person_id, l.buyer_id)) FROM fct_sale_line AS l
        LEFT JOIN dim_buyer_person AS p ON p.merchant = l.merchant AND p.buyer_id = l.buyer_id
        WHERE ", $lines, ") AS buyers,
       (SELECT COUNT(DISTINCT COALESCE(p.person_id, l.buyer_id)) FROM fct_sale_line AS l
        LEFT JOIN dim_buyer_person AS p ON p.merchant = l.merchant AND p.buyer_id = l.buyer_id
        WHERE ", $lines, " AND NOT EXISTS (
          SELECT 1 FROM order_row AS o WHERE o.merchant = l.merchant AND o.buyer_id IN (
            SELECT l.buyer_id UNION ALL SELECT q.buyer_id FROM dim_buyer_person AS q
            WHERE q.merchant = l.merchant AND q.person_id = p.person_id)
          AND (o.paid_at < l.paid_at OR o.paid_at = l.paid_at AND o.order_id < l.order_id))) AS new_buyers,
       (SELECT MIN(deliver_ms) FROM (
          SELECT l.deliver_ms, ROW_NUMBER() OVER (ORDER BY l.deliver_ms) AS nth, COUNT(*) OVER () AS n
          FROM fct_sale_line AS l WHERE ", $lines, " AND l.deliver_ms IS NOT NULL) AS ranked WHERE 100 * nth >= 50 * n) AS p50_deliver_ms,
       (SELECT MIN(deliver_ms) FROM (
          SELECT l.deliver_ms, ROW_NUMBER() OVER (ORDER BY l.deliver_ms) AS nth, COUNT(*) OVER () AS n
          FROM fct_sale_line AS l WHERE ", $lines, " AND l.deliver_ms IS NOT NULL) AS ranked WHERE 100 * nth >= 95 * n) AS p95_deliver_ms,
       s.last_pos
FROM ", $table, " AS s"
        )
    };
}

pub(crate) static HOUR: View = View {
    name: "mart_sales_hour",
    en: "Sales of one item on one account in one currency, by hour.",
    zh: "一个 SKU 在一个渠道账号、一种币种下每小时的销售。",
    key: 5,
    columns: &HOUR_COLUMNS,
    reads: OF_PERSONS,
    select: select!(
        "s.business_date, s.hour_at",
        "mart_sales_hour_sum",
        "l.merchant = s.merchant AND l.sku_id = s.sku_id AND l.channel_id = s.channel_id AND l.hour_at = s.hour_at AND l.currency = s.currency"
    ),
};

pub(crate) static DAY_SALES: View = View {
    name: "mart_sales_day",
    en: "Sales of one item on one account in one currency, by business day.",
    zh: "一个 SKU 在一个渠道账号、一种币种下每业务日的销售。",
    key: 4,
    columns: &DAY_COLUMNS,
    reads: OF_PERSONS,
    // Instants are texts that sort; the day begins at 16:00 UTC of the day before.
    select: select!(
        "s.business_date",
        "mart_sales_day_sum",
        "l.merchant = s.merchant AND l.sku_id = s.sku_id AND l.channel_id = s.channel_id AND l.currency = s.currency
          AND l.hour_at >= strftime('%Y-%m-%dT%H:%M:%S', s.business_date, '-8 hours')
          AND l.hour_at < strftime('%Y-%m-%dT%H:%M:%S', s.business_date, '+16 hours')"
    ),
};

pub(crate) static DAY_YUAN: View = View {
    name: "v_sales_day",
    en: "mart_sales_day with amounts as people write them: in yuan, or whatever the currency's unit is. For looking at, not for adding up.",
    zh: "以元（或相应货币单位）表示的每日销售，供查看，不宜再求和。",
    key: 4,
    columns: &[
        DAY,
        CHANNEL,
        SKU,
        CURRENCY,
        Column::new("paid_count", Int, "Paid orders with the item.", "含该 SKU 的已付订单数。"),
        Column::new("units", Int, "Units in them.", "件数。"),
        Column::new("gross", Real, "Paid.", "付款金额（元）。"),
        Column::new("refund", Real, "Paid back.", "退款金额（元）。"),
        Column::new("net", Real, "Paid less paid back.", "净销售额（元）。"),
        Column::new("commission", Real, "What the channel keeps.", "渠道佣金（元）。"),
        Column::new("margin", Real, "Net less commission, payment fee and cost of keys.", "毛利（元）。"),
    ],
    reads: OF_PERSONS,
    select: "SELECT merchant, business_date, channel_id, sku_id, currency, paid_count, units, gross_fen / unit AS gross,
       refund_fen / unit AS refund, net_fen / unit AS net, commission_fen / unit AS commission, margin_fen / unit AS margin,
       last_pos
FROM (SELECT *, CASE WHEN currency IN ('JPY', 'XTR') THEN 1.0 WHEN currency = 'GBM' THEN 1000.0 ELSE 100.0 END AS unit
      FROM mart_sales_day) AS days",
};
