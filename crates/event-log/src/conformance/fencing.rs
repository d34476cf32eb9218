//! Cases about epochs: at most one sequencer writes a merchant's log.

use std::sync::Arc;

use events::chain;
use tokio::task::JoinSet;
use vocabulary::{Epoch, Position, Timestamp};

use super::{Backend, Scribe, contents, merchant, message};
use crate::{EventLog, Head, LogError};

/// From 0, and with the head as it stands.
pub async fn each_claim_raises_the_epoch_by_one<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let empty = |epoch| Head {
        position: Position(0),
        hash: chain::GENESIS,
        epoch: Epoch(epoch),
        recorded_at: Timestamp::from_micros(0),
    };
    assert_eq!(log.claim(&merchant("acme")).await.unwrap(), empty(1));
    assert_eq!(log.head(&merchant("acme")).await.unwrap(), Some(empty(1)));
    let mut scribe = Scribe::claim(&log, "acme").await;
    assert_eq!(scribe.epoch, Epoch(2));
    let part = scribe.part(&[("order-1", 4)]);
    log.append(std::slice::from_ref(&part)).await.unwrap();
    let last = part.events.last().unwrap();
    let head =
        Head { position: Position(4), hash: last.hash, epoch: Epoch(3), recorded_at: last.recorded_at };
    assert_eq!(log.claim(&merchant("acme")).await.unwrap(), head);
    assert_eq!(log.claim(&merchant("zeta")).await.unwrap(), empty(1));
}

/// Two nodes that start at once.
pub async fn racing_claims_get_different_epochs<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = Arc::new(backend.open(&place).await);
    let mut claims = JoinSet::new();
    for _ in 0..8 {
        let log = Arc::clone(&log);
        claims.spawn(async move { log.claim(&merchant("acme")).await.unwrap().epoch });
    }
    let mut epochs = claims.join_all().await;
    epochs.sort();
    assert_eq!(epochs, (1..=8).map(Epoch).collect::<Vec<_>>());
}

/// Neither events nor messages, and nothing of the parts beside it.
pub async fn an_earlier_epoch_cannot_append<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut other = Scribe::claim(&log, "zeta").await;
    let mut earlier = Scribe::claim(&log, "acme").await;
    earlier.write(&log, &[("order-1", 1)]).await;
    let mut later = Scribe::claim(&log, "acme").await;
    let before = contents(&log, &earlier.merchant).await;

    let with_events = earlier.clone().part(&[("order-2", 1)]);
    let mut message_only = earlier.part_of(earlier.position, Vec::new());
    message_only.inbox.push(message("1", 1));
    for part in [with_events, message_only] {
        let mut parts = vec![part];
        if log.spans_merchants() {
            parts.insert(0, other.clone().part(&[("order-1", 1)]));
        }
        let refusal = log.append(&parts).await.unwrap_err();
        let LogError::Fenced { merchant, ours, current } = refusal else { panic!("{refusal:?}") };
        assert_eq!((merchant.as_str(), ours, current), ("acme", Epoch(1), Epoch(2)));
        assert_eq!(contents(&log, &earlier.merchant).await, before);
        assert_eq!(contents(&log, &other.merchant).await.events, []);
    }
    later.write(&log, &[("order-2", 1)]).await;
    other.write(&log, &[("order-1", 1)]).await;

    let mut from_the_future = later.clone();
    from_the_future.epoch = Epoch(3);
    let refusal = log.append(&[from_the_future.part(&[("order-3", 1)])]).await.unwrap_err();
    assert!(matches!(refusal, LogError::Fenced { .. }), "{refusal:?}");
}

/// There is no log without an owner.
pub async fn a_merchant_that_nobody_claimed_takes_no_append<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.merchant = merchant("nobody");
    for epoch in [0, 1] {
        scribe.epoch = Epoch(epoch);
        let refusal = log.append(&[scribe.clone().part(&[("order-1", 1)])]).await.unwrap_err();
        assert!(matches!(refusal, LogError::Fenced { current: Epoch(0), .. }), "{refusal:?}");
    }
    assert_eq!(log.head(&scribe.merchant).await.unwrap(), None);
}

/// The epoch alone does not order the appends of one owner; the position does.
pub async fn of_racing_appends_at_one_position_one_is_stored<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = Arc::new(backend.open(&place).await);
    let scribe = Scribe::claim(&*log, "acme").await;
    let mut appends = JoinSet::new();
    for n in 0..8 {
        let (log, mut scribe) = (Arc::clone(&log), scribe.clone());
        appends.spawn(async move { log.append(&[scribe.part(&[(&format!("order-{n}"), 3)])]).await });
    }
    let results = appends.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for refusal in results.into_iter().filter_map(Result::err) {
        let at_the_end = matches!(refusal, LogError::WrongPosition { current: Position(3), .. });
        assert!(at_the_end, "{refusal:?}");
    }
    assert_eq!(contents(&*log, &scribe.merchant).await.events.len(), 3);
}

/// An owner that does not know it was replaced writes on, until it is told.
pub async fn no_event_of_an_earlier_epoch_follows_a_claim<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = Arc::new(backend.open(&place).await);
    let mut owners = JoinSet::new();
    for owner in 0..4 {
        let mut scribe = Scribe::claim(&*log, "acme").await;
        let mut told = log.watch(&scribe.merchant);
        let (log, start) = (Arc::clone(&log), scribe.position);
        owners.spawn(async move {
            loop {
                let part = scribe.part(&[(&format!("pool-{owner}"), 2)]);
                match log.append(&[part]).await {
                    Ok(()) if owner == 3 && scribe.position.0 >= start.0 + 20 => return,
                    Ok(()) => {}
                    Err(LogError::Fenced { .. }) if owner < 3 => return,
                    Err(error) => panic!("owner {owner}: {error:?}"),
                }
            }
        });
        told.wait_for(|position| *position > start).await.unwrap();
    }
    while let Some(ended) = owners.join_next().await {
        ended.unwrap();
    }
    let events = contents(&*log, &merchant("acme")).await.events;
    let epochs: Vec<_> = events.iter().map(|event| event.meta().unwrap().epoch).collect();
    assert!(epochs.is_sorted(), "epochs decrease along the log");
    assert!(events.iter().map(|event| event.position.0).eq(1..=events.len() as u64));
    assert_eq!(epochs.last(), Some(&Epoch(4)));
}
