//! The suite every backend passes, on a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::conformance::Backend;
use event_log_postgres::PostgresLog;
use testkit_postgres::Database;

struct InOneDatabase;

impl Backend for InOneDatabase {
    type Log = PostgresLog;
    type Place = Database;

    async fn place(&self) -> Database {
        Database::new().await
    }
    async fn open(&self, place: &Database) -> PostgresLog {
        PostgresLog::open(place.url()).await.unwrap()
    }
    async fn close(&self, log: &PostgresLog) {
        log.close().await.unwrap();
    }
}

event_log::conformance_suite!(InOneDatabase);
