//! An event as a CloudEvent (1.0, structured JSON), and back, byte for byte.
//!
//! `data` is the stored payload, untouched, and the extension `metadata` holds the stored metadata as a text, so that
//! whoever receives the envelope can compute the event's hash.

use std::borrow::Cow;

use events::RecordedEvent;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vocabulary::{MerchantId, ParseError, Position, StreamVersion, Timestamp};

use crate::names;

/// The media type of an envelope.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// What stands before an event type's name in `type`.
const TYPE_PREFIX: &str = "kami.";

/// What stands before the merchant in `source`.
const SOURCE_PREFIX: &str = "/merchants/";

/// The instants that RFC 3339 can write: the years 0000 to 9999, in microseconds.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// Why an event cannot be put into an envelope, or an envelope is not one of ours.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The text is not JSON, or an attribute is missing or of another type.
    #[error("envelope is malformed")]
    Malformed(#[from] serde_json::Error),
    /// The stored payload would not come out as it went in.
    #[error("payload of event {0} is not a JSON text without space around it")]
    Payload(Position),
    /// An attribute does not say what it must.
    #[error("attribute {name} of the envelope is not usable: {found:?}")]
    Attribute {
        /// Which.
        name: &'static str,
        /// What it says.
        found: String,
    },
    /// An attribute is not in the shape of our identifiers and instants.
    #[error("envelope holds something malformed")]
    Parse(#[from] ParseError),
}

/// The attributes, in the order they are written. Names of extensions have letters and digits only.
#[derive(Serialize, Deserialize)]
struct CloudEvent<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    id: Cow<'a, str>,
    source: Cow<'a, str>,
    r#type: Cow<'a, str>,
    subject: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    datacontenttype: Cow<'a, str>,
    dataschema: Cow<'a, str>,
    /// A text, because a CloudEvents integer has 31 bits.
    position: Cow<'a, str>,
    /// A text, as the position.
    version: Cow<'a, str>,
    schemaversion: u16,
    recordedtime: Timestamp,
    hash: Cow<'a, str>,
    metadata: Cow<'a, str>,
    /// When it occurred, where RFC 3339 cannot write it: microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurredmicros: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// The address of a payload's JSON Schema: `events/schemas/<type>.v<version>.json` of the sources.
pub fn schema(type_name: &str, version: u16) -> String {
    format!("urn:kami:schema:{type_name}:{version}")
}

/// An event as JSON text.
pub fn write(event: &RecordedEvent) -> Result<Vec<u8>, EnvelopeError> {
    let data: &RawValue = serde_json::from_str(&event.payload)?;
    if data.get() != event.payload {
        return Err(EnvelopeError::Payload(event.position));
    }
    let is_writable = WRITABLE.contains(&event.occurred_at.micros());
    let micros = || event.occurred_at.micros().to_string().into();
    let envelope = CloudEvent {
        specversion: "1.0".into(),
        id: names::id(&event.merchant, event.position).into(),
        source: format!("{SOURCE_PREFIX}{}", event.merchant).into(),
        r#type: format!("{TYPE_PREFIX}{}", event.type_name).into(),
        subject: event.stream.as_str().into(),
        time: is_writable.then_some(event.occurred_at),
        datacontenttype: "application/json".into(),
        dataschema: schema(&event.type_name, event.schema_version).into(),
        position: event.position.to_string().into(),
        version: event.version.to_string().into(),
        schemaversion: event.schema_version,
        recordedtime: event.recorded_at,
        hash: hex::encode(event.hash).into(),
        metadata: event.metadata.as_str().into(),
        occurredmicros: (!is_writable).then(micros),
        data,
    };
    Ok(serde_json::to_vec(&envelope)?)
}

/// The event of an envelope that [`write`] wrote. Attributes that it does not write are ignored. The hash is read, not
/// checked: that takes the hash before it.
pub fn read(bytes: &[u8]) -> Result<RecordedEvent, EnvelopeError> {
    let envelope: CloudEvent<'_> = serde_json::from_slice(bytes)?;
    let unusable = |name, found: &str| EnvelopeError::Attribute { name, found: found.to_owned() };
    if envelope.specversion != "1.0" {
        return Err(unusable("specversion", &envelope.specversion));
    }
    let merchant: MerchantId = envelope
        .source
        .strip_prefix(SOURCE_PREFIX)
        .ok_or_else(|| unusable("source", &envelope.source))?
        .parse()?;
    let number = |name, text: &str| text.parse::<u64>().map_err(|_| unusable(name, text));
    let position = Position(number("position", &envelope.position)?);
    if envelope.id != names::id(&merchant, position) {
        return Err(unusable("id", &envelope.id));
    }
    let occurred_at = match (&envelope.time, &envelope.occurredmicros) {
        (Some(time), None) => *time,
        (None, Some(text)) => {
            Timestamp::from_micros(text.parse().map_err(|_| unusable("occurredmicros", text))?)
        }
        (_, text) => return Err(unusable("time", text.as_deref().unwrap_or_default())),
    };
    let mut hash = [0; 32];
    hex::decode_to_slice(envelope.hash.as_bytes(), &mut hash)
        .map_err(|_| unusable("hash", &envelope.hash))?;
    let type_name =
        envelope.r#type.strip_prefix(TYPE_PREFIX).ok_or_else(|| unusable("type", &envelope.r#type))?;
    Ok(RecordedEvent {
        merchant,
        position,
        stream: envelope.subject.parse()?,
        version: StreamVersion(number("version", &envelope.version)?),
        type_name: type_name.to_owned(),
        schema_version: envelope.schemaversion,
        payload: envelope.data.get().to_owned(),
        metadata: envelope.metadata.into_owned(),
        occurred_at,
        recorded_at: envelope.recordedtime,
        hash,
    })
}
