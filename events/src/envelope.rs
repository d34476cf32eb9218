//! The envelope: everything about an event that is not the fact itself.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vocabulary::{Account, Epoch, MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp, Unit};

use crate::{DecodeError, Fact};

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Actor {
    /// What sort of actor.
    pub kind: ActorKind,
    /// Which one: a channel account, a staff name, a process manager's or timer's name.
    pub id: String,
}

/// The sorts of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A channel, through a verified inbound request or the answer to one of our calls.
    Channel,
    /// A person or program with a token.
    Staff,
    /// A process manager of ours.
    Process,
    /// A timer of ours.
    Timer,
}

impl Actor {
    /// A channel account.
    pub fn channel(account: &Account) -> Self {
        Self { kind: ActorKind::Channel, id: account.to_string() }
    }
    /// A token holder.
    pub fn staff(name: &str) -> Self {
        Self { kind: ActorKind::Staff, id: name.to_owned() }
    }
    /// A process manager.
    pub fn process(name: &str) -> Self {
        Self { kind: ActorKind::Process, id: name.to_owned() }
    }
    /// A timer.
    pub fn timer(name: &str) -> Self {
        Self { kind: ActorKind::Timer, id: name.to_owned() }
    }
}

/// Why and through whom an event came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Metadata {
    /// The event's own id, derived from merchant and position ([`crate::chain::event_id`]).
    pub event_id: Uuid,
    /// The inbound message at the start of the conversation, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<MessageId>,
    /// The position of the event that led directly to this one; none where the command came from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Position>,
    /// Who.
    pub actor: Actor,
    /// The channel account concerned, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Account>,
    /// The epoch of the sequencer that wrote it.
    pub epoch: Epoch,
    /// The first position of the atomic unit: all events of one command carry the same.
    pub unit: Unit,
}

/// An event as it stands in a log. `payload` and `metadata` are the stored texts, which the hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Whose log.
    pub merchant: MerchantId,
    /// Place in the log, from 1.
    pub position: Position,
    /// The stream.
    pub stream: StreamId,
    /// Place in the stream, from 0.
    pub version: StreamVersion,
    /// The stored type name.
    pub type_name: String,
    /// The payload's schema version.
    pub schema_version: u16,
    /// The payload as stored (JSON).
    pub payload: String,
    /// The metadata as stored (JSON of [`Metadata`]).
    pub metadata: String,
    /// When it happened, by the clock of whoever reported it.
    pub occurred_at: Timestamp,
    /// When we recorded it; never decreases along a log.
    pub recorded_at: Timestamp,
    /// The link of the hash chain ([`crate::chain`]).
    pub hash: [u8; 32],
}

impl RecordedEvent {
    /// The fact, in its newest shape.
    pub fn fact(&self) -> Result<Fact, DecodeError> {
        Fact::decode(&self.type_name, self.schema_version, &self.payload)
    }
    /// The metadata, parsed.
    pub fn meta(&self) -> Result<Metadata, DecodeError> {
        serde_json::from_str(&self.metadata)
            .map_err(|source| DecodeError::Malformed { type_name: "metadata".to_owned(), source })
    }
}
