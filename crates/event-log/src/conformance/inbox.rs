//! Cases about inbound messages.

use vocabulary::{Position, Timestamp};

use super::{Backend, Scribe, contents, merchant, message};
use crate::{EventLog, InboxFilter, InboxRow, InboxTally, Spans, Verdict, tally_by_pages};

/// Opens a log with one merchant, `acme`, and messages without events.
async fn log_with<B: Backend>(backend: &B, place: &B::Place, inbox: Vec<InboxRow>) -> (B::Log, Scribe) {
    let log = backend.open(place).await;
    let scribe = Scribe::claim(&log, "acme").await;
    let mut part = scribe.part_of(Position(0), Vec::new());
    part.inbox = inbox;
    log.append(&[part]).await.unwrap();
    (log, scribe)
}

fn ids(rows: &[InboxRow]) -> Vec<&str> {
    rows.iter().map(|row| row.message.as_str()).collect()
}

/// Request and answer byte for byte, for ever.
pub async fn a_message_reads_back_as_it_was_stored<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let all_bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let verdicts =
        [Verdict::Accepted, Verdict::Rejected, Verdict::Refused, Verdict::Parked, Verdict::Conflict];
    let mut rows: Vec<_> = (0..5).map(|n| message(&format!("m{n}"), n)).collect();
    for (row, verdict) in rows.iter_mut().zip(verdicts) {
        row.verdict = verdict;
        row.reason = format!("{}: 原因 'quoted' \u{1f}", verdict.as_str());
        row.content_hash = [u8::MAX; 32];
    }
    rows[1].dedupe_key = None;
    rows[2].dedupe_key = Some("sandbox/shop-1:订单 \"1\"\\".to_owned());
    rows[3].account = "api/back-office".parse().unwrap();
    (rows[4].sealed_request, rows[4].sealed_answer) = (all_bytes, Vec::new());

    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    let mut part = scribe.part(&[("order-1", 4)]);
    rows[0].positions = Some((Position(1), Position(3)));
    rows[4].positions = Some((Position(4), Position(4)));
    part.inbox = rows.clone();
    log.append(&[part]).await.unwrap();

    for row in &rows {
        let read = log.read_inbox(&scribe.merchant, &row.message).await.unwrap();
        assert!(read.as_ref() == Some(row), "{} reads back as another", row.message);
    }
    let key = rows[2].dedupe_key.clone().unwrap();
    assert_eq!(log.find_inbox(&scribe.merchant, &[key]).await.unwrap(), [rows[2].clone()]);
    let absent = message("absent", 0).message;
    assert_eq!(log.read_inbox(&scribe.merchant, &absent).await.unwrap(), None);
    assert_eq!(log.read_inbox(&merchant("zeta"), &rows[0].message).await.unwrap(), None);
}

/// A refused message has no events; its append is checked like any other and moves nothing.
pub async fn a_message_without_events_is_stored_and_checked_all_the_same<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let (log, mut scribe) = log_with(backend, &place, vec![message("a", 1)]).await;
    scribe.write(&log, &[("order-1", 2)]).await;
    let head = log.head(&scribe.merchant).await.unwrap();
    for (expected, stored) in [(2, true), (1, false), (3, false)] {
        let mut part = scribe.part_of(Position(expected), Vec::new());
        part.inbox.push(message(&format!("at{expected}"), 2));
        assert_eq!(log.append(&[part]).await.is_ok(), stored, "expected position {expected}");
    }
    let after = contents(&log, &scribe.merchant).await;
    assert_eq!((after.head, ids(&after.inbox)), (head, vec!["msg-at2", "msg-a"]));
}

/// Missing ones are absent, and asking for none or for very many is fine.
pub async fn messages_are_found_by_their_dedupe_keys<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let rows: Vec<_> = (0..1_200).map(|n| message(&format!("{n:04}"), n)).collect();
    let (log, scribe) = log_with(backend, &place, rows.clone()).await;
    let keys: Vec<_> = rows.iter().filter_map(|row| row.dedupe_key.clone()).collect();
    let mut found = log.find_inbox(&scribe.merchant, &keys).await.unwrap();
    found.sort_by(|a, b| a.message.cmp(&b.message));
    assert!(found == rows, "not every message is found by its key");

    let some = [keys[7].clone(), "absent".to_owned(), keys[7].clone(), String::new()];
    assert_eq!(log.find_inbox(&scribe.merchant, &some).await.unwrap(), [rows[7].clone()]);
    assert_eq!(log.find_inbox(&scribe.merchant, &[]).await.unwrap(), []);
    assert_eq!(log.find_inbox(&merchant("zeta"), &keys).await.unwrap(), []);
}

/// Another merchant's channels have ids of their own.
pub async fn a_dedupe_key_is_unique_in_its_merchant_only<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let (log, _) = log_with(backend, &place, vec![message("a", 1)]).await;
    let other = Scribe::claim(&log, "zeta").await;
    let mut part = other.part_of(Position(0), Vec::new());
    part.inbox.push(message("a", 2));
    log.append(&[part]).await.unwrap();
    assert_eq!(contents(&log, &other.merchant).await.inbox, [message("a", 2)]);
    assert_eq!(contents(&log, &merchant("acme")).await.inbox, [message("a", 1)]);
}

/// Nobody vouches for the id of a message that was not verified.
pub async fn messages_without_a_dedupe_key_do_not_collide<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let without = |id, secs| InboxRow { dedupe_key: None, verdict: Verdict::Refused, ..message(id, secs) };
    let (log, scribe) =
        log_with(backend, &place, vec![without("a", 1), without("b", 2), message("c", 3)]).await;
    let listed = contents(&log, &scribe.merchant).await.inbox;
    assert_eq!(listed, [message("c", 3), without("b", 2), without("a", 1)]);
}

/// By the instant they came in, not by their ids.
pub async fn messages_are_listed_newest_first<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let rows = vec![message("b", 10), message("a", 30), message("d", 20), message("c", 40)];
    let (log, scribe) = log_with(backend, &place, rows).await;
    let list = async |limit| log.list_inbox(&scribe.merchant, &InboxFilter::default(), limit).await.unwrap();
    assert_eq!(ids(&list(10).await), ["msg-c", "msg-a", "msg-d", "msg-b"]);
    assert_eq!(ids(&list(2).await), ["msg-c", "msg-a"]);
    assert_eq!(list(0).await, []);
    let of_others = log.list_inbox(&merchant("zeta"), &InboxFilter::default(), 10).await.unwrap();
    assert_eq!(of_others, []);
}

/// Alone and together.
pub async fn messages_are_listed_by_account_verdict_and_time<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let mut rows: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(1..).map(|(id, n)| message(id, n)).collect();
    rows[1].account = "sandbox/shop-2".parse().unwrap();
    rows[2].verdict = Verdict::Parked;
    rows[3].account = "sandbox/shop-2".parse().unwrap();
    rows[3].verdict = Verdict::Parked;
    let (log, scribe) = log_with(backend, &place, rows.clone()).await;

    let account = Some(rows[1].account.clone());
    let (verdict, before) = (Some(Verdict::Parked), Some(rows[3].received_at));
    let none = InboxFilter::default();
    let cases = [
        (InboxFilter { account: account.clone(), ..none.clone() }, vec!["msg-d", "msg-b"]),
        (InboxFilter { verdict, ..none.clone() }, vec!["msg-d", "msg-c"]),
        (InboxFilter { verdict: Some(Verdict::Accepted), ..none.clone() }, vec!["msg-b", "msg-a"]),
        (InboxFilter { verdict: Some(Verdict::Conflict), ..none.clone() }, vec![]),
        (InboxFilter { before, ..none.clone() }, vec!["msg-c", "msg-b", "msg-a"]),
        (InboxFilter { account: account.clone(), verdict, ..none.clone() }, vec!["msg-d"]),
        (InboxFilter { account: account.clone(), before, ..none.clone() }, vec!["msg-b"]),
        (InboxFilter { verdict, before, ..none.clone() }, vec!["msg-c"]),
        (InboxFilter { account, verdict, before, ..none }, vec![]),
    ];
    for (filter, expected) in cases {
        let listed = log.list_inbox(&scribe.merchant, &filter, 10).await.unwrap();
        assert_eq!(ids(&listed), expected, "{filter:?}");
    }
}

/// A message is listed when any of its events lies in the range; one without events never.
pub async fn messages_are_listed_by_the_events_they_caused<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    for (id, secs, size) in [("a", 1, 3), ("b", 2, 1), ("none", 3, 0), ("c", 4, 5)] {
        let (first, mut part) = (Position(scribe.position.0 + 1), scribe.part(&[("order-1", size)]));
        let positions = (size > 0).then_some((first, scribe.position));
        part.inbox.push(InboxRow { positions, ..message(id, secs) });
        log.append(&[part]).await.unwrap();
    }
    let cases: [((u64, u64), &[&str]); 8] = [
        ((1, 1), &["msg-a"]),
        ((2, 2), &["msg-a"]),
        ((3, 4), &["msg-b", "msg-a"]),
        ((4, 4), &["msg-b"]),
        ((9, 9), &["msg-c"]),
        ((1, u64::MAX), &["msg-c", "msg-b", "msg-a"]),
        ((10, 20), &[]),
        ((0, 0), &[]),
    ];
    for ((first, last), expected) in cases {
        let filter =
            InboxFilter { caused: Some((Position(first), Position(last))), ..InboxFilter::default() };
        let listed = log.list_inbox(&scribe.merchant, &filter, 10).await.unwrap();
        assert_eq!(ids(&listed), expected, "{first} to {last}");
    }
}

/// With how long each took until its first event was recorded; bounds are in at their beginning and out at their end.
pub async fn messages_are_counted_by_span_account_and_verdict<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let mut scribe = Scribe::claim(&log, "acme").await;
    // The first part is recorded at the scribe's start, the second a second later.
    let mut part = scribe.part(&[("order-1", 3)]);
    let mut early = message("early", -100);
    early.positions = Some((Position(1), Position(2)));
    let mut slow = message("slow", -2);
    slow.received_at = Timestamp::from_micros(slow.received_at.micros() - 1_999);
    slow.positions = Some((Position(3), Position(3)));
    part.inbox = vec![early.clone(), slow.clone()];
    log.append(&[part]).await.unwrap();
    let mut part = scribe.part(&[("order-1", 1)]);
    let mut of_clock = message("ahead", 30);
    of_clock.positions = Some((Position(4), Position(4)));
    let refused = InboxRow { verdict: Verdict::Refused, dedupe_key: None, ..message("refused", 40) };
    let elsewhere = InboxRow { account: "sandbox/shop-2".parse().unwrap(), ..message("elsewhere", 50) };
    part.inbox = vec![of_clock.clone(), refused.clone(), elsewhere.clone(), message("later", 300)];
    log.append(&[part]).await.unwrap();

    let none = |row: &InboxRow, from: Timestamp| InboxTally {
        from,
        account: row.account.clone(),
        verdict: row.verdict,
        messages: 1,
        first_at: row.received_at,
        last_at: row.received_at,
        caused: 0,
        lag_ms_sum: 0,
        lag_ms_max: 0,
        last_position: Position(0),
    };
    // The suite starts on the stroke of a span of a minute.
    let start = message("start", 0).received_at;
    let spans = Spans { from: early.received_at, until: start.plus_secs(300), every_secs: 60 };
    let caused = |tally, lag, last| InboxTally {
        caused: 1,
        lag_ms_sum: lag,
        lag_ms_max: lag,
        last_position: Position(last),
        ..tally
    };
    let expected = [
        caused(none(&early, start.plus_secs(-120)), 100_000, 2),
        caused(none(&slow, start.plus_secs(-60)), 2_001, 3),
        // A clock that went back makes no time less than none.
        caused(none(&of_clock, start), 0, 4),
        none(&refused, start),
        none(&elsewhere, start),
    ];
    assert_eq!(log.tally_inbox(&scribe.merchant, &spans).await.unwrap(), expected);
    let hour = Spans { every_secs: 3_600, ..spans };
    let tallies = log.tally_inbox(&scribe.merchant, &hour).await.unwrap();
    assert_eq!(tallies.iter().map(|tally| tally.messages).collect::<Vec<_>>(), [2, 1, 1, 1]);
    assert_eq!((tallies[0].lag_ms_sum, tallies[0].lag_ms_max), (102_001, 100_000));
    let after = Spans { from: start.plus_secs(41), ..spans };
    assert_eq!(log.tally_inbox(&scribe.merchant, &after).await.unwrap(), expected[4..]);
    assert_eq!(log.tally_inbox(&merchant("zeta"), &spans).await.unwrap(), []);
}

/// Many of one instant, and more than are read at once.
pub async fn counting_messages_is_what_reading_them_all_gives<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let verdicts = [Verdict::Accepted, Verdict::Rejected, Verdict::Parked];
    let row = |n: i64| {
        let mut row = message(&format!("{n:04}"), if n < 1_300 { 7 } else { n });
        row.verdict = verdicts[n as usize % 3];
        row
    };
    let (log, scribe) = log_with(backend, &place, (0..2_500).map(row).collect()).await;
    let start = message("start", 0).received_at;
    let spans = Spans { from: start, until: start.plus_secs(2_450), every_secs: 600 };
    let counted = log.tally_inbox(&scribe.merchant, &spans).await.unwrap();
    assert_eq!(counted.iter().map(|tally| tally.messages).sum::<u64>(), 2_450);
    assert_eq!(counted, tally_by_pages(&log, &scribe.merchant, &spans).await.unwrap());
}
