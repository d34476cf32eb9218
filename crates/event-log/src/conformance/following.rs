//! Cases about those who follow a log while it grows, and about instants.

use std::sync::Arc;

use tokio::task::JoinSet;
use vocabulary::{MerchantId, Position, Timestamp};

use super::{Backend, Scribe, merchant, message};
use crate::EventLog;

/// 0 for a merchant without a log.
pub async fn a_watcher_starts_at_the_head<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    assert_eq!(*log.watch(&merchant("acme")).borrow(), Position(0));
    let mut scribe = Scribe::claim(&log, "acme").await;
    assert_eq!(*log.watch(&merchant("acme")).borrow(), Position(0));
    scribe.write(&log, &[("order-1", 4)]).await;
    assert_eq!(*log.watch(&merchant("acme")).borrow(), Position(4));
    assert_eq!(*log.watch(&merchant("zeta")).borrow(), Position(0));
}

/// Told when the append is answered, not later; and what it is told of can be read.
pub async fn a_watcher_is_told_of_each_append<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut told = log.watch(&merchant("acme"));
    let mut untold = log.watch(&merchant("zeta"));
    let mut scribe = Scribe::claim(&log, "acme").await;
    told.mark_unchanged();
    for size in [1, 2, 5] {
        scribe.write(&log, &[("order-1", size)]).await;
        assert!(told.has_changed().unwrap(), "an append was answered and nobody was told");
        let position = *told.borrow_and_update();
        assert_eq!(position, scribe.position);
        let read = log.read_log(&scribe.merchant, Position(position.0 - 1), 10).await.unwrap();
        assert_eq!(read.len(), 1);
    }
    assert_eq!(*untold.borrow_and_update(), Position(0));
}

/// Nor does one that stores no events.
pub async fn a_refused_append_tells_nobody<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 1)]).await;
    let mut told = log.watch(&scribe.merchant);
    told.mark_unchanged();
    let mut unsound = scribe.clone().part(&[("order-1", 1)]);
    unsound.events[0].version = vocabulary::StreamVersion(0);
    log.append(&[unsound]).await.unwrap_err();
    let mut without_events = scribe.part_of(scribe.position, Vec::new());
    without_events.inbox.push(message("1", 1));
    log.append(&[without_events]).await.unwrap();
    assert!(!told.has_changed().unwrap());
}

const APPENDS: u64 = 40;

/// Followers write down what they see while appends of many sizes run; each must have seen 1..W in order.
pub async fn a_reader_that_saw_a_position_has_seen_all_before_it<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = Arc::new(backend.open(&place).await);
    let scribes = [Scribe::claim(&*log, "acme").await, Scribe::claim(&*log, "zeta").await];
    let total: u64 = (0..APPENDS).map(|n| n % 7 + 1).sum();
    let mut tailers = JoinSet::new();
    for name in ["acme", "zeta"] {
        for page in [1, 3, 100] {
            tailers.spawn(follow(Arc::clone(&log), merchant(name), page, total));
        }
        tailers.spawn(poll(Arc::clone(&log), merchant(name), total));
    }
    let mut writers = JoinSet::new();
    for mut scribe in scribes {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            for n in 0..APPENDS {
                scribe.write(&*log, &[("pool-a", usize::try_from(n % 7 + 1).unwrap())]).await;
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    for seen in tailers.join_all().await {
        assert!(seen.iter().copied().eq(1..=total), "a follower saw {seen:?}");
    }
}

/// Reads on whenever it is told.
async fn follow<L: EventLog>(log: Arc<L>, of: MerchantId, page: usize, total: u64) -> Vec<u64> {
    let mut told = log.watch(&of);
    let mut seen: Vec<u64> = Vec::new();
    while seen.len() < usize::try_from(total).unwrap() {
        let last = seen.last().copied().unwrap_or(0);
        let position = *told.wait_for(|position| position.0 > last).await.unwrap();
        let events = log.read_log(&of, Position(last), page).await.unwrap();
        assert!(!events.is_empty(), "told of {position}, and nothing is there after {last}");
        seen.extend(events.iter().map(|event| event.position.0));
    }
    seen
}

/// Asks for the head, again and again; whatever the head says can be read.
async fn poll<L: EventLog>(log: Arc<L>, of: MerchantId, total: u64) -> Vec<u64> {
    let mut seen: Vec<u64> = Vec::new();
    while seen.len() < usize::try_from(total).unwrap() {
        let last = seen.last().copied().unwrap_or(0);
        let head = log.head(&of).await.unwrap().unwrap().position;
        let events = log.read_log(&of, Position(last), usize::MAX).await.unwrap();
        seen.extend(events.iter().map(|event| event.position.0));
        let saw = seen.last().copied().unwrap_or(0);
        assert!(saw >= head.0, "the head is {head}, but the log ends at {saw}");
        tokio::task::yield_now().await;
    }
    seen
}

/// Both merchants go forward in the same appends, so whoever reads the second after the first is never ahead. Where the
/// log does not span merchants, two parts of one merchant go forward together.
pub async fn a_reader_sees_all_parts_of_an_append_or_none<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = Arc::new(backend.open(&place).await);
    if !log.spans_merchants() {
        return all_parts_of_a_merchant_or_none(log).await;
    }
    let mut first = Scribe::claim(&*log, "acme").await;
    let mut second = Scribe::claim(&*log, "zeta").await;
    let reader = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut saw = 0;
            while saw < APPENDS {
                saw = log.read_log(&merchant("acme"), Position(0), 1_000).await.unwrap().len() as u64;
                let other = log.read_log(&merchant("zeta"), Position(0), 1_000).await.unwrap().len() as u64;
                assert!(other >= saw, "{saw} events of one part are visible, {other} of the other");
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..APPENDS {
        log.append(&[first.part(&[("order-1", 1)]), second.part(&[("order-1", 1)])]).await.unwrap();
    }
    reader.await.unwrap();
}

async fn all_parts_of_a_merchant_or_none<L: EventLog>(log: Arc<L>) {
    let mut scribe = Scribe::claim(&*log, "acme").await;
    let reader = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut saw = 0;
            while saw < 3 * APPENDS {
                saw = log.read_log(&merchant("acme"), Position(0), 1_000).await.unwrap().len() as u64;
                assert!(saw.is_multiple_of(3), "{saw} events of appends of three are visible");
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..APPENDS {
        log.append(&[scribe.part(&[("order-1", 1)]), scribe.part(&[("order-2", 2)])]).await.unwrap();
    }
    reader.await.unwrap();
}

/// Events of one batch share their instant.
pub async fn the_position_at_an_instant_is_the_last_recorded_by_then<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let at = |secs| Timestamp::from_secs(secs);
    assert_eq!(log.position_at(&merchant("acme"), at(9_999_999_999)).await.unwrap(), Position(0));
    let mut scribe = Scribe::claim(&log, "acme").await;
    assert_eq!(log.position_at(&merchant("acme"), at(9_999_999_999)).await.unwrap(), Position(0));
    for (secs, size) in [(100, 3), (100, 1), (200, 7), (300, 1), (1_000, 5)] {
        scribe.now = at(secs);
        scribe.write(&log, &[("order-1", size)]).await;
    }
    let expected =
        [(0, 0), (99, 0), (100, 4), (199, 4), (200, 11), (299, 11), (300, 12), (999, 12), (1_000, 17)];
    for (secs, position) in expected.into_iter().chain([(5_000, 17)]) {
        assert_eq!(
            log.position_at(&merchant("acme"), at(secs)).await.unwrap(),
            Position(position),
            "at {secs}"
        );
    }
    let just_before = Timestamp::from_micros(200_000_000 - 1);
    assert_eq!(log.position_at(&merchant("acme"), just_before).await.unwrap(), Position(4));
}
