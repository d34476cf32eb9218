//! Orders.

use projection::{Column, Kind, View};

use Kind::{At, Flag, Int, Text};

use crate::columns::{CHANNEL, CURRENCY, MARGIN_EN, MARGIN_ZH, OF_PERSONS, ORDER, PERSON};

pub(crate) static FCT_ORDER: View = View {
    name: "fct_order",
    en: "One order: what it is now, when what happened, and what it came to.",
    zh: "一个订单：现状、各时点与收支。",
    key: 1,
    columns: &[
        ORDER,
        CHANNEL.nullable(),
        Column::new("shop_id", Text, "The shop on the channel.", "店铺。").nullable(),
        Column::new("platform_order_no", Text, "The channel's order number.", "平台订单号。").nullable(),
        Column::new(
            "buyer_id_at_time",
            Text,
            "The buyer's pseudonym, as it was when the order was placed.",
            "下单时的买家匿名编号。",
        )
        .nullable(),
        PERSON.nullable(),
        Column::new(
            "sku_id",
            Text,
            "The item; none where the order has several.",
            "SKU；多个则为空。",
        )
        .nullable(),
        Column::new("skus", Text, "Its items, separated by commas.", "所含 SKU，以逗号分隔。"),
        Column::new("qty", Int, "Units ordered.", "件数。"),
        Column::new(
            "state",
            Text,
            "The state in one word; past was taken over as history.",
            "订单状态；past 为历史导入。",
        ),
        Column::new("is_held", Flag, "Held back by a person.", "是否人工暂扣。"),
        CURRENCY.nullable(),
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
            "List price less what it costs, in minor units; below nothing where the platform sold it dearer.",
            "标价减订单金额（分），平台加价时为负。",
        )
        .nullable(),
        Column::new("total_fen", Int, "What it costs, in minor units.", "订单金额（分）。"),
        Column::new("paid_fen", Int, "Confirmed payments, in minor units.", "已付金额（分）。"),
        Column::new("refund_due_fen", Int, "Owed back and not settled, in minor units.", "待退金额（分）。"),
        Column::new("refund_fen", Int, "Settled refunds, in minor units.", "已退金额（分）。"),
        Column::new(
            "loss_fen",
            Int,
            "The part of the refunds whose keys stayed with the buyer, in minor units.",
            "退款中卡密未收回的部分（分）。",
        ),
        Column::new("commission_fen", Int, "What the channel keeps, in minor units.", "渠道佣金（分）。"),
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
            "uncosted_count",
            Int,
            "Units of which nobody said what they cost in this currency.",
            "无本币种成本记录的件数。",
        ),
        Column::new("margin_fen", Int, MARGIN_EN, MARGIN_ZH),
        Column::new(
            "occurred_at",
            At,
            "When it was placed, by the channel's clock.",
            "下单时间（渠道时钟）。",
        )
        .nullable(),
        Column::new(
            "recorded_at",
            At,
            "When we recorded that, by our clock.",
            "我方记录下单的时间。",
        )
        .nullable(),
        Column::new("paid_at", At, "When it was first paid.", "首次付款时间。").nullable(),
        Column::new("delivered_at", At, "When it was first delivered.", "首次发货时间。").nullable(),
        Column::new("refunded_at", At, "When money went back last.", "最近退款时间。").nullable(),
        Column::new(
            "deliver_ms",
            Int,
            "From payment to first delivery, in milliseconds.",
            "付款到首次发货的毫秒数。",
        )
        .nullable(),
        Column::new("is_guest", Flag, "Nobody knows who bought.", "是否匿名购买。"),
        Column::new(
            "late_s",
            Int,
            "How many seconds after it was placed we heard of it.",
            "下单到我方记录的迟到秒数。",
        )
        .nullable(),
    ],
    reads: OF_PERSONS,
    select: "SELECT o.merchant, o.order_id, o.channel AS channel_id, o.shop AS shop_id, o.platform_order_no,
       o.buyer_id AS buyer_id_at_time, COALESCE(p.person_id, o.buyer_id) AS person_id,
       CASE WHEN o.skus NOT LIKE '%,%' THEN NULLIF(o.skus, '') END AS sku_id, o.skus, o.quantity_count AS qty,
       o.state, o.is_held, o.currency, s.list_fen, s.discount_fen, o.total_fen, o.paid_fen, o.refund_due_fen,
       o.refunded_fen AS refund_fen, o.loss_fen, COALESCE(s.commission_fen, 0) AS commission_fen,
       COALESCE(s.pay_fee_fen, 0) AS pay_fee_fen, COALESCE(s.cost_fen, 0) AS cost_fen,
       COALESCE(s.uncosted_count, 0) AS uncosted_count, COALESCE(s.margin_fen, 0) AS margin_fen,
       o.placed_at AS occurred_at, o.recorded_at, o.paid_at, o.delivered_at, o.refunded_at, o.deliver_ms,
       o.buyer_id IS NULL AS is_guest, MAX(o.recorded_epoch - o.placed_epoch, 0) AS late_s,
       MAX(o.last_pos, COALESCE(s.last_pos, 0)) AS last_pos
FROM order_row AS o LEFT JOIN fct_sale AS s ON s.merchant = o.merchant AND s.order_id = o.order_id
LEFT JOIN dim_buyer_person AS p ON p.merchant = o.merchant AND p.buyer_id = o.buyer_id",
};
