//! The vault's own database file: how it is opened, checked, written to, and when it stops.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, SqliteConnection, Transaction};

use crate::VaultError;

/// The schema this program writes.
const SCHEMA: i64 = 2;
const SCHEMA_SQL: &str = include_str!("schema.sql");

/// Earlier versions of the engine can corrupt a file while its log is being reset.
const ENGINE_OLDEST: (u32, u32, u32) = (3, 51, 3);

/// Result codes after which the file's content is in doubt: I/O error, corruption, not a database.
const FATAL_CODES: [i64; 3] = [10, 11, 26];

const READERS: u32 = 4;

/// One writing connection, a few reading ones, and the latch that stops writing for good.
pub(crate) struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
    stopped: AtomicBool,
}

/// What version 2 added: the last table of the schema.
fn since_version_1() -> &'static str {
    SCHEMA_SQL.find("CREATE TABLE poll_mark").map_or("", |at| &SCHEMA_SQL[at..])
}

impl Store {
    /// Opens the existing file at `path` and makes sure that what it commits is on disk.
    pub(crate) async fn open(path: &Path) -> Result<Self, VaultError> {
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
        let store = Self { writer, reader, stopped: AtomicBool::new(false) };
        store.assert_durable().await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Refuses an engine or a mode that could lose a committed write.
    async fn assert_durable(&self) -> Result<(), VaultError> {
        let sql =
            "SELECT sqlite_version(), journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous";
        let (version, journal, synchronous): (String, String, i64) =
            sqlx::query_as(sql).fetch_one(&self.writer).await.map_err(self.failed("checking durability"))?;
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

    async fn migrate(&self) -> Result<(), VaultError> {
        let failed = self.failed("preparing the schema");
        let mut tx = self.begin().await?;
        let found: i64 =
            sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await.map_err(&failed)?;
        if found > SCHEMA {
            return Err(VaultError::NewerSchema { found, known: SCHEMA });
        }
        if found == 0 {
            sqlx::raw_sql(SCHEMA_SQL).execute(&mut *tx).await.map_err(&failed)?;
        }
        if found == 1 {
            sqlx::raw_sql(since_version_1()).execute(&mut *tx).await.map_err(&failed)?;
        }
        if found < SCHEMA {
            sqlx::raw_sql("PRAGMA user_version = 2").execute(&mut *tx).await.map_err(&failed)?;
        }
        self.commit(tx).await
    }

    /// Begins the one write transaction there can be; dropping it rolls back.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, VaultError> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(VaultError::Stopped);
        }
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed("beginning to write"))
    }

    /// Commits. Durable when this returns; unknown when it fails.
    pub(crate) async fn commit(&self, tx: Transaction<'static, Sqlite>) -> Result<(), VaultError> {
        tx.commit().await.map_err(self.failed("committing"))
    }

    /// Where queries go that change nothing.
    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// Turns a database error into ours, and stops all later writing where the file is in doubt: the engine
    /// itself would report a failed sync once and then go on accepting commits.
    pub(crate) fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> VaultError + '_ {
        move |source| {
            if is_fatal(&source) {
                self.stopped.store(true, Ordering::Release);
            }
            VaultError::Database { doing, source }
        }
    }

    /// Empties the write-ahead log, where copies of what was just overwritten may still stand.
    pub(crate) async fn forget(&self) -> Result<(), VaultError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as(sql).fetch_one(&self.writer).await.map_err(self.failed("emptying the log"))?;
        if busy != 0 {
            tracing::warn!(
                "a long read kept the vault's write-ahead log from being emptied; the next one will"
            );
        }
        Ok(())
    }

    /// Waits for running work and closes every connection.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn is_fatal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i64>().ok());
    // The low byte of an extended result code is the primary one.
    code.is_some_and(|code| FATAL_CODES.contains(&(code & 0xff)))
}

/// A connection inside a write transaction.
pub(crate) type Writing<'a> = &'a mut SqliteConnection;
