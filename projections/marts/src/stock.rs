//! Items, batches, quotas, and times without anything to sell.

use projection::{Column, Kind, View};

use Kind::{At, Flag, Int, Real, Text};

use crate::columns::{BATCH, CHANNEL, DAY, SKU};

pub(crate) static DIM_SKU: View = View {
    name: "dim_sku",
    en: "One sellable item.",
    zh: "一个可售商品。",
    key: 1,
    columns: &[
        SKU,
        Column::new("name", Text, "The name people see.", "名称。"),
        Column::new("family", Text, "The product family.", "商品系列。"),
        Column::new("use_limit", Int, "How many buyers one key serves.", "每张卡密可售次数。"),
        Column::new("face_value_fen", Int, "The value printed on the card, in minor units.", "面值（分）。")
            .nullable(),
        Column::new("currency", Text, "The currency of the face value.", "面值币种。").nullable(),
        Column::new(
            "cost_fen",
            Int,
            "What one key of its newest batch cost, where somebody said so, in minor units.",
            "最新批次的单张成本（分）。",
        )
        .nullable(),
        Column::new("cost_currency", Text, "The currency of the cost.", "成本币种。").nullable(),
        Column::new(
            "valid_until_at",
            At,
            "When the first of its batches with units for sale is no longer sold.",
            "在售批次中最早的停售时间。",
        )
        .nullable(),
    ],
    reads: &["quotas"],
    select: "SELECT s.merchant, s.sku AS sku_id, s.name, s.family, s.use_limit, s.face_value_fen, s.currency,
       b.unit_cost_fen AS cost_fen, b.currency AS cost_currency,
       (SELECT MIN(sell_until_at) FROM batch_row AS v
        WHERE v.merchant = s.merchant AND v.sku = s.sku AND v.available_count > 0) AS valid_until_at,
       MAX(s.last_pos, COALESCE(b.last_pos, 0)) AS last_pos
FROM sku_row AS s LEFT JOIN batch_row AS b ON b.merchant = s.merchant AND b.batch_id = (
  SELECT MAX(n.batch_id) FROM batch_row AS n
  WHERE n.merchant = s.merchant AND n.sku = s.sku AND n.unit_cost_fen IS NOT NULL)",
};

pub(crate) static DIM_BATCH: View = View {
    name: "dim_batch",
    en: "One batch of keys.",
    zh: "一个卡密批次。",
    key: 1,
    columns: &[
        BATCH,
        SKU,
        Column::new("supplier", Text, "Who supplied it.", "供应商。").nullable(),
        Column::new(
            "unit_cost_fen",
            Int,
            "What one key cost, in minor units.",
            "单张成本（分）。",
        )
        .nullable(),
        Column::new("currency", Text, "The currency of the cost.", "成本币种。").nullable(),
        Column::new("uploaded_at", At, "When it was begun.", "建批时间。"),
        Column::new("sell_until_at", At, "Not sold from then on.", "停售时间。").nullable(),
        Column::new("use_limit", Int, "How many units each key is.", "每张卡密的件数。"),
        Column::new("key_count", Int, "Keys that came in.", "入库卡密数。"),
        Column::new("units_count", Int, "Units they are.", "对应件数。"),
        Column::new("bad_count", Int, "Units that did not work.", "坏卡件数。"),
        Column::new("bad_ratio", Real, "bad_count of units_count.", "坏卡率。"),
        Column::new("is_quarantined", Flag, "The whole batch is kept from sale.", "是否整批隔离。"),
    ],
    reads: &["quotas"],
    select: "SELECT merchant, batch_id, sku AS sku_id, supplier, unit_cost_fen, currency, opened_at AS uploaded_at, sell_until_at,
       use_limit, imported_count / use_limit AS key_count, imported_count AS units_count, bad_count,
       CASE WHEN imported_count > 0 THEN 1.0 * bad_count / imported_count ELSE 0.0 END AS bad_ratio, is_quarantined, last_pos
FROM batch_row",
};

pub(crate) static OPS_QUOTA: View = View {
    name: "ops_quota",
    en: "What one account may sell of one item, as of the last event that touched the item's stock.",
    zh: "一个渠道账号对一个 SKU 的配额（截至该 SKU 最近库存事件）。",
    key: 2,
    columns: &[
        SKU,
        CHANNEL,
        Column::new(
            "is_set",
            Flag,
            "A quota was set; without one it shares what nobody set aside.",
            "是否设置了配额。",
        ),
        Column::new("floor_count", Int, "Units set aside for it when the quota was set.", "保底件数。"),
        Column::new(
            "cap_count",
            Int,
            "Units it may sell in all from then on; none means no limit.",
            "上限件数，空为不限。",
        )
        .nullable(),
        Column::new(
            "taken_count",
            Int,
            "Units held or sold since then, less those given back.",
            "设置以来占用件数。",
        ),
        Column::new("floor_left_count", Int, "Units still set aside for it.", "剩余保底件数。"),
        Column::new("cap_left_count", Int, "Units below its upper limit.", "距上限剩余件数。").nullable(),
        Column::new("held_count", Int, "Units held now for its unpaid orders.", "当前预留件数。"),
        Column::new(
            "sold_count",
            Int,
            "Units bound to its paid orders and not given back, ever.",
            "累计售出件数。",
        ),
        Column::new("available_count", Int, "Units it may sell now.", "当前可售件数。"),
        Column::new(
            "published_count",
            Int,
            "The figure the channel confirmed last.",
            "渠道最近确认的库存。",
        )
        .nullable(),
        Column::new("published_at", At, "When.", "确认时间。").nullable(),
        Column::new("out_at", At, "Since when it can sell none.", "断货开始时间。").nullable(),
        Column::new(
            "decision_id",
            Int,
            "The decision that set the quota, in fct_decision.",
            "设置配额的决定编号。",
        )
        .nullable(),
    ],
    reads: &["quotas"],
    select: "SELECT q.merchant, q.sku AS sku_id, q.channel AS channel_id, q.is_set, q.floor_count, q.cap_count, q.taken_count,
       q.floor_left_count, q.cap_left_count, q.held_count, q.sold_count, q.available_count, p.published_count,
       p.published_at, q.out_at, q.set_pos AS decision_id, MAX(q.last_pos, COALESCE(p.last_pos, 0)) AS last_pos
FROM quota_row AS q LEFT JOIN ops_published AS p ON p.merchant = q.merchant AND p.channel_id = q.channel AND p.item = (
  SELECT i.item FROM ops_published AS i WHERE i.merchant = q.merchant AND i.channel_id = q.channel AND i.sku_id = q.sku
  ORDER BY i.published_at DESC, i.item LIMIT 1)",
};

pub(crate) static OPS_KEY_POOL: View = View {
    name: "ops_key_pool",
    en: "How many units of one batch are in one state. States without units have no row.",
    zh: "一个批次在一种状态下的件数；无件数的状态没有行。",
    key: 3,
    columns: &[
        SKU,
        BATCH,
        Column::new(
            "state",
            Text,
            "available, expired (its time to be sold is over), quarantined, reserved, allocated, delivered, returned (taken back from a buyer) or voided.",
            "状态：available 可售、expired 已过停售时间、quarantined 隔离、reserved 预留、allocated 已分配、delivered 已发货、returned 已收回、voided 已下架。",
        ),
        Column::new("units_count", Int, "Units.", "件数。"),
        Column::new("oldest_at", At, "When the batch came in.", "批次入库时间。"),
    ],
    reads: &["quotas"],
    // Now is when the newest event was recorded, so that the same position gives the same rows.
    select: "SELECT * FROM (
SELECT b.merchant, b.sku AS sku_id, b.batch_id, s.column1 AS state,
       CASE s.column1 WHEN 'available' THEN iif(b.sell_until_at <= h.head_recorded_at, 0, b.available_count)
         WHEN 'expired' THEN iif(b.sell_until_at <= h.head_recorded_at, b.available_count, 0)
         WHEN 'quarantined' THEN b.quarantined_count WHEN 'reserved' THEN b.reserved_count
         WHEN 'allocated' THEN b.allocated_count WHEN 'delivered' THEN b.delivered_count
         WHEN 'returned' THEN b.revoked_count ELSE b.voided_count END AS units_count,
       b.opened_at AS oldest_at, b.last_pos
FROM batch_row AS b JOIN sys_projection AS h ON h.merchant = b.merchant AND h.name = 'quotas'
CROSS JOIN (VALUES ('available'), ('expired'), ('quarantined'), ('reserved'), ('allocated'), ('delivered'), ('returned'), ('voided')) AS s
) AS states WHERE units_count > 0",
};

pub(crate) static STOCKOUT: View = View {
    name: "ops_stockout",
    en: "One time in which one account was unable to sell one item, and who was refused in it.",
    zh: "一个渠道账号对一个 SKU 的一段断货，及其间被拒的购买。",
    key: 3,
    columns: &[
        SKU,
        CHANNEL,
        Column::new("from_pos", Int, "The event with which it began.", "开始的事件位置。"),
        Column::new("from_at", At, "When it began.", "开始时间。"),
        Column::new("to_at", At, "When it ended; none while it lasts.", "结束时间，持续中为空。").nullable(),
        Column::new(
            "out_s",
            Int,
            "How many seconds it lasted, or has lasted up to the newest event.",
            "持续秒数。",
        ),
        Column::new(
            "cause",
            Text,
            "pool: nothing was in stock; quota: what was there was not for this account.",
            "原因：pool 无库存，quota 配额用尽。",
        ),
        Column::new("refused_count", Int, "Wishes to buy that were refused in it.", "其间被拒绝的购买次数。"),
        Column::new(
            "refused_units_count",
            Int,
            "Units they were for: no fewer were lost.",
            "其间被拒绝的件数，即损失下限。",
        ),
    ],
    reads: &["quotas", "sales"],
    select: "SELECT o.merchant, o.sku_id, o.channel_id, o.from_pos, o.from_at, o.to_at, o.cause,
       COALESCE(o.to_epoch, h.head_recorded_epoch) - o.from_epoch AS out_s,
       (SELECT COUNT(DISTINCT r.pos) FROM fct_attempt_refused AS r WHERE r.merchant = o.merchant AND r.sku_id = o.sku_id
          AND r.channel_id = o.channel_id AND r.occurred_at >= o.from_at
          AND r.occurred_at < COALESCE(o.to_at, '9999')) AS refused_count,
       (SELECT COALESCE(SUM(r.units_count), 0) FROM fct_attempt_refused AS r WHERE r.merchant = o.merchant
          AND r.sku_id = o.sku_id AND r.channel_id = o.channel_id AND r.occurred_at >= o.from_at
          AND r.occurred_at < COALESCE(o.to_at, '9999')) AS refused_units_count,
       o.last_pos
FROM fct_stockout AS o JOIN sys_projection AS h ON h.merchant = o.merchant AND h.name = 'quotas'",
};

pub(crate) static QUOTA_USE: View = View {
    name: "mart_quota_use",
    en: "What one account sold of one item on one business day, and how long it had nothing to sell.",
    zh: "一个渠道账号对一个 SKU 在一业务日的售出与断货时长。",
    key: 3,
    columns: &[
        SKU,
        CHANNEL,
        DAY,
        Column::new("sold", Int, "Units in orders paid on the day.", "当日付款件数。"),
        Column::new("refused_count", Int, "Wishes to buy that were refused.", "被拒绝的购买次数。"),
        Column::new(
            "starved_minutes",
            Int,
            "Minutes in which it had nothing to sell, rounded down.",
            "断货分钟数（向下取整）。",
        ),
    ],
    reads: &["quotas", "sales"],
    select: "WITH RECURSIVE slices(merchant, sku_id, channel_id, from_s, to_s, end_s, last_pos) AS (
  SELECT o.merchant, o.sku_id, o.channel_id, o.from_epoch,
         MIN((o.from_epoch + 28800) / 86400 * 86400 + 57600, COALESCE(o.to_epoch, h.head_recorded_epoch)),
         COALESCE(o.to_epoch, h.head_recorded_epoch), o.last_pos
  FROM fct_stockout AS o JOIN sys_projection AS h ON h.merchant = o.merchant AND h.name = 'quotas'
  UNION ALL
  SELECT merchant, sku_id, channel_id, to_s, MIN(to_s + 86400, end_s), end_s, last_pos FROM slices WHERE to_s < end_s
), days AS (
  SELECT merchant, sku_id, channel_id, date(from_s + 28800, 'unixepoch') AS business_date, to_s - from_s AS out_s,
         0 AS sold, 0 AS refused_count, last_pos FROM slices
  UNION ALL
  SELECT merchant, sku_id, channel_id, business_date, 0, units_count, refused_count, last_pos FROM mart_sales_day_sum
)
SELECT merchant, sku_id, channel_id, business_date, SUM(sold) AS sold, SUM(refused_count) AS refused_count,
       SUM(out_s) / 60 AS starved_minutes, MAX(last_pos) AS last_pos
FROM days GROUP BY merchant, sku_id, channel_id, business_date",
};
