//! A log in PostgreSQL, for several nodes that share one database.
//!
//! Each merchant has a row with the head of its log. An append moves that row from where its writer believes it to be,
//! under the row's lock and in the transaction that stores the events: so positions have no gap, commit in order, and a
//! writer whose epoch is over is refused. Merchants do not wait for each other. The schema is a public contract: see
//! `migrations/`. This crate knows what the contract knows, and SQL. It decides nothing.
//!
//! ```no_run
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use event_log::EventLog;
//! use event_log_postgres::PostgresLog;
//! let log = PostgresLog::open("postgres://kami@db.example/kami?sslmode=verify-full").await?;
//! let head = log.claim(&"acme".parse()?).await?;
//! println!("{} events, epoch {}", head.position, head.epoch);
//! log.close().await?;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod append;
mod ceiling;
mod error;
mod following;
mod heads;
mod inbox;
pub mod leases;
mod reading;
mod schema;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod writers;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use event_log::{
    Append, EventLog, Head, InboxFilter, InboxRow, InboxTally, LogError, NumberKind, NumberRow, Snapshot,
    Spans, WholeLog,
};
use events::RecordedEvent;
use sqlx::{
    ConnectOptions, Connection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use vocabulary::{MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp};

pub use ceiling::{raw_inserts, settle};
pub use settings::{Judged, Setting};

use crate::{
    append::Batch,
    error::{Unwritable, store},
    heads::Heads,
    writers::Writers,
};

/// Sessions that read, one of them listening.
const READERS: u32 = 6;
/// How long appends are tried again while the server is not reached: a restart or a failover takes some seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What [`examine`] finds.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Every setting that matters to a log.
    pub settings: Vec<Setting>,
    /// The server's clock when it was asked.
    pub clock: Timestamp,
}

/// Asks a server for the settings that [`PostgresLog::open`] insists on, all of them, and for its time. Makes nothing.
pub async fn examine(url: &str) -> Result<Examined, LogError> {
    let mut session = settings::writing(&settings::parse(url)?).connect().await.map_err(store)?;
    let settings = settings::examine(&mut session).await?;
    let micros: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        .fetch_one(&mut session)
        .await
        .map_err(store)?;
    session.close().await.map_err(store)?;
    Ok(Examined { settings, clock: Timestamp::from_micros(micros) })
}

/// A log in a database. Needs a Tokio runtime.
pub struct PostgresLog {
    writers: Arc<Writers>,
    heads: Arc<Heads>,
    readers: PgPool,
    appended: mpsc::UnboundedSender<(MerchantId, Position)>,
    /// Ends with the log.
    _following: JoinSet<()>,
}

impl PostgresLog {
    /// Opens the log of a database for reading and writing; makes its schema, `kami_log`, the first time. The URL is
    /// one of PostgreSQL (`postgres://user@host:port/database?sslmode=verify-full`); a password is better kept in
    /// `PGPASSWORD` or a password file. Fails with [`LogError::UnsafeSetting`] when the server could lose data, is a
    /// standby or too old, and with [`LogError::NewerSchema`] when a newer build wrote the log. Several processes may
    /// have it open: what keeps them apart is the epoch of each merchant.
    pub async fn open(url: &str) -> Result<Self, LogError> {
        Self::open_with(url, PATIENCE).await
    }

    /// Opens the log as [`PostgresLog::open`] does. While the server is not reached, an append is tried again for as
    /// long as `patience`; then it fails, and the writer must stop.
    pub async fn open_with(url: &str, patience: Duration) -> Result<Self, LogError> {
        let options = settings::parse(url)?;
        let writers = Writers::open(settings::writing(&options), patience).await?;
        let (mut log, told) = Self::with(writers, &options).await?;
        let (pool, heads) = (log.readers.clone(), log.heads.clone());
        log._following.spawn(following::listen(pool.clone(), heads.clone()));
        log._following.spawn(following::ask_regularly(pool.clone(), heads));
        log._following.spawn(following::tell(pool, told));
        Ok(log)
    }

    /// Opens the log of a database for reading: for offline tools, also beside running processes, also on a standby.
    /// Changes nothing. [`EventLog::watch`] stands still, and writes fail.
    pub async fn open_read_only(url: &str) -> Result<Self, LogError> {
        let options = settings::parse(url)?;
        Ok(Self::with(Writers::barred(options.clone()), &options).await?.0)
    }

    /// Opens the log as [`PostgresLog::open_read_only`] does, to read all of it as it stands at one moment, for all
    /// merchants, while others write it. Reads wait for each other. A line that breaks ends the moment: a copy that
    /// was under way then fails, or has missed nothing.
    pub async fn open_moment(url: &str) -> Result<Self, LogError> {
        let options = settings::parse(url)?;
        let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        // The moment lasts as long as whoever reads it takes.
        let begin =
            "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let pool = pool.after_connect(move |session, _| {
            Box::pin(async move { sqlx::raw_sql(begin).execute(session).await.map(|_| ()) })
        });
        Ok(Self::with_readers(pool, Writers::barred(options.clone()), &options).await?.0)
    }

    async fn with(
        writers: Writers,
        options: &PgConnectOptions,
    ) -> Result<(Self, mpsc::UnboundedReceiver<(MerchantId, Position)>), LogError> {
        Self::with_readers(PgPoolOptions::new().max_connections(READERS), writers, options).await
    }

    async fn with_readers(
        pool: PgPoolOptions,
        writers: Writers,
        options: &PgConnectOptions,
    ) -> Result<(Self, mpsc::UnboundedReceiver<(MerchantId, Position)>), LogError> {
        let readers = pool.connect_with(settings::reading(options)).await.map_err(store)?;
        let (appended, told) = mpsc::unbounded_channel();
        let (writers, heads) = (Arc::new(writers), Arc::<Heads>::default());
        let log = Self { writers, heads, readers, appended, _following: JoinSet::new() };
        let mut reader = log.reader().await?;
        schema::check(&mut reader).await?;
        for (merchant, position) in reading::positions(&mut reader, None).await? {
            log.heads.advance(&merchant, position);
        }
        drop(reader);
        Ok((log, told))
    }

    /// Waits for reads and writes in progress and ends the sessions. Every later call fails.
    pub async fn close(&self) -> Result<(), LogError> {
        let closed = self.writers.close().await;
        self.readers.close().await;
        closed
    }

    async fn reader(&self) -> Result<PoolConnection<Postgres>, LogError> {
        self.readers.acquire().await.map_err(store)
    }
}

#[async_trait]
impl EventLog for PostgresLog {
    /// Half of the sessions that write: the others are left to those that claim and keep snapshots.
    fn lanes(&self) -> usize {
        writers::SESSIONS / 2
    }

    async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError> {
        let head = self.writers.claim(merchant).await?;
        self.heads.advance(merchant, head.position);
        Ok(head)
    }

    /// Once begun, an append runs to its end even if the caller stops waiting for it. When the line to the server
    /// breaks, this waits until it is known whether the append is stored.
    async fn append(&self, parts: &[Append]) -> Result<(), LogError> {
        if parts.is_empty() {
            return Ok(());
        }
        let batch = Batch::of(parts)?;
        let (answer, answered) = oneshot::channel();
        let (writers, heads, appended) = (self.writers.clone(), self.heads.clone(), self.appended.clone());
        tokio::spawn(async move {
            let result = writers.append(&batch).await;
            if result.is_ok() {
                for (merchant, position) in batch.ends() {
                    heads.advance(merchant, position);
                    // Without anybody to tell others, they ask.
                    let _gone = appended.send((merchant.clone(), position));
                }
            }
            // A caller that is gone needs no answer: what is stored will be read.
            answer.send(result).unwrap_or_default();
        });
        answered.await.unwrap_or_else(|_| Err(Unwritable::Lost.into()))
    }

    async fn read_log(
        &self,
        merchant: &MerchantId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        reading::read_log(&mut *self.reader().await?, merchant, after, limit).await
    }

    async fn read_stream(
        &self,
        merchant: &MerchantId,
        stream: &StreamId,
        from: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        reading::read_stream(&mut *self.reader().await?, merchant, stream, from, limit).await
    }

    async fn read_streams(
        &self,
        merchant: &MerchantId,
        streams: &[StreamId],
    ) -> Result<Vec<RecordedEvent>, LogError> {
        reading::read_streams(&mut *self.reader().await?, merchant, streams).await
    }

    async fn head(&self, merchant: &MerchantId) -> Result<Option<Head>, LogError> {
        reading::head(&mut *self.reader().await?, merchant).await
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, LogError> {
        let found = reading::positions(&mut *self.reader().await?, None).await?;
        Ok(found.into_iter().map(|(merchant, _)| merchant).collect())
    }

    /// Told also of what other processes append, soon after.
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
        self.writers.save_snapshot(merchant, snapshot).await
    }

    async fn load_snapshot(&self, merchant: &MerchantId) -> Result<Option<Snapshot>, LogError> {
        reading::snapshot(&mut *self.reader().await?, merchant).await
    }

    async fn position_at(&self, merchant: &MerchantId, at: Timestamp) -> Result<Position, LogError> {
        reading::position_at(&mut *self.reader().await?, merchant, at).await
    }
}

#[async_trait]
impl WholeLog for PostgresLog {
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
