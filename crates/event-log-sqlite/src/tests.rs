//! What only a look inside can show: a full device, failed writes, the write-ahead log, the plans of the
//! look-ups.

use event_log::{
    EventLog, InboxFilter, LogError, Verdict,
    conformance::{Contents, Scribe, contents, merchant, message},
};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tempfile::{TempDir, tempdir};
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{SqliteLog, inbox, packed, values::Rows, writer::Limits};

async fn log_with_one_append() -> (TempDir, SqliteLog, Scribe) {
    let dir = tempdir().unwrap();
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3), ("pool-a", 1)]).await;
    (dir, log, scribe)
}

/// Runs one statement on the writing connection and returns what it says, as a number.
async fn on_writer(log: &SqliteLog, sql: &'static str) -> i64 {
    let mut writer = log.writer.lock().await;
    let connection = &mut writer.open_one().unwrap().connection;
    sqlx::query(sql).fetch_optional(connection).await.unwrap().map_or(0, |row| row.get(0))
}

#[tokio::test]
async fn a_full_device_refuses_the_append_and_leaves_nothing() {
    let (_dir, log, mut scribe) = log_with_one_append().await;
    let before = contents(&log, &scribe.merchant).await;
    on_writer(&log, "PRAGMA max_page_count = 20").await;
    let refusal = log.append(&[scribe.clone().part(&[("order-2", 1), ("pool-a", 2_000)])]).await.unwrap_err();
    assert!(matches!(refusal, LogError::Full(_)), "{refusal:?}");
    assert_eq!(contents(&log, &scribe.merchant).await, before);

    on_writer(&log, "PRAGMA max_page_count = 1000000").await;
    scribe.write(&log, &[("order-2", 1), ("pool-a", 2_000)]).await;
}

#[tokio::test]
async fn after_a_failed_write_nothing_more_is_written() {
    let (dir, log, mut scribe) = log_with_one_append().await;
    let before = contents(&log, &scribe.merchant).await;
    on_writer(
        &log,
        "CREATE TEMP TRIGGER fault BEFORE INSERT ON event BEGIN SELECT raise(FAIL, 'fault'); END",
    )
    .await;
    let failure = log.append(&[scribe.clone().part(&[("order-2", 1)])]).await.unwrap_err();
    assert!(matches!(failure, LogError::Store(_)), "{failure:?}");

    let refusal = log.append(&[scribe.clone().part(&[("order-2", 1)])]).await.unwrap_err();
    let LogError::Store(why) = refusal else { panic!("{refusal:?}") };
    assert!(why.to_string().contains("must be reopened"), "{why}");
    assert!(log.claim(&scribe.merchant).await.is_err());
    assert_eq!(contents(&log, &scribe.merchant).await, before);
    log.close().await.unwrap();

    let log = SqliteLog::open(dir.path()).await.unwrap();
    scribe.write(&log, &[("order-2", 1)]).await;
}

/// Lets the write-ahead log be looked at after each append, with limits of a few pages.
async fn with_tight_limits(log: &SqliteLog, truncate_at: i64) {
    let mut writer = log.writer.lock().await;
    writer.open_one().unwrap().limits = Limits { look_every: 1, copy_at: 8, truncate_at };
}

fn wal_length(dir: &TempDir) -> u64 {
    std::fs::metadata(dir.path().join("log.db-wal")).unwrap().len()
}

#[tokio::test]
async fn the_write_ahead_log_starts_anew_and_stays_short() {
    let (dir, log, mut scribe) = log_with_one_append().await;
    with_tight_limits(&log, 1_000_000).await;
    for _ in 0..200 {
        scribe.write(&log, &[("order-1", 5)]).await;
    }
    assert!(wal_length(&dir) < 100 * 8_192, "{} bytes", wal_length(&dir));
    assert_eq!(contents(&log, &scribe.merchant).await.events.len(), 1_004);
}

#[tokio::test]
async fn a_long_write_ahead_log_is_cut_off() {
    let (dir, log, mut scribe) = log_with_one_append().await;
    with_tight_limits(&log, 8).await;
    scribe.write(&log, &[("pool-a", 1_000)]).await;
    // The checkpoint follows the answer; the writer is free again when it is done.
    drop(log.writer.lock().await);
    assert_eq!(wal_length(&dir), 0);
    scribe.write(&log, &[("pool-a", 1)]).await;
}

#[tokio::test]
async fn a_page_too_large_for_one_value_reads_the_same_in_rows() {
    let (_dir, log, mut scribe) = log_with_one_append().await;
    scribe.write(&log, &[("order-2", 20)]).await;
    let mut reader = log.reader().await.unwrap();
    let (mut at_once, mut in_rows) = (Vec::new(), Vec::new());
    packed::read_page(&mut reader, &scribe.merchant, (3, 12), &mut at_once).await.unwrap();
    packed::read_page_in_rows(&mut reader, &scribe.merchant, (3, 12), &mut in_rows).await.unwrap();
    assert_eq!((at_once.len(), at_once), (10, in_rows));
}

#[tokio::test]
async fn a_row_that_does_not_read_is_reported_as_damage() {
    for damage in [
        "UPDATE event SET hash = x'00' WHERE position = 2",
        "UPDATE event SET stream = 'no stream' WHERE position = 2",
        "UPDATE event SET schema_version = -1 WHERE position = 2",
        "UPDATE event SET version = -7 WHERE position = 2",
    ] {
        let (_dir, log, scribe) = log_with_one_append().await;
        on_writer(&log, damage).await;
        let read = log.read_log(&scribe.merchant, Position(0), 10).await;
        assert!(
            matches!(&read, Err(LogError::Damaged(what)) if what.contains("position 1")),
            "{damage}: {read:?}"
        );
    }
    let (_dir, log, scribe) = log_with_one_append().await;
    let mut part = scribe.part_of(scribe.position, Vec::new());
    part.inbox.push(message("a", 1));
    log.append(&[part]).await.unwrap();
    on_writer(&log, "UPDATE inbox SET verdict = 'perhaps'").await;
    let read = log.read_inbox(&scribe.merchant, &message("a", 1).message).await;
    assert!(matches!(read, Err(LogError::Damaged(_))), "{read:?}");
}

/// How SQLite would go about a query.
async fn plan(connection: &mut SqliteConnection, sql: &str) -> String {
    let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explained).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect::<Vec<_>>().join("; ")
}

fn listing(acme: &MerchantId, filter: InboxFilter) -> String {
    inbox::listing(acme, &filter, 10).unwrap().sql().as_str().to_owned()
}

#[tokio::test]
async fn every_look_up_uses_an_index() {
    let (_dir, log, scribe) = log_with_one_append().await;
    let mut reader = log.reader().await.unwrap();
    let wanted = |width| {
        let mut rows = Rows::of(width);
        rows.put("a").unwrap();
        rows.finish().remove(0).sql
    };
    let acme = &scribe.merchant;
    let account = Some("sandbox/shop-1".parse().unwrap());
    let before = Some(Timestamp::from_secs(1));
    let caused = Some((Position(1), Position(2)));
    let none = InboxFilter::default();
    let unusual = InboxFilter { verdict: Some(Verdict::Parked), before, ..none.clone() };
    let cases = [
        (packed::PAGE.to_owned(), "sqlite_autoindex_event_1 (merchant=? AND position>? AND position<?)"),
        (packed::STREAM.to_owned(), "event_stream (merchant=? AND stream=? AND version>?)"),
        (
            [packed::STREAMS, &wanted(2), packed::OF_STREAMS].concat(),
            "event_stream (merchant=? AND stream=?)",
        ),
        ([inbox::COLUMNS, &wanted(2), inbox::BY_KEY].concat(), "inbox_dedupe (merchant=? AND dedupe_key=?)"),
        (
            [inbox::NUMBERS, &wanted(4), inbox::BY_NUMBER].concat(),
            "PRIMARY KEY (merchant=? AND kind=? AND namespace=? AND number=?)",
        ),
        (
            listing(acme, InboxFilter { before, ..none.clone() }),
            "inbox_received (merchant=? AND received_at<?)",
        ),
        (
            listing(acme, InboxFilter { account, before, ..none.clone() }),
            "inbox_account (merchant=? AND account=? AND received_at<?)",
        ),
        (listing(acme, unusual), "inbox_unusual (merchant=? AND verdict=? AND received_at<?)"),
        (listing(acme, InboxFilter { caused, ..none }), "inbox_caused (merchant=? AND last_position>?)"),
    ];
    for (sql, index) in cases {
        let plan = plan(&mut reader, &sql).await;
        assert!(plan.contains(index), "{sql}\nis planned as\n{plan}");
        let sorts = plan.contains("TEMP B-TREE") && !sql.contains("first_position <=");
        assert!(!sorts, "{sql}\nsorts: {plan}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_without_a_close() {
    let (dir, log, scribe) = log_with_one_append().await;
    let before: Contents = contents(&log, &scribe.merchant).await;
    drop(log);
    let log = SqliteLog::open(dir.path()).await.unwrap();
    assert_eq!(contents(&log, &merchant("acme")).await, before);
}
