//! The suite every backend passes, on logs in temporary directories.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::conformance::Backend;
use event_log_sqlite::SqliteLog;
use tempfile::TempDir;

struct InOneFile;

impl Backend for InOneFile {
    type Log = SqliteLog;
    type Place = TempDir;

    async fn place(&self) -> TempDir {
        TempDir::new().unwrap()
    }
    async fn open(&self, place: &TempDir) -> SqliteLog {
        SqliteLog::open(place.path()).await.unwrap()
    }
    async fn close(&self, log: &SqliteLog) {
        log.close().await.unwrap();
    }
}

event_log::conformance_suite!(InOneFile);
