//! What is particular to a log in a file: who may open it, which file it accepts, what ordinary tools see.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{fs, path::Path, task::Poll};

use event_log::{
    EventLog, InboxFilter, LogError,
    conformance::{Scribe, contents, merchant, message},
};
use event_log_sqlite::SqliteLog;
use sqlx::{ConnectOptions, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::tempdir;
use vocabulary::Position;

/// The file as any other program opens it.
async fn other_program(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(dir.join("log.db")).connect().await.unwrap()
}

#[tokio::test]
async fn a_directory_has_one_writer_at_a_time() {
    let dir = tempdir().unwrap();
    let first = SqliteLog::open(dir.path()).await.unwrap();
    assert!(matches!(SqliteLog::open(dir.path()).await, Err(LogError::InUse)));
    first.close().await.unwrap();
    let second = SqliteLog::open(dir.path()).await.unwrap();
    assert!(matches!(SqliteLog::open(dir.path()).await, Err(LogError::InUse)));
    drop(second);
    SqliteLog::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_build_is_refused_and_left_alone() {
    let dir = tempdir().unwrap();
    SqliteLog::open(dir.path()).await.unwrap().close().await.unwrap();
    let mut other = other_program(dir.path()).await;
    sqlx::query("PRAGMA user_version = 99").execute(&mut other).await.unwrap();
    sqlx::Connection::close(other).await.unwrap();
    let before = fs::read(dir.path().join("log.db")).unwrap();
    for refused in [SqliteLog::open(dir.path()).await, SqliteLog::open_read_only(dir.path()).await] {
        assert!(matches!(refused, Err(LogError::NewerSchema { found: 99, known: 1 })));
    }
    assert!(fs::read(dir.path().join("log.db")).unwrap() == before, "the refused file was changed");
}

#[tokio::test]
async fn a_file_that_is_no_log_is_refused() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("log.db"), "not a database at all, but long enough to look at".repeat(40))
        .unwrap();
    assert!(matches!(SqliteLog::open(dir.path()).await, Err(LogError::Damaged(_))));
    let nothing = tempdir().unwrap();
    assert!(matches!(SqliteLog::open_read_only(nothing.path()).await, Err(LogError::Store(_))));
    assert_eq!(fs::read_dir(nothing.path()).unwrap().count(), 0, "reading made a file");
}

#[tokio::test]
async fn a_copy_is_read_without_changing_a_byte_of_it() {
    let (dir, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    let stored = contents(&log, &scribe.merchant).await;
    log.close().await.unwrap();
    fs::copy(dir.path().join("log.db"), copy.path().join("log.db")).unwrap();
    let before = fs::read(copy.path().join("log.db")).unwrap();

    let offline = SqliteLog::open_read_only(copy.path()).await.unwrap();
    assert_eq!(contents(&offline, &scribe.merchant).await, stored);
    assert_eq!(*offline.watch(&scribe.merchant).borrow(), Position(3));
    let refusal = offline.append(&[scribe.part(&[("order-1", 1)])]).await.unwrap_err();
    assert!(matches!(refusal, LogError::Store(_)), "{refusal:?}");
    assert!(offline.claim(&scribe.merchant).await.is_err());
    offline.close().await.unwrap();

    assert_eq!(fs::read_dir(copy.path()).unwrap().count(), 1, "reading left a file behind");
    assert!(fs::read(copy.path().join("log.db")).unwrap() == before, "reading changed the file");
}

#[tokio::test]
async fn a_copy_taken_with_its_write_ahead_log_is_read_to_the_end() {
    let (dir, copy) = (tempdir().unwrap(), tempdir().unwrap());
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    for name in ["log.db", "log.db-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let before = fs::read(copy.path().join("log.db")).unwrap();
    let offline = SqliteLog::open_read_only(copy.path()).await.unwrap();
    assert_eq!(contents(&offline, &scribe.merchant).await, contents(&log, &scribe.merchant).await);
    offline.close().await.unwrap();
    assert!(fs::read(copy.path().join("log.db")).unwrap() == before, "reading changed the file");
}

#[tokio::test]
async fn a_running_log_is_read_beside_its_writer() {
    let dir = tempdir().unwrap();
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    let beside = SqliteLog::open_read_only(dir.path()).await.unwrap();
    scribe.write(&log, &[("order-1", 2)]).await;
    assert_eq!(contents(&beside, &scribe.merchant).await, contents(&log, &scribe.merchant).await);
    beside.close().await.unwrap();
    scribe.write(&log, &[("order-1", 2)]).await;
    log.close().await.unwrap();
}

#[tokio::test]
async fn a_log_in_good_order_is_one_file_and_a_closed_one_takes_nothing() {
    let dir = tempdir().unwrap();
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    log.close().await.unwrap();
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["kami.lock", "log.db"]);
    assert!(log.append(&[scribe.part(&[("order-1", 1)])]).await.is_err());
    assert!(log.head(&scribe.merchant).await.is_err());
    log.close().await.unwrap();
}

#[tokio::test]
async fn an_append_whose_caller_went_away_runs_to_its_end() {
    let dir = tempdir().unwrap();
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut told = log.watch(&scribe.merchant);
    let parts = [scribe.part(&[("order-1", 3)])];
    {
        let mut append = log.append(&parts);
        let begun = std::future::poll_fn(|context| Poll::Ready(append.as_mut().poll(context).is_pending()));
        assert!(begun.await, "the append ended at once");
    }
    told.wait_for(|position| *position == Position(3)).await.unwrap();
    assert_eq!(contents(&log, &scribe.merchant).await.events, parts[0].events);
    scribe.write(&log, &[("order-1", 1)]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempdir().unwrap();
    let dir = parent.path().join("made/for-it");
    let log = SqliteLog::open(&dir).await.unwrap();
    Scribe::claim(&log, "acme").await.write(&log, &[("order-1", 1)]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in ["log.db", "log.db-wal", "log.db-shm", "kami.lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_missing_position_is_reported_as_damage() {
    let dir = tempdir().unwrap();
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 5)]).await;
    log.close().await.unwrap();
    let mut other = other_program(dir.path()).await;
    sqlx::query("DELETE FROM event WHERE position = 3").execute(&mut other).await.unwrap();
    sqlx::Connection::close(other).await.unwrap();

    let log = SqliteLog::open(dir.path()).await.unwrap();
    let read = log.read_log(&scribe.merchant, Position(0), 10).await;
    assert!(matches!(&read, Err(LogError::Damaged(what)) if what.contains("position 3")), "{read:?}");
}

#[tokio::test]
async fn ordinary_tools_see_readable_events_and_documented_columns() {
    let dir = tempdir().unwrap();
    let log = SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut part = scribe.part(&[("order-1", 1)]);
    part.inbox.push(message("a", 1));
    log.append(&[part]).await.unwrap();

    let mut other = other_program(dir.path()).await;
    let row = sqlx::query("SELECT stream, occurred_at, recorded_at, actor, length(hash) FROM event_readable")
        .fetch_one(&mut other)
        .await
        .unwrap();
    let text = |column| row.get::<String, _>(column);
    assert_eq!((text(0), text(3)), ("order-1".to_owned(), "scribe".to_owned()));
    assert_eq!(text(1), "2026-01-02T02:59:55.000000Z");
    assert_eq!(text(2), "2026-01-02T03:00:00.000000Z");
    assert_eq!(row.get::<i64, _>(4), 64);
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'event'")
            .fetch_all(&mut other)
            .await
            .unwrap();
    assert!(
        tables[0].contains("-- place in the merchant's log"),
        "the columns are not described in the file"
    );
    let listed = log.list_inbox(&merchant("acme"), &InboxFilter::default(), 10).await.unwrap();
    assert_eq!(listed, [message("a", 1)]);
}
