//! Rows back into the state of the fold.

use std::collections::{BTreeMap, BTreeSet};

use projection::ApplyError;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use vocabulary::{BatchId, KeyRef, MerchantId, Money, Position, Sku, Timestamp};

use crate::pool::{Batch, Holder, Out, Place, Pool, Quota};

/// The pool of an item as its rows say; empty where it has none.
pub(crate) async fn load_pool(
    merchant: &MerchantId,
    sku: &Sku,
    conn: &mut SqliteConnection,
) -> Result<Pool, ApplyError> {
    let (mut batches, mut quotas) = (BTreeMap::new(), BTreeMap::new());
    let rows = sqlx::query(
        "SELECT batch_id, supplier, unit_cost_fen, currency, sell_until_at, opened_at, use_limit, is_quarantined,
                imported_count, available_count, quarantined_count, reserved_count, allocated_count,
                delivered_count, revoked_count, voided_count, last_pos, bad_count
         FROM batch_row WHERE merchant = ? AND sku = ?",
    )
    .bind(merchant.as_str())
    .bind(sku.as_str())
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        batches.insert(BatchId(row.try_get(0)?), batch_of(row)?);
    }
    let rows = sqlx::query(
        "SELECT channel, is_set, floor_count, cap_count, taken_count, held_count, sold_count,
                out_at, out_pos, set_pos
         FROM quota_row WHERE merchant = ? AND sku = ?",
    )
    .bind(merchant.as_str())
    .bind(sku.as_str())
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        quotas.insert(row.try_get::<&str, _>(0)?.parse()?, quota_of(row)?);
    }
    Ok(Pool::of(batches, quotas))
}

/// A unit as its row says.
pub(crate) struct UnitRow {
    pub(crate) place: Place,
    pub(crate) holder: Option<Holder>,
    pub(crate) last_pos: Position,
}

/// The units among `keys` that have rows, with their items.
pub(crate) async fn load_units(
    merchant: &MerchantId,
    keys: &BTreeSet<KeyRef>,
    conn: &mut SqliteConnection,
) -> Result<Vec<(KeyRef, Sku, UnitRow)>, ApplyError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<[u32; 3]> = keys.iter().map(|key| [key.batch.0, key.index, key.use_no]).collect();
    let rows = sqlx::query(
        "SELECT k.batch_id, k.key_index, k.use_no, k.sku, k.state, k.channel, k.order_id, k.line, k.last_pos
         FROM json_each(?1) AS w CROSS JOIN ops_key AS k
         ON k.merchant = ?2 AND k.batch_id = w.value ->> 0 AND k.key_index = w.value ->> 1 AND k.use_no = w.value ->> 2",
    )
    .bind(serde_json::json!(wanted).to_string())
    .bind(merchant.as_str())
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| Ok((key_of(row)?, row.try_get::<&str, _>(3)?.parse()?, unit_of(row)?))).collect()
}

fn batch_of(row: &SqliteRow) -> Result<Batch, ApplyError> {
    let unit_cost = match (row.try_get::<Option<i64>, _>(2)?, row.try_get::<Option<&str>, _>(3)?) {
        (Some(minor), Some(currency)) => Some(Money::new(minor, currency.parse()?)),
        _ => None,
    };
    let mut counts = [0; 7];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = number(row, 9 + place)?;
    }
    Ok(Batch {
        supplier: row.try_get(1)?,
        unit_cost,
        sell_until: row.try_get::<Option<&str>, _>(4)?.map(Timestamp::parse_rfc3339).transpose()?,
        opened_at: Timestamp::parse_rfc3339(row.try_get(5)?)?,
        uses: row.try_get(6)?,
        is_quarantined: row.try_get(7)?,
        imported: number(row, 8)?,
        counts,
        bad: number(row, 17)?,
        last_pos: Position(number(row, 16)?),
        era: 0,
        era_pos: Position(0),
    })
}

fn quota_of(row: &SqliteRow) -> Result<Quota, ApplyError> {
    let cap: Option<i64> = row.try_get(3)?;
    Ok(Quota {
        is_set: row.try_get(1)?,
        floor: number(row, 2)?,
        cap: cap.map(|cap| u64::try_from(cap).unwrap_or(0)),
        taken: number(row, 4)?,
        held: number(row, 5)?,
        sold: number(row, 6)?,
        set_pos: row.try_get::<Option<i64>, _>(9)?.and_then(|pos| u64::try_from(pos).ok()).map(Position),
        out: match row.try_get::<Option<&str>, _>(7)? {
            Some(since) => {
                Some(Out { since: Timestamp::parse_rfc3339(since)?, position: Position(number(row, 8)?) })
            }
            None => None,
        },
    })
}

fn key_of(row: &SqliteRow) -> Result<KeyRef, ApplyError> {
    Ok(KeyRef { batch: BatchId(row.try_get(0)?), index: row.try_get(1)?, use_no: row.try_get(2)? })
}

fn unit_of(row: &SqliteRow) -> Result<UnitRow, ApplyError> {
    let word: &str = row.try_get(4)?;
    let place = Place::parse(word).ok_or_else(|| ApplyError::Damaged(format!("a unit is {word}")))?;
    let holder = match (row.try_get::<Option<&str>, _>(5)?, row.try_get::<Option<&str>, _>(6)?) {
        (Some(account), Some(order)) => {
            Some(Holder { account: account.parse()?, order: order.parse()?, line: row.try_get(7)? })
        }
        _ => None,
    };
    Ok(UnitRow { place, holder, last_pos: Position(number(row, 8)?) })
}

/// A count as stored; counts are never negative.
pub(crate) fn number(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}
