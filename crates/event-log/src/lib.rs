//! The contract of a log. A merchant has one log, positions 1..N without a gap; inside it, streams have
//! versions 0..n without a gap. One sequencer at a time owns a merchant, by epoch.
//!
//! The sequencer assigns positions, versions, times and hashes; a backend stores what it is given or refuses
//! the whole. In the same atomic step it stores what belongs to those events: the inbound messages that caused
//! them ([`InboxRow`]) and the channels' own numbers ([`NumberRow`]).
//!
//! A backend knows no domain, no channel and no projection. What it stores of a message is sealed already.
#![warn(missing_docs)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod copy;
mod rows;
mod tally;

use async_trait::async_trait;
use events::RecordedEvent;
use tokio::sync::watch;
use vocabulary::{Epoch, MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp};

pub use copy::{Copied, CopyError, WholeLog, copy};
pub use rows::{Head, InboxFilter, InboxRow, NumberKind, NumberRow, Snapshot, Verdict};
pub use tally::{InboxTally, Spans, tally_by_pages};

/// What one merchant adds in one atomic step. Everything is stored, or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// Whose log.
    pub merchant: MerchantId,
    /// The epoch the writer believes it owns the merchant in.
    pub epoch: Epoch,
    /// The position of the log's last event before this append.
    pub expected_position: Position,
    /// The events, at `expected_position + 1` and on. May be empty: a refused message is stored without any.
    pub events: Vec<RecordedEvent>,
    /// The messages answered in this step.
    pub inbox: Vec<InboxRow>,
    /// Numbers first used in this step.
    pub numbers: Vec<NumberRow>,
}

/// Why a log operation failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another sequencer owns the merchant: this one must stop.
    #[error("epoch {ours} of {merchant} is over, the log is in epoch {current}")]
    Fenced {
        /// The merchant.
        merchant: MerchantId,
        /// The epoch the append carried.
        ours: Epoch,
        /// The epoch of the log.
        current: Epoch,
    },
    /// The log's end is not where the writer believed.
    #[error("log of {merchant} ends at {current}, the append expected {expected}")]
    WrongPosition {
        /// The merchant.
        merchant: MerchantId,
        /// Where the append expected the end.
        expected: Position,
        /// Where it is.
        current: Position,
    },
    /// A stream version, message or number of the append exists already.
    #[error("append collides with what is stored: {0}")]
    Collision(String),
    /// The device is full.
    #[error("no space left for the log")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store was written by a newer version of Kami.
    #[error("log has schema version {found}, this build knows up to {known}")]
    NewerSchema {
        /// The stored version.
        found: i64,
        /// The newest version this build knows.
        known: i64,
    },
    /// Another process has the store open for writing.
    #[error("log is in use by another process")]
    InUse,
    /// A setting of the store could lose data.
    #[error("log setting {setting} is {found}, it must be {wanted}")]
    UnsafeSetting {
        /// Which.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A stored row is not readable.
    #[error("log row is damaged: {0}")]
    Damaged(String),
    /// The store failed. After a failed append the writer must stop: nobody knows what is stored.
    #[error("log store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A log.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// How many appends, each of other merchants, are sensibly under way at once. With one writer this is 1: then all
    /// merchants share a flush. A log whose merchants do not wait for each other says more.
    fn lanes(&self) -> usize {
        1
    }

    /// Takes a merchant over: raises its epoch by one (from 0) durably and returns the head in the new epoch.
    /// Appends with an earlier epoch fail from then on.
    async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError>;

    /// Stores all parts durably in one atomic step, across merchants where the log [spans
    /// them](Self::spans_merchants); returns only when they are on disk. On any error nothing of any part is stored.
    /// A log that does not span merchants stores their parts one merchant after another, in the order given, and stops
    /// at the first that fails: then nothing of that merchant is stored, and nothing of those after it.
    async fn append(&self, parts: &[Append]) -> Result<(), LogError>;

    /// Whether parts of several merchants are one atomic step. Parts of one merchant always are.
    fn spans_merchants(&self) -> bool {
        true
    }

    /// At most `limit` events at positions greater than `after`, in order.
    async fn read_log(
        &self,
        merchant: &MerchantId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError>;

    /// At most `limit` events of a stream from version `from` on, in order.
    async fn read_stream(
        &self,
        merchant: &MerchantId,
        stream: &StreamId,
        from: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError>;

    /// All events of several streams (cold orders of one batch), each stream's in order.
    async fn read_streams(
        &self,
        merchant: &MerchantId,
        streams: &[StreamId],
    ) -> Result<Vec<RecordedEvent>, LogError>;

    /// Where the log stands; `None` when the merchant was never claimed.
    async fn head(&self, merchant: &MerchantId) -> Result<Option<Head>, LogError>;

    /// The merchants that have a log, by name.
    async fn merchants(&self) -> Result<Vec<MerchantId>, LogError>;

    /// Told after each append of this process: the merchant's newest position. Starts at the head.
    fn watch(&self, merchant: &MerchantId) -> watch::Receiver<Position>;

    /// The stored messages with these de-duplication keys (at most one each); missing ones are absent.
    async fn find_inbox(
        &self,
        merchant: &MerchantId,
        dedupe_keys: &[String],
    ) -> Result<Vec<InboxRow>, LogError>;

    /// One stored message.
    async fn read_inbox(
        &self,
        merchant: &MerchantId,
        message: &MessageId,
    ) -> Result<Option<InboxRow>, LogError>;

    /// Stored messages, newest first.
    async fn list_inbox(
        &self,
        merchant: &MerchantId,
        filter: &InboxFilter,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError>;

    /// Counts stored messages by span, account and verdict, in that order; without opening one. Those that came in
    /// while this runs may be missing. A backend that can count says so itself: this reads every message.
    async fn tally_inbox(&self, merchant: &MerchantId, spans: &Spans) -> Result<Vec<InboxTally>, LogError> {
        tally_by_pages(self, merchant, spans).await
    }

    /// Where these numbers were first used; missing ones are absent. Each key is (kind, namespace, number).
    async fn find_numbers(
        &self,
        merchant: &MerchantId,
        keys: &[(NumberKind, String, String)],
    ) -> Result<Vec<NumberRow>, LogError>;

    /// Keeps a snapshot, replacing the merchant's earlier one. Losing it costs only start time.
    async fn save_snapshot(&self, merchant: &MerchantId, snapshot: &Snapshot) -> Result<(), LogError>;

    /// The merchant's snapshot, if one is kept.
    async fn load_snapshot(&self, merchant: &MerchantId) -> Result<Option<Snapshot>, LogError>;

    /// The greatest position recorded at or before an instant (0 when none is).
    async fn position_at(&self, merchant: &MerchantId, at: Timestamp) -> Result<Position, LogError>;
}
