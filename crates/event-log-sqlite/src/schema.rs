//! The schema of the file and its version, which stands in `PRAGMA user_version`.

use event_log::LogError;
use sqlx::{Connection, SqliteConnection, raw_sql};

use crate::error::{damaged, store};

/// The newest schema this build knows.
pub(crate) const KNOWN: i64 = 1;

/// Creates the schema in an empty file; refuses a file of a newer build.
pub(crate) async fn prepare(connection: &mut SqliteConnection) -> Result<(), LogError> {
    match version(connection).await? {
        0 => create(connection).await,
        KNOWN => Ok(()),
        found => Err(LogError::NewerSchema { found, known: KNOWN }),
    }
}

/// Refuses a file that this build cannot read.
pub(crate) async fn check(connection: &mut SqliteConnection) -> Result<(), LogError> {
    match version(connection).await? {
        0 => Err(damaged("the file holds no log")),
        KNOWN => Ok(()),
        found => Err(LogError::NewerSchema { found, known: KNOWN }),
    }
}

async fn create(connection: &mut SqliteConnection) -> Result<(), LogError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(store)?;
    raw_sql(include_str!("schema.sql")).execute(&mut *transaction).await.map_err(store)?;
    transaction.commit().await.map_err(store)
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, LogError> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await.map_err(store)
}
