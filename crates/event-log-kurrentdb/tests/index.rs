//! The index may be lost, and is never believed against the server; processes follow each other's appends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::{
    EventLog, LogError, NumberKind, WholeLog,
    conformance::{Contents, Scribe, contents, message, number},
};
use event_log_kurrentdb::KurrentLog;
use tempfile::tempdir;
use testkit_kurrentdb::{Place, Server};
use vocabulary::{Epoch, Position};

/// Several appends with something in every table, over two epochs.
async fn fill(log: &KurrentLog) -> Scribe {
    for epoch in 0..2 {
        let mut scribe = Scribe::claim(log, "acme").await;
        for n in 0..8 {
            let mut part =
                scribe.part(&[(&format!("order-{epoch}-{n}"), 3), (&format!("pool-{epoch}-{n}"), 1)]);
            for m in 0..30 {
                let id = format!("{epoch}-{n}-{m}");
                part.inbox.push(message(&id, n));
                part.numbers.push(number(NumberKind::Order, "sandbox/shop-1", &id, 7));
            }
            log.append(&[part]).await.unwrap();
        }
    }
    Scribe::claim(log, "acme").await
}

async fn all(log: &KurrentLog, scribe: &Scribe) -> (Contents, Vec<event_log::NumberRow>) {
    let numbers = log.page_of_numbers(&scribe.merchant, None, 10_000).await.unwrap();
    (contents(log, &scribe.merchant).await, numbers)
}

#[tokio::test]
async fn a_lost_index_is_made_anew_and_answers_the_same() {
    let (place, dir) = (Place::new().await, tempdir().unwrap());
    let log = KurrentLog::open(place.url(), Some(dir.path())).await.unwrap();
    let scribe = fill(&log).await;
    let before = all(&log, &scribe).await;
    log.close().await.unwrap();
    std::fs::remove_dir_all(dir.path()).unwrap();

    let mut log = KurrentLog::open(place.url(), Some(dir.path())).await.unwrap();
    for _ in 0..2 {
        assert!(all(&log, &scribe).await == before, "the new index answers otherwise");
        assert_eq!(before.0.head.as_ref().unwrap().epoch, Epoch(3));
        log.close().await.unwrap();
        // And the second time from the index that was left.
        log = KurrentLog::open(place.url(), Some(dir.path())).await.unwrap();
    }
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-9", 1)]).await;
}

#[tokio::test]
async fn an_index_that_fell_behind_catches_up() {
    let (place, dir) = (Place::new().await, tempdir().unwrap());
    let log = KurrentLog::open(place.url(), Some(dir.path())).await.unwrap();
    fill(&log).await;
    log.close().await.unwrap();

    let elsewhere = KurrentLog::open(place.url(), None).await.unwrap();
    let mut scribe = Scribe::claim(&elsewhere, "acme").await;
    scribe.write(&elsewhere, &[("order-9", 700)]).await;
    let mut new = Scribe::claim(&elsewhere, "zeta").await;
    new.write(&elsewhere, &[("order-9", 1)]).await;

    let log = KurrentLog::open(place.url(), Some(dir.path())).await.unwrap();
    assert!(all(&log, &scribe).await == all(&elsewhere, &scribe).await, "the index lags behind");
    assert!(all(&log, &new).await == all(&elsewhere, &new).await, "the index knows no new merchant");
    assert_eq!(log.merchants().await.unwrap(), ["acme", "zeta"].map(|name| name.parse().unwrap()));
}

#[tokio::test]
async fn an_index_of_another_log_or_of_more_than_the_server_has_is_refused() {
    let (server, dir) = (Server::start().await, tempdir().unwrap());
    let log = KurrentLog::open(&server.url(), Some(dir.path())).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    log.close().await.unwrap();

    let other = Server::start().await;
    Scribe::claim(&KurrentLog::open(&other.url(), None).await.unwrap(), "acme").await;
    server.lose("kami-log-acme", server.len("kami-log-acme") - 1);
    for url in [other.url(), server.url()] {
        let refused = KurrentLog::open(&url, Some(dir.path())).await.err().unwrap();
        let LogError::Damaged(why) = refused else { panic!("{refused:?}") };
        assert!(why.contains("restored from a backup"), "{why}");
    }
    std::fs::remove_dir_all(dir.path()).unwrap();
    let meant = KurrentLog::open(&server.url(), Some(dir.path())).await.unwrap();
    assert_eq!(meant.head(&scribe.merchant).await.unwrap().unwrap().position, Position(0));
}

#[tokio::test]
async fn an_index_has_one_process_and_is_read_beside_it() {
    let (place, dir) = (Place::new().await, tempdir().unwrap());
    let log = KurrentLog::open(place.url(), Some(dir.path())).await.unwrap();
    let mut scribe = fill(&log).await;
    let second = KurrentLog::open(place.url(), Some(dir.path())).await.err().unwrap();
    assert!(matches!(second, LogError::InUse), "{second:?}");

    let beside = KurrentLog::open_read_only(place.url(), Some(dir.path())).await.unwrap();
    let apart = KurrentLog::open_read_only(place.url(), None).await.unwrap();
    scribe.write(&log, &[("order-9", 2)]).await;
    for reader in [&beside, &apart] {
        assert!(all(reader, &scribe).await == all(&log, &scribe).await, "a reader sees another log");
        assert!(reader.claim(&scribe.merchant).await.is_err(), "a reader claimed");
        assert!(reader.append(&[scribe.clone().part(&[("order-9", 1)])]).await.is_err(), "a reader appended");
    }
}

#[tokio::test]
async fn a_process_is_told_of_what_another_appends() {
    let place = Place::new().await;
    let one = KurrentLog::open(place.url(), None).await.unwrap();
    let other = KurrentLog::open(place.url(), None).await.unwrap();
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
async fn a_follower_whose_line_was_cut_goes_on() {
    let server = Server::start().await;
    let one = KurrentLog::open(&server.url(), None).await.unwrap();
    let other = KurrentLog::open(&server.url(), None).await.unwrap();
    let mut scribe = Scribe::claim(&one, "acme").await;
    let mut told = other.watch(&scribe.merchant);
    for _ in 0..3 {
        scribe.write(&one, &[("order-1", 1)]).await;
        told.wait_for(|position| *position >= scribe.position).await.unwrap();
        server.cut();
    }
}

#[tokio::test]
async fn an_append_whose_caller_went_away_runs_to_its_end() {
    let place = Place::new().await;
    let log = KurrentLog::open(place.url(), None).await.unwrap();
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

/// Facts can be looked at with the server's own tools.
#[tokio::test]
async fn a_fact_is_an_event_of_its_own_type() {
    let server = Server::start().await;
    let log = KurrentLog::open(&server.url(), None).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut part = scribe.part(&[("order-1", 2)]);
    part.inbox.push(message("1", 1));
    part.numbers.push(number(NumberKind::Txn, "sandbox/shop-1", "2001", 1));
    log.append(&[part]).await.unwrap();
    assert_eq!(server.streams(), ["kami-log-acme", "kami-merchants"]);
    let types = ["KamiClaim", "Written", "Written", "KamiMessage", "KamiNumbers", "KamiStep"];
    assert_eq!(server.types("kami-log-acme"), types);
}

#[tokio::test]
async fn a_log_moves_from_a_file_to_kurrentdb_and_back() {
    let (place, dir, back) = (Place::new().await, tempdir().unwrap(), tempdir().unwrap());
    let file = event_log_sqlite::SqliteLog::open(dir.path()).await.unwrap();
    let mut scribe = Scribe::claim(&file, "acme").await;
    let mut part = scribe.part(&[("order-1", 2_500)]);
    part.inbox.extend((0..1_200).map(|n| message(&format!("{n:04}"), n)));
    part.numbers.extend((0..1_200).map(|n| number(NumberKind::Order, "sandbox/shop-1", &n.to_string(), 1)));
    file.append(&[part]).await.unwrap();

    let log = KurrentLog::open(place.url(), None).await.unwrap();
    let there = event_log::copy(&file, &log, &scribe.merchant, |_| {}).await.unwrap();
    assert_eq!((there.events, there.messages, there.numbers, there.found), (2_500, 1_200, 1_200, 0));
    let again = event_log::copy(&file, &log, &scribe.merchant, |_| {}).await.unwrap();
    assert_eq!(again.found, 2_500);
    let copied = event_log_sqlite::SqliteLog::open(back.path()).await.unwrap();
    event_log::copy(&log, &copied, &scribe.merchant, |_| {}).await.unwrap();
    let (first, last) = (contents(&file, &scribe.merchant).await, contents(&copied, &scribe.merchant).await);
    assert!(first.events == last.events && first.inbox == last.inbox, "the copy is another log");
}
