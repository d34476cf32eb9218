//! What the records of one merchant's stream say.

use std::collections::HashMap;

use eventstore::RecordedEvent;
use serde::Deserialize;
use sqlx::SqliteConnection;

use crate::report::Invariant;

#[derive(Deserialize)]
struct Claim {
    epoch: u64,
}

#[derive(Deserialize)]
struct Step {
    records: usize,
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Whole {
    kind: String,
    metadata: String,
    pieces: usize,
}

#[derive(Deserialize)]
struct Part {
    epoch: u64,
    after: i64,
    events: usize,
    messages: usize,
    numbers: usize,
}

#[derive(Deserialize)]
struct Place {
    position: i64,
    stream: String,
    version: i64,
    schema_version: i64,
    occurred_at: i64,
    recorded_at: i64,
    hash: String,
    metadata: String,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    dedupe_key: Option<String>,
    verdict: String,
    positions: Option<(i64, i64)>,
}

#[derive(Deserialize)]
struct Number {
    kind: String,
    namespace: String,
    number: String,
    order: String,
}

/// Reads one merchant's stream: records count from the one that closes them on.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) merchant: String,
    next: u64,
    open: Vec<RecordedEvent>,
    epoch: u64,
    claimed: bool,
    position: i64,
    hash: Vec<u8>,
    recorded_at: i64,
    pub(super) faults: Vec<(Invariant, String)>,
}

/// How many rows of each table an append brought.
type Brought = HashMap<&'static str, usize>;

impl Reader {
    pub(super) fn of(merchant: String) -> Self {
        Self { merchant, ..Self::default() }
    }

    /// Takes the next record.
    pub(super) async fn take(
        &mut self,
        copy: &mut SqliteConnection,
        record: RecordedEvent,
    ) -> Result<(), sqlx::Error> {
        if record.revision != self.next {
            self.fault(Invariant::Store, format!("the stream lacks the events from {} on", self.next));
        }
        self.next = record.revision + 1;
        // Facts have metadata of their own, our records have none.
        match record.event_type.as_str() {
            "KamiClaim" if record.custom_metadata.is_empty() => self.claim(&record),
            "KamiStep" if record.custom_metadata.is_empty() => self.step(copy, &record).await?,
            _ => self.open.push(record),
        }
        Ok(())
    }

    fn fault(&mut self, invariant: Invariant, what: String) {
        self.faults.push((invariant, what));
    }

    fn claim(&mut self, record: &RecordedEvent) {
        self.open.clear();
        self.claimed = true;
        match serde_json::from_slice::<Claim>(&record.data) {
            Ok(Claim { epoch }) if epoch == self.epoch + 1 => self.epoch = epoch,
            Ok(Claim { epoch }) => {
                self.fault(Invariant::I5, format!("epoch {epoch} was claimed after {}", self.epoch));
                self.epoch = epoch;
            }
            Err(error) => self.unreadable(record, &error.to_string()),
        }
    }

    fn unreadable(&mut self, record: &RecordedEvent, why: &str) {
        let (kind, revision) = (&record.event_type, record.revision);
        self.fault(
            Invariant::Store,
            format!("the {kind} at {revision} of the stream is not readable: {why}"),
        );
    }

    async fn step(
        &mut self,
        copy: &mut SqliteConnection,
        closing: &RecordedEvent,
    ) -> Result<(), sqlx::Error> {
        let mut records = std::mem::take(&mut self.open);
        let step: Step = match serde_json::from_slice(&closing.data) {
            Ok(step) => step,
            Err(error) => {
                self.unreadable(closing, &error.to_string());
                return Ok(());
            }
        };
        match records.len().checked_sub(step.records) {
            Some(void) => drop(records.drain(..void)),
            None => self.unreadable(closing, "records before it are missing"),
        }
        if let Some(part) = step.parts.iter().find(|part| part.epoch != self.epoch) {
            self.fault(Invariant::I5, format!("epoch {} appended in epoch {}", part.epoch, self.epoch));
        }
        if let Some(part) = step.parts.first().filter(|part| part.after != self.position) {
            self.fault(
                Invariant::I1,
                format!("an append after {} follows position {}", part.after, self.position),
            );
        }
        let mut brought = Brought::new();
        for record in self.joined(records) {
            self.store(copy, record, &mut brought).await?;
        }
        let told = |of: fn(&Part) -> usize| step.parts.iter().map(of).sum::<usize>();
        let told =
            [("event", told(|p| p.events)), ("inbox", told(|p| p.messages)), ("number", told(|p| p.numbers))];
        for (table, count) in told {
            if brought.get(table).copied().unwrap_or(0) != count {
                self.unreadable(closing, &format!("it does not close {count} rows of {table}"));
            }
        }
        Ok(())
    }

    /// Records with what came in pieces put together.
    fn joined(&mut self, records: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        let mut joined: Vec<RecordedEvent> = Vec::with_capacity(records.len());
        for mut record in records {
            if record.event_type == "KamiWhole" && record.custom_metadata.is_empty() {
                let read = serde_json::from_slice::<Whole>(&record.data);
                let found =
                    read.ok().and_then(|whole| Some((joined.len().checked_sub(whole.pieces)?, whole)));
                let Some((first, whole)) = found else {
                    self.unreadable(&record, "its pieces are missing");
                    continue;
                };
                record.data = joined.drain(first..).flat_map(|piece| piece.data).collect::<Vec<_>>().into();
                (record.event_type, record.custom_metadata) = (whole.kind, whole.metadata.into());
            }
            joined.push(record);
        }
        joined
    }

    async fn store(
        &mut self,
        copy: &mut SqliteConnection,
        record: RecordedEvent,
        brought: &mut Brought,
    ) -> Result<(), sqlx::Error> {
        let read = match record.event_type.as_str() {
            "KamiMessage" if record.custom_metadata.is_empty() => {
                match serde_json::from_slice(&record.data) {
                    Ok(message) => self.message(copy, message).await.map(|()| Ok(("inbox", 1)))?,
                    Err(error) => Err(error),
                }
            }
            "KamiNumbers" if record.custom_metadata.is_empty() => {
                match serde_json::from_slice::<Vec<Number>>(&record.data) {
                    Ok(numbers) => self.numbers(copy, numbers).await.map(|count| Ok(("number", count)))?,
                    Err(error) => Err(error),
                }
            }
            _ => match serde_json::from_slice(&record.custom_metadata) {
                Ok(place) => self.event(copy, &record, place).await.map(|()| Ok(("event", 1)))?,
                Err(error) => Err(error),
            },
        };
        match read {
            Ok((table, count)) => *brought.entry(table).or_default() += count,
            Err(error) => self.unreadable(&record, &error.to_string()),
        }
        Ok(())
    }

    async fn event(
        &mut self,
        copy: &mut SqliteConnection,
        record: &RecordedEvent,
        place: Place,
    ) -> Result<(), sqlx::Error> {
        // What is no hash stays what it is: the checker says so.
        let hash = hex::decode(&place.hash).unwrap_or_else(|_| place.hash.clone().into_bytes());
        let insert = "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let row = sqlx::query(insert)
            .bind(&self.merchant)
            .bind(place.position)
            .bind(place.stream)
            .bind(place.version)
            .bind(&record.event_type)
            .bind(place.schema_version);
        let row = match std::str::from_utf8(&record.data) {
            Ok(text) => row.bind(text.to_owned()),
            Err(_) => row.bind(record.data.to_vec()),
        };
        let row = row.bind(place.metadata).bind(place.occurred_at).bind(place.recorded_at).bind(hash.clone());
        row.execute(copy).await?;
        (self.position, self.hash, self.recorded_at) = (place.position, hash, place.recorded_at);
        Ok(())
    }

    async fn message(&self, copy: &mut SqliteConnection, message: Message) -> Result<(), sqlx::Error> {
        let (first, last) = message.positions.unzip();
        sqlx::query("INSERT INTO inbox VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(&self.merchant)
            .bind(message.message)
            .bind(message.dedupe_key)
            .bind(message.verdict)
            .bind(first)
            .bind(last)
            .execute(copy)
            .await
            .map(drop)
    }

    async fn numbers(&self, copy: &mut SqliteConnection, numbers: Vec<Number>) -> Result<usize, sqlx::Error> {
        let count = numbers.len();
        for number in numbers {
            sqlx::query("INSERT INTO number VALUES (?1, ?2, ?3, ?4, ?5)")
                .bind(&self.merchant)
                .bind(number.kind)
                .bind(number.namespace)
                .bind(number.number)
                .bind(number.order)
                .execute(&mut *copy)
                .await?;
        }
        Ok(count)
    }

    /// The head that follows from the records; the server keeps no other.
    pub(super) async fn finish(&mut self, copy: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        if !self.claimed {
            return Ok(());
        }
        let hash = if self.hash.is_empty() { vec![0; 32] } else { self.hash.clone() };
        sqlx::query("INSERT INTO merchant VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(&self.merchant)
            .bind(i64::try_from(self.epoch).unwrap_or(i64::MAX))
            .bind(self.position)
            .bind(hash)
            .bind(self.recorded_at)
            .execute(copy)
            .await
            .map(drop)
    }
}
