//! The line to the server breaks at every message of an append. Whatever happened before the break, the append ends
//! stored once, and is acknowledged; or it is said that nobody knows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{sync::Arc, time::Duration};

use event_log::NumberKind;
use event_log::{
    Append, EventLog, LogError,
    conformance::{Scribe, contents, message, number},
};
use event_log_postgres::PostgresLog;
use sqlx::{Connection, PgConnection};
use testkit_postgres::{Cut, Proxy, Server};
use vocabulary::Position;

/// What the statement that appends is known by.
const APPEND: &str = "SELECT kami_log.append(";
const PATIENCE: Duration = Duration::from_secs(120);

/// What an append has parts of.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Events,
    MessageOnly,
    NumberOnly,
}

struct Line {
    server: Server,
    proxy: Proxy,
}

impl Line {
    async fn new() -> Self {
        let server = Server::start(&[]);
        let proxy = Proxy::new(&server.url("postgres"), APPEND).await;
        Self { server, proxy }
    }

    /// A log in a database of its own, by way of the proxy; and one past it.
    async fn logs(&self, patience: Duration) -> (PostgresLog, PostgresLog) {
        let database = self.server.database().await;
        let by_way = PostgresLog::open_with(&self.proxy.url(database.name()), patience).await.unwrap();
        (by_way, PostgresLog::open(database.url()).await.unwrap())
    }
}

/// The next append of two merchants.
fn parts(scribes: &mut [Scribe; 2], kind: Kind, name: &str) -> Vec<Append> {
    let part = |scribe: &mut Scribe| match kind {
        Kind::Events => {
            let mut part = scribe.part(&[("order-1", 2), ("pool-a", 1)]);
            part.inbox.push(message(name, 1));
            part.numbers.push(number(NumberKind::Order, "sandbox/shop-1", name, 1));
            part
        }
        Kind::MessageOnly => {
            let mut part = scribe.part_of(scribe.position, Vec::new());
            part.inbox.push(message(name, 1));
            part
        }
        Kind::NumberOnly => {
            let mut part = scribe.part_of(scribe.position, Vec::new());
            part.numbers.push(number(NumberKind::Txn, "sandbox/shop-1", name, 1));
            part
        }
    };
    scribes.iter_mut().map(part).collect()
}

/// Everything that was appended is stored once, and nothing else.
async fn assert_stored_once(log: &PostgresLog, appended: &[Append]) {
    for merchant in ["acme", "zeta"].map(event_log::conformance::merchant) {
        let of = || appended.iter().filter(|part| part.merchant == merchant);
        let stored = contents(log, &merchant).await;
        assert!(
            stored.events.iter().eq(of().flat_map(|part| &part.events)),
            "{merchant}: other events are stored"
        );
        assert_eq!(stored.head.unwrap().position.0, stored.events.len() as u64);
        let ids = |rows: Vec<String>| rows.into_iter().collect::<std::collections::BTreeSet<_>>();
        let stored_ids = stored.inbox.iter().map(|row| row.message.to_string()).collect::<Vec<_>>();
        let sent = of().flat_map(|part| &part.inbox).map(|row| row.message.to_string()).collect::<Vec<_>>();
        assert_eq!((stored_ids.len(), ids(stored_ids)), (sent.len(), ids(sent)));
        let numbers: Vec<_> = of().flat_map(|part| part.numbers.clone()).collect();
        let keys: Vec<_> = numbers.iter().map(|n| (n.kind, n.namespace.clone(), n.number.clone())).collect();
        assert_eq!(log.find_numbers(&merchant, &keys).await.unwrap().len(), numbers.len());
    }
}

/// Breaks the line at each message of an append on a session that has appended before (warm) or has not.
async fn cut_everywhere(kind: Kind, warm: bool) {
    let line = Line::new().await;
    let (log, direct) = line.logs(PATIENCE).await;
    let mut scribes = [Scribe::claim(&log, "acme").await, Scribe::claim(&log, "zeta").await];
    let mut appended = parts(&mut scribes, kind, "first");
    line.proxy.count();
    log.append(&appended).await.unwrap();
    let (mut requests, mut replies) = line.proxy.counted();
    if warm {
        line.proxy.count();
        let more = parts(&mut scribes, kind, "second");
        log.append(&more).await.unwrap();
        appended.extend(more);
        (requests, replies) = line.proxy.counted();
    }
    assert!(requests >= 4 && replies >= 4, "{requests} requests and {replies} replies are no append");

    let mut cuts: Vec<Cut> =
        (1..=requests).flat_map(|n| [Cut::BeforeRequest(n), Cut::AfterRequest(n)]).collect();
    cuts.extend((1..=replies).map(Cut::BeforeReply));
    for (n, cut) in cuts.into_iter().enumerate() {
        if !warm {
            // A line that never appended does not count yet: the next append prepares its statement on a new one.
            line.proxy.break_lines();
        } else {
            let more = parts(&mut scribes, kind, &format!("warm-{n}"));
            log.append(&more).await.unwrap();
            appended.extend(more);
        }
        let before = line.proxy.cuts();
        line.proxy.cut(cut);
        let more = parts(&mut scribes, kind, &format!("cut-{n}"));
        log.append(&more).await.unwrap_or_else(|error| panic!("{cut:?}: {error:?}"));
        appended.extend(more);
        assert_eq!(line.proxy.cuts(), before + 1, "{cut:?} did not happen");
    }
    assert_stored_once(&direct, &appended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_cut_at_any_message_is_stored_once_and_acknowledged() {
    cut_everywhere(Kind::Events, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_append_of_a_session_cut_at_any_message_is_stored_once() {
    cut_everywhere(Kind::Events, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_and_numbers_without_events_are_stored_once_as_well() {
    cut_everywhere(Kind::MessageOnly, true).await;
    cut_everywhere(Kind::NumberOnly, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_patience_a_broken_line_is_an_error_that_claims_nothing() {
    let line = Line::new().await;
    for (cut, is_stored) in [(Cut::BeforeRequest(4), false), (Cut::BeforeReply(5), true)] {
        let (log, direct) = line.logs(Duration::ZERO).await;
        let mut scribe = Scribe::claim(&log, "acme").await;
        scribe.write(&log, &[("order-1", 1)]).await;
        let part = scribe.part(&[("order-1", 2)]);
        line.proxy.cut(cut);
        let error = log.append(std::slice::from_ref(&part)).await.unwrap_err();
        let LogError::Store(why) = &error else { panic!("{error:?}") };
        assert!(why.to_string().contains("it is not known whether the append is stored"), "{why}");
        let position = direct.head(&scribe.merchant).await.unwrap().unwrap().position;
        assert_eq!(position, Position(if is_stored { 3 } else { 1 }), "{cut:?}");

        // Whoever takes over reads how it ended.
        let mut later = Scribe::claim(&direct, "acme").await;
        assert_eq!(later.position, position);
        later.write(&direct, &[("order-2", 1)]).await;
        assert!(matches!(log.append(&[part]).await, Err(LogError::Fenced { .. })));
    }
}

/// Holds a merchant's head, so that appends wait inside the server.
async fn hold(database_url: &str) -> PgConnection {
    let mut holder = PgConnection::connect(database_url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT 1 FROM kami_log.merchant WHERE merchant = 'acme' FOR UPDATE")
        .execute(&mut holder)
        .await
        .unwrap();
    holder
}

/// Returns when so many appends wait for the head.
async fn until_waiting(beside: &mut PgConnection, wanted: i64) {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock' AND query LIKE '%kami_log.append%' AND pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *beside).await.unwrap() != wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_that_outlives_its_line_and_the_next_try_store_one_append() {
    let line = Line::new().await;
    let database = line.server.database().await;
    let log = PostgresLog::open_with(&line.proxy.url(database.name()), PATIENCE).await.unwrap();
    let log = Arc::new(log);
    let mut scribe = Scribe::claim(&*log, "acme").await;
    let (mut holder, mut beside) = (hold(database.url()).await, database.connect().await);
    let part = scribe.part(&[("order-1", 3)]);
    let appending = tokio::spawn({
        let (log, part) = (log.clone(), part.clone());
        async move { log.append(&[part]).await }
    });
    until_waiting(&mut beside, 1).await;
    line.proxy.break_lines();
    until_waiting(&mut beside, 2).await;
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    appending.await.unwrap().unwrap();
    assert_eq!(contents(&*log, &scribe.merchant).await.events, part.events);
    scribe.write(&*log, &[("order-1", 1)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_says_nothing_about_the_try_before_is_not_passed_on() {
    let line = Line::new().await;
    let database = line.server.database().await;
    let log = PostgresLog::open_with(&line.proxy.url(database.name()), PATIENCE).await.unwrap();
    let log = Arc::new(log);
    let mut scribe = Scribe::claim(&*log, "acme").await;
    let (mut holder, mut beside) = (hold(database.url()).await, database.connect().await);
    let part = scribe.part(&[("order-1", 3)]);
    let appending = tokio::spawn({
        let (log, part) = (log.clone(), part.clone());
        async move { log.append(&[part]).await }
    });
    until_waiting(&mut beside, 1).await;
    // The first try waits inside the server; the next ones are refused before they come that far.
    database.run("ALTER FUNCTION kami_log.append RENAME TO elsewhere").await;
    line.proxy.count();
    line.proxy.break_lines();
    while line.proxy.counted().1 == 0 {
        tokio::task::yield_now().await;
    }
    database.run("ALTER FUNCTION kami_log.elsewhere RENAME TO append").await;
    until_waiting(&mut beside, 2).await;
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    appending.await.unwrap().unwrap();
    assert_eq!(contents(&*log, &scribe.merchant).await.events, part.events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_in_doubt_whose_merchant_was_taken_over_is_fenced() {
    let line = Line::new().await;
    let database = line.server.database().await;
    let log = PostgresLog::open_with(database.url(), PATIENCE).await.unwrap();
    let log = Arc::new(log);
    let mut scribe = Scribe::claim(&*log, "acme").await;
    let (mut holder, mut beside) = (hold(database.url()).await, database.connect().await);
    let part = scribe.part(&[("order-1", 3)]);
    let appending = tokio::spawn({
        let log = log.clone();
        async move { log.append(&[part]).await }
    });
    until_waiting(&mut beside, 1).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
               AND query LIKE '%kami_log.append%' AND pid <> pg_backend_pid()";
    sqlx::raw_sql(end).execute(&mut beside).await.unwrap();
    until_waiting(&mut beside, 1).await;
    sqlx::raw_sql("UPDATE kami_log.merchant SET epoch = epoch + 1; COMMIT")
        .execute(&mut holder)
        .await
        .unwrap();
    let refusal = appending.await.unwrap().unwrap_err();
    assert!(matches!(refusal, LogError::Fenced { .. }), "{refusal:?}");
    assert_eq!(contents(&*log, &scribe.merchant).await.events, []);
}
