//! Cases about the channels' own numbers.

use vocabulary::Position;

use super::{Backend, Scribe, merchant, message, number};
use crate::{EventLog, NumberKind, NumberRow};

fn key(row: &NumberRow) -> (NumberKind, String, String) {
    (row.kind, row.namespace.clone(), row.number.clone())
}

async fn log_with<B: Backend>(backend: &B, place: &B::Place, numbers: &[NumberRow]) -> B::Log {
    let log = backend.open(place).await;
    let scribe = Scribe::claim(&log, "acme").await;
    let mut part = scribe.part_of(Position(0), Vec::new());
    part.numbers = numbers.to_vec();
    log.append(&[part]).await.unwrap();
    log
}

/// All three count, and missing ones are absent.
pub async fn numbers_are_found_by_kind_namespace_and_number<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let stored = [
        number(NumberKind::Order, "sandbox/shop-1", "1001", 1),
        number(NumberKind::Txn, "sandbox/shop-1", "2001", 1),
        number(NumberKind::Order, "sandbox/shop-1", "单号 '7' \"x\"", 2),
    ];
    let log = log_with(backend, &place, &stored).await;
    for row in &stored {
        assert_eq!(
            log.find_numbers(&merchant("acme"), &[key(row)]).await.unwrap(),
            std::slice::from_ref(row)
        );
    }
    let absent = [
        number(NumberKind::Txn, "sandbox/shop-1", "1001", 1),
        number(NumberKind::Order, "sandbox/shop-2", "1001", 1),
        number(NumberKind::Order, "sandbox/shop-1", "1002", 1),
        number(NumberKind::Order, "sandbox/shop-1", "01001", 1),
    ]
    .map(|row| key(&row));
    assert_eq!(log.find_numbers(&merchant("acme"), &absent).await.unwrap(), []);
    assert_eq!(log.find_numbers(&merchant("zeta"), &[key(&stored[0])]).await.unwrap(), []);
    assert_eq!(log.find_numbers(&merchant("acme"), &[]).await.unwrap(), []);
}

/// A batch asks for all of its numbers at once, some of them twice.
pub async fn many_numbers_are_found_at_once<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let mut stored: Vec<_> =
        (0..2_500).map(|n| number(NumberKind::Order, "sandbox/shop-1", &format!("{n:05}"), n)).collect();
    let log = log_with(backend, &place, &stored).await;
    let mut keys: Vec<_> = stored.iter().map(key).collect();
    keys.push(keys[0].clone());
    keys.push((NumberKind::Txn, "sandbox/shop-1".to_owned(), "00000".to_owned()));
    let mut found = log.find_numbers(&merchant("acme"), &keys).await.unwrap();
    found.sort_by(|a, b| a.number.cmp(&b.number));
    stored.sort_by(|a, b| a.number.cmp(&b.number));
    assert!(found == stored, "{} of {} numbers are found", found.len(), stored.len());
}

/// The same digits may be an order of one account, a payment of it and an order of another.
pub async fn a_number_is_unique_in_its_kind_and_namespace_only<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let stored = [
        number(NumberKind::Order, "sandbox/shop-1", "1001", 1),
        number(NumberKind::Txn, "sandbox/shop-1", "1001", 1),
        number(NumberKind::Order, "sandbox/shop-2", "1001", 2),
    ];
    let log = log_with(backend, &place, &stored).await;
    let keys: Vec<_> = stored.iter().map(key).collect();
    let mut found = log.find_numbers(&merchant("acme"), &keys).await.unwrap();
    found.sort_by(|a, b| (a.kind, &a.namespace).cmp(&(b.kind, &b.namespace)));
    let [order, txn, other] = stored;
    assert_eq!(found, [order, other, txn]);
}

/// A channel puts into its numbers and message ids what it likes; it must not be able to stop the log, nor to make two
/// of them one.
pub async fn a_channels_own_texts_may_hold_any_character<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let scribe = Scribe::claim(&log, "acme").await;
    let texts = [
        "",
        "\0",
        "\\0",
        "\\",
        "\\\\",
        "a\0b",
        "\u{7f}\u{1}\r\n\t",
        "'\"%_;--",
        "\u{fffd}\u{10ffff}",
        "e\u{301}",
        "é",
    ];
    let mut part = scribe.part_of(Position(0), Vec::new());
    for (n, text) in (0..).zip(texts) {
        part.numbers.push(number(NumberKind::Order, "sandbox/shop-1", text, n));
        let mut row = message(&n.to_string(), 1);
        row.dedupe_key = Some(text.to_owned());
        part.inbox.push(row);
    }
    log.append(std::slice::from_ref(&part)).await.unwrap();
    for (row, of) in part.inbox.iter().zip(&part.numbers) {
        let keys: Vec<String> = row.dedupe_key.clone().into_iter().collect();
        let found = log.find_inbox(&scribe.merchant, &keys).await.unwrap();
        assert_eq!(found, std::slice::from_ref(row), "the message {keys:?}");
        let found = log.find_numbers(&scribe.merchant, &[key(of)]).await.unwrap();
        assert_eq!(found, std::slice::from_ref(of), "the number {keys:?}");
    }
}
