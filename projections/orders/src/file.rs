//! An order's history as one file that stands for itself: written by one Kami, opened by another.
//!
//! Each event is there exactly as it is stored, with the hash before it and its own, so that every link of the hash
//! chain it stands in can be computed again; a digest covers the whole. That shows that nothing was changed by
//! accident or by hand. It does not show who wrote the file: for that, hold a hash against the log it came from.

use events::{RecordedEvent, chain};
use ring::digest;
use serde::{Deserialize, Serialize};
use vocabulary::{MerchantId, OrderId, Position, StreamId, StreamVersion, Timestamp};

const FORMAT: &str = "kami-order-history";
const FORMAT_VERSION: u32 = 1;

/// Why a file is not taken for an order's history.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It does not have the shape of one.
    #[error("the file is no order history: {0}")]
    Shape(String),
    /// It is of a later format.
    #[error("the file has format version {found}, this build knows version {FORMAT_VERSION}")]
    NewerFormat {
        /// Its version.
        found: u32,
    },
    /// An event is not what was exported.
    #[error("event {position} of the file {why}")]
    Event {
        /// The event's place in the log it came from.
        position: Position,
        /// What is wrong with it.
        why: String,
    },
    /// What stands around the events is not what was exported.
    #[error("{place} of the file {why}")]
    Around {
        /// Which part.
        place: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// A link of a hash chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The event's position.
    pub position: Position,
    /// Its hash (hex).
    pub hash: String,
}

/// The history of one order in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryFile {
    format: String,
    format_version: u32,
    /// Whose log it is of.
    pub merchant: MerchantId,
    /// The order.
    pub order: OrderId,
    /// When it was written.
    pub exported_at: Timestamp,
    /// The end of the log then.
    pub head: Link,
    events: Vec<StoredEvent>,
    digest: String,
}

/// An event as it is stored. Payload and metadata are texts, because the hash covers each of their bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEvent {
    position: Position,
    stream: StreamId,
    version: StreamVersion,
    #[serde(rename = "type")]
    type_name: String,
    schema_version: u16,
    payload: String,
    metadata: String,
    occurred_at: Timestamp,
    recorded_at: Timestamp,
    /// The hash of the event before it in the log (hex).
    previous: String,
    hash: String,
}

impl HistoryFile {
    /// A file of these events, in the order of their positions, each with the hash before it.
    pub fn new(
        (merchant, order): (MerchantId, OrderId),
        exported_at: Timestamp,
        (position, hash): (Position, [u8; 32]),
        history: &[([u8; 32], RecordedEvent)],
    ) -> Self {
        let head = Link { position, hash: hex::encode(hash) };
        let events = history.iter().map(|(previous, event)| StoredEvent::of(previous, event)).collect();
        let (format, format_version) = (FORMAT.to_owned(), FORMAT_VERSION);
        let mut file = Self {
            format,
            format_version,
            merchant,
            order,
            exported_at,
            head,
            events,
            digest: String::new(),
        };
        file.digest = file.computed_digest();
        file
    }

    /// Reads a file and checks it: every event's hash, that the order's own events are all there from its first,
    /// and the digest of the whole. What is wrong is said with its place.
    pub fn read(text: &[u8]) -> Result<Self, FileError> {
        let shape = |error: serde_json::Error| FileError::Shape(error.to_string());
        let version: Version = serde_json::from_slice(text).map_err(shape)?;
        if version.format != FORMAT {
            return Err(FileError::Shape(format!("its format is not {FORMAT}")));
        }
        if version.format_version != FORMAT_VERSION {
            return Err(FileError::NewerFormat { found: version.format_version });
        }
        let file: Self = serde_json::from_slice(text).map_err(shape)?;
        file.check()?;
        Ok(file)
    }

    /// The file's text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What the file is called where it is kept: the beginning of its digest.
    pub fn id(&self) -> &str {
        self.digest.get(..16).unwrap_or(&self.digest)
    }

    /// SHA-256 (hex) of everything else in the file.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The events, in the order of their positions.
    pub fn history(&self) -> Vec<RecordedEvent> {
        self.events.iter().map(|event| event.recorded(&self.merchant)).collect()
    }

    fn computed_digest(&self) -> String {
        let bare = Self { digest: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&bare)
            .unwrap_or_else(|error| unreachable!("texts and numbers are always written: {error}"));
        hex::encode(digest::digest(&digest::SHA256, &text))
    }

    fn check(&self) -> Result<(), FileError> {
        let own = self.order.stream();
        let mut versions = 0;
        let mut last: Option<&StoredEvent> = None;
        for event in &self.events {
            event.check(&self.merchant, last)?;
            if event.stream == own {
                if event.version.0 != versions {
                    return Err(event.wrong(format!("is not the order's event {versions}, which is missing")));
                }
                versions += 1;
            }
            last = Some(event);
        }
        let around = |place, why: &str| Err(FileError::Around { place, why: why.to_owned() });
        let Some(last) = last.filter(|_| versions > 0) else {
            return around("the list of events", "has none of the order");
        };
        let ends = self.head.position == last.position && self.head.hash != last.hash;
        if self.head.position < last.position || ends {
            return around("the head", "does not fit the last event");
        }
        if self.digest != self.computed_digest() {
            return around(
                "the digest",
                "does not fit: an event was taken out, or what is around them was changed",
            );
        }
        Ok(())
    }
}

impl StoredEvent {
    fn of(previous: &[u8; 32], event: &RecordedEvent) -> Self {
        Self {
            position: event.position,
            stream: event.stream.clone(),
            version: event.version,
            type_name: event.type_name.clone(),
            schema_version: event.schema_version,
            payload: event.payload.clone(),
            metadata: event.metadata.clone(),
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            previous: hex::encode(previous),
            hash: hex::encode(event.hash),
        }
    }

    fn recorded(&self, merchant: &MerchantId) -> RecordedEvent {
        RecordedEvent {
            merchant: merchant.clone(),
            position: self.position,
            stream: self.stream.clone(),
            version: self.version,
            type_name: self.type_name.clone(),
            schema_version: self.schema_version,
            payload: self.payload.clone(),
            metadata: self.metadata.clone(),
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            hash: hash(&self.hash).unwrap_or_default(),
        }
    }

    fn wrong(&self, why: impl Into<String>) -> FileError {
        FileError::Event { position: self.position, why: why.into() }
    }

    fn check(&self, merchant: &MerchantId, last: Option<&Self>) -> Result<(), FileError> {
        let (Some(previous), Some(own)) = (hash(&self.previous), hash(&self.hash)) else {
            return Err(self.wrong("has a hash that is none"));
        };
        let event = self.recorded(merchant);
        if chain::link(&previous, &event) != own {
            return Err(self.wrong("was changed: its hash does not fit"));
        }
        if let Some(last) = last {
            if self.position <= last.position {
                return Err(self.wrong("stands in the wrong place"));
            }
            if self.position.0 == last.position.0 + 1 && self.previous != last.hash {
                return Err(self.wrong("does not follow from the event before it"));
            }
        }
        event.fact().map_err(|error| self.wrong(format!("cannot be read: {error}")))?;
        event.meta().map_err(|error| self.wrong(format!("cannot be read: {error}")))?;
        Ok(())
    }
}

/// What is read of a file before its shape is known.
#[derive(Deserialize)]
struct Version {
    format: String,
    format_version: u32,
}

fn hash(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}
