//! A file that follows a log kept elsewhere, as the index of a log whose store can only list it: what happened there is
//! taken in here, together with how far the file has come. It answers every look-up as the log itself would, and may be
//! lost: what it had taken in is taken in again.

use std::path::Path;

use event_log::{Append, LogError};
use sqlx::{Connection, Row, SqliteConnection};
use vocabulary::{Epoch, MerchantId, Position};

use crate::{
    SqliteLog,
    append::Batch,
    error::{damaged, from_sql, store, to_sql},
    files, settings,
    writer::{Role, Writer},
};

/// Beside the tables of a log; not part of its public schema.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS followed (
    merchant TEXT    NOT NULL PRIMARY KEY,
    records  INTEGER NOT NULL, -- how many records of the merchant's log were taken in
    last     BLOB    NOT NULL  -- what tells the last of them from any other
) STRICT, WITHOUT ROWID";
const MOVE: &str = "INSERT INTO followed (merchant, records, last) SELECT ?1, ?3, ?4 \
                    WHERE ?2 = 0 OR EXISTS (SELECT 1 FROM followed WHERE merchant = ?1) ON CONFLICT (merchant) DO UPDATE SET records = ?3, last = ?4 WHERE records = ?2";
const CLAIM: &str = "INSERT INTO merchant (merchant, epoch, position, hash, recorded_at) \
                     VALUES (?1, 1, 0, ?2, 0) \
                     ON CONFLICT (merchant) DO UPDATE SET epoch = epoch + 1 RETURNING epoch";

/// What happened in the log.
#[derive(Debug, Clone)]
pub enum Change {
    /// The merchant was taken over, in this epoch.
    Claimed(Epoch),
    /// This was appended.
    Appended(Append),
}

/// How far a file has followed a merchant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// How many records it has taken in.
    pub records: u64,
    /// What tells the last of them from any other.
    pub last: Vec<u8>,
}

impl SqliteLog {
    /// Opens the file of a directory as a copy that follows a log kept elsewhere; makes both where they are missing. Its
    /// commits are not flushed one by one. Fails as [`SqliteLog::open`] does.
    pub async fn open_copy(dir: &Path) -> Result<Self, LogError> {
        let lock = files::prepare(dir)?;
        let path = files::log_file(dir);
        let writer = Writer::open(&path, lock, Role::Copy).await?;
        Self::with(writer, settings::reading(&path, false)).await
    }

    /// How far a copy has followed a merchant's log; `None` when it knows nothing of it.
    pub async fn followed(&self, merchant: &MerchantId) -> Result<Option<Followed>, LogError> {
        let row = sqlx::query("SELECT records, last FROM followed WHERE merchant = ?1")
            .bind(merchant.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(store)?;
        let read = |row: sqlx::sqlite::SqliteRow| {
            let records = from_sql(row.try_get(0).map_err(store)?)?;
            Ok(Followed { records, last: row.try_get(1).map_err(store)? })
        };
        row.map(read).transpose()
    }

    /// Whether a log that stands as this copy does would take an append; stores nothing.
    pub async fn would_take(&self, parts: &[Append]) -> Result<(), LogError> {
        let batch = Batch::of(parts)?;
        self.writer.lock().await.try_out(batch).await
    }

    /// Takes in what happened in a merchant's log between `from` records and `to`, whole or not at all. Fails with
    /// [`LogError::Damaged`] when the copy does not stand at `from`, and when what happened does not follow from what
    /// was there.
    pub async fn follow(
        &self,
        merchant: &MerchantId,
        from: u64,
        to: &Followed,
        changes: &[Change],
    ) -> Result<(), LogError> {
        let steps = steps(changes)?;
        let end = steps.iter().rev().find_map(Step::end);
        let mut writer = self.writer.lock().await;
        writer.follow(merchant, from, to, steps).await?;
        if let Some(position) = end {
            self.heads.advance(merchant, position);
        }
        writer.tend().await;
        Ok(())
    }
}

/// What is done in one go: a claim, or the appends up to the next.
pub(crate) enum Step {
    Claim(Epoch),
    Store(Batch),
}

impl Step {
    fn end(&self) -> Option<Position> {
        match self {
            Self::Claim(_) => None,
            Self::Store(batch) => batch.ends().last().map(|(_, position)| *position),
        }
    }
}

fn steps(changes: &[Change]) -> Result<Vec<Step>, LogError> {
    let (mut steps, mut parts) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Appended(append) => parts.push(append.clone()),
            Change::Claimed(epoch) => {
                if !parts.is_empty() {
                    steps.push(Step::Store(Batch::of(&std::mem::take(&mut parts))?));
                }
                steps.push(Step::Claim(*epoch));
            }
        }
    }
    if !parts.is_empty() {
        steps.push(Step::Store(Batch::of(&parts)?));
    }
    Ok(steps)
}

/// Makes the table of a copy.
pub(crate) async fn prepare(connection: &mut SqliteConnection) -> Result<(), LogError> {
    sqlx::raw_sql(TABLE).execute(connection).await.map_err(store).map(drop)
}

impl Writer {
    async fn try_out(&mut self, batch: Batch) -> Result<(), LogError> {
        let mut transaction = self.connection()?.begin_with("BEGIN IMMEDIATE").await.map_err(store)?;
        let taken = batch.store(&mut transaction).await;
        if let Err(error) = transaction.rollback().await {
            self.stop(error.to_string());
            return taken.and(Err(store(error)));
        }
        taken
    }

    async fn follow(
        &mut self,
        merchant: &MerchantId,
        from: u64,
        to: &Followed,
        steps: Vec<Step>,
    ) -> Result<(), LogError> {
        let mut transaction = self.connection()?.begin_with("BEGIN IMMEDIATE").await.map_err(store)?;
        let taken = take_in(&mut transaction, merchant, from, to, steps).await;
        let ended = match taken {
            Ok(()) => transaction.commit().await,
            Err(_) => transaction.rollback().await,
        };
        if let Err(error) = ended {
            self.stop(error.to_string());
            return taken.and(Err(store(error)));
        }
        taken
    }
}

async fn take_in(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    from: u64,
    to: &Followed,
    steps: Vec<Step>,
) -> Result<(), LogError> {
    let moved = sqlx::query(MOVE)
        .bind(merchant.as_str())
        .bind(to_sql(from)?)
        .bind(to_sql(to.records)?)
        .bind(&to.last[..])
        .execute(&mut *connection)
        .await
        .map_err(store)?;
    if moved.rows_affected() != 1 {
        return Err(damaged(format!("the copy of the log of {merchant} does not stand at record {from}")));
    }
    for step in steps {
        match step {
            Step::Claim(epoch) => claim(connection, merchant, epoch).await?,
            Step::Store(batch) => batch.store(connection).await.map_err(|error| match error {
                error @ (LogError::Store(_) | LogError::Full(_)) => error,
                error => {
                    damaged(format!("the log of {merchant} does not follow from what was before: {error}"))
                }
            })?,
        }
    }
    Ok(())
}

async fn claim(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    epoch: Epoch,
) -> Result<(), LogError> {
    let raised: i64 = sqlx::query_scalar(CLAIM)
        .bind(merchant.as_str())
        .bind(&events::chain::GENESIS[..])
        .fetch_one(connection)
        .await
        .map_err(store)?;
    let raised = Epoch(from_sql(raised)?);
    if raised == epoch {
        return Ok(());
    }
    Err(damaged(format!("the log of {merchant} goes from epoch {} to {epoch}", raised.0.saturating_sub(1))))
}
