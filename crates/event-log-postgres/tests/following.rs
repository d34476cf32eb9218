//! Processes that follow what others append, and merchants that do not wait for each other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::{EventLog, conformance::Scribe};
use event_log_postgres::PostgresLog;
use sqlx::Connection;
use testkit_postgres::Database;
use vocabulary::Position;

async fn two_logs() -> (Database, PostgresLog, PostgresLog) {
    let database = Database::new().await;
    let one = PostgresLog::open(database.url()).await.unwrap();
    let other = PostgresLog::open(database.url()).await.unwrap();
    (database, one, other)
}

#[tokio::test]
async fn a_process_is_told_of_what_another_appends() {
    let (_database, one, other) = two_logs().await;
    let mut told = other.watch(&"acme".parse().unwrap());
    let mut scribe = Scribe::claim(&one, "acme").await;
    for size in [1, 5, 2] {
        scribe.write(&one, &[("order-1", size)]).await;
        let position = *told.wait_for(|position| *position >= scribe.position).await.unwrap();
        assert_eq!(position, scribe.position);
        assert_eq!(other.read_log(&scribe.merchant, Position(position.0 - 1), 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_process_whose_listening_session_was_ended_is_told_all_the_same() {
    let (database, one, other) = two_logs().await;
    let mut told = other.watch(&"acme".parse().unwrap());
    let mut scribe = Scribe::claim(&one, "acme").await;
    let mut beside = database.connect().await;
    for _ in 0..3 {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        // Until there is one to end.
        while sqlx::query_scalar::<_, i64>(end).fetch_one(&mut beside).await.unwrap() == 0 {}
        scribe.write(&one, &[("order-1", 1)]).await;
        told.wait_for(|position| *position >= scribe.position).await.unwrap();
    }
    beside.close().await.unwrap();
}

#[tokio::test]
async fn a_process_that_nobody_tells_asks_by_itself() {
    let (database, one, other) = two_logs().await;
    let scribe = Scribe::claim(&one, "acme").await;
    let mut told = other.watch(&scribe.merchant);
    database.run("UPDATE kami_log.merchant SET position = 7 WHERE merchant = 'acme'").await;
    told.wait_for(|position| *position == Position(7)).await.unwrap();
}

#[tokio::test]
async fn notifications_of_strangers_change_nothing() {
    let (database, one, other) = two_logs().await;
    let mut scribe = Scribe::claim(&one, "acme").await;
    let mut told = other.watch(&scribe.merchant);
    for nonsense in ["", "acme", "acme x", "Not A Merchant 5", "acme -3"] {
        database.run(&format!("NOTIFY kami_log, '{nonsense}'")).await;
    }
    scribe.write(&one, &[("order-1", 1)]).await;
    assert_eq!(*told.wait_for(|position| *position > Position(0)).await.unwrap(), Position(1));
}

#[tokio::test]
async fn a_merchant_that_waits_keeps_no_other_waiting() {
    let (database, log, _other) = two_logs().await;
    let mut acme = Scribe::claim(&log, "acme").await;
    let mut zeta = Scribe::claim(&log, "zeta").await;
    let mut holder = database.connect().await;
    sqlx::raw_sql("BEGIN; SELECT 1 FROM kami_log.merchant WHERE merchant = 'acme' FOR UPDATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let parts = [acme.part(&[("order-1", 1)])];
    let mut waiting = log.append(&parts);
    for _ in 0..20 {
        tokio::select! {
            biased;
            early = &mut waiting => panic!("the held merchant's append ended: {early:?}"),
            () = zeta.write(&log, &[("order-1", 3)]) => {}
        }
    }
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn an_append_whose_caller_went_away_runs_to_its_end() {
    let (_database, log, _other) = two_logs().await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut told = log.watch(&scribe.merchant);
    let parts = [scribe.part(&[("order-1", 3)])];
    {
        let mut append = log.append(&parts);
        let begun = std::future::poll_fn(|context| {
            std::task::Poll::Ready(append.as_mut().poll(context).is_pending())
        });
        assert!(begun.await, "the append ended at once");
    }
    told.wait_for(|position| *position == Position(3)).await.unwrap();
    scribe.write(&log, &[("order-1", 1)]).await;
}
