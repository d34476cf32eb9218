//! Purchases as they were known at a position.

use sqlx::{Row, SqliteExecutor};
use vocabulary::{Account, BuyerId, Currency, MerchantId, OrderId, ParseError, Position};

use crate::identity::Identities;

/// A paid order, as it was known at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The order.
    pub order: OrderId,
    /// On which account.
    pub account: Account,
    /// Who, where that is known.
    pub person: Option<BuyerId>,
    /// When it was first paid, in seconds since 1970.
    pub paid_secs: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Paid less paid back, in minor units; above 0.
    pub net_minor: i64,
    /// That less what the account keeps, by the terms known at the position, and what the keys cost.
    pub margin_minor: i64,
}

const PURCHASES: &str = "
WITH money AS (
  SELECT m.order_id, MIN(CASE WHEN m.amount_fen > 0 THEN m.happened_epoch END) AS paid_epoch,
         SUM(m.amount_fen) AS net_fen
  FROM fct_insight_money m
  JOIN fct_insight_order o ON o.merchant = m.merchant AND o.order_id = m.order_id AND o.currency = m.currency
  WHERE m.merchant = ?1 AND m.entry_pos <= ?2 GROUP BY m.order_id
), cost AS (
  SELECT k.order_id, c.currency, SUM(k.units_count * c.unit_cost_fen / c.uses_count) AS cost_fen
  FROM fct_insight_keys k
  JOIN dim_insight_key_cost c ON c.merchant = k.merchant AND c.batch_id = k.batch_id AND c.entry_pos <= ?2
  WHERE k.merchant = ?1 AND k.entry_pos <= ?2 GROUP BY k.order_id, c.currency
), cut AS (
  SELECT channel, cut_bp, MAX(entry_pos) FROM dim_insight_cut
  WHERE merchant = ?1 AND entry_pos <= ?2 GROUP BY channel
)
SELECT o.order_id, o.channel, o.buyer_id, o.currency, money.paid_epoch, money.net_fen,
       money.net_fen - money.net_fen * COALESCE(cut.cut_bp, 0) / 10000 - COALESCE(cost.cost_fen, 0)
FROM fct_insight_order o
JOIN money ON money.order_id = o.order_id
LEFT JOIN cost ON cost.order_id = o.order_id AND cost.currency = o.currency
LEFT JOIN cut ON cut.channel = o.channel
WHERE o.merchant = ?1 AND o.entry_pos <= ?2 AND money.net_fen > 0 AND money.paid_epoch IS NOT NULL
ORDER BY o.order_id";

/// The paid orders that were not wholly refunded, as known at the position, by order id. `known` says who is whom
/// there.
pub async fn purchases(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    at: Position,
    known: &Identities,
) -> Result<Vec<Purchase>, sqlx::Error> {
    let rows = sqlx::query(PURCHASES).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await?;
    let purchase = |row: sqlx::sqlite::SqliteRow| {
        let buyer =
            row.try_get::<Option<&str>, _>(2)?.map(str::parse::<BuyerId>).transpose().map_err(damaged)?;
        Ok(Purchase {
            order: row.try_get::<&str, _>(0)?.parse().map_err(damaged)?,
            account: row.try_get::<&str, _>(1)?.parse().map_err(damaged)?,
            person: buyer.map(|buyer| known.person_of(&buyer)),
            currency: row.try_get::<&str, _>(3)?.parse().map_err(damaged)?,
            paid_secs: row.try_get(4)?,
            net_minor: row.try_get(5)?,
            margin_minor: row.try_get(6)?,
        })
    };
    rows.into_iter().map(purchase).collect()
}

/// A position as SQLite compares it.
pub(crate) fn bound(at: Position) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// A value that is not what was written.
pub(crate) fn damaged(error: ParseError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// The business day an instant (seconds since 1970) is in, as days since 1970, and its month, `yyyy-mm`.
pub fn business_day(secs: i64) -> (i64, String) {
    let offset = vocabulary::BusinessDay::SHANGHAI_OFFSET;
    let day = vocabulary::Timestamp::from_secs(secs).business_day(offset).to_string();
    (secs.saturating_add(offset.into()).div_euclid(86_400), day.chars().take(7).collect())
}
