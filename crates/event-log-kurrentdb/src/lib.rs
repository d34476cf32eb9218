//! A log in KurrentDB: one stream per merchant, appended with the revision it is expected to have.
//!
//! The stream is the log: facts, and between them records of ours that carry messages, numbers and claims (see
//! `records`). An append is a run of records of which the last closes it; a claim is a record too, so an owner whose epoch
//! is over expects a revision that the stream no longer has. KurrentDB can list a stream and no more, so every look-up is
//! answered by an index: a file of `event-log-sqlite` that follows the streams. It is this process's own and may be lost;
//! it is made anew from the streams. An append is in it before it is answered.
//!
//! ```no_run
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use event_log::EventLog;
//! use event_log_kurrentdb::KurrentLog;
//! let log = KurrentLog::open("esdb://kami@db.example:2113", Some("data/kurrentdb-index".as_ref())).await?;
//! let head = log.claim(&"acme".parse()?).await?;
//! println!("{} events, epoch {}", head.position, head.epoch);
//! log.close().await?;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod error;
mod following;
mod lane;
mod records;
mod server;
mod settings;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use event_log::{
    Append, EventLog, Head, InboxFilter, InboxRow, LogError, NumberKind, NumberRow, Snapshot, WholeLog,
};
use event_log_sqlite::SqliteLog;
use events::RecordedEvent;
use tempfile::TempDir;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};
use uuid::Uuid;
use vocabulary::{MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp};

use crate::{error::Trouble, lane::Lane, records::Record, server::Server, settings::Place};

/// How long an append is tried again while the server is not reached: an election or a restart takes some seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A log in KurrentDB. Needs a Tokio runtime.
pub struct KurrentLog {
    shared: Arc<Shared>,
    access: Access,
    /// Ends with the log.
    following: Mutex<JoinSet<()>>,
    _temporary: Option<TempDir>,
}

/// What may be done with the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    /// Only read, with an index of its own.
    Read,
    /// Only read, in the index of a process that keeps it up to date.
    Beside,
}

/// What appends, followers and readers share.
pub(crate) struct Shared {
    place: Place,
    server: Server,
    index: SqliteLog,
    /// Tells the records of this process from those of any other.
    writer: Uuid,
    lanes: Mutex<HashMap<MerchantId, Arc<Mutex<Lane>>>>,
}

impl Shared {
    async fn of(place: Place, index: SqliteLog, patience: Duration) -> Result<Self, LogError> {
        let server = Server::new(place.client.clone(), patience)?;
        Ok(Self { place, server, index, writer: Uuid::now_v7(), lanes: Mutex::default() })
    }

    pub(crate) async fn lane(&self, merchant: &MerchantId) -> Result<Arc<Mutex<Lane>>, LogError> {
        let mut lanes = self.lanes.lock().await;
        if let Some(lane) = lanes.get(merchant) {
            return Ok(lane.clone());
        }
        let lane = Arc::new(Mutex::new(Lane::of(self, merchant).await?));
        lanes.insert(merchant.clone(), lane.clone());
        Ok(lane)
    }

    /// Takes in all that stands in the streams now.
    async fn catch_up(&self) -> Result<(), LogError> {
        for merchant in self.index.merchants().await? {
            self.lane(&merchant).await?.lock().await.catch_up(self).await?;
        }
        let noted = self.server.read(&self.place.merchants(), 0, usize::MAX).await?;
        for merchant in noted.into_iter().filter_map(|event| Record::from(event).merchant()) {
            self.lane(&merchant).await?.lock().await.catch_up(self).await?;
        }
        Ok(())
    }
}

impl KurrentLog {
    /// Opens the log of a server for reading and writing, with its index in a directory of this process alone, or in a
    /// temporary one. The address is one of KurrentDB's clients (`esdb://user@host:2113?tls=true`, or with `kurrentdb://`), which may name
    /// the prefix of the streams besides (`kamiPrefix=…`, else `kami`). Reads what the index lacks, which is the whole log
    /// the first time. Fails with [`LogError::InUse`] while another process has the index, and with [`LogError::Damaged`]
    /// when the index knows records that the server does not have. Several processes may have the log open, each with an
    /// index of its own: what keeps them apart is the epoch of each merchant.
    ///
    /// The client installs a TLS provider for the whole process, and this fails where there is one already.
    pub async fn open(url: &str, index: Option<&Path>) -> Result<Self, LogError> {
        Self::open_with(url, index, PATIENCE).await
    }

    /// Opens the log as [`KurrentLog::open`] does. While the server is not reached, an append is tried again for as long
    /// as `patience`; then it fails, and the writer must stop.
    pub async fn open_with(url: &str, index: Option<&Path>, patience: Duration) -> Result<Self, LogError> {
        let place = settings::parse(url)?;
        let (dir, temporary) = directory(index)?;
        let index = SqliteLog::open_copy(&dir).await?;
        let shared = Arc::new(Shared::of(place, index, patience).await?);
        shared.catch_up().await?;
        let mut following = JoinSet::new();
        following.spawn(following::follow_all(shared.clone()));
        Ok(Self { shared, access: Access::Write, following: Mutex::new(following), _temporary: temporary })
    }

    /// Opens the log for reading: for offline tools, also beside running processes. Uses the index of a directory where
    /// one is given: brings it up to date, or reads it beside the process that has it. Else it makes a temporary one of
    /// the whole log. [`EventLog::watch`] stands still, and writes fail.
    pub async fn open_read_only(url: &str, index: Option<&Path>) -> Result<Self, LogError> {
        let place = settings::parse(url)?;
        let (dir, temporary) = directory(index)?;
        let (index, access) = match SqliteLog::open_copy(&dir).await {
            Err(LogError::InUse) => (SqliteLog::open_read_only(&dir).await?, Access::Beside),
            opened => (opened?, Access::Read),
        };
        let shared = Arc::new(Shared::of(place, index, PATIENCE).await?);
        if access == Access::Read {
            shared.catch_up().await?;
        }
        Ok(Self { shared, access, following: Mutex::default(), _temporary: temporary })
    }

    /// The server's version, as it tells its clients.
    pub async fn server_version(&self) -> Result<String, LogError> {
        self.shared.server.version().await
    }

    /// Waits for writes in progress, and closes the index. Every later call fails.
    pub async fn close(&self) -> Result<(), LogError> {
        self.following.lock().await.shutdown().await;
        let lanes: Vec<_> = self.shared.lanes.lock().await.values().cloned().collect();
        for lane in lanes {
            drop(lane.lock().await);
        }
        self.shared.index.close().await
    }

    fn may_write(&self) -> Result<(), LogError> {
        if self.access == Access::Write { Ok(()) } else { Err(Trouble::ReadOnly.into()) }
    }
}

#[async_trait]
impl EventLog for KurrentLog {
    /// Once begun, a claim runs to its end even if the caller stops waiting for it.
    async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError> {
        self.may_write()?;
        let (shared, merchant) = (self.shared.clone(), merchant.clone());
        to_its_end(async move {
            let lane = shared.lane(&merchant).await?;
            let mut lane = lane.lock().await;
            lane.claim(&shared).await
        })
        .await
    }

    /// Once begun, an append runs to its end even if the caller stops waiting for it. When the line to the server breaks,
    /// this waits until it is known whether the append is stored.
    async fn append(&self, parts: &[Append]) -> Result<(), LogError> {
        self.may_write()?;
        let mut merchants: Vec<(MerchantId, Vec<Append>)> = Vec::new();
        for part in parts {
            match merchants.iter_mut().find(|(merchant, _)| *merchant == part.merchant) {
                Some((_, of)) => of.push(part.clone()),
                None => merchants.push((part.merchant.clone(), vec![part.clone()])),
            }
        }
        let shared = self.shared.clone();
        to_its_end(async move { append(&shared, merchants).await }).await
    }

    fn spans_merchants(&self) -> bool {
        false
    }

    async fn read_log(
        &self,
        merchant: &MerchantId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.shared.index.read_log(merchant, after, limit).await
    }

    async fn read_stream(
        &self,
        merchant: &MerchantId,
        stream: &StreamId,
        from: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.shared.index.read_stream(merchant, stream, from, limit).await
    }

    async fn read_streams(
        &self,
        merchant: &MerchantId,
        streams: &[StreamId],
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.shared.index.read_streams(merchant, streams).await
    }

    /// Where the index stands, which the process's own appends are in at once, and others' soon after. Opened for
    /// reading, it asks the server.
    async fn head(&self, merchant: &MerchantId) -> Result<Option<Head>, LogError> {
        if self.access == Access::Read {
            let lane = self.shared.lane(merchant).await?;
            lane.lock().await.catch_up(&self.shared).await?;
        }
        self.shared.index.head(merchant).await
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, LogError> {
        self.shared.index.merchants().await
    }

    /// Told also of what other processes append, soon after.
    fn watch(&self, merchant: &MerchantId) -> watch::Receiver<Position> {
        self.shared.index.watch(merchant)
    }

    async fn find_inbox(
        &self,
        merchant: &MerchantId,
        dedupe_keys: &[String],
    ) -> Result<Vec<InboxRow>, LogError> {
        self.shared.index.find_inbox(merchant, dedupe_keys).await
    }

    async fn read_inbox(
        &self,
        merchant: &MerchantId,
        message: &MessageId,
    ) -> Result<Option<InboxRow>, LogError> {
        self.shared.index.read_inbox(merchant, message).await
    }

    async fn list_inbox(
        &self,
        merchant: &MerchantId,
        filter: &InboxFilter,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError> {
        self.shared.index.list_inbox(merchant, filter, limit).await
    }

    async fn find_numbers(
        &self,
        merchant: &MerchantId,
        keys: &[(NumberKind, String, String)],
    ) -> Result<Vec<NumberRow>, LogError> {
        self.shared.index.find_numbers(merchant, keys).await
    }

    /// Kept in the index: another process has none, and starts from the log.
    async fn save_snapshot(&self, merchant: &MerchantId, snapshot: &Snapshot) -> Result<(), LogError> {
        self.may_write()?;
        self.shared.index.save_snapshot(merchant, snapshot).await
    }

    async fn load_snapshot(&self, merchant: &MerchantId) -> Result<Option<Snapshot>, LogError> {
        self.shared.index.load_snapshot(merchant).await
    }

    async fn position_at(&self, merchant: &MerchantId, at: Timestamp) -> Result<Position, LogError> {
        self.shared.index.position_at(merchant, at).await
    }
}

/// The directory of an index; a temporary one where none is named.
fn directory(index: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), LogError> {
    if let Some(dir) = index {
        return Ok((dir.to_owned(), None));
    }
    let dir = tempfile::tempdir().map_err(|error| LogError::Store(Box::new(error)))?;
    Ok((dir.path().to_owned(), Some(dir)))
}

/// Does what must not be given up halfway: what the index has taken in must be known.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, LogError>> + Send + 'static,
) -> Result<T, LogError> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Trouble::Lost.into()))
}

/// One merchant after another; the first that is refused ends it.
async fn append(shared: &Shared, merchants: Vec<(MerchantId, Vec<Append>)>) -> Result<(), LogError> {
    for (merchant, parts) in merchants {
        let lane = shared.lane(&merchant).await?;
        let mut lane = lane.lock().await;
        lane.append(shared, &parts).await?;
    }
    Ok(())
}

#[async_trait]
impl WholeLog for KurrentLog {
    async fn page_of_inbox(
        &self,
        merchant: &MerchantId,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError> {
        self.shared.index.page_of_inbox(merchant, after, limit).await
    }

    async fn page_of_numbers(
        &self,
        merchant: &MerchantId,
        after: Option<&NumberRow>,
        limit: usize,
    ) -> Result<Vec<NumberRow>, LogError> {
        self.shared.index.page_of_numbers(merchant, after, limit).await
    }
}
