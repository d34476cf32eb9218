//! What the figures mean: one definition per metric, whatever view it stands in.

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, in English.
    pub en: &'static str,
    /// Its name, in Chinese.
    pub zh: &'static str,
    /// How it is computed, of columns and other metrics.
    pub formula: &'static str,
    /// What it means, in English.
    pub means_en: &'static str,
    /// What it means, in Chinese.
    pub means_zh: &'static str,
    /// Where it stands: views and columns.
    pub columns: &'static [(&'static str, &'static str)],
}

macro_rules! metrics {
    ($( $en:literal $zh:literal = $formula:literal: $means_en:literal $means_zh:literal [$( $view:ident.$column:ident ),+] )+) => {
        /// The dictionary.
        pub const METRICS: &[Metric] = &[$(Metric {
            en: $en, zh: $zh, formula: $formula, means_en: $means_en, means_zh: $means_zh,
            columns: &[$((stringify!($view), stringify!($column))),+],
        }),+];
    };
}

metrics! {
    "attempts" "购买尝试" = "orders placed + wishes refused":
        "Demand as far as it reached us." "到达我方的需求。"
        [mart_sales_hour.attempts, mart_sales_day.attempts]
    "gross sales" "销售额" = "Σ confirmed payments":
        "Counted in the hour of the order's first payment." "计入订单首次付款的小时。"
        [fct_order.paid_fen, mart_sales_hour.gross_fen, mart_sales_day.gross_fen]
    "refunds" "退款额" = "Σ settled refunds":
        "Counted where the order was paid; history given back, when it was." "计入订单付款之时；历史退款计入其发生之时。"
        [fct_order.refund_fen, mart_sales_hour.refund_fen, mart_sales_day.refund_fen]
    "net sales" "净销售额" = "gross sales − refunds":
        "What was paid and stayed. Platform subsidies are not recorded and not taken off." "实付减退款；平台补贴未记录，不扣减。"
        [mart_sales_hour.net_fen, mart_sales_day.net_fen, mart_channel_value.net_fen, mart_cohort.net_fen, mart_rfm.monetary_fen]
    "discount" "优惠额" = "Σ list price × units − what the lines cost":
        "Against our list price when the order was placed; items without one count nothing; below nothing where a platform sells dearer." "相对下单时标价；无标价不计；平台加价为负。"
        [fct_order.discount_fen, mart_sales_hour.discount_fen, mart_sales_day.discount_fen]
    "commission" "佣金" = "net sales × commission_bp / 10 000":
        "By order, with the account's terms at the first payment, half a minor unit rounded up; a refund takes its part back." "按订单、按首次付款时的费率，四舍五入到分；退款相应退佣。"
        [fct_order.commission_fen, mart_sales_hour.commission_fen, mart_sales_day.commission_fen]
    "payment fee" "支付手续费" = "gross sales × pay_fee_bp / 10 000":
        "By order, rounded like the commission; refunds give nothing back." "按订单计，四舍五入；退款不退手续费。"
        [fct_order.pay_fee_fen, mart_sales_hour.pay_fee_fen, mart_sales_day.pay_fee_fen]
    "cost of keys" "卡密成本" = "Σ unit cost of the batch, a share of it per use":
        "Of the units bound to the order and not released, replaced and refunded ones included: they cannot be sold again." "绑定且未释放的件数，含补发与退款收回者（不可再售）。"
        [fct_order.cost_fen, mart_sales_hour.cost_fen, mart_sales_day.cost_fen]
    "margin" "毛利" = "net sales − commission − payment fee − cost of keys":
        "Units of unknown cost count as free, and uncosted_count says how many they are." "成本未知的件数按零计，数量见 uncosted_count。"
        [fct_order.margin_fen, mart_sales_hour.margin_fen, mart_sales_day.margin_fen, mart_channel_value.margin_fen]
    "after-sale cost" "售后成本" = "losses + cost of replacing keys":
        "Already in the margin." "已含于毛利。"
        [mart_channel_value.after_sale_cost_fen]
    "value per key" "单卡价值" = "margin / units":
        "Rounded to the minor unit." "四舍五入到分。"
        [mart_channel_value.value_per_key_fen]
    "buyers" "买家数" = "distinct persons who paid":
        "Guests are not among them. They do not add up over hours or days." "不含匿名；跨时段不可相加。"
        [mart_sales_hour.buyers, mart_sales_day.buyers]
    "new buyers" "新客数" = "persons whose first paid order is here":
        "First on any account, by the time of payment." "全渠道首次付款（按付款时间）。"
        [mart_sales_hour.new_buyers, mart_sales_day.new_buyers]
    "time to deliver" "发货时长" = "first delivery − first payment":
        "In milliseconds, at least 0, by the clocks that reported them. A percentile is the smallest value that so many of a hundred do not exceed." "毫秒，不小于 0；分位数取不被超过的最小值。"
        [fct_order.deliver_ms, mart_sales_hour.p50_deliver_ms, mart_sales_hour.p95_deliver_ms, mart_sales_day.p50_deliver_ms, mart_sales_day.p95_deliver_ms]
    "lateness" "迟到" = "recorded_at − occurred_at":
        "In seconds, at least 0: how long after it was placed we heard of an order." "秒，不小于 0：下单到我方记录。"
        [fct_order.late_s]
    "retention" "留存率" = "active_buyers / buyers":
        "Of a cohort, those who paid for an order in the month." "某月有付款的人占首购人群的比例。"
        [mart_cohort.retention_ratio]
    "recency, frequency, money" "RFM" = "1 + 5 × (rank − 1) / persons, whole part":
        "Rank among all persons in the currency, from the worst; equals share a rank." "同币种内由低到高排名；并列同分。"
        [mart_rfm.r_quintile, mart_rfm.f_quintile, mart_rfm.m_quintile]
    "after-sale ratio" "售后率" = "(replaced + refunded) / delivered":
        "In units, by the week of delivery." "按件数、按发货周。"
        [mart_after_sale.after_sale_ratio]
    "bad-key ratio" "坏卡率" = "bad_count / units_count":
        "Units of a batch that were replaced or taken out because they did not work." "因无法使用而补发或下架的件数占比。"
        [dim_batch.bad_ratio]
    "time without stock" "断货时长" = "Σ (to_at − from_at)":
        "While available_count is 0; it lasts until the newest event where it has not ended." "available_count 为 0 的时间；未结束者计至最新事件。"
        [ops_stockout.out_s, mart_quota_use.starved_minutes]
    "lost units, at least" "损失件数下限" = "Σ units of refused wishes":
        "Those refused while there was nothing to sell; who did not ask is not known." "断货期间被拒的件数；未提出的需求未知。"
        [ops_stockout.refused_units_count]
}
