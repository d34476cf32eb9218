//! A log moves from one backend to the other and back, and is the same log.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::atomic::{AtomicU64, Ordering};

use event_log::{
    Copied, CopyError, EventLog, LogError, NumberKind, Snapshot, WholeLog,
    conformance::{Scribe, contents, message, number},
    copy,
};
use event_log_postgres::PostgresLog;
use event_log_sqlite::SqliteLog;
use tempfile::{TempDir, tempdir};
use testkit_postgres::Database;
use vocabulary::{Epoch, MerchantId, Position};

const MESSAGES: u64 = 2_300;

/// A log with several pages of everything, in its fifth epoch.
async fn fill(log: &impl EventLog) -> Scribe {
    let mut scribe = Scribe::claim(log, "acme").await;
    while scribe.epoch < Epoch(5) {
        scribe = Scribe::claim(log, "acme").await;
    }
    for n in 0..23 {
        let mut part = scribe.part(&[(&format!("order-{n}"), 150)]);
        for m in 0..100 {
            let id = format!("{n:02}x{m:03}");
            part.inbox.push(message(&id, n));
            part.numbers.push(number(NumberKind::Order, "sandbox/shop-1", &format!("\0{id}\\"), m));
        }
        log.append(&[part]).await.unwrap();
    }
    let position = scribe.position;
    let kept = Snapshot { position, hash: [1; 32], shape: "s".to_owned(), state: vec![1, 2, 3] };
    log.save_snapshot(&scribe.merchant, &kept).await.unwrap();
    scribe
}

async fn two() -> (TempDir, SqliteLog, Database, PostgresLog) {
    let (dir, database) = (tempdir().unwrap(), Database::new().await);
    let file = SqliteLog::open(dir.path()).await.unwrap();
    let server = PostgresLog::open(database.url()).await.unwrap();
    (dir, file, database, server)
}

async fn assert_same(one: &impl WholeLog, other: &impl WholeLog, merchant: &MerchantId) {
    let (mut left, mut right) = (contents(one, merchant).await, contents(other, merchant).await);
    for contents in [&mut left, &mut right] {
        contents.head.as_mut().unwrap().epoch = Epoch(0);
    }
    assert!(left == right, "the copy is another log");
    let numbers = one.page_of_numbers(merchant, None, 10_000).await.unwrap();
    assert_eq!(numbers.len() as u64, MESSAGES);
    assert!(numbers == other.page_of_numbers(merchant, None, 10_000).await.unwrap(), "other numbers");
    assert_eq!(one.load_snapshot(merchant).await.unwrap(), other.load_snapshot(merchant).await.unwrap());
}

#[tokio::test]
async fn a_log_moves_to_postgresql_and_back_and_goes_on() {
    let (_dir, file, _database, server) = two().await;
    let scribe = fill(&file).await;
    let seen = AtomicU64::new(0);
    let copied = copy(&file, &server, &scribe.merchant, |at| seen.store(at, Ordering::SeqCst)).await.unwrap();
    let whole = Copied { events: 3_450, messages: MESSAGES, numbers: MESSAGES, found: 0 };
    assert_eq!((copied, seen.into_inner()), (whole, 3_450));
    assert_same(&file, &server, &scribe.merchant).await;
    assert!(server.head(&scribe.merchant).await.unwrap().unwrap().epoch >= Epoch(5), "epochs would go back");

    let mut later = Scribe::claim(&server, "acme").await;
    later.write(&server, &[("pool-a", 7)]).await;
    let dir = tempdir().unwrap();
    let back = SqliteLog::open(dir.path()).await.unwrap();
    let copied = copy(&server, &back, &scribe.merchant, |_| {}).await.unwrap();
    assert_eq!(copied.events, 3_457);
    assert_same(&server, &back, &scribe.merchant).await;
    Scribe::claim(&back, "acme").await.write(&back, &[("pool-b", 1)]).await;
}

/// Whatever step it was broken off at: each row is refused once by the target.
#[tokio::test]
async fn a_copy_that_was_broken_off_is_taken_up() {
    let (_dir, file, database, server) = two().await;
    let scribe = fill(&file).await;
    let table = [
        "inbox WHEN (new.message = 'msg-14x050')",
        "number WHEN (new.number LIKE '%14x050%')",
        "event WHEN (new.position = 2500)",
    ];
    for fault in table {
        let (table, when) = fault.split_once(' ').unwrap();
        database
            .run(&format!(
                "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'fault'; END $$;
                 CREATE TRIGGER fault BEFORE INSERT ON kami_log.{table} FOR EACH ROW {when} EXECUTE FUNCTION fault()"
            ))
            .await;
        let broken = copy(&file, &server, &scribe.merchant, |_| {}).await;
        assert!(matches!(broken, Err(CopyError::Log(LogError::Store(_)))), "{broken:?}");
        database.run("DROP FUNCTION fault CASCADE").await;
    }
    let copied = copy(&file, &server, &scribe.merchant, |_| {}).await.unwrap();
    assert_eq!(
        (copied.events, copied.messages, copied.numbers, copied.found),
        (3_450, MESSAGES, MESSAGES, 2_000)
    );
    assert_same(&file, &server, &scribe.merchant).await;
    let again = copy(&file, &server, &scribe.merchant, |_| {}).await.unwrap();
    assert_eq!(again.found, 3_450);
}

#[tokio::test]
async fn a_broken_chain_is_copied_no_further() {
    let (_dir, file, database, server) = two().await;
    let scribe = fill(&server).await;
    database.run(r#"UPDATE kami_log.event SET payload = '{"n":9}' WHERE position = 1700"#).await;
    let broken = copy(&server, &file, &scribe.merchant, |_| {}).await;
    assert!(matches!(broken, Err(CopyError::Broken { position: Position(1_700), .. })), "{broken:?}");
    assert_eq!(file.head(&scribe.merchant).await.unwrap().unwrap().position, Position(1_000));
}

#[tokio::test]
async fn a_log_that_lacks_its_end_is_no_whole_copy() {
    let (_dir, file, database, server) = two().await;
    let scribe = fill(&server).await;
    database.run("DELETE FROM kami_log.event WHERE position > 3400").await;
    let broken = copy(&server, &file, &scribe.merchant, |_| {}).await;
    assert!(matches!(broken, Err(CopyError::Broken { position: Position(3_450), .. })), "{broken:?}");
}

#[tokio::test]
async fn a_target_with_another_log_is_left_alone() {
    let (_dir, file, _database, server) = two().await;
    let scribe = fill(&file).await;
    let mut other = Scribe::claim(&server, "acme").await;
    other.write(&server, &[("order-9", 5)]).await;
    let before = contents(&server, &scribe.merchant).await;
    let refused = copy(&file, &server, &scribe.merchant, |_| {}).await;
    assert!(matches!(refused, Err(CopyError::Another { position: Position(5), .. })), "{refused:?}");
    assert_eq!(contents(&server, &scribe.merchant).await, before);
    let nobody = copy(&file, &server, &"nobody".parse().unwrap(), |_| {}).await;
    assert!(matches!(nobody, Err(CopyError::NoLog(_))), "{nobody:?}");
}
