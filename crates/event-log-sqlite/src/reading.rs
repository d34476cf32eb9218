//! Heads, snapshots and instants: reads that are one small row.

use event_log::{Head, LogError, Snapshot};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use vocabulary::{Epoch, MerchantId, Position, Timestamp};

use crate::error::{damaged, from_sql, store};

/// `recorded_at` never decreases along a log, so halving finds the last position in a score of look-ups and
/// needs no index.
const POSITION_AT: &str = "
    WITH RECURSIVE search (low, high) AS (
        SELECT 0, position FROM merchant WHERE merchant = ?1
        UNION ALL
        SELECT iif(recorded_at <= ?2, position, low), iif(recorded_at <= ?2, high, position - 1)
        FROM search CROSS JOIN event ON merchant = ?1 AND position = (low + high + 1) / 2
        WHERE low < high
    )
    SELECT low FROM search WHERE low = high";

/// A head from the columns epoch, position, hash, recorded_at.
pub(crate) fn head_of(row: &SqliteRow) -> Result<Head, LogError> {
    Ok(Head {
        epoch: Epoch(from_sql(row.try_get(0).map_err(store)?)?),
        position: Position(from_sql(row.try_get(1).map_err(store)?)?),
        hash: hash_of(row, 2)?,
        recorded_at: Timestamp::from_micros(row.try_get(3).map_err(store)?),
    })
}

/// A stored hash.
pub(crate) fn hash_of(row: &SqliteRow, column: usize) -> Result<[u8; 32], LogError> {
    let bytes: &[u8] = row.try_get(column).map_err(store)?;
    bytes.try_into().map_err(|_| damaged(format!("a hash of {} bytes", bytes.len())))
}

/// A merchant's head.
pub(crate) async fn head(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
) -> Result<Option<Head>, LogError> {
    let row = sqlx::query("SELECT epoch, position, hash, recorded_at FROM merchant WHERE merchant = ?1")
        .bind(merchant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(store)?;
    row.as_ref().map(head_of).transpose()
}

/// Every merchant with its last position, by name.
pub(crate) async fn positions(
    connection: &mut SqliteConnection,
) -> Result<Vec<(MerchantId, Position)>, LogError> {
    let rows = sqlx::query("SELECT merchant, position FROM merchant ORDER BY merchant")
        .fetch_all(connection)
        .await
        .map_err(store)?;
    let one = |row: &SqliteRow| {
        let name: &str = row.try_get(0).map_err(store)?;
        let merchant = name.parse().map_err(|_| damaged("a merchant's name"))?;
        Ok((merchant, Position(from_sql(row.try_get(1).map_err(store)?)?)))
    };
    rows.iter().map(one).collect()
}

/// A merchant's snapshot.
pub(crate) async fn snapshot(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
) -> Result<Option<Snapshot>, LogError> {
    let row = sqlx::query("SELECT position, hash, shape, state FROM snapshot WHERE merchant = ?1")
        .bind(merchant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(store)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Snapshot {
        position: Position(from_sql(row.try_get(0).map_err(store)?)?),
        hash: hash_of(&row, 1)?,
        shape: row.try_get(2).map_err(store)?,
        state: row.try_get(3).map_err(store)?,
    }))
}

/// The greatest position recorded at or before an instant.
pub(crate) async fn position_at(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    at: Timestamp,
) -> Result<Position, LogError> {
    let found: Option<i64> = sqlx::query_scalar(POSITION_AT)
        .bind(merchant.as_str())
        .bind(at.micros())
        .fetch_optional(connection)
        .await
        .map_err(store)?;
    Ok(Position(from_sql(found.unwrap_or(0))?))
}
