//! The history of an order told event by event, and the order at any moment of it. All of it follows from the stored
//! events alone, so a history that was written to a file is told as the live one is.

use events::{Actor, DecodeError, RecordedEvent};
use projection::Event;
use serde::Serialize;
use serde_json::value::RawValue;
use vocabulary::{Account, MessageId, OrderId, Position, StreamId, StreamVersion, Timestamp};

use crate::{Change, Order, changes};

/// Why a history cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// An event is none this build understands.
    #[error("event {position}")]
    Event {
        /// Which.
        position: Position,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// An event holds what is no JSON.
    #[error("event {position} holds text that is not JSON")]
    Json {
        /// Which.
        position: Position,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// One sentence in two languages.
#[derive(Debug, Serialize)]
pub struct Said {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// A payload in the newest shape of its type.
#[derive(Debug, Serialize)]
pub struct Newest {
    /// The schema version of that shape.
    pub schema_version: u16,
    /// The payload.
    pub payload: Box<RawValue>,
}

/// One event of an order's history: as stored, what it says, why it happened and what it changed.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Place in the log.
    pub position: Position,
    /// The stream: the order's own, a key pool's, a buyer's, a journey's or that of somebody of the staff.
    pub stream: StreamId,
    /// Place in the stream.
    pub version: StreamVersion,
    /// The event type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The schema version it is stored in.
    pub schema_version: u16,
    /// When it happened, by the clock of whoever reported it.
    pub occurred_at: Timestamp,
    /// When we recorded it.
    pub recorded_at: Timestamp,
    /// Milliseconds since the event before it in this history was recorded; none for the first.
    pub elapsed_ms: Option<i64>,
    /// What it says.
    pub sentence: Said,
    /// Why, as a code, where the fact has one.
    pub reason_code: Option<String>,
    /// Who.
    pub actor: Actor,
    /// The channel account concerned.
    pub channel: Option<Account>,
    /// The position of the event that led directly to this one.
    pub cause: Option<Position>,
    /// The inbound message at the start of the conversation.
    pub message: Option<MessageId>,
    /// What it changed of the order; nothing for events of other streams.
    pub changes: Vec<Change>,
    /// The payload as stored.
    pub payload: Box<RawValue>,
    /// The payload in the newest shape of its type: the same, unless it was stored by an earlier build.
    pub newest: Newest,
    /// The metadata as stored.
    pub metadata: Box<RawValue>,
    /// The link of the hash chain (hex).
    pub hash: String,
}

/// Tells a history: the order's own events from the first, and those of other streams that concern it, all in the
/// order of their positions.
pub fn steps(order: OrderId, history: Vec<RecordedEvent>) -> Result<Vec<Step>, HistoryError> {
    let own = order.stream();
    let mut state: Option<Order> = None;
    let mut last: Option<Timestamp> = None;
    let mut told = Vec::with_capacity(history.len());
    for stored in history {
        let position = stored.position;
        let json = |source| HistoryError::Json { position, source };
        let event =
            Event::decode(stored.clone()).map_err(|source| HistoryError::Event { position, source })?;
        let mut changed = Vec::new();
        if stored.stream == own {
            let after = state.get_or_insert_with(|| Order::unknown(order, position));
            let before = after.clone();
            after.apply(&event);
            changed = changes(&before, after).map_err(json)?;
        }
        let elapsed = last.map(|last| (stored.recorded_at.micros() - last.micros()) / 1_000);
        last = Some(stored.recorded_at);
        told.push(step(stored, event, changed, elapsed).map_err(json)?);
    }
    Ok(told)
}

/// Tells one event by itself: without what came before it, and so without changes.
pub fn told(stored: RecordedEvent) -> Result<Step, HistoryError> {
    let position = stored.position;
    let event = Event::decode(stored.clone()).map_err(|source| HistoryError::Event { position, source })?;
    step(stored, event, Vec::new(), None).map_err(|source| HistoryError::Json { position, source })
}

fn step(
    stored: RecordedEvent,
    event: Event,
    changes: Vec<Change>,
    elapsed_ms: Option<i64>,
) -> Result<Step, serde_json::Error> {
    let newest = Newest {
        schema_version: event.fact.schema_version(),
        payload: RawValue::from_string(event.fact.to_json())?,
    };
    Ok(Step {
        position: stored.position,
        stream: stored.stream,
        version: stored.version,
        type_name: stored.type_name,
        schema_version: stored.schema_version,
        occurred_at: stored.occurred_at,
        recorded_at: stored.recorded_at,
        elapsed_ms,
        sentence: Said { en: event.sentence_en.as_ref().into(), zh: event.sentence_zh.as_ref().into() },
        reason_code: event.fact.reason_code().map(str::to_owned),
        actor: event.meta.actor,
        channel: event.meta.channel,
        cause: event.meta.causation,
        message: event.meta.correlation,
        changes,
        payload: RawValue::from_string(stored.payload)?,
        newest,
        metadata: RawValue::from_string(stored.metadata)?,
        hash: hex::encode(stored.hash),
    })
}

/// A moment of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// After the event at this position of the log, or the last one before it.
    Position(Position),
    /// At this instant by our clock: as we knew then.
    Instant(Timestamp),
    /// Now.
    Head,
}

/// How many of these events, in the order of their positions, were known at a moment.
pub fn known_at(history: &[RecordedEvent], at: At) -> usize {
    match at {
        At::Position(position) => history.partition_point(|event| event.position <= position),
        At::Instant(at) => history.partition_point(|event| event.recorded_at <= at),
        At::Head => history.len(),
    }
}
