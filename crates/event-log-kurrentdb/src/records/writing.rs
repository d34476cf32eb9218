//! Making records.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use event_log::{Append, InboxRow, LogError, NumberRow};
use events::RecordedEvent;
use eventstore::EventData;
use ring::digest;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;
use vocabulary::{Epoch, MerchantId};

use super::{
    CLAIM, Claim, Fact, MERCHANT, MESSAGE, Merchant, Message, NUMBERS, Number, PIECE, Part, STEP, Step,
    WHOLE, Whole,
};

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
