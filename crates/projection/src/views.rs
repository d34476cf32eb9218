//! The database of read models.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use event_log::LogError;
use sqlx::{
    Connection, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;
use vocabulary::{MerchantId, Position};

use crate::{
    ApplyError, Projection, View,
    digest::{digest, view_digest},
    schema,
};

/// Connections that queries share. More would only compete for the processor.
const READERS: u32 = 4;

/// Statement shapes a connection keeps prepared: a few per table.
const STATEMENTS: usize = 256;

/// Why read models cannot be kept or asked.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The database of read models failed.
    #[error("read models cannot be reached")]
    Store(#[from] sqlx::Error),
    /// The log could not be read.
    #[error("log cannot be read")]
    Log(#[from] LogError),
    /// A projection failed in a way that is not one event's fault.
    #[error("read model {name} cannot be folded")]
    Fold {
        /// The projection.
        name: &'static str,
        /// What failed.
        source: ApplyError,
    },
    /// No projection has this name.
    #[error("there is no read model {0}")]
    UnknownProjection(String),
    /// The merchant's log is not being followed.
    #[error("log of {0} is not being followed")]
    NotFollowed(MerchantId),
    /// The program is stopping.
    #[error("reading models is stopping")]
    Stopped,
    /// There is no room for a temporary database.
    #[error("a temporary database cannot be made")]
    Scratch(#[source] std::io::Error),
    /// A database folded afresh cannot take the place of the old one.
    #[error("the files of the read models cannot be replaced")]
    Files(#[source] std::io::Error),
}

/// How far a projection has come with a merchant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The projection.
    pub name: String,
    /// The version its rows are of.
    pub version: u32,
    /// The last position its rows contain.
    pub head: Position,
    /// The hash of the event there (hex), which tells logs apart; empty at position 0.
    pub head_hash: String,
}

/// An event that a projection was unable to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The projection.
    pub name: String,
    /// The event.
    pub position: Position,
    /// Why.
    pub error: String,
}

/// The rows of all projections, for all merchants, in one database.
pub struct Views {
    pub(crate) writer: SqlitePool,
    reader: SqlitePool,
    pub(crate) projections: Vec<Arc<dyn Projection>>,
    rebuilds: watch::Sender<u64>,
    path: PathBuf,
    /// Where a temporary database lies; the directory goes with it.
    _scratch: Option<tempfile::TempDir>,
}

impl Views {
    /// Opens the database at `path`, making it where it is absent. Projections whose stored version or shape
    /// differs from this build's start anew.
    pub async fn open(path: &Path, projections: Vec<Arc<dyn Projection>>) -> Result<Self, ViewsError> {
        // A crash may lose the last batches of rows together with their checkpoints; the log still has the events.
        let options =
            options(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal);
        // Checkpointing the write-ahead log rarely saves writing the same hot pages again and again.
        let writer = single(options.pragma("wal_autocheckpoint", "8192")).await?;
        let views = Self::prepared(writer.clone(), writer, projections, path).await?;
        let reading = self::options(path).read_only(true).pragma("cache_size", "-16384");
        let reader = SqlitePoolOptions::new().max_connections(READERS).connect_with(reading).await?;
        Ok(Self { reader, ..views })
    }

    /// A private database that is gone when the value is dropped. This value reads and writes it over one
    /// connection; others may read the file while nothing is being folded.
    pub async fn temporary(projections: Vec<Arc<dyn Projection>>) -> Result<Self, ViewsError> {
        let scratch =
            tempfile::Builder::new().prefix("kami-views-").tempdir().map_err(ViewsError::Scratch)?;
        let path = scratch.path().join("views.db");
        let options = options(&path).journal_mode(SqliteJournalMode::Memory);
        let pool = single(options.synchronous(SqliteSynchronous::Off)).await?;
        let views = Self::prepared(pool.clone(), pool, projections, &path).await?;
        Ok(Self { _scratch: Some(scratch), ..views })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn prepared(
        writer: SqlitePool,
        reader: SqlitePool,
        projections: Vec<Arc<dyn Projection>>,
        path: &Path,
    ) -> Result<Self, ViewsError> {
        let mut conn = writer.acquire().await?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        schema::prepare(&mut tx, projections.iter().map(AsRef::as_ref)).await?;
        tx.commit().await?;
        drop(conn);
        let (rebuilds, path) = (watch::Sender::new(0), path.to_owned());
        Ok(Self { writer, reader, projections, rebuilds, path, _scratch: None })
    }

    /// Where queries read. Never blocks, and is never blocked by, the folding (but in a temporary database).
    pub fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// The projections, in the order they were given.
    pub fn projections(&self) -> &[Arc<dyn Projection>] {
        &self.projections
    }

    /// Empties a projection, or all of them where `name` is none, for all merchants; whoever follows a log folds
    /// it anew. Until then queries see few rows; [`Views::checkpoints`] says how far it is.
    pub async fn rebuild(&self, name: Option<&str>) -> Result<(), ViewsError> {
        let chosen = match name {
            Some(name) => vec![self.projection(name)?],
            None => self.projections.iter().map(AsRef::as_ref).collect(),
        };
        let mut conn = self.writer.acquire().await?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        for projection in chosen {
            schema::recreate(&mut tx, projection).await?;
        }
        tx.commit().await?;
        self.rows_were_replaced();
        Ok(())
    }

    /// Counts the rebuilds, and tells of each.
    pub(crate) fn rebuilds(&self) -> watch::Receiver<u64> {
        self.rebuilds.subscribe()
    }

    /// How far each projection has come with a merchant's log; position 0 where it has not begun.
    pub async fn checkpoints(&self, merchant: &MerchantId) -> Result<Vec<Checkpoint>, ViewsError> {
        let rows = sqlx::query("SELECT name, head_pos, head_hash FROM sys_projection WHERE merchant = ?")
            .bind(merchant.as_str())
            .fetch_all(&self.reader)
            .await?;
        let mut heads = std::collections::HashMap::new();
        for row in rows {
            heads.insert(row.try_get::<String, _>(0)?, (position(row.try_get(1)?), row.try_get(2)?));
        }
        let mut checkpoint = |projection: &Arc<dyn Projection>| {
            let (head, head_hash) = heads.remove(projection.name()).unwrap_or_default();
            Checkpoint { name: projection.name().to_owned(), version: projection.version(), head, head_hash }
        };
        Ok(self.projections.iter().map(&mut checkpoint).collect())
    }

    /// One hash (SHA-256, hex) over a projection's rows of a merchant. Equal rows give equal hashes, however they
    /// came to be.
    pub async fn digest(&self, name: &str, merchant: &MerchantId) -> Result<String, ViewsError> {
        let mut conn = self.reader.acquire().await?;
        Ok(digest(self.projection(name)?, &mut conn, merchant).await?)
    }

    /// One hash (SHA-256, hex) over the rows of a declared view of a merchant. It costs what the view's query costs.
    pub async fn view_digest(&self, view: &View, merchant: &MerchantId) -> Result<String, ViewsError> {
        let mut conn = self.reader.acquire().await?;
        Ok(view_digest(view, &mut conn, merchant).await?)
    }

    /// The events that projections were unable to take in, by position.
    pub async fn quarantined(&self, merchant: &MerchantId) -> Result<Vec<Quarantined>, ViewsError> {
        let rows =
            sqlx::query("SELECT name, pos, error FROM sys_quarantine WHERE merchant = ? ORDER BY pos, name")
                .bind(merchant.as_str())
                .fetch_all(&self.reader)
                .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Quarantined {
                    name: row.try_get(0)?,
                    position: position(row.try_get(1)?),
                    error: row.try_get(2)?,
                })
            })
            .collect()
    }

    fn projection(&self, name: &str) -> Result<&dyn Projection, ViewsError> {
        self.shared_projection(name).map(AsRef::as_ref)
    }

    pub(crate) fn shared_projection(&self, name: &str) -> Result<&Arc<dyn Projection>, ViewsError> {
        let found = self.projections.iter().find(|projection| projection.name() == name);
        found.ok_or_else(|| ViewsError::UnknownProjection(name.to_owned()))
    }

    /// Tells followers that rows were replaced under them.
    pub(crate) fn rows_were_replaced(&self) {
        self.rebuilds.send_modify(|count| *count += 1);
    }
}

/// A stored position. Negative numbers do not occur; they would read as 0.
pub(crate) fn position(stored: i64) -> Position {
    Position(u64::try_from(stored).unwrap_or(0))
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .statement_cache_capacity(STATEMENTS)
        // Rows with JSON in them would not fit smaller pages.
        .page_size(8_192)
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "memory")
}

/// One connection that stays: writers queue for it, and a temporary database lives as long as it.
pub(crate) async fn single(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    use sqlx::ConnectOptions;
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.disable_statement_logging())
        .await
}
