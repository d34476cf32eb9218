//! A log in one SQLite file, `log.db`: the embedded default.
//!
//! One connection writes, and each append is one transaction that is flushed before it is answered; a few
//! connections read, and never wait for the writer. The schema is a public contract: see `schema.sql`.
//! This crate knows what the contract knows, and SQL. It decides nothing.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! use event_log::EventLog;
//! use event_log_sqlite::SqliteLog;
//! let log = SqliteLog::open(directory.path()).await?;
//! let head = log.claim(&"acme".parse()?).await?;
//! assert_eq!((head.epoch.0, head.position.0), (1, 0));
//! log.close().await?;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod append;
mod backup;
mod error;
mod files;
mod following;
mod heads;
mod inbox;
mod packed;
mod reading;
mod schema;
mod settings;
#[cfg(test)]
mod tests;
mod values;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use event_log::{
    Append, EventLog, Head, InboxFilter, InboxRow, InboxTally, LogError, NumberKind, NumberRow, Snapshot,
    Spans, WholeLog,
};
use events::RecordedEvent;
use sqlx::{
    Sqlite, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::sync::{Mutex, oneshot, watch};
use vocabulary::{MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp};

pub use crate::backup::copy_of;
use crate::{
    append::Batch,
    error::{Unwritable, store},
    heads::Heads,
    writer::{Role, Writer},
};

pub use following::{Change, Followed};

/// Connections that read. Reads are short, and more of them than cores gain nothing.
const READERS: u32 = 4;

/// A log in a directory. Needs a Tokio runtime.
pub struct SqliteLog {
    writer: Arc<Mutex<Writer>>,
    heads: Arc<Heads>,
    readers: SqlitePool,
}

impl SqliteLog {
    /// Opens the log of a directory for reading and writing; makes both where they are missing, readable for
    /// the owner only. Fails with [`LogError::InUse`] while another process (or another value of this type)
    /// has it open, with [`LogError::NewerSchema`] when a newer build wrote it and with
    /// [`LogError::UnsafeSetting`] when the library or a setting could lose data.
    pub async fn open(dir: &Path) -> Result<Self, LogError> {
        let lock = files::prepare(dir)?;
        let path = files::log_file(dir);
        let writer = Writer::open(&path, lock, Role::Log).await?;
        Self::with(writer, settings::reading(&path, false)).await
    }

    /// Opens the log of a directory for reading: for offline tools, also beside a running process. Takes no
    /// lock and changes nothing of what is stored. [`EventLog::watch`] stands still, and writes fail. A log
    /// that was closed in good order, such as a copy of `log.db` alone, must not be opened for writing
    /// meanwhile.
    pub async fn open_read_only(dir: &Path) -> Result<Self, LogError> {
        let options = settings::reading(&files::log_file(dir), files::is_at_rest(dir));
        Self::with(Writer::Barred(Unwritable::ReadOnly), options).await
    }

    async fn with(writer: Writer, reading: SqliteConnectOptions) -> Result<Self, LogError> {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(reading)
            .await
            .map_err(store)?;
        let log = Self { writer: Arc::new(Mutex::new(writer)), heads: Arc::default(), readers };
        let mut reader = log.reader().await?;
        schema::check(&mut reader).await?;
        for (merchant, position) in reading::positions(&mut reader).await? {
            log.heads.advance(&merchant, position);
        }
        Ok(log)
    }

    /// Waits for reads and writes in progress, moves everything into `log.db` and gives the lock back. Every
    /// later call fails. Without it nothing is lost, but the next start has a write-ahead log to read.
    pub async fn close(&self) -> Result<(), LogError> {
        self.readers.close().await;
        self.writer.lock().await.close().await
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, LogError> {
        self.readers.acquire().await.map_err(store)
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError> {
        self.writer.lock().await.claim(merchant).await
    }

    /// Once begun, an append runs to its end even if the caller stops waiting for it.
    async fn append(&self, parts: &[Append]) -> Result<(), LogError> {
        if parts.is_empty() {
            return Ok(());
        }
        let batch = Batch::of(parts)?;
        let (answer, answered) = oneshot::channel();
        let (writer, heads) = (Arc::clone(&self.writer), Arc::clone(&self.heads));
        tokio::spawn(async move {
            let mut writer = writer.lock().await;
            let ends = batch.ends();
            let result = writer.append(batch).await;
            if result.is_ok() {
                ends.iter().for_each(|(merchant, position)| heads.advance(merchant, *position));
            }
            // A caller that is gone needs no answer: what is stored will be read.
            answer.send(result).unwrap_or_default();
            writer.tend().await;
        });
        answered.await.unwrap_or_else(|_| Err(Unwritable::Lost.into()))
    }

    async fn read_log(
        &self,
        merchant: &MerchantId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        packed::read_log(&mut *self.reader().await?, merchant, after, limit).await
    }

    async fn read_stream(
        &self,
        merchant: &MerchantId,
        stream: &StreamId,
        from: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        packed::read_stream(&mut *self.reader().await?, merchant, stream, from, limit).await
    }

    async fn read_streams(
        &self,
        merchant: &MerchantId,
        streams: &[StreamId],
    ) -> Result<Vec<RecordedEvent>, LogError> {
        packed::read_streams(&mut *self.reader().await?, merchant, streams).await
    }

    async fn head(&self, merchant: &MerchantId) -> Result<Option<Head>, LogError> {
        reading::head(&mut *self.reader().await?, merchant).await
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, LogError> {
        let found = reading::positions(&mut *self.reader().await?).await?;
        Ok(found.into_iter().map(|(merchant, _)| merchant).collect())
    }

    fn watch(&self, merchant: &MerchantId) -> watch::Receiver<Position> {
        self.heads.watch(merchant)
    }

    async fn find_inbox(
        &self,
        merchant: &MerchantId,
        dedupe_keys: &[String],
    ) -> Result<Vec<InboxRow>, LogError> {
        inbox::find(&mut *self.reader().await?, merchant, dedupe_keys).await
    }

    async fn read_inbox(
        &self,
        merchant: &MerchantId,
        message: &MessageId,
    ) -> Result<Option<InboxRow>, LogError> {
        inbox::read(&mut *self.reader().await?, merchant, message).await
    }

    async fn list_inbox(
        &self,
        merchant: &MerchantId,
        filter: &InboxFilter,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError> {
        inbox::list(&mut *self.reader().await?, merchant, filter, limit).await
    }

    async fn tally_inbox(&self, merchant: &MerchantId, spans: &Spans) -> Result<Vec<InboxTally>, LogError> {
        inbox::tally(&mut *self.reader().await?, merchant, spans).await
    }

    async fn find_numbers(
        &self,
        merchant: &MerchantId,
        keys: &[(NumberKind, String, String)],
    ) -> Result<Vec<NumberRow>, LogError> {
        inbox::find_numbers(&mut *self.reader().await?, merchant, keys).await
    }

    async fn save_snapshot(&self, merchant: &MerchantId, snapshot: &Snapshot) -> Result<(), LogError> {
        self.writer.lock().await.save_snapshot(merchant, snapshot).await
    }

    async fn load_snapshot(&self, merchant: &MerchantId) -> Result<Option<Snapshot>, LogError> {
        reading::snapshot(&mut *self.reader().await?, merchant).await
    }

    async fn position_at(&self, merchant: &MerchantId, at: Timestamp) -> Result<Position, LogError> {
        reading::position_at(&mut *self.reader().await?, merchant, at).await
    }
}

#[async_trait]
impl WholeLog for SqliteLog {
    async fn page_of_inbox(
        &self,
        merchant: &MerchantId,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError> {
        inbox::page(&mut *self.reader().await?, merchant, after, limit).await
    }

    async fn page_of_numbers(
        &self,
        merchant: &MerchantId,
        after: Option<&NumberRow>,
        limit: usize,
    ) -> Result<Vec<NumberRow>, LogError> {
        inbox::page_of_numbers(&mut *self.reader().await?, merchant, after, limit).await
    }
}
