//! What a read model is.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use vocabulary::{MerchantId, Position};

use crate::{Event, Table, Tallies, Trace, View};

/// A read model: its name, its shape, and how to begin folding it.
pub trait Projection: Send + Sync + 'static {
    /// The stable name. It keys the checkpoint: another name is another projection.
    fn name(&self) -> &'static str;
    /// Counts up whenever the same events would give other rows; the rows are rebuilt at the next start.
    /// (A change of the tables alone is noticed without it.)
    fn version(&self) -> u32;
    /// The tables it keeps, which nobody else writes.
    fn tables(&self) -> &'static [&'static Table];
    /// Views over those tables, and over those of other projections.
    fn views(&self) -> &'static [&'static View] {
        &[]
    }
    /// How the events behind a row are found, for tables and views where a column does not say it: see [`Trace`].
    fn traces(&self) -> &'static [Trace] {
        &[]
    }
    /// The one of its tables, if any, that counts messages and that no fold writes: see [`Views::tally`](crate::Views::tally).
    fn tallies(&self) -> Option<Tallies> {
        None
    }
    /// A fold for one merchant with nothing in memory: it reads the rows it needs from its tables.
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold>;
}

/// A read model being folded for one merchant, batch by batch: first `load`, then `fold`, then `write`, within one
/// transaction. It may keep rows in memory between batches; it is dropped, and another started, whenever a
/// transaction did not commit or a step failed.
///
/// The events of a batch follow the ones before without a gap in the log (but those that could not be decoded or
/// applied). The rows must not depend on how the log was cut into batches.
#[async_trait]
pub trait Fold: Send + Sync {
    /// Reads the rows that the batch needs and that are not in memory.
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError>;
    /// Folds the batch in memory. No I/O: it may run beside the writing of another projection.
    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError>;
    /// Writes the rows that changed.
    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError>;
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// One event cannot be applied. The runner quarantines it and applies the others.
    #[error("event at {position} cannot be applied: {reason}")]
    Event {
        /// The event's position; must be one of the batch.
        position: Position,
        /// Why, for whoever looks into it.
        reason: String,
    },
    /// The database failed. The batch is tried again later.
    #[error("read model cannot be written")]
    Store(#[from] sqlx::Error),
    /// A row of the projection's own tables is not what it wrote.
    #[error("read model row is damaged: {0}")]
    Damaged(String),
}

impl ApplyError {
    /// An event that cannot be applied.
    pub fn event(position: Position, reason: impl Into<String>) -> Self {
        Self::Event { position, reason: reason.into() }
    }
}

impl From<vocabulary::ParseError> for ApplyError {
    fn from(error: vocabulary::ParseError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<serde_json::Error> for ApplyError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}
