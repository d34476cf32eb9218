//! How the file is opened, and the settings without which a log could lose data.

use std::{path::Path, time::Duration};

use event_log::LogError;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::error::store;

/// What must be true of the writing connection, as SQLite prints it.
const WANTED: [(&str, &str); 6] = [
    ("page_size", "8192"),
    ("journal_mode", "wal"),
    ("synchronous", "2"), // FULL: each commit is flushed
    ("mmap_size", "0"),   // an I/O error through a mapping kills the process
    ("wal_autocheckpoint", "0"),
    ("fullfsync", "1"), // where a plain flush stops at the drive's cache
];

/// The first release without the bug that could overwrite a write-ahead log in use.
const OLDEST: (u32, u32, u32) = (3, 51, 3);
/// Withdrawn by its authors.
const WITHDRAWN: (u32, u32, u32) = (3, 52, 0);

/// The one connection that writes. Its cache holds the inner pages of every index of a large log.
pub(crate) fn writing(path: &Path) -> SqliteConnectOptions {
    common(path)
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "1")
        .pragma("checkpoint_fullfsync", "1")
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", "-131072")
}

/// The one connection that writes a copy: what a cut of power takes of it is taken in once more.
pub(crate) fn copying(path: &Path) -> SqliteConnectOptions {
    writing(path)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("fullfsync", "0")
        .pragma("checkpoint_fullfsync", "0")
}

/// A connection that reads. `immutable` promises that nobody writes and leaves no trace beside the file.
pub(crate) fn reading(path: &Path, immutable: bool) -> SqliteConnectOptions {
    common(path).read_only(true).immutable(immutable).pragma("query_only", "1").pragma("cache_size", "-16384")
}

/// A connection that reads the log to write it elsewhere.
pub(crate) fn copied_from(path: &Path) -> SqliteConnectOptions {
    common(path).read_only(true)
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        .pragma("mmap_size", "0")
        .pragma("trusted_schema", "0")
        .disable_statement_logging()
}

/// Refuses a library or a connection that could lose data.
pub(crate) async fn assert_safe(connection: &mut SqliteConnection) -> Result<(), LogError> {
    let found: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut *connection).await.map_err(store)?;
    if !is_safe_version(&found) {
        let wanted = "3.51.3 or newer, and not 3.52.0";
        return Err(LogError::UnsafeSetting { setting: "sqlite_version", found, wanted });
    }
    for (setting, wanted) in WANTED {
        let row = sqlx::query(AssertSqlSafe(format!("PRAGMA {setting}")))
            .fetch_one(&mut *connection)
            .await
            .map_err(store)?;
        let found: String = row.try_get_unchecked(0).map_err(store)?;
        if found != wanted {
            return Err(LogError::UnsafeSetting { setting, found, wanted });
        }
    }
    Ok(())
}

fn is_safe_version(text: &str) -> bool {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= OLDEST && version != WITHDRAWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_releases_without_the_known_faults_are_safe() {
        for safe in ["3.51.3", "3.51.4", "3.52.1", "3.53.0", "4.0.0"] {
            assert!(is_safe_version(safe), "{safe}");
        }
        for unsafe_one in ["3.40.1", "3.51.2", "3.52.0", "", "three"] {
            assert!(!is_safe_version(unsafe_one), "{unsafe_one}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_does_not_flush_each_commit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let lazy = writing(&path).create_if_missing(true).synchronous(SqliteSynchronous::Normal);
        let mut connection = lazy.connect().await.unwrap();
        let refused = assert_safe(&mut connection).await;
        assert!(
            matches!(refused, Err(LogError::UnsafeSetting { setting: "synchronous", .. })),
            "{refused:?}"
        );
    }
}
