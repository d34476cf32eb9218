//! What records mean.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use event_log::{Append, InboxRow, LogError, NumberKind, NumberRow, Verdict};
use events::RecordedEvent;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use vocabulary::{Epoch, MerchantId, Position, StreamVersion, Timestamp};

use super::{
    CLAIM, Claim, Fact, MERCHANT, MESSAGE, Merchant, Message, NUMBERS, Number, PIECE, STEP, Step, WHOLE,
    Whole,
};
use crate::error::damaged;

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
