//! Buyers as persons: cohorts, and recency, frequency and money.

use projection::{Column, Kind, View};

use Kind::{Date, Int, Real, Text};

use crate::columns::{CURRENCY, NET_EN, NET_ZH, OF_PERSONS, PERSON};

pub(crate) static COHORT: View = View {
    name: "mart_cohort",
    en: "What the persons who first bought in one month on one account did in a later month. Months in which none of them did anything have no row.",
    zh: "某月在某渠道账号首购的人群在其后某月的表现；无动作的月份没有行。",
    key: 4,
    columns: &[
        Column::new("first_channel_id", Text, "The account of their first paid order.", "首购渠道账号。"),
        Column::new("cohort_month", Text, "The month of it in Shanghai, yyyy-mm.", "首购月份（上海）。"),
        CURRENCY,
        Column::new("age_month", Int, "Months since then.", "距首购月数。"),
        Column::new("buyers", Int, "Persons in the cohort.", "人群人数。"),
        Column::new(
            "active_buyers",
            Int,
            "Persons among them who paid for an order in the month.",
            "当月付款人数。",
        ),
        Column::new("retention_ratio", Real, "active_buyers of buyers.", "留存率。"),
        Column::new("orders", Int, "Orders they paid.", "付款订单数。"),
        Column::new(
            "net_fen",
            Int,
            "Paid less paid back for those orders, and for history given back in the month; in minor units.",
            "净销售额（分）。",
        ),
        Column::new("cumulative_net_fen", Int, "net_fen up to this month.", "累计净销售额（分）。"),
        Column::new(
            "cumulative_net_fen_per_buyer",
            Int,
            "cumulative_net_fen by buyers, rounded.",
            "人均累计净销售额（分，四舍五入）。",
        ),
        Column::new(
            "cross_channel_ratio",
            Real,
            "Of the active buyers, those who paid on another account than their first.",
            "当月在首购渠道之外付款的人占比。",
        ),
    ],
    reads: OF_PERSONS,
    select: "WITH bought AS (
  SELECT merchant, person_id, currency, channel_id, paid_at, paid_fen - refund_fen AS net_fen, last_pos,
         date(COALESCE(paid_epoch, refunded_epoch) + 28800, 'unixepoch') AS day,
         FIRST_VALUE(channel_id) OVER life AS first_channel_id, FIRST_VALUE(paid_epoch) OVER life AS first_epoch
  FROM fct_order WHERE person_id IS NOT NULL AND (paid_at IS NOT NULL OR state = 'past')
  WINDOW life AS (PARTITION BY merchant, person_id, currency ORDER BY paid_at IS NULL, paid_at, order_id)
), aged AS (
  SELECT *, strftime('%Y-%m', first_epoch + 28800, 'unixepoch') AS cohort_month,
         12 * (CAST(substr(day, 1, 4) AS INTEGER) - CAST(strftime('%Y', first_epoch + 28800, 'unixepoch') AS INTEGER))
           + CAST(substr(day, 6, 2) AS INTEGER) - CAST(strftime('%m', first_epoch + 28800, 'unixepoch') AS INTEGER) AS age_month
  FROM bought WHERE first_epoch IS NOT NULL
), cells AS (
  SELECT merchant, first_channel_id, cohort_month, currency, age_month,
         COUNT(DISTINCT person_id) FILTER (WHERE paid_at IS NOT NULL) AS active_buyers,
         COUNT(paid_at) AS orders, SUM(net_fen) AS net_fen,
         COUNT(DISTINCT person_id) FILTER (WHERE paid_at IS NOT NULL AND channel_id <> first_channel_id) AS crossed,
         MAX(last_pos) AS last_pos
  FROM aged WHERE age_month >= 0 GROUP BY merchant, first_channel_id, cohort_month, currency, age_month
), summed AS (
  SELECT *, FIRST_VALUE(active_buyers) OVER cohort AS buyers, SUM(net_fen) OVER cohort AS cumulative_net_fen
  FROM cells
  WINDOW cohort AS (PARTITION BY merchant, first_channel_id, cohort_month, currency ORDER BY age_month)
)
SELECT *, 1.0 * active_buyers / buyers AS retention_ratio,
       CAST(ROUND(1.0 * cumulative_net_fen / buyers) AS BIGINT) AS cumulative_net_fen_per_buyer,
       CASE WHEN active_buyers > 0 THEN 1.0 * crossed / active_buyers ELSE 0.0 END AS cross_channel_ratio
FROM summed",
};

pub(crate) static RFM: View = View {
    name: "mart_rfm",
    en: "How lately, how often and for how much one person bought in one currency.",
    zh: "一个自然人在一种币种下的最近、频次与金额。",
    key: 2,
    columns: &[
        PERSON,
        CURRENCY,
        Column::new("first_date", Date, "The business day of the first paid order.", "首购业务日。"),
        Column::new("last_date", Date, "The business day of the last one.", "最近购买业务日。"),
        Column::new(
            "recency_days",
            Int,
            "Days from it to the newest paid order of anybody.",
            "距全店最新付款订单的天数。",
        ),
        Column::new("frequency_count", Int, "Paid orders.", "付款订单数。"),
        Column::new("monetary_fen", Int, NET_EN, NET_ZH),
        Column::new(
            "r_quintile",
            Int,
            "1 to 5; 5 bought most lately. Equals have the same.",
            "R 分位 1–5，5 为最近；并列同分。",
        ),
        Column::new("f_quintile", Int, "1 to 5; 5 bought most often.", "F 分位 1–5，5 为最频繁。"),
        Column::new("m_quintile", Int, "1 to 5; 5 brought in most.", "M 分位 1–5，5 为金额最高。"),
        Column::new(
            "segment",
            Text,
            "champion (all of 4 or more), loyal (f 4 or more, r 3 or more), at_risk (f 4 or more, r 2 or less), new (one order, r 4 or more), lost (r 2 or less), regular.",
            "分群：champion 三项≥4；loyal F≥4 且 R≥3；at_risk F≥4 且 R≤2；new 仅一单且 R≥4；lost R≤2；其余 regular。",
        ),
        Column::new("first_channel_id", Text, "The account of the first paid order.", "首购渠道账号。"),
        Column::new("last_channel_id", Text, "The account of the last one.", "最近购买渠道账号。"),
        Column::new("channels_count", Int, "Accounts paid on.", "付款渠道数。"),
    ],
    reads: OF_PERSONS,
    select: "WITH bought AS (
  SELECT merchant, person_id, currency, channel_id, paid_at, paid_fen - refund_fen AS net_fen, last_pos,
         date(paid_epoch + 28800, 'unixepoch') AS day,
         ROW_NUMBER() OVER (PARTITION BY merchant, person_id, currency ORDER BY paid_at IS NULL, paid_at, order_id) AS nth,
         ROW_NUMBER() OVER (PARTITION BY merchant, person_id, currency ORDER BY paid_at DESC, order_id DESC) AS nth_last
  FROM fct_order WHERE person_id IS NOT NULL AND (paid_at IS NOT NULL OR state = 'past')
), persons AS (
  SELECT merchant, person_id, currency, COUNT(paid_at) AS frequency_count, SUM(net_fen) AS monetary_fen,
         MIN(day) AS first_date, MAX(day) AS last_date,
         MAX(channel_id) FILTER (WHERE nth = 1) AS first_channel_id,
         MAX(channel_id) FILTER (WHERE nth_last = 1) AS last_channel_id,
         COUNT(DISTINCT channel_id) FILTER (WHERE paid_at IS NOT NULL) AS channels_count, MAX(last_pos) AS last_pos
  FROM bought GROUP BY merchant, person_id, currency HAVING COUNT(paid_at) > 0
), aged AS (
  SELECT *, CAST(julianday(MAX(last_date) OVER (PARTITION BY merchant)) - julianday(last_date) AS INTEGER) AS recency_days
  FROM persons
), scored AS (
  SELECT *,
         1 + 5 * (RANK() OVER (PARTITION BY merchant, currency ORDER BY recency_days DESC) - 1) / COUNT(*) OVER every AS r_quintile,
         1 + 5 * (RANK() OVER (PARTITION BY merchant, currency ORDER BY frequency_count) - 1) / COUNT(*) OVER every AS f_quintile,
         1 + 5 * (RANK() OVER (PARTITION BY merchant, currency ORDER BY monetary_fen) - 1) / COUNT(*) OVER every AS m_quintile
  FROM aged WINDOW every AS (PARTITION BY merchant, currency)
)
SELECT *, CASE
         WHEN r_quintile >= 4 AND f_quintile >= 4 AND m_quintile >= 4 THEN 'champion'
         WHEN f_quintile >= 4 AND r_quintile >= 3 THEN 'loyal'
         WHEN f_quintile >= 4 THEN 'at_risk'
         WHEN frequency_count = 1 AND r_quintile >= 4 THEN 'new'
         WHEN r_quintile <= 2 THEN 'lost'
         ELSE 'regular' END AS segment
FROM scored",
};
