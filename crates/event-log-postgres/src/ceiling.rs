//! What a benchmark holds appends against: the server taking the same bytes without any of what makes them a log.

use std::time::{Duration, Instant};

use event_log::LogError;
use events::RecordedEvent;
use sqlx::{ConnectOptions, Connection};

use crate::{append::bind_events, error::store, settings};

/// A table with the columns and the two indexes of a log, in a schema of its own.
const MAKE: &str = "
    DROP SCHEMA IF EXISTS kami_bench CASCADE;
    CREATE SCHEMA kami_bench;
    CREATE TABLE kami_bench.event (LIKE kami_log.event INCLUDING DEFAULTS);
    ALTER TABLE kami_bench.event ADD PRIMARY KEY (merchant, position), ADD UNIQUE (merchant, stream, version)";
const INSERT: &str = "
    INSERT INTO kami_bench.event (merchant, position, stream, version, type, schema_version, payload, metadata,
                                  occurred_at, recorded_at, hash)
    SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::int[], $7::text[],
                         $8::text[], $9::bigint[], $10::bigint[], $11::bytea[])";

/// PostgreSQL's code for what a role may not do.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Has the server write back what appends so far left to be written, so that every measurement begins in the same state.
/// False where the role may not ask for that (it takes a superuser, or a member of `pg_checkpoint`).
pub async fn settle(url: &str) -> Result<bool, LogError> {
    let mut session = settings::writing(&settings::parse(url)?).connect().await.map_err(store)?;
    let settled = match sqlx::raw_sql("CHECKPOINT").execute(&mut session).await {
        Ok(_) => true,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE) => false,
        Err(error) => return Err(store(error)),
    };
    session.close().await.map_err(store)?;
    Ok(settled)
}

/// Stores batches by one multi-row insert each, one after the other over one session, committed and flushed, for at most
/// `limit`; tells how many events were stored in how long. The database must hold a log; its schema `kami_bench` is made
/// anew and dropped.
pub async fn raw_inserts(
    url: &str,
    batches: &[Vec<RecordedEvent>],
    limit: Duration,
) -> Result<(u64, Duration), LogError> {
    let mut session = settings::writing(&settings::parse(url)?).connect().await.map_err(store)?;
    sqlx::raw_sql(MAKE).execute(&mut session).await.map_err(store)?;
    let (started, mut stored) = (Instant::now(), 0);
    for batch in batches {
        if started.elapsed() >= limit {
            break;
        }
        let events: Vec<&RecordedEvent> = batch.iter().collect();
        bind_events(sqlx::query(INSERT), &events)?.execute(&mut session).await.map_err(store)?;
        stored += batch.len() as u64;
    }
    let took = started.elapsed();
    sqlx::raw_sql("DROP SCHEMA kami_bench CASCADE").execute(&mut session).await.map_err(store)?;
    session.close().await.map_err(store)?;
    Ok((stored, took))
}
