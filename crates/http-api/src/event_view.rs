//! An event of the log as the API shows it.

use events::{RecordedEvent, sentence::sentence};
use serde::Serialize;
use serde_json::value::RawValue;
use vocabulary::{Position, StreamId, StreamVersion, Timestamp};

use crate::problem::Problem;

/// One sentence in two languages.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) en: String,
    pub(crate) zh: String,
}

/// An event: as stored, and what it says.
#[derive(Debug, Serialize)]
pub(crate) struct EventView {
    pub(crate) position: Position,
    pub(crate) stream: StreamId,
    pub(crate) version: StreamVersion,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) schema_version: u16,
    pub(crate) occurred_at: Timestamp,
    pub(crate) recorded_at: Timestamp,
    pub(crate) sentence: Said,
    pub(crate) payload: Box<RawValue>,
    pub(crate) metadata: Box<RawValue>,
    pub(crate) hash: String,
}

impl EventView {
    pub(crate) fn of(event: RecordedEvent) -> Result<Self, Problem> {
        let said = sentence(&event.fact()?);
        Ok(Self {
            position: event.position,
            stream: event.stream,
            version: event.version,
            type_name: event.type_name,
            schema_version: event.schema_version,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            sentence: Said { en: said.en, zh: said.zh },
            payload: RawValue::from_string(event.payload)?,
            metadata: RawValue::from_string(event.metadata)?,
            hash: hex::encode(event.hash),
        })
    }
}
