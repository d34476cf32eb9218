//! Questions about buyers.

use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{BuyerId, MerchantId, Position};

/// One thing that happened with a buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The place of its event in the log.
    pub position: Position,
    /// When it happened, by the reporter's clock (RFC 3339).
    pub occurred_at: String,
    /// The account, `channel/shop`; empty where none is concerned.
    pub channel: String,
    /// `order`, `payment`, `delivery`, `view`, `replacement`, `refund`, `claim`, `search`, `change` or
    /// `identity`.
    pub kind: String,
    /// Our id of the order, or the buyer's pseudonym.
    pub reference: String,
    /// What it says, in English.
    pub title_en: String,
    /// What it says, in Chinese.
    pub title_zh: String,
    /// The amount, in minor units.
    pub amount_fen: Option<i64>,
    /// Its currency.
    pub currency: Option<String>,
    /// The buyer it happened with.
    pub buyer: String,
}

/// A part of a timeline, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// What happened.
    pub moments: Vec<Moment>,
    /// Where the next page begins; none after the last.
    pub next: Option<Position>,
}

/// What happened with buyers, those of one person or a single one, the newest first, at most `limit`; `before` is the
/// `next` of the page before.
pub async fn timeline(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    buyers: &[BuyerId],
    before: Option<Position>,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT pos, occurred_at, channel, kind, ref_id, title_en, title_zh, amount_fen, currency, MIN(buyer_id)
         FROM fct_timeline WHERE merchant = ? AND buyer_id IN (SELECT value FROM json_each(?)) AND pos < ?
         GROUP BY pos ORDER BY pos DESC LIMIT ?",
    )
    .bind(merchant.as_str())
    .bind(projection::keys_json(buyers))
    .bind(before.map_or(i64::MAX, |before| i64::try_from(before.0).unwrap_or(i64::MAX)))
    // One more than asked for tells whether there is another page.
    .bind(i64::from(limit) + 1)
    .fetch_all(db)
    .await?;
    let mut moments = rows.iter().map(moment_of).collect::<Result<Vec<_>, _>>()?;
    let more = moments.len() > limit as usize;
    moments.truncate(limit as usize);
    let next = moments.last().filter(|_| more).map(|moment| moment.position);
    Ok(Page { moments, next })
}

fn moment_of(row: &SqliteRow) -> Result<Moment, sqlx::Error> {
    Ok(Moment {
        position: Position(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0)),
        occurred_at: row.try_get(1)?,
        channel: row.try_get(2)?,
        kind: row.try_get(3)?,
        reference: row.try_get(4)?,
        title_en: row.try_get(5)?,
        title_zh: row.try_get(6)?,
        amount_fen: row.try_get(7)?,
        currency: row.try_get(8)?,
        buyer: row.try_get(9)?,
    })
}
