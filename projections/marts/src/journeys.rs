//! Journeys: how many contacts became orders, and what content brought in.

use projection::{Column, Kind, View};

use Kind::{Int, Real, Text};

use crate::columns::{CHANNEL, CURRENCY, DAY};

pub(crate) static FUNNEL: View = View {
    name: "mart_funnel",
    en: "What became of the journeys that began on one account on one day from one source.",
    zh: "某日在某渠道账号由某来源开始的旅程的去向。",
    key: 3,
    columns: &[
        CHANNEL,
        DAY,
        Column::new("source", Text, "Where they came from at the first touch.", "首次触点的来源。"),
        Column::new("journeys", Int, "Journeys that began so.", "开始的旅程数。"),
        Column::new("touches", Int, "Touches in them, on any account.", "其触点总数（全渠道）。"),
        Column::new("handoffs", Int, "Touches that handed somebody to another channel.", "转接次数。"),
        Column::new("quotes", Int, "Touches that told a price.", "报价次数。"),
        Column::new("converted", Int, "Journeys that led to an order.", "产生订单的旅程数。"),
        Column::new("orders", Int, "Orders they led to.", "产生的订单数。"),
        Column::new(
            "reservations",
            Int,
            "Orders among them whose keys were held before payment.",
            "其中付款前预留的订单数。",
        ),
        Column::new("paid", Int, "Orders among them that were paid.", "其中付款的订单数。"),
        Column::new("delivered", Int, "Orders among them that were delivered.", "其中已发货的订单数。"),
        Column::new(
            "after_sale",
            Int,
            "Orders among them with a refund or a replaced key.",
            "其中有退款或补发的订单数。",
        ),
        Column::new("order_ratio", Real, "converted of journeys.", "旅程转化率。"),
        Column::new("paid_ratio", Real, "paid of orders.", "订单付款率。"),
        Column::new("delivered_ratio", Real, "delivered of paid.", "付款发货率。"),
        Column::new(
            "median_order_s",
            Int,
            "Half of the converted journeys took at most so many seconds from the first touch to the first order.",
            "首次触点到首个订单的秒数中位数。",
        )
        .nullable(),
    ],
    reads: &["journeys", "orders", "sales"],
    select: "WITH begun AS (
  SELECT merchant, journey_id, channel AS channel_id, source, occurred_epoch AS began_s,
         ROW_NUMBER() OVER (PARTITION BY merchant, journey_id ORDER BY occurred_at, pos) AS nth
  FROM fct_touch
), touched AS (
  SELECT merchant, journey_id, COUNT(*) AS touches, SUM(kind = 'handoff') AS handoffs, SUM(kind = 'quote') AS quotes,
         MAX(last_pos) AS last_pos
  FROM fct_touch GROUP BY merchant, journey_id
), led AS (
  SELECT merchant, journey_id, order_id, MIN(occurred_epoch) AS ordered_s, MAX(last_pos) AS last_pos
  FROM fct_journey_order GROUP BY merchant, journey_id, order_id
), ordered AS (
  SELECT l.merchant, l.journey_id, COUNT(*) AS orders, MIN(l.ordered_s) AS ordered_s,
         SUM(EXISTS (SELECT 1 FROM fct_order_event AS e WHERE e.merchant = l.merchant AND e.order_id = l.order_id
                     AND e.type = 'OrderReserved')) AS reservations,
         COUNT(o.paid_at) AS paid, COUNT(o.delivered_at) AS delivered,
         SUM(o.refunded_fen > 0 OR EXISTS (SELECT 1 FROM fct_key_replaced AS r
             WHERE r.merchant = l.merchant AND r.order_id = l.order_id)) AS after_sale,
         MAX(MAX(l.last_pos, COALESCE(o.last_pos, 0))) AS last_pos
  FROM led AS l LEFT JOIN order_row AS o ON o.merchant = l.merchant AND o.order_id = l.order_id
  GROUP BY l.merchant, l.journey_id
), journeys AS (
  SELECT b.merchant, b.channel_id, date(b.began_s + 28800, 'unixepoch') AS business_date, b.source, t.touches, t.handoffs,
         t.quotes, o.orders, o.reservations, o.paid, o.delivered, o.after_sale,
         MAX(o.ordered_s - b.began_s, 0) AS wait_s, MAX(t.last_pos, COALESCE(o.last_pos, 0)) AS last_pos
  FROM begun AS b JOIN touched AS t ON t.merchant = b.merchant AND t.journey_id = b.journey_id
  LEFT JOIN ordered AS o ON o.merchant = b.merchant AND o.journey_id = b.journey_id
  WHERE b.nth = 1
), ranked AS (
  SELECT *, COUNT(wait_s) OVER cell AS n,
         ROW_NUMBER() OVER (PARTITION BY merchant, channel_id, business_date, source ORDER BY wait_s IS NULL, wait_s) AS nth
  FROM journeys WINDOW cell AS (PARTITION BY merchant, channel_id, business_date, source)
), summed AS (
  SELECT merchant, channel_id, business_date, source, COUNT(*) AS journeys, SUM(touches) AS touches,
         SUM(handoffs) AS handoffs, SUM(quotes) AS quotes, COUNT(orders) AS converted, COALESCE(SUM(orders), 0) AS orders,
         COALESCE(SUM(reservations), 0) AS reservations, COALESCE(SUM(paid), 0) AS paid,
         COALESCE(SUM(delivered), 0) AS delivered, COALESCE(SUM(after_sale), 0) AS after_sale,
         MIN(wait_s) FILTER (WHERE 2 * nth >= n AND wait_s IS NOT NULL) AS median_order_s, MAX(last_pos) AS last_pos
  FROM ranked GROUP BY merchant, channel_id, business_date, source
)
SELECT *, 1.0 * converted / journeys AS order_ratio, CASE WHEN orders > 0 THEN 1.0 * paid / orders ELSE 0.0 END AS paid_ratio,
       CASE WHEN paid > 0 THEN 1.0 * delivered / paid ELSE 0.0 END AS delivered_ratio
FROM summed",
};

pub(crate) static CONTENT: View = View {
    name: "mart_content",
    en: "What one piece of content did on one account on one day, and what the journeys it touched brought in. A journey counts with every content it met.",
    zh: "某内容某日在某渠道账号的效果及其触达旅程的收入；一段旅程计入其遇到的每个内容。",
    key: 3,
    columns: &[
        Column::new("content_id", Text, "The content, by the merchant's own number.", "内容编号。"),
        CHANNEL,
        DAY,
        Column::new("format", Text, "What sort of content it is.", "内容形式。").nullable(),
        Column::new("campaign", Text, "The campaign it belongs to.", "活动。").nullable(),
        Column::new("touches", Int, "Touches.", "触点数。"),
        Column::new(
            "handoffs",
            Int,
            "Touches among them that handed somebody to another channel.",
            "其中转接次数。",
        ),
        Column::new("journeys", Int, "Journeys touched.", "触达的旅程数。"),
        Column::new(
            "orders",
            Int,
            "Paid orders that those journeys led to afterwards.",
            "其后产生的已付订单数。",
        ),
        CURRENCY,
        Column::new(
            "net_fen",
            Int,
            "Paid less paid back for those orders that are in the account's currency, in minor units.",
            "其中与账号同币种订单的净销售额（分）。",
        ),
        Column::new("conversion_ratio", Real, "Journeys with such an order of journeys.", "旅程转化率。"),
    ],
    reads: &["journeys", "orders"],
    select: "WITH met AS (
  SELECT merchant, content AS content_id, channel AS channel_id, date(occurred_epoch + 28800, 'unixepoch') AS business_date,
         journey_id, MIN(occurred_at) AS met_at, MIN(format) AS format, MIN(campaign) AS campaign, COUNT(*) AS touches,
         SUM(kind = 'handoff') AS handoffs, MAX(last_pos) AS last_pos
  FROM fct_touch WHERE content IS NOT NULL GROUP BY merchant, content_id, channel_id, business_date, journey_id
), led AS (
  SELECT merchant, journey_id, order_id, MIN(occurred_at) AS ordered_at, MAX(last_pos) AS last_pos
  FROM fct_journey_order GROUP BY merchant, journey_id, order_id
), bought AS (
  SELECT DISTINCT m.merchant, m.content_id, m.channel_id, m.business_date, m.journey_id, l.order_id, o.currency,
         o.paid_fen - o.refunded_fen AS net_fen, MAX(l.last_pos, o.last_pos) AS last_pos
  FROM met AS m JOIN led AS l ON l.merchant = m.merchant AND l.journey_id = m.journey_id AND l.ordered_at >= m.met_at
  JOIN order_row AS o ON o.merchant = l.merchant AND o.order_id = l.order_id AND o.paid_at IS NOT NULL
), orders AS (
  SELECT b.merchant, b.content_id, b.channel_id, b.business_date, COUNT(DISTINCT b.order_id) AS orders,
         COUNT(DISTINCT b.journey_id) AS converted, MAX(b.last_pos) AS last_pos
  FROM bought AS b GROUP BY b.merchant, b.content_id, b.channel_id, b.business_date
), money AS (
  SELECT merchant, content_id, channel_id, business_date, currency, SUM(net_fen) AS net_fen FROM (
    SELECT DISTINCT merchant, content_id, channel_id, business_date, order_id, currency, net_fen FROM bought) AS once
  GROUP BY merchant, content_id, channel_id, business_date, currency
), touched AS (
  SELECT merchant, content_id, channel_id, business_date, MIN(format) AS format, MIN(campaign) AS campaign,
         SUM(touches) AS touches, SUM(handoffs) AS handoffs, COUNT(*) AS journeys, MAX(last_pos) AS last_pos
  FROM met GROUP BY merchant, content_id, channel_id, business_date
)
SELECT t.merchant, t.content_id, t.channel_id, t.business_date, t.format, t.campaign, t.touches, t.handoffs, t.journeys,
       COALESCE(o.orders, 0) AS orders, COALESCE(c.currency, 'CNY') AS currency, COALESCE(m.net_fen, 0) AS net_fen,
       1.0 * COALESCE(o.converted, 0) / t.journeys AS conversion_ratio, MAX(t.last_pos, COALESCE(o.last_pos, 0)) AS last_pos
FROM touched AS t
LEFT JOIN channel_row AS c ON c.merchant = t.merchant AND c.channel = t.channel_id
LEFT JOIN orders AS o ON o.merchant = t.merchant AND o.content_id = t.content_id AND o.channel_id = t.channel_id
 AND o.business_date = t.business_date
LEFT JOIN money AS m ON m.merchant = t.merchant AND m.content_id = t.content_id AND m.channel_id = t.channel_id
 AND m.business_date = t.business_date AND m.currency = COALESCE(c.currency, 'CNY')",
};
