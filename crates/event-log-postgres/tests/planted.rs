//! The suite tells a database apart in which a safeguard is missing: each test takes one away and wants a case to fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::conformance::{self as suite, Backend};
use event_log_postgres::PostgresLog;
use testkit_postgres::Database;

/// The text of the function that appends.
const SCHEMA: &str = include_str!("../src/migrations/0001_log.sql");

/// What is missing.
#[derive(Clone, Copy)]
enum Fault {
    /// A part of the function's text, and what stands there instead.
    Append(&'static str, &'static str),
    /// Statements that are run after the schema is made.
    Schema(&'static str),
}

struct Faulty(Fault);

impl Backend for Faulty {
    type Log = PostgresLog;
    type Place = Database;

    async fn place(&self) -> Database {
        let database = Database::new().await;
        PostgresLog::open(database.url()).await.unwrap().close().await.unwrap();
        match self.0 {
            Fault::Append(safe, unsafe_one) => {
                let function = &SCHEMA[SCHEMA.find("CREATE FUNCTION kami_log.append").unwrap()..];
                assert!(function.contains(safe), "the function has no {safe}");
                let faulty = function
                    .replace(safe, unsafe_one)
                    .replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION");
                database.run(&faulty).await;
            }
            Fault::Schema(sql) => database.run(sql).await,
        }
        database
    }
    async fn open(&self, place: &Database) -> PostgresLog {
        PostgresLog::open(place.url()).await.unwrap()
    }
    async fn close(&self, log: &PostgresLog) {
        log.close().await.unwrap();
    }
}

macro_rules! is_told_apart {
    ($($test:ident: $fault:expr, by $case:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let ended = tokio::spawn(async { suite::$case(&Faulty($fault)).await }).await;
            assert!(ended.is_err_and(|error| error.is_panic()), "the case passed a faulty database");
        }
    )*};
}

is_told_apart! {
    a_function_that_ignores_epochs_fails:
        Fault::Append("AND m.epoch = epochs[n]", ""), by an_earlier_epoch_cannot_append;
    a_function_that_ignores_positions_fails:
        Fault::Append("AND m.position = froms[n]", ""), by a_wrong_expected_position_leaves_nothing_of_any_part;
    a_function_that_ignores_where_the_head_is_fails:
        Fault::Append("IF NOT FOUND", "IF false"), by a_merchant_that_nobody_claimed_takes_no_append;
    a_function_that_forgets_the_hash_fails:
        Fault::Append("coalesce(last_hashes[n], m.hash)", "m.hash"), by the_hash_chain_of_what_is_read_holds;
    a_database_without_unique_versions_fails: Fault::Schema("DROP INDEX kami_log.event_stream"),
        by a_taken_stream_version_leaves_nothing_of_any_part;
    a_database_without_unique_keys_fails: Fault::Schema("DROP INDEX kami_log.inbox_dedupe"),
        by a_taken_dedupe_key_leaves_nothing_of_any_part;
    a_database_without_unique_messages_fails: Fault::Schema("ALTER TABLE kami_log.inbox DROP CONSTRAINT inbox_pkey"),
        by a_taken_message_id_leaves_nothing_of_any_part;
    a_database_without_unique_numbers_fails: Fault::Schema("ALTER TABLE kami_log.number DROP CONSTRAINT number_pkey"),
        by a_taken_number_leaves_nothing_of_any_part;
}
