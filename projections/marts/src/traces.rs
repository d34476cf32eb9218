//! From a row of a view back to the events that made it.

use projection::Trace;

/// The events of the orders that touch an item on an account on a day, and those of wishes that were refused.
macro_rules! sales_of_day {
    ($day:literal) => {
        concat!(
            "SELECT e.pos FROM fct_order_event AS e WHERE e.order_id IN (
               SELECT l.order_id FROM fct_sale_line AS l WHERE l.sku_id = :sku_id AND l.channel_id = :channel_id
                 AND l.currency = :currency AND ",
            $day,
            ")
             UNION SELECT r.pos FROM fct_attempt_refused AS r WHERE r.sku_id = :sku_id AND r.channel_id = :channel_id
               AND date(r.occurred_at, '+8 hours') = :business_date ORDER BY 1"
        )
    };
}

pub(crate) static TRACES: [Trace; 17] = [
    Trace::streams("dim_channel", "SELECT 'channel-' || replace(:channel_id, '/', '.')"),
    Trace::streams("dim_sku", "SELECT 'sku-' || :sku_id UNION ALL SELECT 'pool-' || :sku_id"),
    Trace::streams("dim_batch", "SELECT 'pool-' || :sku_id"),
    Trace::streams("ops_quota", "SELECT 'pool-' || :sku_id"),
    Trace::streams("ops_key_pool", "SELECT 'pool-' || :sku_id"),
    Trace::streams("ops_stockout", "SELECT 'pool-' || :sku_id"),
    Trace::streams("mart_quota_use", "SELECT 'pool-' || :sku_id"),
    Trace::streams("fct_price_change", "SELECT 'price-' || :sku_id"),
    Trace::positions(
        "mart_sales_hour",
        sales_of_day!("(l.hour_at = :hour_at OR date(l.paid_at, '+8 hours') = :business_date)"),
    ),
    Trace::positions(
        "mart_sales_day",
        sales_of_day!(
            "(date(l.hour_at, '+8 hours') = :business_date OR date(l.paid_at, '+8 hours') = :business_date)"
        ),
    ),
    Trace::positions(
        "v_sales_day",
        sales_of_day!(
            "(date(l.hour_at, '+8 hours') = :business_date OR date(l.paid_at, '+8 hours') = :business_date)"
        ),
    ),
    Trace::orders("mart_rfm", "SELECT order_id FROM fct_order WHERE person_id = :person_id"),
    Trace::orders(
        "mart_cohort",
        "SELECT order_id FROM fct_order WHERE currency = :currency AND person_id IN (
           SELECT person_id FROM fct_order WHERE paid_at IS NOT NULL GROUP BY person_id
           HAVING strftime('%Y-%m', MIN(paid_at), '+8 hours') = :cohort_month)",
    ),
    Trace::orders(
        "mart_channel_value",
        "SELECT order_id FROM fct_order WHERE channel_id = :channel_id AND currency = :currency",
    ),
    Trace::orders(
        "mart_after_sale",
        "SELECT order_id FROM fct_sale_line WHERE channel_id = :channel_id AND sku_id = :sku_id
         UNION SELECT order_id FROM fct_key_replaced WHERE channel_id = :channel_id AND sku_id = :sku_id",
    ),
    Trace::positions(
        "mart_funnel",
        "SELECT t.pos FROM fct_touch AS t WHERE t.journey_id IN (
           SELECT journey_id FROM fct_touch WHERE channel = :channel_id AND source = :source) ORDER BY 1",
    ),
    Trace::positions(
        "mart_content",
        "SELECT t.pos FROM fct_touch AS t WHERE t.content = :content_id ORDER BY 1",
    ),
];
