//! The log in KurrentDB, as its documented records have it: copied into a temporary database with the documented tables,
//! without their keys, so that what is there twice is seen twice. What records say about each other is checked on the
//! way; everything else as in a file.

use std::collections::HashMap;

use eventstore::{Client, ClientSettings, Error, ReadStreamOptions, RecordedEvent, StreamPosition};
use serde::Deserialize;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{VerifyError, report::Invariant, rows::ROWS_AHEAD};

const TABLES: &str = "
    CREATE TABLE event (merchant, position, stream, version, type, schema_version, payload, metadata, occurred_at,
                        recorded_at, hash);
    CREATE INDEX event_position ON event (merchant, position);
    CREATE TABLE merchant (merchant, epoch, position, hash, recorded_at);
    CREATE TABLE inbox (merchant, message, dedupe_key, verdict, first_position, last_position);
    CREATE INDEX inbox_merchant ON inbox (merchant);
    CREATE TABLE number (merchant, kind, namespace, number, order_id);
    CREATE INDEX number_merchant ON number (merchant);";

/// A copy of the log.
pub(crate) struct Copy {
    pub(crate) connection: SqliteConnection,
    /// What is wrong with the records themselves: whose they are, what they break, and how.
    pub(crate) faults: Vec<(String, Invariant, String)>,
    _dir: TempDir,
}

/// Copies the logs of all merchants.
pub(crate) async fn open(url: &str) -> Result<Copy, VerifyError> {
    let (client, prefix) = connect(url)?;
    let dir = TempDir::new().map_err(|error| VerifyError::Server(error.to_string()))?;
    let options = SqliteConnectOptions::new()
        .filename(dir.path().join("copy.db"))
        .create_if_missing(true)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("synchronous", "OFF");
    let failed = VerifyError::read("the copy of the log");
    let mut connection = options.connect().await.map_err(&failed)?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await.map_err(&failed)?;
    let mut merchants = Vec::new();
    each(&client, &format!("{prefix}-merchants"), async |record| {
        merchants.extend(serde_json::from_slice::<Merchant>(&record.data).map(|noted| noted.merchant));
        Ok(())
    })
    .await?;
    merchants.sort();
    merchants.dedup();
    let mut faults = Vec::new();
    for merchant in merchants {
        let mut reader = Reader { merchant, ..Reader::default() };
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.map_err(&failed)?;
        each(&client, &format!("{prefix}-log-{}", reader.merchant), async |record| {
            reader.take(&mut connection, record).await.map_err(&failed)
        })
        .await?;
        reader.finish(&mut connection).await.map_err(&failed)?;
        sqlx::raw_sql("COMMIT").execute(&mut connection).await.map_err(&failed)?;
        let merchant = reader.merchant;
        faults.extend(reader.faults.into_iter().map(|(invariant, what)| (merchant.clone(), invariant, what)));
    }
    Ok(Copy { connection, faults, _dir: dir })
}

/// The client, and with what the names of streams begin.
fn connect(url: &str) -> Result<(Client, String), VerifyError> {
    let url = url.replacen("kurrentdb", "esdb", usize::from(url.starts_with("kurrentdb")));
    let (base, query) = url.split_once('?').unwrap_or((&url, ""));
    let (mut prefix, mut others) = ("kami", Vec::new());
    for parameter in query.split('&') {
        match parameter.strip_prefix("kamiPrefix=") {
            Some(value) => prefix = value,
            None => others.push(parameter),
        }
    }
    // The client's own words could repeat a password.
    let none = |_| VerifyError::Server("its address is not understood".to_owned());
    let settings: ClientSettings = format!("{base}?{}", others.join("&")).parse().map_err(none)?;
    Ok((Client::new(settings).map_err(server)?, prefix.to_owned()))
}

fn server(error: Error) -> VerifyError {
    VerifyError::Server(error.to_string())
}

/// Shows every record of a stream, in order; none where there is no such stream.
async fn each(
    client: &Client,
    stream: &str,
    mut show: impl AsyncFnMut(RecordedEvent) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let options = ReadStreamOptions::default().position(StreamPosition::Start);
    let mut reading = match client.read_stream(stream, &options).await {
        Ok(reading) => reading,
        Err(Error::ResourceNotFound) => return Ok(()),
        Err(error) => return Err(server(error)),
    };
    loop {
        match reading.next().await {
            Ok(Some(event)) => match event.event {
                Some(record) => show(record).await?,
                None => return Err(VerifyError::Server(format!("an event of {stream} is a broken link"))),
            },
            Ok(None) | Err(Error::ResourceNotFound) => return Ok(()),
            Err(error) => return Err(server(error)),
        }
    }
}

#[derive(Deserialize)]
struct Merchant {
    merchant: String,
}

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
struct Reader {
    merchant: String,
    next: u64,
    open: Vec<RecordedEvent>,
    epoch: u64,
    claimed: bool,
    position: i64,
    hash: Vec<u8>,
    recorded_at: i64,
    faults: Vec<(Invariant, String)>,
}

/// How many rows of each table an append brought.
type Brought = HashMap<&'static str, usize>;

impl Reader {
    async fn take(&mut self, copy: &mut SqliteConnection, record: RecordedEvent) -> Result<(), sqlx::Error> {
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
    async fn finish(&mut self, copy: &mut SqliteConnection) -> Result<(), sqlx::Error> {
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
