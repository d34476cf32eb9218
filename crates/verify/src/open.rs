//! Opening a database for reading only, whatever state its directory is in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    error::{VerifyError, sqlite_code},
    rows::ROWS_AHEAD,
};

/// A database open for reading.
pub(crate) struct Database {
    pub(crate) connection: SqliteConnection,
    /// Where the file had to be copied to; removed when dropped.
    _copy: Option<TempDir>,
}

/// SQLite's result codes for a directory in which it cannot make its shared-memory file: read-only, cannot
/// open.
const NOT_WRITABLE: [i32; 2] = [8, 14];

/// Opens a database; `None` where there is no such file.
///
/// A write-ahead log that was left behind is read too. SQLite wants to write beside the file for that; where
/// it may not, an empty write-ahead log is passed over, and a full one is read from a temporary copy.
pub(crate) async fn open(path: &Path) -> Result<Option<Database>, VerifyError> {
    if !path.exists() {
        return Ok(None);
    }
    match connect(path, false).await {
        Ok(connection) => Ok(Some(Database { connection, _copy: None })),
        Err(error) if sqlite_code(&error).is_some_and(|code| NOT_WRITABLE.contains(&code)) => {
            open_elsewhere(path).await.map(Some)
        }
        Err(source) => Err(VerifyError::Open { path: path.to_owned(), source }),
    }
}

/// Opens a database without writing anything beside it.
async fn open_elsewhere(path: &Path) -> Result<Database, VerifyError> {
    let wal = beside(path, "-wal");
    let opened = |source| VerifyError::Open { path: path.to_owned(), source };
    if fs::metadata(&wal).map_or(0, |file| file.len()) == 0 {
        let connection = connect(path, true).await.map_err(opened)?;
        return Ok(Database { connection, _copy: None });
    }
    let copied = |source| VerifyError::Copy { path: path.to_owned(), source };
    let place = TempDir::new().map_err(copied)?;
    let copy = place.path().join("copy.db");
    fs::copy(path, &copy).map_err(copied)?;
    fs::copy(&wal, beside(&copy, "-wal")).map_err(copied)?;
    let connection = connect(&copy, false).await.map_err(opened)?;
    Ok(Database { connection, _copy: Some(place) })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

async fn connect(path: &Path, immutable: bool) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(immutable)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("query_only", "ON")
        .pragma("trusted_schema", "OFF");
    let mut connection = options.connect().await?;
    // SQLite opens the file at the first read only.
    sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    async fn write(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let mut connection = options.connect().await.unwrap();
        let setup = "CREATE TABLE t(x); INSERT INTO t VALUES (7)";
        sqlx::raw_sql(setup).execute(&mut connection).await.unwrap();
        connection
    }

    async fn read(mut database: Database) -> i64 {
        sqlx::query_scalar("SELECT x FROM t").fetch_one(&mut database.connection).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_whose_directory_cannot_be_written_is_read_with_its_write_ahead_log() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.db");
        let writer = write(&path).await;
        assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);
        assert_eq!(read(open_elsewhere(&path).await.unwrap()).await, 7);
        writer.close().await.unwrap();
        assert_eq!(read(open_elsewhere(&path).await.unwrap()).await, 7);
    }

    #[tokio::test]
    async fn a_missing_file_is_not_made() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.db");
        assert!(open(&path).await.unwrap().is_none());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn an_opened_file_cannot_be_written() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.db");
        write(&path).await.close().await.unwrap();
        let mut database = open(&path).await.unwrap().unwrap();
        let write = sqlx::query("INSERT INTO t VALUES (8)").execute(&mut database.connection).await;
        assert!(write.is_err());
    }
}
