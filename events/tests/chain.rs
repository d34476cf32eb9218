//! The hash chain against its published description, and its sensitivity to every stored byte.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;

use events::{
    RecordedEvent,
    chain::{GENESIS, event_id, link},
};
use ring::digest::{SHA256, digest};
use vocabulary::{Position, StreamVersion, Timestamp};

const PREVIOUS: [u8; 32] = [7; 32];

fn event() -> RecordedEvent {
    RecordedEvent {
        merchant: "acme".parse().unwrap(),
        position: Position(42),
        stream: "order-0198c1c0a0007000800000000000002a".parse().unwrap(),
        version: StreamVersion(3),
        type_name: "OrderHeld".to_owned(),
        schema_version: 1,
        payload: r#"{"reason":"金额 looks odd"}"#.to_owned(),
        metadata: concat!(
            r#"{"event_id":"45c2c831-6cf3-8331-9d2b-7f6b7d8a9b0c","correlation":"msg-7","causation":41,"#,
            r#""actor":{"kind":"staff","id":"wang"},"channel":"epay/main","epoch":5,"unit":40}"#
        )
        .to_owned(),
        occurred_at: Timestamp::from_micros(1_767_322_800_123_456),
        recorded_at: Timestamp::from_micros(1_767_322_801_000_000),
        hash: [0; 32],
    }
}

/// The description of the module, followed by hand: length, then bytes, field after field.
fn by_hand(previous: &[u8; 32], event: &RecordedEvent) -> [u8; 32] {
    let eight = 8_u64.to_be_bytes();
    let mut bytes = previous.to_vec();
    bytes.extend((event.merchant.as_str().len() as u64).to_be_bytes());
    bytes.extend(event.merchant.as_str().bytes());
    bytes.extend(eight);
    bytes.extend(event.position.0.to_be_bytes());
    bytes.extend((event.stream.as_str().len() as u64).to_be_bytes());
    bytes.extend(event.stream.as_str().bytes());
    bytes.extend(eight);
    bytes.extend(event.version.0.to_be_bytes());
    bytes.extend((event.type_name.len() as u64).to_be_bytes());
    bytes.extend(event.type_name.bytes());
    bytes.extend(eight);
    bytes.extend(u64::from(event.schema_version).to_be_bytes());
    bytes.extend((event.payload.len() as u64).to_be_bytes());
    bytes.extend(event.payload.bytes());
    bytes.extend((event.metadata.len() as u64).to_be_bytes());
    bytes.extend(event.metadata.bytes());
    bytes.extend(eight);
    bytes.extend(event.occurred_at.micros().to_be_bytes());
    bytes.extend(eight);
    bytes.extend(event.recorded_at.micros().to_be_bytes());
    digest(&SHA256, &bytes).as_ref().try_into().unwrap()
}

/// The event with one thing about it changed.
fn changed(change: impl FnOnce(&mut RecordedEvent)) -> RecordedEvent {
    let mut event = event();
    change(&mut event);
    event
}

#[test]
fn a_fixed_event_has_a_fixed_hash_that_follows_from_the_description() {
    assert_eq!(
        hex::encode(link(&PREVIOUS, &event())),
        "4c3a1eb8c5b89dbd65f17554be450d647e58c85beb4fc7b84a52c48324b35b58"
    );
    assert_eq!(
        hex::encode(link(&GENESIS, &event())),
        "a4caebb234eff9b6f26e5272d7ad6cad22c61128965c7b34c5cd73eff3452916"
    );
    assert_eq!(link(&PREVIOUS, &event()), by_hand(&PREVIOUS, &event()));
    let odd = changed(|e| {
        (e.payload, e.metadata) = (String::new(), String::new());
        (e.position, e.schema_version) = (Position(u64::MAX), u16::MAX);
        e.occurred_at = Timestamp::from_micros(-1);
    });
    assert_eq!(
        link(&GENESIS, &odd),
        by_hand(&GENESIS, &odd),
        "empty texts, the largest numbers, before 1970"
    );
}

#[test]
fn the_hash_before_the_first_event_is_thirty_two_zero_bytes() {
    assert_eq!(GENESIS, [0; 32]);
}

#[test]
fn a_change_of_any_field_changes_the_hash() {
    let variants = [
        event(),
        changed(|e| e.merchant = "acmf".parse().unwrap()),
        changed(|e| e.position = Position(43)),
        changed(|e| e.stream = "order-0198c1c0a0007000800000000000002b".parse().unwrap()),
        changed(|e| e.version = StreamVersion(4)),
        changed(|e| e.type_name.push('s')),
        changed(|e| e.schema_version = 2),
        changed(|e| e.payload.push(' ')),
        changed(|e| e.metadata.push(' ')),
        changed(|e| e.occurred_at = Timestamp::from_micros(e.occurred_at.micros() + 1)),
        changed(|e| e.recorded_at = Timestamp::from_micros(e.recorded_at.micros() + 1)),
    ];
    let mut hashes: HashSet<[u8; 32]> = variants.iter().map(|event| link(&PREVIOUS, event)).collect();
    hashes.insert(link(&GENESIS, &event()));
    assert_eq!(
        hashes.len(),
        variants.len() + 1,
        "each change, that of the previous hash too, shows in the hash"
    );
}

#[test]
fn numbers_that_trade_places_change_the_hash() {
    let swapped = changed(|e| (e.position, e.version) = (Position(3), StreamVersion(42)));
    let times = changed(|e| (e.occurred_at, e.recorded_at) = (e.recorded_at, e.occurred_at));
    let hashes: HashSet<_> = [event(), swapped, times].iter().map(|event| link(&PREVIOUS, event)).collect();
    assert_eq!(hashes.len(), 3);
}

#[test]
fn a_byte_that_moves_between_neighbouring_texts_changes_the_hash() {
    let moved = changed(|e| {
        let last = e.payload.pop().unwrap();
        e.metadata.insert(0, last);
    });
    let joined = |e: &RecordedEvent| format!("{}{}", e.payload, e.metadata);
    assert_eq!(joined(&moved), joined(&event()), "the bytes are the same, only the border moved");
    assert_ne!(link(&PREVIOUS, &moved), link(&PREVIOUS, &event()));

    let emptied = changed(|e| e.metadata = std::mem::take(&mut e.payload) + &e.metadata);
    assert_eq!(joined(&emptied), joined(&event()));
    assert_ne!(link(&PREVIOUS, &emptied), link(&PREVIOUS, &event()));
}

#[test]
fn the_hash_an_event_carries_is_not_part_of_its_hash() {
    assert_eq!(link(&PREVIOUS, &changed(|e| e.hash = [9; 32])), link(&PREVIOUS, &event()));
}

#[test]
fn the_id_of_a_position_is_fixed_and_says_that_it_is_version_eight() {
    let acme = "acme".parse().unwrap();
    assert_eq!(event_id(&acme, Position(42)).to_string(), "f74089b1-961d-806e-ab6a-15e86a36dc5b");
    for position in 0..500 {
        let id = event_id(&acme, Position(position));
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }
}

#[test]
fn ids_differ_between_positions_and_between_merchants() {
    let merchants = ["acme", "acme-2"].map(|merchant| merchant.parse().unwrap());
    let ids = merchants.iter().flat_map(|merchant| (1..=500).map(|at| event_id(merchant, Position(at))));
    assert_eq!(ids.collect::<HashSet<_>>().len(), 1000);
}

#[test]
fn metadata_is_stored_anew_as_it_was_read() {
    let full = event();
    assert_eq!(serde_json::to_string(&full.meta().unwrap()).unwrap(), full.metadata);
    let least = concat!(
        r#"{"event_id":"45c2c831-6cf3-8331-9d2b-7f6b7d8a9b0c","actor":{"kind":"timer","id":"expiry"},"#,
        r#""epoch":5,"unit":40}"#
    );
    let least = changed(|e| e.metadata = least.to_owned());
    assert_eq!(serde_json::to_string(&least.meta().unwrap()).unwrap(), least.metadata);
    assert!(changed(|e| e.metadata = "{}".to_owned()).meta().is_err());
}
