//! Channels: what they are, what they are worth, and what comes after a sale.

use projection::{Column, Kind, View};

use Kind::{Date, Flag, Int, Json, Real, Text};

use crate::columns::{BATCH, CHANNEL, CURRENCY, MARGIN_EN, MARGIN_ZH, NET_EN, NET_ZH, SKU};

pub(crate) static DIM_CHANNEL: View = View {
    name: "dim_channel",
    en: "One shop account on a channel.",
    zh: "一个渠道账号。",
    key: 1,
    columns: &[
        CHANNEL,
        Column::new("code", Text, "The channel.", "渠道。"),
        Column::new("shop_id", Text, "The shop.", "店铺。"),
        Column::new("name", Text, "The name people see.", "名称。"),
        Column::new(
            "kind",
            Text,
            "marketplace, social, own, offline or partner.",
            "类型：marketplace、social、own、offline、partner。",
        )
        .nullable(),
        CURRENCY,
        Column::new("orders_of_id", Text, "The account whose order numbers it shares.", "共用订单号的账号。"),
        Column::new(
            "commission_bp",
            Int,
            "What it keeps of a sale, in hundredths of a per cent.",
            "佣金（万分之一）。",
        )
        .nullable(),
        Column::new(
            "pay_fee_bp",
            Int,
            "What taking the payment costs, in hundredths of a per cent.",
            "支付费率（万分之一）。",
        )
        .nullable(),
        Column::new(
            "sync_delay_s",
            Int,
            "How many seconds it takes until a stock figure is shown.",
            "库存展示延迟（秒）。",
        )
        .nullable(),
        Column::new("value_tags", Json, "What it is good for, in the merchant's words.", "价值标签。")
            .nullable(),
        Column::new("is_suspended", Flag, "Sales are stopped.", "是否暂停销售。"),
    ],
    reads: &["orders"],
    select:
        "SELECT merchant, channel AS channel_id, channel_code AS code, shop AS shop_id, name, kind, currency,
       orders_of AS orders_of_id, commission_bp, pay_fee_bp, sync_delay_s, value_tags, is_suspended, last_pos
FROM channel_row",
};

pub(crate) static VALUE: View = View {
    name: "mart_channel_value",
    en: "What one account brought in with the orders paid in one month, as far as it is recorded.",
    zh: "一个渠道账号当月付款订单的价值（以有记录者为限）。",
    key: 3,
    columns: &[
        CHANNEL,
        Column::new("month", Text, "The month of payment in Shanghai, yyyy-mm.", "付款月份（上海）。"),
        CURRENCY,
        Column::new("paid_count", Int, "Items of paid orders.", "已付订单的 SKU 数。"),
        Column::new("units", Int, "Units in them.", "件数。"),
        Column::new("net_fen", Int, NET_EN, NET_ZH),
        Column::new("margin_fen", Int, MARGIN_EN, MARGIN_ZH),
        Column::new(
            "after_sale_cost_fen",
            Int,
            "Already taken off the margin: refunds whose keys stayed with buyers, and keys that replaced bad ones; in minor units.",
            "已计入毛利的售后成本：未收回卡密的退款与补发卡密（分）。",
        ),
        Column::new(
            "uncosted_count",
            Int,
            "Units of which nobody said what they cost in this currency.",
            "无本币种成本记录的件数。",
        ),
        Column::new(
            "value_per_key_fen",
            Int,
            "margin_fen by units, rounded; none without units.",
            "每张卡密的毛利（分，四舍五入）。",
        )
        .nullable(),
    ],
    reads: &["sales"],
    select: "SELECT *, CASE WHEN units > 0 THEN CAST(ROUND(1.0 * margin_fen / units) AS BIGINT) END AS value_per_key_fen FROM (
  SELECT merchant, channel_id, substr(business_date, 1, 7) AS month, currency, SUM(paid_count) AS paid_count,
         SUM(units_count) AS units, SUM(gross_fen - refund_fen) AS net_fen,
         SUM(gross_fen - refund_fen - commission_fen - pay_fee_fen - cost_fen) AS margin_fen,
         SUM(loss_fen + replacement_cost_fen) AS after_sale_cost_fen, SUM(uncosted_count) AS uncosted_count,
         MAX(last_pos) AS last_pos
  FROM mart_sales_day_sum GROUP BY merchant, channel_id, month, currency) AS sums",
};

pub(crate) static AFTER_SALE: View = View {
    name: "mart_after_sale",
    en: "What became of the units of one batch that were delivered on one account in one week.",
    zh: "某批次卡密在某渠道账号某周所发件数的售后情况。",
    key: 5,
    columns: &[
        CHANNEL,
        SKU,
        BATCH,
        Column::new(
            "week_date",
            Date,
            "The Monday of the week of delivery, in Shanghai.",
            "发货所在周的周一（上海）。",
        ),
        CURRENCY,
        Column::new("delivered", Int, "Units delivered.", "已发货件数。"),
        Column::new("replaced", Int, "Units among them that were replaced.", "其中补发件数。"),
        Column::new(
            "confirmed_bad",
            Int,
            "Units among the replaced that did not work.",
            "补发中确认的坏卡件数。",
        ),
        Column::new(
            "refunded",
            Int,
            "Units among the delivered that were taken back against a refund.",
            "其中退款收回的件数。",
        ),
        Column::new(
            "after_sale_ratio",
            Real,
            "replaced and refunded of delivered.",
            "售后率：补发与退款占已发货。",
        ),
        Column::new(
            "supplier_claim_fen",
            Int,
            "What the replaced units had cost that the supplier is to bear, in minor units.",
            "应由供应商承担的成本（分）。",
        ),
    ],
    reads: &["orders", "quotas", "sales"],
    // A unit that went back was revoked whether it was replaced or refunded; what was replaced is known by name.
    select: "WITH units AS (
  SELECT k.merchant, k.channel AS channel_id, k.sku AS sku_id, k.batch_id, o.delivered_epoch, o.currency, 1 AS delivered,
         CAST(k.state = 'revoked' AS INTEGER) AS revoked, 0 AS replaced, 0 AS bad, 0 AS claim_fen, MAX(k.last_pos, o.last_pos) AS last_pos
  FROM ops_key AS k JOIN order_row AS o ON o.merchant = k.merchant AND o.order_id = k.order_id
  WHERE k.state IN ('delivered', 'revoked') AND o.delivered_at IS NOT NULL
  UNION ALL
  SELECT r.merchant, r.channel_id, r.sku_id, r.old_batch_id, o.delivered_epoch, o.currency, 0, 0, 1,
         CAST(r.reason = 'bad_key' AS INTEGER), CASE WHEN r.cost_owner = 'supplier' THEN COALESCE(r.cost_fen, 0) ELSE 0 END, r.last_pos
  FROM fct_key_replaced AS r JOIN order_row AS o ON o.merchant = r.merchant AND o.order_id = r.order_id
  WHERE r.channel_id IS NOT NULL AND r.sku_id IS NOT NULL AND o.delivered_at IS NOT NULL
), weeks AS (
  SELECT *, date(delivered_epoch + 28800, 'unixepoch', '-6 days', 'weekday 1') AS week_date FROM units
), summed AS (
  SELECT merchant, channel_id, sku_id, batch_id, week_date, currency, SUM(delivered) AS delivered,
         SUM(replaced) AS replaced, SUM(bad) AS confirmed_bad, MAX(SUM(revoked) - SUM(replaced), 0) AS refunded,
         SUM(claim_fen) AS supplier_claim_fen, MAX(last_pos) AS last_pos
  FROM weeks GROUP BY merchant, channel_id, sku_id, batch_id, week_date, currency
)
SELECT *, CASE WHEN delivered > 0 THEN 1.0 * (replaced + refunded) / delivered ELSE 0.0 END AS after_sale_ratio FROM summed",
};
