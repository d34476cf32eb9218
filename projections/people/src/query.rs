//! Questions about people.

use serde::Serialize;
use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{BuyerId, MerchantId, Position};

/// More buyers than one person has.
const BUYERS_MAX: i64 = 100;

/// A link of a buyer, as people may see it: what sort, not what value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The position of the event that made it, which names it.
    pub edge: Position,
    /// Whose it is.
    pub buyer: BuyerId,
    /// What sort of identifier.
    pub kind: String,
    /// The other buyer, where it links two buyers.
    pub to: Option<BuyerId>,
    /// The app or shop it means something in.
    pub scope: Option<String>,
    /// `strong`, `medium` or `search_only`.
    pub strength: String,
    /// `joined`, `noted`, `in_review`, `quarantined` or `ended`.
    pub standing: String,
    /// `channel`, `proof_of_purchase` or `staff`.
    pub source: String,
    /// The account or order that shows it.
    pub source_ref: Option<String>,
    /// The position of the event that led to it.
    pub evidence_pos: Position,
    /// The position of the event that ended it.
    pub ended_pos: Option<Position>,
    /// The digest. Not shown: it serves to take the link back.
    #[serde(skip)]
    pub digest: String,
}

/// A buyer's person; none where the buyer is not known.
pub async fn person_of(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    buyer: &BuyerId,
) -> Result<Option<BuyerId>, sqlx::Error> {
    let row = sqlx::query("SELECT person_id FROM dim_buyer_person WHERE merchant = ? AND buyer_id = ?")
        .bind(merchant.as_str())
        .bind(buyer.as_str())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(|row| buyer_at(row, 0)).transpose()
}

/// The buyers of a person, the oldest first, each with the account they were first seen on.
pub async fn buyers_of(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    person: &BuyerId,
) -> Result<Vec<(BuyerId, Option<String>)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT buyer_id, channel FROM dim_buyer_person WHERE merchant = ? AND person_id = ?
         ORDER BY since_pos, buyer_id LIMIT ?",
    )
    .bind(merchant.as_str())
    .bind(person.as_str())
    .bind(BUYERS_MAX)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((buyer_at(row, 0)?, row.try_get(1)?))).collect()
}

/// The links of buyers and to them, the oldest first, with those that ended.
pub async fn identities(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    buyers: &[BuyerId],
) -> Result<Vec<Identity>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM dim_identity_edge WHERE merchant = ?1 AND buyer_id IN (SELECT value FROM json_each(?2))
         UNION SELECT * FROM dim_identity_edge WHERE merchant = ?1 AND id_kind = 'buyer'
           AND id_hash IN (SELECT value FROM json_each(?2))
         ORDER BY valid_from_pos",
    )
    .bind(merchant.as_str())
    .bind(projection::keys_json(buyers))
    .fetch_all(db)
    .await?;
    rows.iter().map(identity_of).collect()
}

/// The buyers to whom an identifier is linked, each with its sort, the strongest links first.
pub async fn by_digest(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    digest: &str,
) -> Result<Vec<(BuyerId, String)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT buyer_id, id_kind FROM dim_identity_edge
         WHERE merchant = ? AND id_hash = ? AND valid_to_pos IS NULL
         ORDER BY strength <> 'strong', valid_from_pos DESC LIMIT ?",
    )
    .bind(merchant.as_str())
    .bind(digest)
    .bind(BUYERS_MAX)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((buyer_at(row, 0)?, row.try_get(1)?))).collect()
}

/// Buyers of other persons who share at least two identifiers that join nothing by themselves (an address, a device,
/// a paying account) with these: perhaps the same person, for somebody to decide.
pub async fn hinted(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    person: &BuyerId,
) -> Result<Vec<BuyerId>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT theirs.buyer_id FROM dim_identity_edge AS ours
         JOIN dim_identity_edge AS theirs ON theirs.merchant = ours.merchant AND theirs.id_hash = ours.id_hash
           AND theirs.id_kind = ours.id_kind AND theirs.valid_to_pos IS NULL AND theirs.person_id <> ours.person_id
         WHERE ours.merchant = ?1 AND ours.person_id = ?2 AND ours.strength = 'medium'
         GROUP BY theirs.buyer_id HAVING COUNT(DISTINCT ours.id_hash) >= 2
         ORDER BY COUNT(DISTINCT ours.id_hash) DESC, theirs.buyer_id LIMIT ?3",
    )
    .bind(merchant.as_str())
    .bind(person.as_str())
    .bind(BUYERS_MAX)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| buyer_at(row, 0)).collect()
}

fn identity_of(row: &SqliteRow) -> Result<Identity, sqlx::Error> {
    let (kind, digest): (String, String) = (row.try_get("id_kind")?, row.try_get("id_hash")?);
    let position = |column: &str| -> Result<Position, sqlx::Error> {
        Ok(Position(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0)))
    };
    let ended: Option<i64> = row.try_get("valid_to_pos")?;
    Ok(Identity {
        edge: position("valid_from_pos")?,
        buyer: row.try_get::<&str, _>("buyer_id")?.parse().map_err(damaged)?,
        to: (kind == "buyer").then(|| digest.parse()).transpose().map_err(damaged)?,
        kind,
        scope: row.try_get("scope")?,
        strength: row.try_get("strength")?,
        standing: row.try_get("standing")?,
        source: row.try_get("source")?,
        source_ref: row.try_get("source_ref")?,
        evidence_pos: position("evidence_pos")?,
        ended_pos: ended.map(|at| Position(u64::try_from(at).unwrap_or(0))),
        digest,
    })
}

fn buyer_at(row: &SqliteRow, column: usize) -> Result<BuyerId, sqlx::Error> {
    row.try_get::<&str, _>(column)?.parse().map_err(damaged)
}

fn damaged(error: vocabulary::ParseError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
