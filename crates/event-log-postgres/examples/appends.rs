//! Prints how many events a second the log takes from several merchants at once, beside what the server takes when the
//! same rows are inserted without a log around them.
//!
//! `cargo run --release -p event-log-postgres --example appends postgres://user@host/empty_database [seconds] [events]`
//!
//! With a number of events the log is first filled with so many, and reads are measured too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use event_log::{Append, EventLog};
use event_log_postgres::PostgresLog;
use events::{RecordedEvent, chain};
use sqlx::{Connection, PgConnection, raw_sql};
use tokio::task::JoinSet;
use uuid::Uuid;
use vocabulary::{Epoch, MerchantId, OrderId, Position, StreamVersion, Timestamp};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const EVENTS_PER_ORDER: u64 = 5;

/// Makes events as a sequencer would: short streams of a few events each, linked.
struct Maker {
    merchant: MerchantId,
    epoch: Epoch,
    position: Position,
    hash: [u8; 32],
    order: OrderId,
}

impl Maker {
    async fn claim(log: &PostgresLog, name: String) -> Result<Self, Failure> {
        let merchant: MerchantId = name.parse()?;
        let head = log.claim(&merchant).await?;
        let order = OrderId::from_uuid(Uuid::now_v7());
        Ok(Self { merchant, epoch: head.epoch, position: head.position, hash: head.hash, order })
    }

    fn event(&mut self) -> RecordedEvent {
        let position = Position(self.position.0 + 1);
        let version = self.position.0 % EVENTS_PER_ORDER;
        if version == 0 {
            self.order = OrderId::from_uuid(Uuid::now_v7());
        }
        let (order, id) = (self.order, chain::event_id(&self.merchant, position));
        let mut event = RecordedEvent {
            merchant: self.merchant.clone(),
            position,
            stream: order.stream(),
            version: StreamVersion(version),
            type_name: "KeysAllocated".to_owned(),
            schema_version: 1,
            payload: format!(
                r#"{{"order":"{order}","line":0,"keys":["b3-{position}"],"note":"{}"}}"#,
                "x".repeat(208)
            ),
            metadata: format!(
                r#"{{"event_id":"{id}","actor":{{"kind":"timer","id":"x"}},"epoch":{},"unit":{position}}}"#,
                self.epoch
            ),
            occurred_at: Timestamp::from_secs(1_767_000_000),
            recorded_at: Timestamp::from_secs(1_767_000_000),
            hash: [0; 32],
        };
        event.hash = chain::link(&self.hash, &event);
        (self.position, self.hash) = (position, event.hash);
        event
    }

    fn append(&mut self, size: usize) -> Append {
        Append {
            merchant: self.merchant.clone(),
            epoch: self.epoch,
            expected_position: self.position,
            events: (0..size).map(|_| self.event()).collect(),
            inbox: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("name an empty database: postgres://user@host/database")?;
    let time = Duration::from_secs(arguments.next().map_or(Ok(3), |text| text.parse())?);
    let history: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let log = Arc::new(PostgresLog::open(&url).await?);
    if history > 0 {
        fill(&log, history).await?;
    }
    for size in [1, 16, 256] {
        for merchants in [1, 16, 64] {
            let ours = appends(&log, merchants, size, time).await?;
            let bare = inserts(&url, merchants.min(8), size, time).await?;
            say(&format!(
                "{merchants:>2} merchants, batches of {size:>3}: {ours:>7.0} events/s; bare inserts, {} sessions: \
                 {bare:>7.0}; ratio {:.2}",
                merchants.min(8),
                ours / bare
            ));
        }
    }
    log.close().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what an example is for")]
fn say(line: &str) {
    println!("{line}");
}

/// Each merchant appends as fast as it is answered.
async fn appends(
    log: &Arc<PostgresLog>,
    merchants: usize,
    size: usize,
    time: Duration,
) -> Result<f64, Failure> {
    let mut tasks: JoinSet<Result<u64, Failure>> = JoinSet::new();
    let mut makers = Vec::new();
    for n in 0..merchants {
        makers.push(Maker::claim(log, format!("m{size}-{merchants}-{n}")).await?);
    }
    let began = Instant::now();
    for mut maker in makers {
        let log = log.clone();
        tasks.spawn(async move {
            let mut stored = 0;
            while began.elapsed() < time {
                log.append(&[maker.append(size)]).await?;
                stored += size as u64;
            }
            Ok(stored)
        });
    }
    rate(tasks, began).await
}

/// The same bytes into a table like the log's, many rows in one statement, and nothing else.
async fn inserts(url: &str, sessions: usize, size: usize, time: Duration) -> Result<f64, Failure> {
    let table = "DROP TABLE IF EXISTS bare; CREATE TABLE bare (LIKE kami_log.event, PRIMARY KEY (merchant, position));
                 CREATE UNIQUE INDEX ON bare (merchant, stream, version)";
    raw_sql(table).execute(&mut PgConnection::connect(url).await?).await?;
    let mut tasks: JoinSet<Result<u64, Failure>> = JoinSet::new();
    let mut open = Vec::new();
    for n in 0..sessions {
        let (merchant, order) = (format!("m{n}").parse()?, OrderId::from_uuid(Uuid::now_v7()));
        let maker = Maker { merchant, epoch: Epoch(1), position: Position(0), hash: chain::GENESIS, order };
        open.push((PgConnection::connect(url).await?, maker));
    }
    let began = Instant::now();
    for (mut session, mut maker) in open {
        tasks.spawn(async move {
            let mut stored = 0;
            while began.elapsed() < time {
                insert(&mut session, &maker.append(size).events).await?;
                stored += size as u64;
            }
            Ok(stored)
        });
    }
    rate(tasks, began).await
}

async fn insert(session: &mut PgConnection, events: &[RecordedEvent]) -> Result<(), Failure> {
    let texts = |of: fn(&RecordedEvent) -> &str| events.iter().map(of).collect::<Vec<_>>();
    let numbers = |of: fn(&RecordedEvent) -> u64| {
        events.iter().map(|event| i64::try_from(of(event)).unwrap_or(i64::MAX)).collect::<Vec<_>>()
    };
    sqlx::query(
        "INSERT INTO bare SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], \
         $6::int[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[])",
    )
    .bind(texts(|event| event.merchant.as_str()))
    .bind(numbers(|event| event.position.0))
    .bind(texts(|event| event.stream.as_str()))
    .bind(numbers(|event| event.version.0))
    .bind(texts(|event| &event.type_name))
    .bind(events.iter().map(|event| i32::from(event.schema_version)).collect::<Vec<_>>())
    .bind(texts(|event| &event.payload))
    .bind(texts(|event| &event.metadata))
    .bind(events.iter().map(|event| event.occurred_at.micros()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.recorded_at.micros()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| &event.hash[..]).collect::<Vec<_>>())
    .execute(session)
    .await?;
    Ok(())
}

/// Events a second of all tasks together. Making the events counts on both sides.
async fn rate(mut tasks: JoinSet<Result<u64, Failure>>, began: Instant) -> Result<f64, Failure> {
    let mut stored = 0;
    while let Some(ended) = tasks.join_next().await {
        stored += ended??;
    }
    Ok(stored as f64 / began.elapsed().as_secs_f64())
}

/// A history of twenty merchants, and what reads of it cost.
async fn fill(log: &Arc<PostgresLog>, events: u64) -> Result<(), Failure> {
    let began = Instant::now();
    let mut tasks: JoinSet<Result<(), Failure>> = JoinSet::new();
    for n in 0..20 {
        let log = log.clone();
        let mut maker = Maker::claim(&log, format!("history-{n}")).await?;
        tasks.spawn(async move {
            while maker.position.0 < events / 20 {
                log.append(&[maker.append(2_000)]).await?;
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    say(&format!("{events} events stored in {:.0} s", began.elapsed().as_secs_f64()));
    let (merchant, began, mut after): (MerchantId, _, _) =
        ("history-3".parse()?, Instant::now(), Position(0));
    while let Some(last) = log.read_log(&merchant, after, 10_000).await?.last() {
        after = last.position;
    }
    say(&format!("read, pages of 10000: {:.0} events/s", after.0 as f64 / began.elapsed().as_secs_f64()));
    let began = Instant::now();
    for n in 0..200 {
        let event = log.read_log(&merchant, Position(after.0 / 200 * n), 1).await?;
        let stream = event.first().ok_or("an event is missing")?.stream.clone();
        log.read_streams(&merchant, &[stream]).await?;
    }
    say(&format!("an event, then its stream: {:.2} ms", began.elapsed().as_secs_f64() * 1e3 / 200.0));
    Ok(())
}
