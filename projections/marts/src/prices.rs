//! Prices: how they changed, and which payments do not fit them.

use projection::{Column, Kind, View};

use Kind::{At, Int, Text};

use crate::columns::{CHANNEL, CURRENCY, ORDER, SKU};

pub(crate) static FCT_PRICE_CHANGE: View = View {
    name: "fct_price_change",
    en: "One change of a list price, with the lowest price really paid in the seven days before it took effect.",
    zh: "一次标价变更，以及生效前七日的最低成交价。",
    key: 3,
    columns: &[
        SKU,
        Column::new(
            "channel_id",
            Text,
            "The account; * for every account without a price of its own.",
            "渠道账号；* 为通用价。",
        ),
        Column::new("change_pos", Int, "The position of its event.", "事件位置。"),
        Column::new(
            "old_fen",
            Int,
            "The price of one unit it replaced, in minor units.",
            "原单价（分）。",
        )
        .nullable(),
        Column::new(
            "new_fen",
            Int,
            "The price of one unit, in minor units; none where it was withdrawn.",
            "新单价（分），撤回则为空。",
        )
        .nullable(),
        CURRENCY.nullable(),
        Column::new("from_at", At, "From when.", "生效时间。"),
        Column::new("until_at", At, "Until when, exclusive.", "失效时间。").nullable(),
        Column::new(
            "layer",
            Text,
            "channel: an account's own price; general: everybody else's.",
            "层级：channel 渠道专属，general 通用。",
        ),
        Column::new("approved_by", Text, "Who changed it.", "操作者。"),
        Column::new("reason", Text, "Why.", "原因。"),
        Column::new(
            "lowest_deal_7d_fen",
            Int,
            "The lowest price of one unit in orders paid there in the seven days before, in minor units.",
            "生效前七日的最低成交单价（分）。",
        )
        .nullable(),
        Column::new(
            "evidence_order_id",
            Text,
            "The first order paid at that price.",
            "该成交价的首个订单。",
        )
        .nullable(),
    ],
    reads: &["orders", "people", "sales"],
    select: "WITH deals AS (
  SELECT p.merchant, p.sku_id, p.pos, l.order_id, l.amount_fen / l.units_count AS unit_fen,
         ROW_NUMBER() OVER (PARTITION BY p.merchant, p.sku_id, p.pos
           ORDER BY l.amount_fen / l.units_count, l.paid_at, l.order_id) AS nth
  FROM fct_price AS p
  JOIN channel_row AS c ON c.merchant = p.merchant AND (p.channel_id IS NULL OR c.channel = p.channel_id)
  JOIN fct_sale_line AS l ON l.merchant = p.merchant AND l.sku_id = p.sku_id AND l.channel_id = c.channel
   AND l.hour_at >= strftime('%Y-%m-%dT%H:00:00', substr(p.from_at, 1, 19), '-7 days') AND l.hour_at <= p.from_at
   AND l.paid_at >= strftime('%Y-%m-%dT%H:%M:%S', substr(p.from_at, 1, 19), '-7 days') AND l.paid_at < p.from_at
   AND l.currency = p.currency AND l.units_count > 0
)
SELECT p.merchant, p.sku_id, COALESCE(p.channel_id, '*') AS channel_id, p.pos AS change_pos, p.old_fen, p.new_fen,
       p.currency, p.from_at, p.until_at, CASE WHEN p.channel_id IS NULL THEN 'general' ELSE 'channel' END AS layer,
       p.actor_id AS approved_by, p.reason, d.unit_fen AS lowest_deal_7d_fen, d.order_id AS evidence_order_id, p.last_pos
FROM fct_price AS p
LEFT JOIN deals AS d ON d.merchant = p.merchant AND d.sku_id = p.sku_id AND d.pos = p.pos AND d.nth = 1",
};

pub(crate) static FCT_PRICE_MISMATCH: View = View {
    name: "fct_price_mismatch",
    en: "One amount that differs from what was expected: a payment that does not fit its order, or a paid order that does not cost what our list says.",
    zh: "一笔与预期不符的金额：付款与订单不符，或已付订单与标价不符。",
    key: 2,
    columns: &[
        ORDER,
        Column::new("event_pos", Int, "The position of the event that shows it.", "体现差异的事件位置。"),
        CHANNEL.nullable(),
        CURRENCY,
        Column::new("expected_fen", Int, "What was expected, in minor units.", "预期金额（分）。").nullable(),
        Column::new("paid_fen", Int, "What it was, in minor units.", "实际金额（分）。"),
        Column::new("delta_fen", Int, "paid_fen less expected_fen.", "差额（分）。").nullable(),
        Column::new(
            "explained_by",
            Text,
            "platform_price: the platform sets its own price; otherwise the code of what does not fit, which nobody has explained.",
            "platform_price 为平台自定价；其余为不符原因代码，尚无解释。",
        ),
    ],
    reads: &["orders", "people", "sales"],
    select: "SELECT d.merchant, d.order_id, d.pos AS event_pos, d.through_id AS channel_id, d.currency, d.expected_fen,
       d.paid_fen, d.paid_fen - d.expected_fen AS delta_fen, d.reason AS explained_by, d.last_pos
FROM fct_payment_disputed AS d
UNION ALL
SELECT s.merchant, s.order_id, o.first_pos, s.channel_id, s.currency, s.list_fen, s.paid_fen, s.paid_fen - s.list_fen,
       'platform_price', s.last_pos
FROM fct_sale AS s JOIN order_row AS o ON o.merchant = s.merchant AND o.order_id = s.order_id
WHERE s.paid_at IS NOT NULL AND s.discount_fen <> 0",
};
