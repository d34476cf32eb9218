//! Servers that a log must not be kept on, and databases that hold something else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::{
    EventLog, LogError,
    conformance::{Scribe, contents},
};
use event_log_postgres::PostgresLog;
use sqlx::Connection;
use testkit_postgres::{Database, Server};
use vocabulary::Position;

/// The setting that a database is refused for, as an operator reads it.
async fn refused(url: &str) -> (&'static str, String) {
    let error = match PostgresLog::open(url).await {
        Err(error) => error,
        Ok(_) => panic!("the log was opened"),
    };
    let text = error.to_string();
    let LogError::UnsafeSetting { setting, .. } = error else { panic!("{error:?}") };
    assert!(text.contains(setting), "{text}");
    (setting, text)
}

/// Changes a setting of a running server, and returns when new sessions have it.
async fn set(server: &Server, setting: &str, value: &str) {
    let change = ["ALTER SYSTEM SET ", setting, " = ", value].concat();
    let mut session = sqlx::PgConnection::connect(&server.url("postgres")).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&mut session).await.unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut session).await.unwrap();
    loop {
        let mut session = sqlx::PgConnection::connect(&server.url("postgres")).await.unwrap();
        let now: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut session)
            .await
            .unwrap();
        if now == value {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_could_lose_commits_is_refused_by_the_name_of_the_setting() {
    let server = Server::start(&[]);
    let database = server.database().await;
    PostgresLog::open(database.url()).await.unwrap().close().await.unwrap();
    for setting in ["fsync", "full_page_writes"] {
        set(&server, setting, "off").await;
        let (named, text) = refused(database.url()).await;
        assert_eq!(named, setting);
        assert!(text.contains("is off, it must be on"), "{text}");
        set(&server, setting, "on").await;
    }
    for value in ["off", "local", "remote_write"] {
        set(&server, "synchronous_commit", value).await;
        assert_eq!(refused(database.url()).await.0, "synchronous_commit");
    }
    set(&server, "synchronous_commit", "remote_apply").await;
    PostgresLog::open(database.url()).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_setting_of_the_database_alone_is_seen_as_well() {
    for (setting, value) in
        [("synchronous_commit", "off"), ("zero_damaged_pages", "on"), ("default_transaction_read_only", "on")]
    {
        let database = Database::new().await;
        let change = format!("ALTER DATABASE {} SET {setting} = {value}", database.name());
        database.run(&change).await;
        assert_eq!(refused(database.url()).await.0, setting);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_tries_failed_flushes_again_is_refused() {
    let server = Server::start(&[("data_sync_retry", "on")]);
    assert_eq!(refused(server.database().await.url()).await.0, "data_sync_retry");
}

/// Nothing is decided on a standby; but it can be read, and once it is promoted, written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_read_and_not_written_until_it_is_promoted() {
    let server = Server::start(&[]);
    let database = server.database().await;
    let log = PostgresLog::open(database.url()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    let stored = contents(&log, &scribe.merchant).await;
    log.close().await.unwrap();

    let standby = server.standby();
    let url = standby.url(database.name());
    assert_eq!(refused(&url).await.0, "pg_is_in_recovery");
    let copy = PostgresLog::open_read_only(&url).await.unwrap();
    assert_eq!(contents(&copy, &scribe.merchant).await, stored);
    copy.close().await.unwrap();

    server.kill();
    standby.promote().await;
    let log = PostgresLog::open(&url).await.unwrap();
    let mut later = Scribe::claim(&log, "acme").await;
    later.write(&log, &[("order-2", 1)]).await;
    assert_eq!(contents(&log, &scribe.merchant).await.events.len(), 4);
}

#[tokio::test]
async fn a_log_opened_for_reading_takes_nothing_and_makes_nothing() {
    let database = Database::new().await;
    let nothing = PostgresLog::open_read_only(database.url()).await;
    assert!(matches!(nothing, Err(LogError::Damaged(what)) if what.contains("no log")));
    let log = PostgresLog::open(database.url()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 2)]).await;

    let beside = PostgresLog::open_read_only(database.url()).await.unwrap();
    assert_eq!(contents(&beside, &scribe.merchant).await, contents(&log, &scribe.merchant).await);
    assert_eq!(*beside.watch(&scribe.merchant).borrow(), Position(2));
    assert!(matches!(beside.append(&[scribe.part(&[("order-1", 1)])]).await, Err(LogError::Store(_))));
    assert!(beside.claim(&scribe.merchant).await.is_err());
    beside.close().await.unwrap();
    log.close().await.unwrap();
    assert!(log.head(&scribe.merchant).await.is_err(), "a closed log answers");
    assert!(log.claim(&scribe.merchant).await.is_err(), "a closed log is written");
}

#[tokio::test]
async fn a_database_of_a_newer_build_is_refused_and_left_alone() {
    let database = Database::new().await;
    PostgresLog::open(database.url()).await.unwrap().close().await.unwrap();
    database.run("UPDATE kami_log.schema_version SET version = 99").await;
    for refused in
        [PostgresLog::open(database.url()).await, PostgresLog::open_read_only(database.url()).await]
    {
        assert!(matches!(refused, Err(LogError::NewerSchema { found: 99, known: 1 })));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_nodes_that_start_at_once_one_makes_the_schema() {
    let database = Database::new().await;
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = database.url().to_owned();
        nodes.spawn(async move { PostgresLog::open(&url).await.unwrap() });
    }
    let logs = nodes.join_all().await;
    let mut session = database.connect().await;
    let versions: Vec<i64> = sqlx::query_scalar("SELECT version FROM kami_log.schema_version")
        .fetch_all(&mut session)
        .await
        .unwrap();
    assert_eq!((logs.len(), versions), (6, vec![1]));
}

#[tokio::test]
async fn an_error_about_the_address_does_not_repeat_it() {
    for url in [
        "postgres://kami:hunter2@nowhere:port/x",
        "not a url hunter2",
        "postgres://kami:hunter2@127.0.0.1:1/x",
    ] {
        let Err(error) = PostgresLog::open(url).await else { panic!("{url} was opened") };
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn appends_find_their_merchants_by_the_index_however_many_come() {
    let database = Database::new().await;
    let log = PostgresLog::open(database.url()).await.unwrap();
    Scribe::claim(&log, "first").await;
    // Of so small a table the server reads the whole, if it may, and a session keeps a plan that it made once.
    database.run("ANALYZE kami_log.merchant").await;
    for n in 0..40 {
        let mut scribe = Scribe::claim(&log, &format!("shop-{n}")).await;
        for _ in 0..5 {
            scribe.write(&log, &[("order-1", 1)]).await;
        }
    }
    // A session tells what it scanned when it ends.
    log.close().await.unwrap();
    let mut beside = database.connect().await;
    let scans =
        "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relid = 'kami_log.merchant'::regclass";
    let (mut whole, mut by_index): (i64, i64) = (0, 0);
    while by_index < 200 {
        (whole, by_index) = sqlx::query_as(scans).fetch_one(&mut beside).await.unwrap();
        if whole >= 200 {
            break;
        }
        sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut beside).await.unwrap();
    }
    assert!(whole < 100, "{whole} scans of the whole table, {by_index} by its index");
}
