//! Cases about events: order, faithfulness, paging, streams, merchants.

use events::chain;
use vocabulary::{Position, StreamVersion, Timestamp};

use super::{Backend, Scribe, contents, merchant, message, number, stream};
use crate::{EventLog, NumberKind, Snapshot};

/// Before the first claim there is nothing, and asking is no error.
pub async fn an_unclaimed_merchant_has_no_head_and_no_events<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let nobody = merchant("nobody");
    assert_eq!(log.head(&nobody).await.unwrap(), None);
    assert_eq!(log.merchants().await.unwrap(), []);
    assert_eq!(log.read_log(&nobody, Position(0), 10).await.unwrap(), []);
    let read = log.read_stream(&nobody, &stream("order-1"), StreamVersion(0), 10).await.unwrap();
    assert_eq!(read, []);
}

/// Batches of many sizes, among them ones above what a backend might take at once.
pub async fn positions_run_from_1_to_n_without_a_gap<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut written = Vec::new();
    for size in [1, 2, 3, 7, 64, 255, 1, 1_025, 3_000] {
        let part = scribe.part(&[("pool-a", size)]);
        log.append(std::slice::from_ref(&part)).await.unwrap();
        written.extend(part.events);
        let head = log.head(&scribe.merchant).await.unwrap().unwrap();
        let last = written.last().unwrap();
        assert_eq!(
            (head.position, head.hash, head.recorded_at),
            (last.position, last.hash, last.recorded_at)
        );
    }
    let read = log.read_log(&scribe.merchant, Position(0), usize::MAX).await.unwrap();
    assert!(read == written, "what is read is not what was written");
    assert!(read.iter().map(|event| event.position.0).eq(1..=4_358), "positions have a gap");
}

/// Every byte counts: the hash covers the stored texts.
pub async fn an_event_reads_back_as_it_was_stored<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    let large = format!(r#"{{"text":"{}"}}"#, "卡密🎮".repeat(100_000));
    let payloads = [
        "{}",
        r#"{"text":"卡密中台 – \"quoted\" \\ 'single' \u0001 🎮","n":-1.50e3}"#,
        "{ \"spaces\" :\t[ 1 ,\r\n 2 ] }",
        r#"{"looks":"like ' || SQL; DROP TABLE event; --","percent":"%s","curly":"{0}"}"#,
        large.as_str(),
    ];
    let mut written = Vec::new();
    for (n, payload) in payloads.into_iter().enumerate() {
        let mut event = scribe.event(&format!("order-{n}.A_b"), payload.to_owned());
        event.type_name = format!("Type of {n}, 类型");
        event.schema_version = [0, 1, 2, 300, u16::MAX][n];
        event.occurred_at =
            Timestamp::from_micros([-1, 0, 1, 1_767_322_800_123_456, 253_402_300_799_999_999][n]);
        event.hash = [[0; 32], [255; 32], [b' '; 32], [10; 32], [31; 32]][n];
        written.push(event);
    }
    log.append(&[scribe.part_of(Position(0), written.clone())]).await.unwrap();
    assert!(log.read_log(&scribe.merchant, Position(0), 10).await.unwrap() == written, "read_log differs");
    for event in &written {
        let read = log.read_stream(&event.merchant, &event.stream, StreamVersion(0), 10).await.unwrap();
        assert!(read == [event.clone()], "read_stream differs at {}", event.position);
    }
}

/// What a checker does offline.
pub async fn the_hash_chain_of_what_is_read_holds<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    for _ in 0..5 {
        scribe.write(&log, &[("order-1", 2), ("pool-a", 1), ("order-2", 1)]).await;
    }
    let mut hash = chain::GENESIS;
    for event in log.read_log(&scribe.merchant, Position(0), 100).await.unwrap() {
        assert_eq!(chain::link(&hash, &event), event.hash, "the chain breaks at {}", event.position);
        hash = event.hash;
    }
    assert_eq!(log.head(&scribe.merchant).await.unwrap().unwrap().hash, hash);
}

/// Pages of every size put together are the log.
pub async fn a_page_starts_after_a_position_and_keeps_its_limit<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("pool-a", 1_300)]).await;
    for limit in [1_usize, 100, 511, 512, 513, 1_299, 1_300, 1_301] {
        let mut after = if limit == 1 { 1_290 } else { 0 };
        while after < 1_300 {
            let page = log.read_log(&scribe.merchant, Position(after), limit).await.unwrap();
            let expected = (after + 1)..=(after + limit as u64).min(1_300);
            after = *expected.end();
            assert!(page.iter().map(|event| event.position.0).eq(expected), "a page of {limit} to {after}");
        }
    }
    for after in [1_300, 1_301, u64::MAX] {
        assert_eq!(log.read_log(&scribe.merchant, Position(after), 10).await.unwrap(), []);
    }
    assert_eq!(log.read_log(&scribe.merchant, Position(0), 0).await.unwrap(), []);
}

/// Streams are interleaved in the log and whole when read.
pub async fn a_stream_reads_in_the_order_of_its_versions<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    for _ in 0..12 {
        scribe.write(&log, &[("order-2", 1), ("order-1", 1), ("order-10", 1)]).await;
    }
    for (from, limit, expected) in
        [(0, 100, 0..12), (3, 100, 3..12), (3, 4, 3..7), (11, 1, 11..12), (12, 9, 0..0)]
    {
        let read =
            log.read_stream(&scribe.merchant, &stream("order-1"), StreamVersion(from), limit).await.unwrap();
        assert!(read.iter().all(|event| event.stream == stream("order-1")));
        assert!(read.iter().map(|event| event.version.0).eq(expected), "from {from}, at most {limit}");
        assert!(read.is_sorted_by_key(|event| event.position));
    }
}

/// As the engine reads the cold orders of a batch; a stream without events is no error.
pub async fn several_streams_read_each_in_its_order<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    for _ in 0..3 {
        scribe.write(&log, &[("order-3", 1), ("order-1", 2), ("order-2", 1)]).await;
    }
    let mut wanted: Vec<_> = ["order-3", "order-1", "order-none"].map(stream).into();
    let read = log.read_streams(&scribe.merchant, &wanted).await.unwrap();
    let versions_of = |name: &str| -> Vec<u64> {
        read.iter().filter(|event| event.stream == stream(name)).map(|event| event.version.0).collect()
    };
    assert_eq!((versions_of("order-1"), versions_of("order-3")), ((0..6).collect(), (0..3).collect()));
    assert_eq!(read.len(), 9, "events of streams that nobody asked for");

    wanted.extend((0..1_500).map(|n| stream(&format!("order-absent{n}"))));
    assert_eq!(log.read_streams(&scribe.merchant, &wanted).await.unwrap().len(), 9);
    assert_eq!(log.read_streams(&scribe.merchant, &[]).await.unwrap(), []);
}

/// Two merchants may use the same names for everything.
pub async fn merchants_do_not_see_each_other<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut acme = Scribe::claim(&log, "acme").await;
    let mut zeta = Scribe::claim(&log, "zeta").await;
    let (mut one, mut other) = (acme.part(&[("order-1", 2)]), zeta.part(&[("order-1", 3)]));
    one.inbox.push(message("1", 1));
    other.inbox.push(message("1", 2));
    one.numbers.push(number(NumberKind::Order, "sandbox/shop-1", "A1", 1));
    other.numbers.push(number(NumberKind::Order, "sandbox/shop-1", "A1", 2));
    log.append(&[one.clone(), other.clone()]).await.unwrap();

    for part in [one, other] {
        let stored = contents(&log, &part.merchant).await;
        assert_eq!((&stored.events, &stored.inbox), (&part.events, &part.inbox));
        let of_stream = log.read_streams(&part.merchant, &[stream("order-1")]).await.unwrap();
        assert_eq!(of_stream, part.events);
        let key = (NumberKind::Order, "sandbox/shop-1".to_owned(), "A1".to_owned());
        assert_eq!(log.find_numbers(&part.merchant, &[key]).await.unwrap(), part.numbers);
    }
}

/// A claim is what makes a log.
pub async fn merchants_are_listed_by_name<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    for name in ["zeta", "acme", "m-2", "acme"] {
        log.claim(&merchant(name)).await.unwrap();
    }
    assert_eq!(log.merchants().await.unwrap(), ["acme", "m-2", "zeta"].map(merchant));
}

/// Nothing of the contract lives in the process alone.
pub async fn reopening_keeps_everything<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut part = scribe.part(&[("order-1", 3), ("pool-a", 700)]);
    part.inbox.push(message("1", 1));
    part.numbers.push(number(NumberKind::Txn, "sandbox/shop-1", "T1", 1));
    log.append(&[part]).await.unwrap();
    let kept = Snapshot { position: Position(3), hash: [1; 32], shape: "s".to_owned(), state: vec![1, 2] };
    log.save_snapshot(&scribe.merchant, &kept).await.unwrap();
    let before = contents(&log, &scribe.merchant).await;
    backend.close(&log).await;
    drop(log);

    let log = backend.open(&place).await;
    assert!(contents(&log, &scribe.merchant).await == before, "reopening changed what is stored");
    assert_eq!(log.load_snapshot(&scribe.merchant).await.unwrap(), Some(kept));
    let key = (NumberKind::Txn, "sandbox/shop-1".to_owned(), "T1".to_owned());
    assert_eq!(log.find_numbers(&scribe.merchant, &[key]).await.unwrap().len(), 1);
    assert_eq!(*log.watch(&scribe.merchant).borrow(), Position(703));
    scribe.write(&log, &[("order-1", 1)]).await;
    assert_eq!(Scribe::claim(&log, "acme").await.epoch.0, 2);
    backend.close(&log).await;
}
