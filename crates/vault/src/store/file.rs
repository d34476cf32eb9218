//! The vault in an SQLite file of its own.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, Transaction};

use super::{Scope, Session, Store, sql};
use crate::{VaultError, kek};

/// The schema this program writes.
const SCHEMA: i64 = 2;
const SCHEMA_SQL: &str = include_str!("../schema.sql");

/// Earlier versions of the engine can corrupt a file while its log is being reset.
const ENGINE_OLDEST: (u32, u32, u32) = (3, 51, 3);

/// Result codes after which the file's content is in doubt: I/O error, corruption, not a database.
const FATAL_CODES: [i64; 3] = [10, 11, 26];

const READERS: u32 = 4;

/// One writing connection and a few reading ones.
pub(super) struct File {
    writer: SqlitePool,
    pub(super) reader: SqlitePool,
}

/// What version 2 added: the last table of the schema.
fn since_version_1() -> &'static str {
    SCHEMA_SQL.find("CREATE TABLE poll_mark").map_or("", |at| &SCHEMA_SQL[at..])
}

impl File {
    /// Opens the file at `path`, made for its owner alone when absent.
    pub(super) async fn open(path: &Path) -> Result<Self, VaultError> {
        if !path.exists() {
            kek::create_private(path)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .pragma("mmap_size", "0")
            // Pages gather in the write-ahead log before they are copied back: about 64 MiB of them.
            .pragma("wal_autocheckpoint", "16384")
            .pragma("trusted_schema", "OFF")
            // What is deleted here was sealed or was a key: overwrite it.
            .pragma("secure_delete", "ON")
            .disable_statement_logging();
        let pool = |count| {
            SqlitePoolOptions::new()
                .max_connections(count)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let failed = |source| VaultError::Database { doing: "opening", source };
        // Fingerprints are random, so storing keys touches pages all over one index: keep it in memory (in KiB).
        let writing = options.clone().pragma("cache_size", "-131072");
        let writer = pool(1).connect_with(writing).await.map_err(failed)?;
        let reader = pool(READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(failed)?;
        let file = Self { writer, reader };
        file.assert_durable().await?;
        Ok(file)
    }

    /// Refuses an engine or a mode that could lose a committed write.
    async fn assert_durable(&self) -> Result<(), VaultError> {
        let sql =
            "SELECT sqlite_version(), journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous";
        let (version, journal, synchronous): (String, String, i64) = sqlx::query_as(sql)
            .fetch_one(&self.writer)
            .await
            .map_err(|source| VaultError::Database { doing: "checking durability", source })?;
        let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        if (next(), next(), next()) < ENGINE_OLDEST {
            return Err(VaultError::UnsafeStorage { what: "SQLite is older than 3.51.3" });
        }
        if journal != "wal" {
            return Err(VaultError::UnsafeStorage { what: "the journal mode is not WAL" });
        }
        if synchronous != 2 {
            return Err(VaultError::UnsafeStorage { what: "synchronous is not FULL" });
        }
        Ok(())
    }

    /// Begins the one write transaction there can be.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// Empties the write-ahead log, where copies of what was just overwritten may still stand.
    pub(super) async fn forget(&self) -> Result<(), sqlx::Error> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(&self.writer).await?;
        if busy != 0 {
            tracing::warn!(
                "a long read kept the vault's write-ahead log from being emptied; the next one will"
            );
        }
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Makes the tables in an empty file, or brings those of an earlier program up to date.
pub(super) async fn migrate(store: &Store) -> Result<(), VaultError> {
    let mut tx = store.begin(Scope::All).await?;
    let doing = "preparing the schema";
    let (found,): (i64,) = sql(doing, "PRAGMA user_version").one(&mut tx).await?;
    let steps = match found {
        0 => SCHEMA_SQL,
        1 => since_version_1(),
        SCHEMA => return Ok(()),
        _ => return Err(VaultError::NewerSchema { found, known: SCHEMA }),
    };
    let Session::File(session) = &mut tx.session else { return Ok(()) };
    for step in [steps, "PRAGMA user_version = 2"] {
        sqlx::raw_sql(step).execute(&mut **session).await.map_err(store.failed(doing))?;
    }
    tx.commit().await
}

/// Whether the file's content is in doubt after this.
pub(super) fn is_fatal(error: &sqlx::Error) -> bool {
    let said = error.as_database_error().and_then(|e| e.try_downcast_ref::<sqlx::sqlite::SqliteError>());
    let code = said.and_then(|e| sqlx::error::DatabaseError::code(e)?.parse::<i64>().ok());
    // The low byte of an extended result code is the primary one.
    code.is_some_and(|code| FATAL_CODES.contains(&(code & 0xff)))
}
