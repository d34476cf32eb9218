//! The tables.

use projection::{Column, Kind, Table, View};

use Kind::{At, Date, Flag, Int, Json, Text};

pub(crate) static SALE: Table = Table {
    name: "fct_sale",
    en: "One order as sales see it.",
    zh: "一个订单的销售口径。",
    key: 1,
    columns: &[
        Column::new("order_id", Text, "Our id.", "我方订单号。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。").nullable(),
        Column::new("paid_at", At, "When it was first paid.", "首次付款时间。").nullable(),
        Column::new("paid_date", Date, "The business day of that, in Shanghai.", "付款业务日（上海）。")
            .nullable(),
        Column::new("currency", Text, "The currency.", "币种。").nullable(),
        Column::new("units_count", Int, "Units ordered.", "件数。"),
        Column::new("paid_fen", Int, "Confirmed payments, in minor units.", "已付金额（分）。"),
        Column::new("refund_fen", Int, "Settled refunds, in minor units.", "已退金额（分）。"),
        Column::new("is_delivered", Flag, "It was delivered.", "是否已发货。"),
        Column::new("sale_json", Json, "All that the fold needs to go on.", "折叠所需的全部内容。"),
    ],
    indexes: &[],
    clustered: false,
};

pub(crate) static ATTEMPT: Table = Table {
    name: "fct_attempt",
    en: "One line of an order that was refused because there was nothing for it: demand that was not met.",
    zh: "因缺货或配额用尽被拒的订单行：未满足的需求。",
    key: 2,
    columns: &[
        Column::new("pos", Int, "The place of its event in the log.", "日志位置。").fixed(),
        Column::new("line", Int, "The line, from 0.", "行号，从 0 起。").fixed(),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。").fixed(),
        Column::new("platform_order_no", Text, "The channel's order number.", "平台订单号。").fixed(),
        Column::new("sku", Text, "The SKU that was wanted.", "所需 SKU。").fixed(),
        Column::new("quantity_count", Int, "How many units.", "件数。").fixed(),
        Column::new(
            "reason",
            Text,
            "out_of_stock or quota_exhausted.",
            "原因：out_of_stock、quota_exhausted。",
        )
        .fixed(),
        Column::new("occurred_at", At, "When it was wanted, by the channel's clock.", "发生时间。").fixed(),
        Column::new("recorded_at", At, "When we recorded it.", "记录时间（我方时钟）。").fixed(),
    ],
    indexes: &[(&["sku", "occurred_at"], "")],
    clustered: false,
};

// The hour is the last of the key, so that a day's rows lie in the order in which they are summed up.
pub(crate) static SALES_HOUR: Table = Table {
    name: "mart_sales_hour",
    en: "Sales of one item on one account in one currency, by the hour of payment.",
    zh: "一个 SKU 在一个渠道账号、一种币种下按付款小时的销售。",
    key: 5,
    columns: &[
        Column::new("paid_date", Date, "The business day, in Shanghai.", "业务日（上海）。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new(
            "sku",
            Text,
            "The SKU; of past orders what the item was called there.",
            "SKU（历史订单为原商品编号）。",
        ),
        Column::new("currency", Text, "The currency of the amounts.", "币种。"),
        Column::new("hour_at", At, "The hour's beginning.", "小时起点。"),
        Column::new("orders_count", Int, "Paid orders with a line of the item.", "含该 SKU 的已付订单数。"),
        Column::new("units_count", Int, "Units in them.", "件数。"),
        Column::new("gross_fen", Int, "Paid, in minor units.", "付款金额（分）。"),
        Column::new("delivered_count", Int, "Units delivered.", "已发货件数。"),
        Column::new(
            "deliver_ms_sum",
            Int,
            "From payment to first delivery, in milliseconds, over delivered_orders_count orders.",
            "付款到首次发货的毫秒数之和。",
        ),
        Column::new("delivered_orders_count", Int, "Orders delivered.", "已发货订单数。"),
        Column::new("refund_count", Int, "Refunds settled.", "退款笔数。"),
        Column::new("refund_fen", Int, "Paid back, in minor units.", "退款金额（分）。"),
        Column::new("loss_fen", Int, "Recorded losses, in minor units.", "损失金额（分）。"),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static SALES_DAY: View = View {
    name: "mart_sales_day",
    en: "Sales of one item on one account in one currency, by the business day of payment.",
    zh: "一个 SKU 在一个渠道账号、一种币种下按付款业务日的销售。",
    key: 4,
    columns: &[
        Column::new("paid_date", Date, "The business day, in Shanghai.", "业务日（上海）。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("currency", Text, "The currency of the amounts.", "币种。"),
        Column::new("orders_count", Int, "Paid orders with a line of the item.", "含该 SKU 的已付订单数。"),
        Column::new("units_count", Int, "Units in them.", "件数。"),
        Column::new("gross_fen", Int, "Paid, in minor units.", "付款金额（分）。"),
        Column::new("delivered_count", Int, "Units delivered.", "已发货件数。"),
        Column::new(
            "deliver_ms_sum",
            Int,
            "From payment to first delivery, in milliseconds, over delivered_orders_count orders.",
            "付款到首次发货的毫秒数之和。",
        ),
        Column::new("delivered_orders_count", Int, "Orders delivered.", "已发货订单数。"),
        Column::new("refund_count", Int, "Refunds settled.", "退款笔数。"),
        Column::new("refund_fen", Int, "Paid back, in minor units.", "退款金额（分）。"),
        Column::new("loss_fen", Int, "Recorded losses, in minor units.", "损失金额（分）。"),
        Column::new("net_fen", Int, "Paid less paid back, in minor units.", "净额（分）。"),
    ],
    reads: &["sales"],
    select: "SELECT merchant, paid_date, channel, sku, currency,
       SUM(orders_count) AS orders_count, SUM(units_count) AS units_count, SUM(gross_fen) AS gross_fen,
       SUM(delivered_count) AS delivered_count, SUM(deliver_ms_sum) AS deliver_ms_sum,
       SUM(delivered_orders_count) AS delivered_orders_count,
       SUM(refund_count) AS refund_count, SUM(refund_fen) AS refund_fen, SUM(loss_fen) AS loss_fen,
       SUM(gross_fen) - SUM(refund_fen) AS net_fen, MAX(last_pos) AS last_pos
FROM mart_sales_hour GROUP BY merchant, paid_date, channel, sku, currency",
};
