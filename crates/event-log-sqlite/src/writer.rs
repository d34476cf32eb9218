//! The one connection that writes, and its write-ahead log.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use event_log::{Head, LogError, Snapshot};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use vocabulary::MerchantId;

use crate::{
    append::Batch,
    error::{Unwritable, store, to_sql},
    following,
    reading::head_of,
    schema, settings,
};

/// When the write-ahead log is moved into the main file. Lengths are in pages of 8 KiB.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How often its length is looked at, in appends.
    pub(crate) look_every: u32,
    /// The length from which its pages are copied. It starts anew by itself when no reader needs it.
    pub(crate) copy_at: i64,
    /// The length from which readers are waited for, so that it can start anew.
    pub(crate) truncate_at: i64,
}

/// 64 MiB and 256 MiB.
const LIMITS: Limits = Limits { look_every: 16, copy_at: 8 << 10, truncate_at: 32 << 10 };

const CLAIM: &str = "INSERT INTO merchant (merchant, epoch, position, hash, recorded_at) \
                     VALUES (?1, 1, 0, ?2, 0) \
                     ON CONFLICT (merchant) DO UPDATE SET epoch = epoch + 1 \
                     RETURNING epoch, position, hash, recorded_at";
const SAVE_SNAPSHOT: &str = "INSERT OR REPLACE INTO snapshot (merchant, position, hash, shape, state) \
                             VALUES (?1, ?2, ?3, ?4, ?5)";

/// The right to write: whoever has it open holds the directory's lock. After a failure that leaves in doubt
/// what is stored, nothing more is written: a failed flush is never tried again.
pub(crate) enum Writer {
    Open(Box<OpenWriter>),
    Barred(Unwritable),
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The log itself: each commit is flushed.
    Log,
    /// A copy of a log that is kept elsewhere.
    Copy,
}

pub(crate) struct OpenWriter {
    pub(crate) connection: SqliteConnection,
    pub(crate) limits: Limits,
    appends: u32,
    /// How long it was when readers were last waited for; 0 once it started anew.
    waited_at: i64,
    path: PathBuf,
    role: Role,
    _lock: File,
}

impl Writer {
    /// Opens the file for writing, creates or checks its schema and asserts its settings.
    pub(crate) async fn open(path: &Path, lock: File, role: Role) -> Result<Self, LogError> {
        let connection = connect(path, role).await?;
        let (limits, path) = (LIMITS, path.to_owned());
        let open = OpenWriter { connection, limits, appends: 0, waited_at: 0, path, role, _lock: lock };
        Ok(Self::Open(Box::new(open)))
    }

    pub(crate) fn open_one(&mut self) -> Result<&mut OpenWriter, LogError> {
        match self {
            Self::Open(open) => Ok(open),
            Self::Barred(why) => Err(why.clone().into()),
        }
    }

    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, LogError> {
        self.open_one().map(|open| &mut open.connection)
    }

    pub(crate) fn stop(&mut self, why: String) {
        *self = Self::Barred(Unwritable::Stopped(why));
    }

    /// Stores a batch in one transaction. A refusal leaves the log as it was and the writer usable.
    pub(crate) async fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        let connection = self.connection()?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(store)?;
        let stored = batch.store(&mut transaction).await;
        let ended = match stored {
            Ok(()) => transaction.commit().await,
            Err(_) => transaction.rollback().await,
        };
        if let Err(error) = ended {
            if matches!(stored, Err(LogError::Full(_))) && is_over(&error) {
                self.open_one()?.reconnect().await?;
                return stored;
            }
            self.stop(error.to_string());
            return stored.and(Err(store(error)));
        }
        if let Err(LogError::Store(error)) = &stored {
            self.stop(error.to_string());
        }
        stored
    }

    /// Raises a merchant's epoch by one.
    pub(crate) async fn claim(&mut self, merchant: &MerchantId) -> Result<Head, LogError> {
        let row = sqlx::query(CLAIM)
            .bind(merchant.as_str())
            .bind(&events::chain::GENESIS[..])
            .fetch_one(self.connection()?)
            .await
            .map_err(store)?;
        head_of(&row)
    }

    /// Keeps a snapshot in place of the earlier one.
    pub(crate) async fn save_snapshot(
        &mut self,
        merchant: &MerchantId,
        kept: &Snapshot,
    ) -> Result<(), LogError> {
        sqlx::query(SAVE_SNAPSHOT)
            .bind(merchant.as_str())
            .bind(to_sql(kept.position.0)?)
            .bind(&kept.hash[..])
            .bind(kept.shape.as_str())
            .bind(&kept.state[..])
            .execute(self.connection()?)
            .await
            .map_err(store)?;
        Ok(())
    }

    /// Keeps the write-ahead log short. Called after an append was answered; a failure bars the writer, and
    /// the next append says why.
    pub(crate) async fn tend(&mut self) {
        if let Self::Open(open) = self
            && let Err(error) = open.tend().await
        {
            self.stop(format!("checkpoint failed: {error}"));
        }
    }

    /// Moves everything into the main file and closes it. The lock is free afterwards.
    pub(crate) async fn close(&mut self) -> Result<(), LogError> {
        match std::mem::replace(self, Self::Barred(Unwritable::Closed)) {
            Self::Open(mut open) => {
                open.checkpoint("TRUNCATE").await.map_err(store)?;
                open.connection.close().await.map_err(store)
            }
            Self::Barred(why) => {
                *self = Self::Barred(why);
                Ok(())
            }
        }
    }
}

async fn connect(path: &Path, role: Role) -> Result<SqliteConnection, LogError> {
    let options = if role == Role::Log { settings::writing(path) } else { settings::copying(path) };
    let mut connection = options.connect().await.map_err(store)?;
    schema::prepare(&mut connection).await?;
    match role {
        Role::Log => settings::assert_safe(&mut connection).await?,
        Role::Copy => following::prepare(&mut connection).await?,
    }
    Ok(connection)
}

/// Whether a rollback failed only because SQLite had rolled the transaction back by itself, as it does when the device
/// is full.
fn is_over(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("no transaction is active"))
}

impl OpenWriter {
    /// The driver still counts a transaction that SQLite has ended; a new connection does not.
    async fn reconnect(&mut self) -> Result<(), LogError> {
        self.connection = connect(&self.path, self.role).await?;
        Ok(())
    }

    async fn tend(&mut self) -> Result<(), sqlx::Error> {
        self.appends = self.appends.wrapping_add(1);
        if !self.appends.is_multiple_of(self.limits.look_every) {
            return Ok(());
        }
        let pages = self.checkpoint("NOOP").await?;
        if pages < self.limits.copy_at {
            self.waited_at = 0;
        } else if pages < self.waited_at + self.limits.truncate_at {
            self.checkpoint("PASSIVE").await?;
        } else {
            self.waited_at = pages;
            self.checkpoint("TRUNCATE").await?;
        }
        Ok(())
    }

    /// Runs a checkpoint and returns the length of the write-ahead log, in pages. Readers in the way are no
    /// error.
    async fn checkpoint(&mut self, mode: &str) -> Result<i64, sqlx::Error> {
        let sql = AssertSqlSafe(format!("PRAGMA wal_checkpoint({mode})"));
        let row = sqlx::query(sql).fetch_one(&mut self.connection).await?;
        row.try_get(1)
    }
}
