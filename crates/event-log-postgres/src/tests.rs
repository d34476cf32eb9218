//! What only a look inside can show: the plans of the look-ups, damaged rows, a full device.

use event_log::{
    EventLog, InboxFilter, LogError, Verdict,
    conformance::{Scribe, contents, message},
};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use testkit_postgres::Database;
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{PostgresLog, inbox, reading};

async fn log_with_one_append() -> (Database, PostgresLog, Scribe) {
    let database = Database::new().await;
    let log = PostgresLog::open(database.url()).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    scribe.write(&log, &[("order-1", 3), ("pool-a", 1)]).await;
    (database, log, scribe)
}

#[tokio::test]
async fn a_row_that_does_not_read_is_reported_as_damage() {
    for (damage, what) in [
        ("UPDATE kami_log.event SET hash = '\\x00' WHERE position = 2", "position 1"),
        ("UPDATE kami_log.event SET stream = 'no stream' WHERE position = 2", "position 1"),
        ("UPDATE kami_log.event SET schema_version = -1 WHERE position = 2", "position 1"),
        ("UPDATE kami_log.event SET version = -7 WHERE position = 2", "position 1"),
        ("DELETE FROM kami_log.event WHERE position = 3", "position 3 of acme is missing"),
    ] {
        let (database, log, scribe) = log_with_one_append().await;
        database.run(damage).await;
        let read = log.read_log(&scribe.merchant, Position(0), 10).await;
        assert!(matches!(&read, Err(LogError::Damaged(found)) if found.contains(what)), "{damage}: {read:?}");
    }
    let (database, log, scribe) = log_with_one_append().await;
    let mut part = scribe.part_of(scribe.position, Vec::new());
    part.inbox.push(message("a", 1));
    log.append(&[part]).await.unwrap();
    database.run("UPDATE kami_log.inbox SET verdict = 'perhaps'").await;
    let read = log.read_inbox(&scribe.merchant, &message("a", 1).message).await;
    assert!(matches!(read, Err(LogError::Damaged(_))), "{read:?}");
}

#[tokio::test]
async fn a_moment_shows_the_log_as_it_stood_while_others_write_it() {
    let (database, log, mut scribe) = log_with_one_append().await;
    let moment = PostgresLog::open_moment(database.url()).await.unwrap();
    let before = contents(&moment, &scribe.merchant).await;
    scribe.write(&log, &[("order-2", 2)]).await;
    assert_eq!(contents(&moment, &scribe.merchant).await, before);
    assert_ne!(contents(&log, &scribe.merchant).await, before);
    assert!(moment.append(&[scribe.clone().part(&[("order-3", 1)])]).await.is_err());
    moment.close().await.unwrap();
    let later = PostgresLog::open_moment(database.url()).await.unwrap();
    assert_ne!(contents(&later, &scribe.merchant).await, before);
}

/// What the server says when it fails, for each kind of failure; and that nothing is stored, and the log goes on.
#[tokio::test]
async fn a_failure_inside_the_server_leaves_nothing_and_says_what_it_is() {
    let (database, log, mut scribe) = log_with_one_append().await;
    let before = contents(&log, &scribe.merchant).await;
    for code in ["53100", "XX001", "P0001"] {
        database
            .run(&format!(
                "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'fault' USING ERRCODE = '{code}'; END $$;
                 CREATE TRIGGER fault BEFORE INSERT ON kami_log.event FOR EACH ROW EXECUTE FUNCTION fault()"
            ))
            .await;
        let failure = log.append(&[scribe.clone().part(&[("order-2", 1)])]).await.unwrap_err();
        let is_right = match code {
            "53100" => matches!(failure, LogError::Full(_)),
            "XX001" => matches!(failure, LogError::Damaged(_)),
            _ => matches!(failure, LogError::Store(_)),
        };
        assert!(is_right, "{code}: {failure:?}");
        assert_eq!(contents(&log, &scribe.merchant).await, before);
        database.run("DROP FUNCTION fault CASCADE").await;
    }
    scribe.write(&log, &[("order-2", 1)]).await;
}

/// How PostgreSQL would go about a query of which it knows the merchant, on tables too large to read through.
async fn plan(session: &mut PgConnection, sql: &str, arguments: usize) -> String {
    let unknown = ["'acme'", &", NULL".repeat(arguments - 1)].concat();
    let ask = [
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;",
        "DEALLOCATE ALL; PREPARE asked AS ",
        sql,
    ];
    sqlx::raw_sql(AssertSqlSafe(ask.concat())).execute(&mut *session).await.unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked({unknown})"));
    let rows = sqlx::raw_sql(explain).fetch_all(session).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
}

fn listing(acme: &MerchantId, filter: InboxFilter) -> String {
    inbox::listing(acme, &filter, 10).unwrap().sql().as_str().to_owned()
}

#[tokio::test]
async fn every_look_up_uses_an_index_and_none_sorts() {
    let (database, _log, scribe) = log_with_one_append().await;
    let mut session = database.connect().await;
    let acme = &scribe.merchant;
    let account = Some("sandbox/shop-1".parse().unwrap());
    let before = Some(Timestamp::from_secs(1));
    let caused = Some((Position(1), Position(2)));
    let none = InboxFilter::default();
    let unusual = InboxFilter { verdict: Some(Verdict::Parked), before, ..none.clone() };
    let cases = [
        (reading::LOG.to_owned(), 3, "_pkey on event_", "((merchant = $1) AND (\"position\" > $2))"),
        (reading::STREAM.to_owned(), 4, "_merchant_stream_version_idx", "(stream = $2) AND (version >= $3))"),
        (reading::STREAMS.to_owned(), 2, "_merchant_stream_version_idx", "(stream = ANY ($2))"),
        (reading::POSITION_AT.to_owned(), 2, "_pkey on event_", "(\"position\" = "),
        ([inbox::COLUMNS, inbox::BY_KEY].concat(), 2, "_merchant_dedupe_key_idx", "(dedupe_key = ANY ($2))"),
        (inbox::BY_NUMBER.to_owned(), 4, "_pkey on number_", "(number = wanted.number)"),
        (
            listing(acme, InboxFilter { before, ..none.clone() }),
            3,
            "_merchant_received_at_message_idx",
            "(received_at < $2)",
        ),
        (
            listing(acme, InboxFilter { account, before, ..none.clone() }),
            4,
            "_merchant_account_received_at_message_idx",
            "(account = $2) AND (received_at < $3)",
        ),
        (listing(acme, unusual), 4, "_merchant_verdict_received_at_message_idx", "(received_at < $3)"),
        (
            listing(acme, InboxFilter { caused, ..none }),
            4,
            "_merchant_last_position_first_position_idx",
            "(last_position >= $2) AND (first_position <= $3)",
        ),
    ];
    for (sql, arguments, index, condition) in cases {
        let plan = plan(&mut session, &sql, arguments).await;
        assert!(plan.contains(index) && plan.contains(condition), "{sql}\nis planned as\n{plan}");
        // What is found by keys is little; messages by the events they caused are few.
        let few = ["dedupe_key = ANY", "stream = ANY", "first_position <="];
        let may_sort = few.iter().any(|part| sql.contains(part));
        assert!(may_sort || !plan.contains("Sort  ("), "{sql}\nsorts:\n{plan}");
    }
}

#[tokio::test]
async fn ordinary_tools_see_readable_events() {
    let (database, _log, _scribe) = log_with_one_append().await;
    let mut session = database.connect().await;
    let row = sqlx::query(
        "SELECT stream, occurred_at, recorded_at, actor, hash FROM kami_log.event_readable ORDER BY position",
    )
    .fetch_all(&mut session)
    .await
    .unwrap()
    .remove(0);
    let text = |column| row.get::<String, _>(column);
    assert_eq!((text(0), text(3), text(4).len()), ("order-1".to_owned(), "scribe".to_owned(), 64));
    assert_eq!(text(1), "2026-01-02T02:59:55.000000Z");
    assert_eq!(text(2), "2026-01-02T03:00:00.000000Z");
}
