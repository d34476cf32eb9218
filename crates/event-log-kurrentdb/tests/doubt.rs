//! Lines that break around an append: what is answered is true, and nothing is stored twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use event_log::{
    EventLog, LogError,
    conformance::{Contents, Scribe, contents, merchant, message},
};
use event_log_kurrentdb::KurrentLog;
use testkit_kurrentdb::{Fault, Flaw, Server};
use vocabulary::{Epoch, Position};

const STREAM: &str = "kami-log-acme";

async fn open(server: &Server) -> KurrentLog {
    KurrentLog::open(&server.url(), None).await.unwrap()
}

/// A log that does not wait long for an answer.
async fn hasty(server: &Server) -> KurrentLog {
    KurrentLog::open_with(&server.url(), None, Duration::from_secs(3)).await.unwrap()
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_stored_once() {
    for fault in
        [Fault::Unavailable, Fault::CutBefore, Fault::CutAfter, Fault::StoredLate, Fault::SilentAfter]
    {
        let server = Server::start().await;
        let log = hasty(&server).await;
        let mut scribe = Scribe::claim(&log, "acme").await;
        scribe.write(&log, &[("order-1", 2)]).await;
        let before = server.len(STREAM);
        server.next_append(STREAM, fault);
        scribe.write(&log, &[("order-1", 3), ("pool-a", 1)]).await;
        assert_eq!(server.planned(), 0, "{fault:?} did not happen");
        assert_eq!(server.len(STREAM), before + 5, "{fault:?}: four events and what closes them");
        scribe.write(&log, &[("order-2", 1)]).await;
        let events = contents(&log, &scribe.merchant).await.events;
        assert!(events.iter().map(|event| event.position.0).eq(1..=7), "{fault:?}: {events:?}");
    }
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_raises_the_epoch_once() {
    for fault in
        [Fault::Unavailable, Fault::CutBefore, Fault::CutAfter, Fault::StoredLate, Fault::SilentAfter]
    {
        let server = Server::start().await;
        let log = hasty(&server).await;
        server.next_append(STREAM, fault);
        assert_eq!(log.claim(&merchant("acme")).await.unwrap().epoch, Epoch(1), "{fault:?}");
        server.next_append(STREAM, fault);
        assert_eq!(log.claim(&merchant("acme")).await.unwrap().epoch, Epoch(2), "{fault:?}");
        assert_eq!((server.planned(), server.len(STREAM)), (0, 2), "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_restarts_is_waited_for() {
    let server = Server::start().await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 1)]).await;
    server.down();
    let parts = [scribe.part(&[("order-1", 2)])];
    let (appended, ()) = tokio::join!(log.append(&parts), async {
        // Nobody is told anything while nobody knows.
        tokio::task::yield_now().await;
        server.up().await;
    });
    appended.unwrap();
    assert_eq!(contents(&log, &scribe.merchant).await.events.len(), 3);
}

/// After its patience the writer is told that nobody knows; whoever asks later finds out.
#[tokio::test]
async fn a_server_that_stays_away_leaves_an_append_in_doubt_that_the_next_start_resolves() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let server = Server::start().await;
        let log = KurrentLog::open_with(&server.url(), None, Duration::ZERO).await.unwrap();
        let mut scribe = Scribe::claim(&log, "acme").await;
        server.next_append(STREAM, fault);
        let failure = log.append(&[scribe.part(&[("order-1", 2)])]).await.unwrap_err();
        let LogError::Store(why) = failure else { panic!("{failure:?}") };
        assert!(why.to_string().contains("not known whether"), "{why}");
        log.close().await.unwrap();

        let after = open(&server).await;
        let stored = if fault == Fault::CutAfter { Position(2) } else { Position(0) };
        assert_eq!(after.head(&scribe.merchant).await.unwrap().unwrap().position, stored, "{fault:?}");
    }
}

#[tokio::test]
async fn of_two_processes_the_later_owner_writes() {
    let server = Server::start().await;
    let (one, other) = (open(&server).await, open(&server).await);
    let mut earlier = Scribe::claim(&one, "acme").await;
    earlier.write(&one, &[("order-1", 2)]).await;
    let mut later = Scribe::claim(&other, "acme").await;
    assert_eq!((later.epoch, later.position), (Epoch(2), Position(2)));
    let refusal = one.append(&[earlier.clone().part(&[("order-2", 1)])]).await.unwrap_err();
    let LogError::Fenced { ours, current, .. } = refusal else { panic!("{refusal:?}") };
    assert_eq!((ours, current), (Epoch(1), Epoch(2)));
    later.write(&other, &[("order-2", 1)]).await;
    let refusal = one.append(&[earlier.part(&[("order-2", 1)])]).await.unwrap_err();
    assert!(matches!(refusal, LogError::Fenced { .. }), "{refusal:?}");
    assert_eq!(contents(&one, &later.merchant).await, contents(&other, &later.merchant).await);
}

#[tokio::test]
async fn claims_of_two_processes_at_once_get_different_epochs() {
    let server = Server::start().await;
    let (one, other) = (open(&server).await, open(&server).await);
    let acme = merchant("acme");
    let (left, right) = tokio::join!(one.claim(&acme), other.claim(&acme));
    let mut epochs = [left.unwrap().epoch, right.unwrap().epoch];
    epochs.sort();
    assert_eq!(epochs, [Epoch(1), Epoch(2)]);
}

/// A claim lands between the pieces of a large append: the pieces that were stored never belong to the log.
#[tokio::test]
async fn a_large_append_that_a_claim_interrupts_is_not_there_at_all() {
    let server = Server::start().await;
    let (one, other) = (open(&server).await, open(&server).await);
    let mut earlier = Scribe::claim(&one, "acme").await;
    let large = earlier.event("order-1", format!(r#"{{"text":"{}"}}"#, "x".repeat(400 << 10)));
    let larger = earlier.event("order-1", format!(r#"{{"text":"{}"}}"#, "y".repeat(400 << 10)));
    let parts = [earlier.part_of(Position(0), vec![large, larger])];
    server.next_append(STREAM, Fault::Spared);
    server.next_append(STREAM, Fault::Held);
    let (appended, claimed) = tokio::join!(one.append(&parts), async {
        while server.planned() > 0 {
            tokio::task::yield_now().await;
        }
        let claimed = other.claim(&merchant("acme")).await;
        server.release();
        claimed
    });
    let head = claimed.unwrap();
    assert_eq!((head.epoch, head.position), (Epoch(2), Position(0)));
    let refusal = appended.unwrap_err();
    assert!(matches!(refusal, LogError::Fenced { current: Epoch(2), .. }), "{refusal:?}");
    assert_eq!(server.types(STREAM), ["KamiClaim", "Written", "KamiClaim"]);
    let fresh = open(&server).await;
    for log in [&one, &other, &fresh] {
        assert_eq!(contents(log, &merchant("acme")).await.events, []);
    }
}

/// Pieces without their end, as a process leaves them that dies between two of them.
#[tokio::test]
async fn pieces_that_nobody_closed_do_not_count() {
    let server = Server::start().await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3)]).await;
    log.close().await.unwrap();
    // All but what closes it.
    server.lose(STREAM, server.len(STREAM) - 1);

    let after = open(&server).await;
    let mut scribe = Scribe::claim(&after, "acme").await;
    assert_eq!((scribe.epoch, scribe.position), (Epoch(2), Position(0)));
    scribe.write(&after, &[("order-1", 2)]).await;
    let fresh = open(&server).await;
    assert_eq!(contents(&fresh, &scribe.merchant).await, contents(&after, &scribe.merchant).await);
    assert_eq!(contents(&fresh, &scribe.merchant).await.events.len(), 2);
}

/// Also where one event or one message alone is more than the server takes.
#[tokio::test]
async fn more_than_the_server_takes_at_once_is_stored_whole() {
    let server = Server::start().await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    let sizes = [300_000, 700_000, 20, 5_000_000, 1, 300_000, 300_000, 300_000, 1 << 19];
    let mut events = Vec::new();
    for size in sizes {
        events.push(scribe.event("order-1", format!(r#"{{"text":"{}"}}"#, "x".repeat(size))));
    }
    let mut part = scribe.part_of(Position(0), events);
    let mut large = message("large", 2);
    large.sealed_request = (0..=255).cycle().take(3_000_000).collect();
    part.inbox = vec![message("small", 1), large];
    log.append(std::slice::from_ref(&part)).await.unwrap();
    assert!(server.appends() > 8, "it went in {} appends", server.appends());
    let fresh = open(&server).await;
    for log in [&log, &fresh] {
        let Contents { events, mut inbox, .. } = contents(log, &scribe.merchant).await;
        inbox.reverse();
        assert!(events == part.events, "other events came back");
        assert!(inbox == part.inbox, "other messages came back");
    }
}

#[tokio::test]
async fn a_server_that_takes_less_than_it_comes_with_is_named_as_the_cause() {
    let server = Server::start().await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    server.limit(1_000);
    let failure = log.append(&[scribe.clone().part(&[("order-1", 20)])]).await.unwrap_err();
    let LogError::Store(why) = failure else { panic!("{failure:?}") };
    assert!(why.to_string().contains("MaxAppendSize"), "{why}");
    server.limit(1 << 20);
    scribe.write(&log, &[("order-1", 20)]).await;
}

/// What the log rests on: with a server that does not keep its word, a repeat is stored twice, and the next start says so.
#[tokio::test]
async fn a_server_that_ignores_revisions_lets_two_owners_in() {
    let server = Server::flawed(Flaw::IgnoresRevisions).await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    server.next_append(STREAM, Fault::StoredLate);
    log.append(&[scribe.part(&[("order-1", 2)])]).await.unwrap();
    // The repeat was not refused: the stream holds both.
    assert_eq!(server.len(STREAM), 1 + 2 * 3);
    assert!(KurrentLog::open(&server.url(), None).await.is_err(), "a log with positions twice was opened");
}

#[tokio::test]
async fn a_server_that_stores_half_an_append_is_told_apart() {
    let server = Server::flawed(Flaw::StoresHalf).await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 5)]).await;
    let fresh = open(&server).await;
    assert_ne!(contents(&fresh, &scribe.merchant).await, contents(&log, &scribe.merchant).await);
}

/// Without ids there is still the look at what stands there.
#[tokio::test]
async fn a_server_that_forgets_ids_is_read_instead() {
    let server = Server::flawed(Flaw::ForgetsIds).await;
    let log = open(&server).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    for fault in [Fault::CutAfter, Fault::StoredLate] {
        server.next_append(STREAM, fault);
        scribe.write(&log, &[("order-1", 2)]).await;
    }
    assert_eq!(contents(&log, &scribe.merchant).await.events.len(), 4);
    assert_eq!(server.len(STREAM), 1 + 2 * 3);
}
