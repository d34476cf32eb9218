//! Reading heads, events, snapshots and instants.

use event_log::{Head, LogError, Snapshot};
use events::RecordedEvent;
use futures::TryStreamExt;
use sqlx::{PgConnection, Row, postgres::PgRow};
use vocabulary::{Epoch, MerchantId, Position, StreamId, StreamVersion, Timestamp};

use crate::error::{damaged, from_sql, store, to_sql};

/// The columns of an event, as [`event_of`] reads them.
macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT position, stream, version, type, schema_version, payload, metadata, occurred_at, recorded_at, hash \
             FROM kami_log.event ",
            $rest
        )
    };
}
pub(crate) const LOG: &str = columns!("WHERE merchant = $1 AND position > $2 ORDER BY position LIMIT $3");
pub(crate) const STREAM: &str =
    columns!("WHERE merchant = $1 AND stream = $2 AND version >= $3 ORDER BY version LIMIT $4");
pub(crate) const STREAMS: &str =
    columns!("WHERE merchant = $1 AND stream = ANY($2) ORDER BY stream, version");

/// `recorded_at` never decreases along a log, so halving finds the last position in a score of look-ups and needs no
/// index.
pub(crate) const POSITION_AT: &str = "
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, position FROM kami_log.merchant WHERE merchant = $1
        UNION ALL
        SELECT CASE WHEN middle.recorded_at <= $2 THEN middle.position ELSE low END,
               CASE WHEN middle.recorded_at <= $2 THEN high ELSE middle.position - 1 END
        FROM search CROSS JOIN LATERAL (
            SELECT position, recorded_at FROM kami_log.event
            WHERE merchant = $1 AND position = (low + high + 1) / 2 LIMIT 1
        ) AS middle
        WHERE low < high
    )
    SELECT low FROM search WHERE low = high";

/// A head from the columns epoch, position, hash, recorded_at.
pub(crate) fn head_of(row: &PgRow) -> Result<Head, LogError> {
    Ok(Head {
        epoch: Epoch(counter(row, 0)?),
        position: Position(counter(row, 1)?),
        hash: hash_of(row, 2)?,
        recorded_at: Timestamp::from_micros(row.try_get(3).map_err(store)?),
    })
}

/// A stored counter.
pub(crate) fn counter(row: &PgRow, column: usize) -> Result<u64, LogError> {
    from_sql(row.try_get(column).map_err(store)?)
}

/// A stored hash.
pub(crate) fn hash_of(row: &PgRow, column: usize) -> Result<[u8; 32], LogError> {
    let bytes: &[u8] = row.try_get(column).map_err(store)?;
    bytes.try_into().map_err(|_| damaged(format!("a hash of {} bytes", bytes.len())))
}

/// A limit as SQL takes it.
pub(crate) fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A merchant's head.
pub(crate) async fn head(
    connection: &mut PgConnection,
    merchant: &MerchantId,
) -> Result<Option<Head>, LogError> {
    let row =
        sqlx::query("SELECT epoch, position, hash, recorded_at FROM kami_log.merchant WHERE merchant = $1")
            .bind(merchant.as_str())
            .fetch_optional(connection)
            .await
            .map_err(store)?;
    row.as_ref().map(head_of).transpose()
}

/// Merchants with their last positions, by name: some, or all that there are.
pub(crate) async fn positions(
    connection: &mut PgConnection,
    of: Option<&[MerchantId]>,
) -> Result<Vec<(MerchantId, Position)>, LogError> {
    let names = of.map(|of| of.iter().map(MerchantId::as_str).collect::<Vec<_>>());
    let rows = sqlx::query(
        "SELECT merchant, position FROM kami_log.merchant WHERE $1::text[] IS NULL OR merchant = ANY($1) \
         ORDER BY merchant",
    )
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(store)?;
    let one = |row: &PgRow| {
        let name: &str = row.try_get(0).map_err(store)?;
        let merchant = name.parse().map_err(|_| damaged("a merchant's name"))?;
        Ok((merchant, Position(counter(row, 1)?)))
    };
    rows.iter().map(one).collect()
}

/// At most `limit` events after a position. A missing position is damage, and reported.
pub(crate) async fn read_log(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, LogError> {
    let Ok(start) = to_sql(after.0) else { return Ok(Vec::new()) };
    let mut rows =
        sqlx::query(LOG).bind(merchant.as_str()).bind(start).bind(limit_of(limit)).fetch(connection);
    let (mut events, mut expected) = (Vec::new(), after.0);
    while let Some(row) = rows.try_next().await.map_err(store)? {
        let event = event_of(merchant, &row).ok_or_else(|| {
            damaged(format!("the event of {merchant} after position {expected} is not readable"))
        })?;
        expected += 1;
        if event.position.0 != expected {
            let found = event.position;
            return Err(damaged(format!("position {expected} of {merchant} is missing, {found} follows")));
        }
        events.push(event);
    }
    Ok(events)
}

/// At most `limit` events of a stream from a version on.
pub(crate) async fn read_stream(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    stream: &StreamId,
    from: StreamVersion,
    limit: usize,
) -> Result<Vec<RecordedEvent>, LogError> {
    let bound = sqlx::query(STREAM)
        .bind(merchant.as_str())
        .bind(stream.as_str())
        .bind(to_sql(from.0)?)
        .bind(limit_of(limit));
    events_of(merchant, &bound.fetch_all(connection).await.map_err(store)?)
}

/// All events of several streams, by stream and version.
pub(crate) async fn read_streams(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    streams: &[StreamId],
) -> Result<Vec<RecordedEvent>, LogError> {
    let names: Vec<&str> = streams.iter().map(StreamId::as_str).collect();
    let bound = sqlx::query(STREAMS).bind(merchant.as_str()).bind(names);
    events_of(merchant, &bound.fetch_all(connection).await.map_err(store)?)
}

fn events_of(merchant: &MerchantId, rows: &[PgRow]) -> Result<Vec<RecordedEvent>, LogError> {
    let mut events: Vec<RecordedEvent> = Vec::with_capacity(rows.len());
    for row in rows {
        match event_of(merchant, row) {
            Some(event) => events.push(event),
            None => {
                let last = events.last().map_or(Position(0), |event| event.position);
                return Err(damaged(format!("the event of {merchant} that follows {last} is not readable")));
            }
        }
    }
    Ok(events)
}

fn event_of(merchant: &MerchantId, row: &PgRow) -> Option<RecordedEvent> {
    Some(RecordedEvent {
        merchant: merchant.clone(),
        position: Position(counter(row, 0).ok()?),
        stream: row.try_get::<&str, _>(1).ok()?.parse().ok()?,
        version: StreamVersion(counter(row, 2).ok()?),
        type_name: row.try_get(3).ok()?,
        schema_version: u16::try_from(row.try_get::<i32, _>(4).ok()?).ok()?,
        payload: row.try_get(5).ok()?,
        metadata: row.try_get(6).ok()?,
        occurred_at: Timestamp::from_micros(row.try_get(7).ok()?),
        recorded_at: Timestamp::from_micros(row.try_get(8).ok()?),
        hash: hash_of(row, 9).ok()?,
    })
}

/// A merchant's snapshot.
pub(crate) async fn snapshot(
    connection: &mut PgConnection,
    merchant: &MerchantId,
) -> Result<Option<Snapshot>, LogError> {
    let row = sqlx::query("SELECT position, hash, shape, state FROM kami_log.snapshot WHERE merchant = $1")
        .bind(merchant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(store)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Snapshot {
        position: Position(counter(&row, 0)?),
        hash: hash_of(&row, 1)?,
        shape: row.try_get(2).map_err(store)?,
        state: row.try_get(3).map_err(store)?,
    }))
}

/// The greatest position recorded at or before an instant.
pub(crate) async fn position_at(
    connection: &mut PgConnection,
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
