//! Small logs made by hand: facts in units, linked, and written straight into the documented schema.

pub(crate) mod facts;
pub(crate) mod shop;

use std::{collections::HashMap, path::Path};

use events::{Actor, Fact, Metadata, RecordedEvent, chain};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use vocabulary::{Epoch, MerchantId, MessageId, OrderId, Position, StreamVersion, Timestamp, Unit};

/// The tables as documented, without the uniqueness that a tampered file need not have.
const SCHEMA: &str = "
    CREATE TABLE event (merchant TEXT NOT NULL, position INTEGER NOT NULL, stream TEXT NOT NULL, version INTEGER NOT NULL,
        type TEXT NOT NULL, schema_version INTEGER NOT NULL, payload TEXT NOT NULL, metadata TEXT NOT NULL,
        occurred_at INTEGER NOT NULL, recorded_at INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
    CREATE INDEX event_position ON event (merchant, position);
    CREATE TABLE merchant (merchant TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, position INTEGER NOT NULL,
        hash BLOB NOT NULL, recorded_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE inbox (merchant TEXT NOT NULL, message TEXT NOT NULL, account TEXT NOT NULL, dedupe_key TEXT,
        content_hash BLOB NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, sealed_request BLOB NOT NULL,
        sealed_answer BLOB NOT NULL, first_position INTEGER, last_position INTEGER, received_at INTEGER NOT NULL) STRICT;
    CREATE TABLE number (merchant TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, number TEXT NOT NULL,
        order_id TEXT NOT NULL) STRICT;";

/// One row of the inbox.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) dedupe_key: Option<String>,
    pub(crate) verdict: &'static str,
    pub(crate) caused: Option<(u64, u64)>,
}

/// A log in the making.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) merchant: MerchantId,
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) inbox: Vec<Message>,
    /// Kind, namespace, number, order.
    pub(crate) numbers: Vec<(&'static str, String, String, OrderId)>,
    pub(crate) epoch: u64,
    versions: HashMap<String, u64>,
}

impl Log {
    pub(crate) fn new(merchant: &str) -> Self {
        let merchant = merchant.parse().unwrap();
        Self { merchant, events: vec![], inbox: vec![], numbers: vec![], epoch: 1, versions: HashMap::new() }
    }

    /// The position of the last event.
    pub(crate) fn end(&self) -> u64 {
        self.events.len() as u64
    }

    /// Appends a unit that an inbound message caused.
    pub(crate) fn unit(&mut self, facts: Vec<(String, Fact)>) {
        let id = format!("msg-{}", self.inbox.len());
        let caused = Some((self.end() + 1, self.end() + facts.len() as u64));
        self.append(Some(&id), facts);
        let dedupe_key = Some(format!("generic/main:{id}"));
        self.inbox.push(Message { id, dedupe_key, verdict: "accepted", caused });
    }

    /// Appends a unit; `message` is what its events say caused them.
    pub(crate) fn append(&mut self, message: Option<&str>, facts: Vec<(String, Fact)>) {
        let unit = self.end() + 1;
        for (stream, fact) in facts {
            let position = Position(self.end() + 1);
            let meta = Metadata {
                event_id: chain::event_id(&self.merchant, position),
                correlation: message.map(|m| m.parse::<MessageId>().unwrap()),
                causation: None,
                actor: Actor::staff("tests"),
                channel: None,
                epoch: Epoch(self.epoch),
                unit: Unit(unit),
            };
            self.push(&stream, &fact, &meta);
        }
    }

    /// Appends one event as given.
    pub(crate) fn push(&mut self, stream: &str, fact: &Fact, meta: &Metadata) {
        let version = self.versions.entry(stream.to_owned()).or_default();
        let at = Timestamp::from_secs(1_767_225_600 + self.events.len() as i64);
        let event = RecordedEvent {
            merchant: self.merchant.clone(),
            position: Position(self.events.len() as u64 + 1),
            stream: stream.parse().unwrap(),
            version: StreamVersion(*version),
            type_name: fact.type_name().to_owned(),
            schema_version: fact.schema_version(),
            payload: fact.to_json(),
            metadata: serde_json::to_string(meta).unwrap(),
            occurred_at: at,
            recorded_at: at,
            hash: [0; 32],
        };
        *version += 1;
        self.events.push(event);
        self.relink(self.events.len() - 1);
    }

    /// Changes an event and links the log anew from there on, as a forger with the means would.
    pub(crate) fn forge(&mut self, index: usize, change: impl FnOnce(&mut RecordedEvent)) {
        change(&mut self.events[index]);
        self.relink(index);
    }

    fn relink(&mut self, from: usize) {
        for i in from..self.events.len() {
            let previous = if i == 0 { chain::GENESIS } else { self.events[i - 1].hash };
            self.events[i].hash = chain::link(&previous, &self.events[i]);
        }
    }

    pub(crate) async fn insert(&self, db: &mut SqliteConnection) {
        let merchant = self.merchant.as_str();
        for e in &self.events {
            sqlx::query("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)")
                .bind(merchant)
                .bind(e.position.0 as i64)
                .bind(e.stream.as_str())
                .bind(e.version.0 as i64)
                .bind(&e.type_name)
                .bind(i64::from(e.schema_version))
                .bind(&e.payload)
                .bind(&e.metadata)
                .bind(e.occurred_at.micros())
                .bind(e.recorded_at.micros())
                .bind(&e.hash[..])
                .execute(&mut *db)
                .await
                .unwrap();
        }
        let (hash, at) = self.events.last().map_or(([0; 32], 0), |e| (e.hash, e.recorded_at.micros()));
        sqlx::query("INSERT INTO merchant VALUES (?,?,?,?,?)")
            .bind(merchant)
            .bind(self.epoch as i64)
            .bind(self.end() as i64)
            .bind(&hash[..])
            .bind(at)
            .execute(&mut *db)
            .await
            .unwrap();
        for m in &self.inbox {
            sqlx::query("INSERT INTO inbox VALUES (?,?,'generic/main',?,x'00',?,'',x'00',x'00',?,?,0)")
                .bind(merchant)
                .bind(&m.id)
                .bind(&m.dedupe_key)
                .bind(m.verdict)
                .bind(m.caused.map(|c| c.0 as i64))
                .bind(m.caused.map(|c| c.1 as i64))
                .execute(&mut *db)
                .await
                .unwrap();
        }
        for (kind, namespace, number, order) in &self.numbers {
            sqlx::query("INSERT INTO number VALUES (?,?,?,?,?)")
                .bind(merchant)
                .bind(kind)
                .bind(namespace)
                .bind(number)
                .bind(order.to_string())
                .execute(&mut *db)
                .await
                .unwrap();
        }
    }
}

/// A database for writing; made where it is missing.
pub(crate) async fn database(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.pragma("synchronous", "OFF").disable_statement_logging().connect().await.unwrap()
}

/// Writes the logs as `log.db` of a directory.
pub(crate) async fn write(dir: &Path, logs: &[&Log]) {
    let mut db = database(&dir.join("log.db")).await;
    sqlx::raw_sql(SCHEMA).execute(&mut db).await.unwrap();
    sqlx::query("BEGIN").execute(&mut db).await.unwrap();
    for log in logs {
        log.insert(&mut db).await;
    }
    sqlx::query("COMMIT").execute(&mut db).await.unwrap();
}

/// Writes the log to a fresh directory and checks it.
pub(crate) async fn verify(log: &Log) -> verify::Report {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[log]).await;
    verify::verify_dir(dir.path(), |_| {}).await.unwrap()
}
