//! The tables of answers.

use projection::{Column, Kind, Table};

use Kind::{At, Date, Flag, Int, Json, Real, Text};

const MODEL_VERSION: Column =
    Column::new("model_version", Int, "The version of the model's code.", "模型代码版本。");
const FIT_POS: Column =
    Column::new("fit_pos", Int, "The model saw the log up to here.", "模型所见日志的最后位置。");

pub(crate) static FORECAST: Table = Table {
    name: "fct_forecast",
    en: "What demand of an item on an account was expected of a day, and what came.",
    zh: "某 SKU 在某渠道账号某日的需求预测与实际。",
    key: 4,
    columns: &[
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new(
            "origin_date",
            Date,
            "The last business day the forecast has seen.",
            "预测所见的最后业务日。",
        ),
        Column::new("horizon_day", Int, "How many days after it, from 1.", "其后第几天，从 1 起。"),
        Column::new("forecast_date", Date, "The business day it speaks of.", "所预测的业务日。"),
        Column::new("mean", Real, "The expected demand, in units.", "预期需求（件）。"),
        Column::new("q10", Real, "Demand that is not exceeded in 10 of 100 cases.", "10% 分位数。"),
        Column::new("q25", Real, "Demand that is not exceeded in 25 of 100 cases.", "25% 分位数。"),
        Column::new("q50", Real, "Demand that is not exceeded in 50 of 100 cases.", "50% 分位数。"),
        Column::new("q75", Real, "Demand that is not exceeded in 75 of 100 cases.", "75% 分位数。"),
        Column::new("q90", Real, "Demand that is not exceeded in 90 of 100 cases.", "90% 分位数。"),
        Column::new("q95", Real, "Demand that is not exceeded in 95 of 100 cases.", "95% 分位数。"),
        Column::new("actual", Real, "Units asked for on the day, once known.", "当日实际需求（件）。")
            .nullable(),
        Column::new(
            "pinball",
            Real,
            "The mean pinball loss over the quantiles, once known.",
            "各分位数的平均 pinball 损失。",
        )
        .nullable(),
        Column::new(
            "is_covered",
            Flag,
            "Whether the 90 % quantile was not exceeded.",
            "实际是否未超过 90% 分位数。",
        )
        .nullable(),
        MODEL_VERSION,
        Column::new(
            "censored_hours",
            Int,
            "Hours without stock among those learnt from.",
            "学习数据中的缺货小时数。",
        ),
        FIT_POS,
    ],
    indexes: &[(&["forecast_date"], "")],
    clustered: false,
};

pub(crate) static STOCKOUT: Table = Table {
    name: "mart_stockout",
    en: "A time without stock of an item on an account, and what it cost by estimate.",
    zh: "某 SKU 在某渠道账号的一段断货及其估计损失。",
    key: 3,
    columns: &[
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new("from_at", At, "When it began.", "开始时间。"),
        Column::new("to_at", At, "When it ended.", "结束时间。"),
        Column::new("out_s", Int, "How many seconds it lasted.", "持续秒数。"),
        Column::new(
            "cause",
            Text,
            "Why: out_of_stock, quota_exhausted.",
            "原因：out_of_stock、quota_exhausted。",
        ),
        Column::new("refused_units_count", Int, "Units that were asked for and refused.", "被拒绝的件数。"),
        Column::new(
            "substituted_units_count",
            Int,
            "Of these, units that were bought all the same.",
            "其中后来仍成交的件数。",
        ),
        Column::new("expected_units", Real, "The demand expected of that time.", "该时段的预期需求（件）。"),
        Column::new(
            "lost_units_p10",
            Real,
            "Units lost, not exceeded in 10 of 100 cases.",
            "损失件数的 10% 分位数。",
        ),
        Column::new(
            "lost_units_p50",
            Real,
            "Units lost, not exceeded in 50 of 100 cases.",
            "损失件数的中位数。",
        ),
        Column::new(
            "lost_units_p90",
            Real,
            "Units lost, not exceeded in 90 of 100 cases.",
            "损失件数的 90% 分位数。",
        ),
        Column::new(
            "lost_margin_fen",
            Int,
            "What the middle estimate would have earned, in minor units, where that is known.",
            "按中位数估计的损失毛利（分）。",
        )
        .nullable(),
        Column::new("currency", Text, "Its currency.", "币种。").nullable(),
        MODEL_VERSION,
        FIT_POS,
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static LTV: Table = Table {
    name: "mart_ltv",
    en: "What a person will still be worth, by the newest fit of the model `ltv`.",
    zh: "按最近一次 ltv 模型拟合，一个人未来的价值。",
    key: 1,
    columns: &[
        Column::new(
            "person_id",
            Text,
            "The person: the oldest of their buyers, by the links that held at fit_pos.",
            "自然人：按 fit_pos 时有效的关联，其最早买家的编号。",
        ),
        Column::new("first_channel", Text, "The account they first bought on.", "首购渠道账号。"),
        Column::new("cohort_month", Text, "The month of their first purchase, yyyy-mm.", "首购月份。"),
        Column::new(
            "currency",
            Text,
            "The currency of their first purchase; others do not count.",
            "首购币种；其他币种不计。",
        ),
        Column::new("x", Int, "Days with purchases after the first one.", "首购后有购买的天数。"),
        Column::new(
            "t_x_weeks",
            Real,
            "From the first purchase to the last one, in weeks.",
            "首购到末购的周数。",
        ),
        Column::new(
            "T_weeks",
            Real,
            "From the first purchase to the end of what was seen, in weeks.",
            "首购到观察期末的周数。",
        ),
        Column::new(
            "p_alive_ratio",
            Real,
            "The probability that they will buy again at all.",
            "仍会购买的概率。",
        ),
        Column::new(
            "expected_orders_90d",
            Real,
            "Expected purchases in the next 90 days.",
            "未来 90 天预期购买次数。",
        ),
        Column::new(
            "expected_margin_fen_90d",
            Int,
            "What these are expected to earn, in minor units.",
            "未来 90 天预期毛利（分）。",
        ),
        MODEL_VERSION,
        FIT_POS,
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static MODEL: Table = Table {
    name: "ops_model",
    en: "The newest fit of a model, or what it issued last.",
    zh: "模型的最近一次拟合或发布。",
    key: 1,
    columns: &[
        Column::new(
            "model",
            Text,
            "forecast, ltv, attribution or lost_sales.",
            "模型：forecast、ltv、attribution、lost_sales。",
        ),
        MODEL_VERSION,
        FIT_POS,
        Column::new("fitted_at", At, "When it was recorded.", "记录时间。"),
        Column::new(
            "rows_count",
            Int,
            "What it was fitted to: persons, or purchases; none for the others.",
            "拟合所用行数：人数或购买数；其他模型为空。",
        )
        .nullable(),
        Column::new("params", Json, "Its parameters; none for the others.", "参数；其他模型为空。")
            .nullable(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static PERSON: Table = Table {
    name: "dim_insight_person",
    en: "Which person a buyer was when `ltv` was fitted last, where it is another buyer's name.",
    zh: "最近一次 ltv 拟合时买家所属的自然人（仅列与本编号不同者）。",
    key: 1,
    columns: &[
        Column::new("buyer_id", Text, "The buyer's pseudonym.", "买家编号。"),
        Column::new("person_id", Text, "The person.", "自然人编号。"),
        FIT_POS,
    ],
    indexes: &[(&["person_id"], "")],
    clustered: false,
};

pub(crate) static ATTRIBUTION: Table = Table {
    name: "mart_attribution",
    en: "What orders of a month a channel is credited with, by each model, as of the newest fit of `attribution`.",
    zh: "按最近一次 attribution 计算，各模型下渠道每月应得的订单。",
    key: 4,
    columns: &[
        Column::new("month", Text, "The business month of payment, yyyy-mm.", "付款业务月。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new(
            "model",
            Text,
            "first, last, linear, position (40-20-40), decay, markov or shapley.",
            "归因模型：first、last、linear、position（40-20-40）、decay、markov、shapley。",
        ),
        Column::new("currency", Text, "The currency of the orders.", "币种。"),
        Column::new("credited_orders", Real, "Orders, in parts.", "应得订单数（可为小数）。"),
        Column::new(
            "credited_net_fen",
            Int,
            "What they brought, paid less paid back, in minor units.",
            "应得净额（分）。",
        ),
        MODEL_VERSION,
        FIT_POS,
    ],
    indexes: &[],
    clustered: true,
};
