//! The tables.

use projection::{Column, Kind, Table};

use Kind::{At, Flag, Int, Json, Text};

pub(crate) static ORDER: Table = Table {
    name: "order_row",
    en: "One order, as the fold keeps it; `fct_order` is for reading.",
    zh: "一个订单（折叠用，查询请用 fct_order）。",
    key: 1,
    columns: &[
        Column::new("order_id", Text, "Our id.", "我方订单号。"),
        Column::new(
            "channel",
            Text,
            "The account it was placed on, channel/shop.",
            "下单渠道账号（渠道/店铺）。",
        )
        .nullable(),
        Column::new("channel_code", Text, "The channel.", "渠道。").nullable(),
        Column::new("shop", Text, "The shop on the channel.", "店铺。").nullable(),
        Column::new("platform_order_no", Text, "The channel's order number.", "平台订单号。").nullable(),
        Column::new("buyer_id", Text, "The buyer's pseudonym.", "买家匿名编号。").nullable(),
        Column::new("state", Text, "The state in one word.", "订单状态。"),
        Column::new("is_held", Flag, "Held back by a person.", "是否人工暂扣。"),
        Column::new(
            "skus",
            Text,
            "Its SKUs, separated by commas; of a past order its items.",
            "所含 SKU，以逗号分隔（历史订单为原商品编号）。",
        ),
        Column::new("quantity_count", Int, "Units ordered.", "件数。"),
        Column::new("currency", Text, "The currency of the amounts.", "币种。").nullable(),
        Column::new("total_fen", Int, "What it costs, in minor units.", "订单金额（分）。"),
        Column::new("paid_fen", Int, "Confirmed payments, in minor units.", "已付金额（分）。"),
        Column::new("refund_due_fen", Int, "Owed back and not settled, in minor units.", "待退金额（分）。"),
        Column::new("refunded_fen", Int, "Settled refunds, in minor units.", "已退金额（分）。"),
        Column::new("loss_fen", Int, "Recorded losses, in minor units.", "损失金额（分）。"),
        Column::new("delivery", Text, "How its keys reach the buyer.", "发货方式。").nullable(),
        Column::new("placed_at", At, "When it was placed.", "下单时间。").nullable(),
        Column::new("recorded_at", At, "When we recorded that.", "我方记录下单的时间。").nullable(),
        Column::new("paid_at", At, "When it was first paid.", "付款时间。").nullable(),
        Column::new("delivered_at", At, "When it was first delivered.", "首次发货时间。").nullable(),
        Column::new("refunded_at", At, "When money went back last.", "最近退款时间。").nullable(),
        Column::new("closed_at", At, "When it was closed.", "关闭时间。").nullable(),
        Column::new(
            "deliver_ms",
            Int,
            "From payment to first delivery, in milliseconds.",
            "付款到首次发货的毫秒数。",
        )
        .nullable(),
        Column::new("first_pos", Int, "The position of its first event.", "首个事件的位置。"),
        Column::new("event_count", Int, "Events in its own stream.", "订单流事件数。"),
        Column::new("order_json", Json, "All that is known of it.", "订单全部内容。"),
    ],
    indexes: &[
        (&["platform_order_no"], ""),
        (&["first_pos"], ""),
        (&["state", "first_pos"], ""),
        (&["buyer_id", "first_pos"], "buyer_id IS NOT NULL"),
    ],
    clustered: false,
};

pub(crate) static ORDER_LINE: Table = Table {
    name: "fct_order_line",
    en: "One line of an order.",
    zh: "订单的一行。",
    key: 2,
    columns: &[
        Column::new("order_id", Text, "Our id of the order.", "我方订单号。"),
        Column::new("line", Int, "The line, from 0.", "行号，从 0 起。"),
        Column::new(
            "sku",
            Text,
            "The SKU; of a past order what the item was called there.",
            "SKU（历史订单为原商品编号）。",
        ),
        Column::new("quantity_count", Int, "Units.", "件数。"),
        Column::new("currency", Text, "The currency.", "币种。"),
        Column::new("amount_fen", Int, "What the line costs, in minor units.", "行金额（分）。"),
        Column::new("key_count", Int, "Keys bound to it now.", "当前绑定的卡密数。"),
        Column::new("key_refs", Json, "Those keys, by batch and index.", "卡密引用。"),
        Column::new("is_waiting", Flag, "Waits for keys.", "是否等待补货。"),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static ORDER_EVENT: Table = Table {
    name: "fct_order_event",
    en: "One event in an order's history.",
    zh: "订单历史中的一个事件。",
    key: 2,
    columns: &[
        Column::new("order_id", Text, "Our id of the order.", "我方订单号。").fixed(),
        Column::new("pos", Int, "Its place in the log.", "日志位置。").fixed(),
        Column::new(
            "other_stream",
            Text,
            "The stream it stands in; none for the order's own.",
            "所在的流，订单自身事件为空。",
        )
        .nullable()
        .fixed(),
        Column::new("version", Int, "Its place in the stream, from 0.", "流内版本，从 0 起。").fixed(),
        Column::new("type", Text, "The event type.", "事件类型。").fixed(),
        Column::new("actor_kind", Text, "What sort of actor caused it.", "操作者类别。").fixed(),
        Column::new("actor_id", Text, "Which actor.", "操作者。").fixed(),
        Column::new("channel", Text, "The account concerned.", "相关渠道账号。").nullable().fixed(),
        Column::new("cause_pos", Int, "The event that led to it.", "起因事件的位置。").nullable().fixed(),
        Column::new("correlation_id", Text, "The message at the start.", "起始消息。").nullable().fixed(),
        Column::new(
            "occurred_at",
            At,
            "When it happened, by the reporter's clock.",
            "发生时间（对方时钟）。",
        )
        .fixed(),
        Column::new("recorded_at", At, "When we recorded it.", "记录时间（我方时钟）。").fixed(),
        Column::new("sentence_en", Text, "What it says, in English.", "英文说明。").fixed(),
        Column::new("sentence_zh", Text, "What it says, in Chinese.", "中文说明。").fixed(),
        Column::new("reason_code", Text, "Why, as a code.", "原因代码。").nullable().fixed(),
    ],
    indexes: &[],
    clustered: false,
};

pub(crate) static CHANNEL: Table = Table {
    name: "channel_row",
    en: "One shop account on a channel, as the fold keeps it; `dim_channel` is for reading.",
    zh: "一个渠道账号（折叠用，查询请用 dim_channel）。",
    key: 1,
    columns: &[
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号（渠道/店铺）。"),
        Column::new("channel_code", Text, "The channel.", "渠道。"),
        Column::new("shop", Text, "The shop.", "店铺。"),
        Column::new("name", Text, "The name people see.", "名称。"),
        Column::new("currency", Text, "The currency of its amounts.", "币种。"),
        Column::new("orders_of", Text, "The account whose order numbers it shares.", "共用订单号的账号。"),
        Column::new("is_suspended", Flag, "Sales are stopped.", "是否暂停销售。"),
        Column::new(
            "kind",
            Text,
            "marketplace, social, own, offline or partner, once that is set.",
            "类别：marketplace、social、own、offline、partner，设置后才有。",
        )
        .nullable(),
        Column::new(
            "commission_bp",
            Int,
            "What the channel keeps of a sale, in hundredths of a per cent.",
            "渠道佣金（万分之一）。",
        )
        .nullable(),
        Column::new(
            "pay_fee_bp",
            Int,
            "What taking the payment costs, in hundredths of a per cent.",
            "支付费率（万分之一）。",
        )
        .nullable(),
        Column::new("sync_delay_s", Int, "Seconds until a stock figure is shown.", "库存同步延迟（秒）。")
            .nullable(),
        Column::new("value_tags", Json, "What it is good for, in the merchant's words.", "渠道价值标签。")
            .nullable(),
    ],
    indexes: &[],
    clustered: true,
};
