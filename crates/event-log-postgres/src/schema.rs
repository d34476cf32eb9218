//! The schema `kami_log` and its version.

use event_log::LogError;
use sqlx::{Connection, PgConnection, raw_sql};

use crate::error::{damaged, store};

/// Each version's step from the one before. A step that was released never changes.
const STEPS: &[&str] = &[include_str!("migrations/0001_log.sql")];

/// The newest schema this build knows.
pub(crate) const KNOWN: i64 = STEPS.len() as i64;

/// Where the version stands, and a lock so that of several nodes that start at once one makes it.
const BEGIN: &str = "SELECT pg_advisory_xact_lock(hashtext('kami_log.schema'));
    CREATE SCHEMA IF NOT EXISTS kami_log;
    CREATE TABLE IF NOT EXISTS kami_log.schema_version (version bigint NOT NULL);";

/// Creates the schema in a database without one, or brings it up to date; refuses the one of a newer build.
pub(crate) async fn prepare(connection: &mut PgConnection) -> Result<(), LogError> {
    if version(connection).await? == Some(KNOWN) {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(store)?;
    raw_sql(BEGIN).execute(&mut *transaction).await.map_err(store)?;
    let found = version(&mut transaction).await?.unwrap_or(0);
    if found > KNOWN {
        return Err(LogError::NewerSchema { found, known: KNOWN });
    }
    let done = usize::try_from(found).map_err(|_| damaged(format!("schema version {found}")))?;
    for step in STEPS.iter().skip(done) {
        raw_sql(*step).execute(&mut *transaction).await.map_err(store)?;
    }
    raw_sql("DELETE FROM kami_log.schema_version").execute(&mut *transaction).await.map_err(store)?;
    sqlx::query("INSERT INTO kami_log.schema_version (version) VALUES ($1)")
        .bind(KNOWN)
        .execute(&mut *transaction)
        .await
        .map_err(store)?;
    transaction.commit().await.map_err(store)
}

/// Refuses a schema that this build cannot read.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), LogError> {
    match version(connection).await? {
        None => Err(damaged("the database holds no log")),
        Some(found) if found > KNOWN => Err(LogError::NewerSchema { found, known: KNOWN }),
        Some(found) if found < KNOWN => {
            Err(damaged(format!("the log has schema version {found}; a start of `kami serve` raises it")))
        }
        Some(_) => Ok(()),
    }
}

/// `None` where there is no schema.
async fn version(connection: &mut PgConnection) -> Result<Option<i64>, LogError> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('kami_log.schema_version') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(store)?;
    if !exists {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT version FROM kami_log.schema_version")
        .fetch_optional(connection)
        .await
        .map_err(store)
}
