//! What stands in a merchant's stream: one record per fact, readable with the server's own tools, and records of ours
//! between them.
//!
//! | type | holds |
//! |---|---|
//! | the fact's | the fact as data; place, times, hash and metadata as the record's metadata |
//! | `KamiMessage` | one stored message |
//! | `KamiNumbers` | numbers of channels |
//! | `KamiPiece`, `KamiWhole` | the data of a record that is larger than the server takes at once, and what record it is |
//! | `KamiStep` | closes an append: the records before it, as many as it says, belong to the log |
//! | `KamiClaim` | the merchant was taken over; what was not closed before it never belongs to the log |

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use event_log::{Append, InboxRow, LogError, NumberKind, NumberRow, Verdict};
use events::RecordedEvent;
use eventstore::EventData;
use ring::digest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;
use vocabulary::{Epoch, MerchantId, Position, StreamVersion, Timestamp};

use crate::error::damaged;

pub(crate) const MESSAGE: &str = "KamiMessage";
pub(crate) const NUMBERS: &str = "KamiNumbers";
pub(crate) const STEP: &str = "KamiStep";
pub(crate) const CLAIM: &str = "KamiClaim";
pub(crate) const MERCHANT: &str = "KamiMerchant";
pub(crate) const PIECE: &str = "KamiPiece";
pub(crate) const WHOLE: &str = "KamiWhole";
/// Numbers in one record.
const NUMBERS_EACH: usize = 100;
/// The most data of one record, in bytes. What is larger comes in pieces: a caller must not be able to stop the log with
/// a large request.
const PIECE_SIZE: usize = 512 << 10;

/// A record to be appended.
#[derive(Clone)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    kind: String,
    data: Bytes,
    metadata: Bytes,
}

impl Proposed {
    /// What it counts for in the server's limit.
    pub(crate) fn size(&self) -> usize {
        2 * self.kind.len() + self.data.len() + self.metadata.len()
    }

    /// In the client's words. What is JSON is stored as such, so that the server's tools show it.
    pub(crate) fn data(&self) -> EventData {
        let json = serde_json::from_slice::<&RawValue>(&self.data).ok();
        // An event's text is stored to the byte, or its hash would not hold.
        let exact = json.filter(|json| json.get().len() == self.data.len());
        let data = exact.and_then(|json| EventData::json(&self.kind, &json).ok());
        let data = data.unwrap_or_else(|| EventData::binary(&self.kind, self.data.clone()));
        let data = data.id(self.id);
        if self.metadata.is_empty() { data } else { data.metadata(self.metadata.clone()) }
    }
}

/// Gives records their ids: the same to the same record at the same place, of one writer. Two writers never give the
/// same, or the server would take what one sends for a repeat of the other's.
pub(crate) struct Numbering {
    pub(crate) writer: Uuid,
    /// How many records stand before the next.
    pub(crate) next: u64,
}

impl Numbering {
    fn record(&mut self, kind: &str, data: Vec<u8>, metadata: Vec<u8>) -> Proposed {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.writer.as_bytes());
        context.update(&self.next.to_be_bytes());
        for part in [kind.as_bytes(), &data, &metadata] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        self.next += 1;
        let (kind, data, metadata) = (kind.to_owned(), data.into(), metadata.into());
        Proposed { id: id_of(&context.finish()), kind, data, metadata }
    }

    fn json(&mut self, kind: &str, content: &impl Serialize) -> Result<Proposed, LogError> {
        Ok(self.record(kind, written(content)?, Vec::new()))
    }

    /// Adds a record, in pieces where it is large.
    fn put(
        &mut self,
        records: &mut Vec<Proposed>,
        kind: &str,
        data: Vec<u8>,
        metadata: Vec<u8>,
    ) -> Result<(), LogError> {
        if data.len() <= PIECE_SIZE {
            records.push(self.record(kind, data, metadata));
            return Ok(());
        }
        let before = records.len();
        for piece in data.chunks(PIECE_SIZE) {
            records.push(self.record(PIECE, piece.to_vec(), Vec::new()));
        }
        let pieces = records.len() - before;
        let metadata = String::from_utf8(metadata).map_err(|error| LogError::Store(Box::new(error)))?;
        records.push(self.json(WHOLE, &Whole { kind: kind.to_owned(), metadata, pieces })?);
        Ok(())
    }
}

fn id_of(hash: &digest::Digest) -> Uuid {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn written(content: &impl Serialize) -> Result<Vec<u8>, LogError> {
    serde_json::to_vec(content).map_err(|error| LogError::Store(Box::new(error)))
}

#[derive(Serialize, Deserialize)]
struct Fact {
    position: u64,
    stream: String,
    version: u64,
    schema_version: u16,
    occurred_at: i64,
    recorded_at: i64,
    hash: String,
    /// As stored, to the byte: the hash covers it.
    metadata: String,
}

#[derive(Serialize, Deserialize)]
struct Message {
    message: String,
    account: String,
    dedupe_key: Option<String>,
    content_hash: String,
    verdict: String,
    reason: String,
    sealed_request: String,
    sealed_answer: String,
    positions: Option<(u64, u64)>,
    received_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Number {
    kind: String,
    namespace: String,
    number: String,
    order: String,
}

/// The pieces right before it, together, are the data of such a record.
#[derive(Serialize, Deserialize)]
struct Whole {
    kind: String,
    metadata: String,
    pieces: usize,
}

#[derive(Serialize, Deserialize)]
struct Step {
    /// How many records before it belong to it.
    records: usize,
    parts: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    epoch: u64,
    after: u64,
    events: usize,
    messages: usize,
    numbers: usize,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    epoch: u64,
    writer: Uuid,
}

#[derive(Serialize, Deserialize)]
struct Merchant {
    merchant: String,
}

/// The records of an append of one merchant, the one that closes it last. The first of `numbering` is where the first
/// will stand.
pub(crate) fn of_append(numbering: &mut Numbering, parts: &[Append]) -> Result<Vec<Proposed>, LogError> {
    let mut records = Vec::new();
    for event in parts.iter().flat_map(|part| &part.events) {
        numbering.put(
            &mut records,
            &event.type_name,
            event.payload.clone().into_bytes(),
            written(&fact(event))?,
        )?;
    }
    for row in parts.iter().flat_map(|part| &part.inbox) {
        numbering.put(&mut records, MESSAGE, written(&message(row))?, Vec::new())?;
    }
    let numbers: Vec<_> = parts.iter().flat_map(|part| &part.numbers).map(number).collect();
    for some in numbers.chunks(NUMBERS_EACH) {
        numbering.put(&mut records, NUMBERS, written(&some)?, Vec::new())?;
    }
    let told = |part: &Append| Part {
        epoch: part.epoch.0,
        after: part.expected_position.0,
        events: part.events.len(),
        messages: part.inbox.len(),
        numbers: part.numbers.len(),
    };
    let step = Step { records: records.len(), parts: parts.iter().map(told).collect() };
    records.push(numbering.json(STEP, &step)?);
    Ok(records)
}

/// The record of a claim.
pub(crate) fn of_claim(numbering: &mut Numbering, epoch: Epoch) -> Result<Proposed, LogError> {
    let claim = Claim { epoch: epoch.0, writer: numbering.writer };
    numbering.json(CLAIM, &claim)
}

/// The record that names a merchant. It is the same whoever writes it.
pub(crate) fn of_merchant(merchant: &MerchantId) -> Result<Proposed, LogError> {
    let mut numbering = Numbering { writer: Uuid::nil(), next: 0 };
    numbering.json(MERCHANT, &Merchant { merchant: merchant.to_string() })
}

fn fact(event: &RecordedEvent) -> Fact {
    Fact {
        position: event.position.0,
        stream: event.stream.as_str().to_owned(),
        version: event.version.0,
        schema_version: event.schema_version,
        occurred_at: event.occurred_at.micros(),
        recorded_at: event.recorded_at.micros(),
        hash: hex::encode(event.hash),
        metadata: event.metadata.clone(),
    }
}

fn message(row: &InboxRow) -> Message {
    Message {
        message: row.message.as_str().to_owned(),
        account: row.account.as_str().to_owned(),
        dedupe_key: row.dedupe_key.clone(),
        content_hash: hex::encode(row.content_hash),
        verdict: row.verdict.as_str().to_owned(),
        reason: row.reason.clone(),
        sealed_request: STANDARD.encode(&row.sealed_request),
        sealed_answer: STANDARD.encode(&row.sealed_answer),
        positions: row.positions.map(|(first, last)| (first.0, last.0)),
        received_at: row.received_at.micros(),
    }
}

fn number(row: &NumberRow) -> Number {
    Number {
        kind: row.kind.as_str().to_owned(),
        namespace: row.namespace.clone(),
        number: row.number.clone(),
        order: row.order.to_string(),
    }
}

/// A record that was read.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

impl From<eventstore::RecordedEvent> for Record {
    fn from(event: eventstore::RecordedEvent) -> Self {
        let (id, kind, data, metadata) = (event.id, event.event_type, event.data, event.custom_metadata);
        Self { id, kind, data, metadata }
    }
}

impl Record {
    /// Only facts have metadata.
    fn is(&self, kind: &str) -> bool {
        self.metadata.is_empty() && self.kind == kind
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, LogError> {
        serde_json::from_slice(&self.data)
            .map_err(|error| damaged(format!("a {} is none: {error}", self.kind)))
    }

    /// The epoch, where it is a claim.
    pub(crate) fn claim(&self) -> Result<Option<Epoch>, LogError> {
        if !self.is(CLAIM) {
            return Ok(None);
        }
        self.read::<Claim>().map(|claim| Some(Epoch(claim.epoch)))
    }

    /// Whether it closes an append.
    pub(crate) fn closes(&self) -> bool {
        self.is(STEP)
    }

    /// The merchant it names, if it names one.
    pub(crate) fn merchant(&self) -> Option<MerchantId> {
        self.is(MERCHANT).then(|| self.read::<Merchant>().ok()).flatten()?.merchant.parse().ok()
    }
}

/// What was appended, from the record that closes it and the records that came before it.
pub(crate) fn appended(
    merchant: &MerchantId,
    open: &[Record],
    closing: &Record,
) -> Result<Vec<Append>, LogError> {
    let step: Step = closing.read()?;
    let start = open.len().checked_sub(step.records);
    let start = start.ok_or_else(|| damaged(format!("records of an append of {merchant} are missing")))?;
    let mut events = Vec::new();
    let (mut inbox, mut numbers) = (Vec::new(), Vec::new());
    for record in &joined(&open[start..])? {
        if record.is(MESSAGE) {
            inbox.push(row(record.read()?)?);
        } else if record.is(NUMBERS) {
            for number in record.read::<Vec<Number>>()? {
                numbers.push(number_row(number)?);
            }
        } else {
            events.push(event(merchant, record)?);
        }
    }
    let (mut events, mut inbox, mut numbers) = (events.into_iter(), inbox.into_iter(), numbers.into_iter());
    let mut parts = Vec::with_capacity(step.parts.len());
    for part in step.parts {
        let taken = Append {
            merchant: merchant.clone(),
            epoch: Epoch(part.epoch),
            expected_position: Position(part.after),
            events: events.by_ref().take(part.events).collect(),
            inbox: inbox.by_ref().take(part.messages).collect(),
            numbers: numbers.by_ref().take(part.numbers).collect(),
        };
        if (taken.events.len(), taken.inbox.len(), taken.numbers.len())
            != (part.events, part.messages, part.numbers)
        {
            return Err(damaged(format!("an append of {merchant} has less in it than it says")));
        }
        parts.push(taken);
    }
    Ok(parts)
}

/// The records, with those that came in pieces put together.
fn joined(open: &[Record]) -> Result<Vec<Record>, LogError> {
    let mut records: Vec<Record> = Vec::with_capacity(open.len());
    for record in open {
        if !record.is(WHOLE) {
            records.push(record.clone());
            continue;
        }
        let whole: Whole = record.read()?;
        let first = records.len().checked_sub(whole.pieces);
        let pieces = first.filter(|first| records[*first..].iter().all(|piece| piece.is(PIECE)));
        let first = pieces.ok_or_else(|| damaged(format!("pieces of a {} are missing", whole.kind)))?;
        let data: Vec<u8> = records.drain(first..).flat_map(|piece| piece.data).collect();
        let (kind, data, metadata) = (whole.kind, data.into(), whole.metadata.into());
        records.push(Record { id: record.id, kind, data, metadata });
    }
    Ok(records)
}

fn event(merchant: &MerchantId, record: &Record) -> Result<RecordedEvent, LogError> {
    let none = |why: String| damaged(format!("a record of {merchant} is no event: {why}"));
    let fact: Fact = serde_json::from_slice(&record.metadata).map_err(|error| none(error.to_string()))?;
    let payload = String::from_utf8(record.data.to_vec()).map_err(|error| none(error.to_string()))?;
    Ok(RecordedEvent {
        merchant: merchant.clone(),
        position: Position(fact.position),
        stream: fact.stream.parse().map_err(|_| none("its stream".to_owned()))?,
        version: StreamVersion(fact.version),
        type_name: record.kind.clone(),
        schema_version: fact.schema_version,
        payload,
        metadata: fact.metadata,
        occurred_at: Timestamp::from_micros(fact.occurred_at),
        recorded_at: Timestamp::from_micros(fact.recorded_at),
        hash: hash(&fact.hash)?,
    })
}

fn row(message: Message) -> Result<InboxRow, LogError> {
    let none = |what: &str| damaged(format!("the {what} of a stored message is none"));
    let bytes = |text: &str, what| STANDARD.decode(text).map_err(|_| none(what));
    Ok(InboxRow {
        message: message.message.parse().map_err(|_| none("id"))?,
        account: message.account.parse().map_err(|_| none("account"))?,
        content_hash: hash(&message.content_hash)?,
        verdict: Verdict::parse(&message.verdict).ok_or_else(|| none("verdict"))?,
        sealed_request: bytes(&message.sealed_request, "request")?,
        sealed_answer: bytes(&message.sealed_answer, "answer")?,
        dedupe_key: message.dedupe_key,
        reason: message.reason,
        positions: message.positions.map(|(first, last)| (Position(first), Position(last))),
        received_at: Timestamp::from_micros(message.received_at),
    })
}

fn number_row(number: Number) -> Result<NumberRow, LogError> {
    let none = |what: &str| damaged(format!("the {what} of a stored number is none"));
    Ok(NumberRow {
        kind: NumberKind::parse(&number.kind).ok_or_else(|| none("kind"))?,
        order: number.order.parse().map_err(|_| none("order"))?,
        namespace: number.namespace,
        number: number.number,
    })
}

fn hash(text: &str) -> Result<[u8; 32], LogError> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|_| damaged("a hash that is none"))?;
    Ok(hash)
}
