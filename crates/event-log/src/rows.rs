//! What is stored beside events, in the same atomic step.

use serde::{Deserialize, Serialize};
use vocabulary::{Account, Epoch, MessageId, OrderId, Position, Timestamp};

/// Where a log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last position; 0 for an empty log.
    pub position: Position,
    /// The hash of the last event, or the genesis hash.
    pub hash: [u8; 32],
    /// The epoch of the owner.
    pub epoch: Epoch,
    /// When the last event was recorded.
    pub recorded_at: Timestamp,
}

/// What became of an inbound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was verified and acted on.
    Accepted,
    /// It was verified, and the business answer was no.
    Rejected,
    /// It was not verified or not understood: no effect.
    Refused,
    /// It was verified, but of a kind we do not know: kept for reprocessing.
    Parked,
    /// It repeats an id with another body: no effect, alert.
    Conflict,
}

impl Verdict {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Parked => "parked",
            Self::Conflict => "conflict",
        }
    }
    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Accepted, Self::Rejected, Self::Refused, Self::Parked, Self::Conflict]
            .into_iter()
            .find(|v| v.as_str() == word)
    }
}

/// One inbound message with its answer. Raw request and answer are sealed by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Our id of the message.
    pub message: MessageId,
    /// Where it came in; `api/…` for calls of token holders.
    pub account: Account,
    /// The channel's own id of the message, prefixed by the account; unique where present. Only
    /// verified messages have one, and a conflict has none (the first message keeps it).
    pub dedupe_key: Option<String>,
    /// SHA-256 of what must be equal for a repeat to be a repeat.
    pub content_hash: [u8; 32],
    /// What became of it.
    pub verdict: Verdict,
    /// The step or reason, as a code; empty when accepted.
    pub reason: String,
    /// The raw request, sealed.
    pub sealed_request: Vec<u8>,
    /// The answer that was given (status, headers, body), sealed.
    pub sealed_answer: Vec<u8>,
    /// The first and last position the message caused; `None` when it caused no event.
    pub positions: Option<(Position, Position)>,
    /// When it came in.
    pub received_at: Timestamp,
}

/// What sort of number a channel uses once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberKind {
    /// An order number.
    Order,
    /// A payment's number.
    Txn,
}

impl NumberKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Txn => "txn",
        }
    }
    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Order, Self::Txn].into_iter().find(|k| k.as_str() == word)
    }
}

/// A channel's own number and the order of ours it stands for. Unique by kind, namespace and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRow {
    /// What sort.
    pub kind: NumberKind,
    /// Within what it is unique: an account, as text.
    pub namespace: String,
    /// The number.
    pub number: String,
    /// The order.
    pub order: OrderId,
}

/// A saved state to start faster from. Opaque to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last position it contains.
    pub position: Position,
    /// The hash at that position: a snapshot of another history is not used.
    pub hash: [u8; 32],
    /// The shape of the state type; another shape means a full replay.
    pub shape: String,
    /// The state.
    pub state: Vec<u8>,
}

/// Which messages to list.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// Only this account.
    pub account: Option<Account>,
    /// Only this verdict.
    pub verdict: Option<Verdict>,
    /// Only messages received before this instant (for paging).
    pub before: Option<Timestamp>,
    /// Only messages whose effects touch this range of positions.
    pub caused: Option<(Position, Position)>,
}
