//! The vault in PostgreSQL, in the schema `kami_vault`, shared by several processes.
//!
//! Each process writes one transaction at a time, as with a file; those of different processes wait for each other where
//! they write the same merchant's rows. A transaction leaves its number behind, so that whoever lost the answer to a
//! commit can ask how it ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPool, PgPoolOptions, PgSeverity};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction, query, query_scalar, raw_sql};
use tokio::sync::MutexGuard;
use tokio::time::{Instant, sleep, timeout};
use vocabulary::MerchantId;

use super::{Scope, Store};
use crate::VaultError;
use crate::crypto::random;

/// Each version's step from the one before. A step that was released never changes.
const STEPS: &[&str] = &[include_str!("0001_vault.sql")];

/// Where the version stands, and a lock so that of several nodes that start at once one makes the schema.
const BEGIN: &str = "SELECT pg_advisory_xact_lock(hashtext('kami_vault.schema'));
    CREATE SCHEMA IF NOT EXISTS kami_vault;
    CREATE TABLE IF NOT EXISTS kami_vault.schema_version (version bigint NOT NULL);";

/// What could lose a committed write, and the value that does not. Asked of every session that writes.
const UNSAFE: &str = "SELECT s.name FROM pg_settings s JOIN (VALUES
        ('fsync', 'on'), ('full_page_writes', 'on'), ('data_sync_retry', 'off'), ('zero_damaged_pages', 'off'),
        ('server_encoding', 'UTF8'), ('default_transaction_read_only', 'off')
    ) AS wanted (name, setting) USING (name) WHERE s.setting <> wanted.setting
    UNION ALL SELECT 'synchronous_commit' WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
    UNION ALL SELECT 'pg_is_in_recovery' WHERE pg_is_in_recovery()
    UNION ALL SELECT 'server_version' WHERE current_setting('server_version_num')::int < 150000 LIMIT 1";

const READERS: u32 = 4;
/// How long a server that is not reached is waited for: a restart or a failover takes some seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long one try to begin or to commit may take before the line counts as broken.
const TRY: Duration = Duration::from_secs(15);
/// The wait between two tries.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
/// Raised by `kami_vault.begin_write`.
const FENCED: &str = "KM002";

/// The sessions of one process.
pub(super) struct Database {
    writer: PgPool,
    pub(super) reader: PgPool,
    /// This open vault, among all that write.
    me: String,
    /// The number of the last transaction; held while one is under way.
    turn: tokio::sync::Mutex<i64>,
    epochs: Mutex<HashMap<MerchantId, i64>>,
}

/// The right to write, until it is known how the transaction ended.
pub(super) struct Turn<'a> {
    database: &'a Database,
    number: MutexGuard<'a, i64>,
    merchant: Option<MerchantId>,
}

/// Why a transaction did not begin or commit.
pub(super) enum Failure {
    Database(sqlx::Error),
    /// Another process took the merchant over.
    Fenced(String),
    /// Nobody knows how it ended.
    InDoubt(sqlx::Error),
}

impl Failure {
    pub(super) fn told(self, store: &Store, doing: &'static str) -> VaultError {
        match self {
            Self::Database(source) => store.failed(doing)(source),
            Self::Fenced(merchant) => VaultError::Fenced { merchant },
            Self::InDoubt(source) => {
                store.stop();
                VaultError::InDoubt { source }
            }
        }
    }
}

impl Database {
    /// Opens the schema of a database, made or brought up to date.
    pub(super) async fn open(url: &str) -> Result<Self, VaultError> {
        let failed = |source| VaultError::Database { doing: "opening", source };
        // An error of the parser's may quote the address, which may hold a password.
        let options: PgConnectOptions = url.parse().map_err(|_| VaultError::BadAddress)?;
        let options = options.application_name("kami vault").disable_statement_logging();
        let options = options.options([("search_path", "kami_vault"), ("client_min_messages", "warning")]);
        let writing = options.clone().options([
            ("default_transaction_isolation", "read committed"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("statement_timeout", "0"),
        ]);
        let mut first = writing.connect().await.map_err(failed)?;
        assert_safe(&mut first)
            .await
            .map_err(failed)?
            .map_or(Ok(()), |what| Err(VaultError::UnsafeServer { what }))?;
        migrate(&mut first).await?;
        first.close().await.map_err(failed)?;
        let pool = |count| PgPoolOptions::new().max_connections(count).acquire_timeout(PATIENCE);
        let writer = pool(1).after_connect(|connection, _| {
            Box::pin(async move {
                // The next session may be on another server.
                match assert_safe(connection).await? {
                    None => Ok(()),
                    Some(what) => Err(sqlx::Error::Protocol(format!("{what} is not safe"))),
                }
            })
        });
        let reading = options.options([("default_transaction_read_only", "on")]);
        Ok(Self {
            writer: writer.connect_lazy_with(writing),
            reader: pool(READERS).connect_lazy_with(reading),
            me: hex::encode(random::<8>()?.as_slice()),
            turn: tokio::sync::Mutex::new(0),
            epochs: Mutex::default(),
        })
    }

    /// Begins the one write transaction that this process has.
    pub(super) async fn begin(
        &self,
        scope: Scope<'_>,
    ) -> Result<(Transaction<'static, Postgres>, Turn<'_>), Failure> {
        let mut number = self.turn.lock().await;
        *number += 1;
        let merchant = match scope {
            Scope::Merchant(merchant) => Some(merchant.clone()),
            Scope::All => None,
        };
        let (tx, _) = self.enter(merchant.as_ref(), *number).await?;
        Ok((tx, Turn { database: self, number, merchant }))
    }

    /// A transaction with its locks and its number, and the number of our last one that was committed.
    async fn enter(
        &self,
        merchant: Option<&MerchantId>,
        number: i64,
    ) -> Result<(Transaction<'static, Postgres>, Option<i64>), Failure> {
        let epoch = merchant.and_then(|merchant| self.epochs().get(merchant).copied());
        let entering = async {
            let mut tx = self.writer.begin().await?;
            let before = query_scalar("SELECT begin_write($1, $2, $3, $4)")
                .bind(merchant.map(MerchantId::as_str))
                .bind(epoch)
                .bind(&self.me)
                .bind(number)
                .fetch_one(&mut *tx)
                .await?;
            Ok((tx, before))
        };
        let entered = timeout(TRY, entering).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        entered.map_err(|error| match code(&error) {
            Some(FENCED) => Failure::Fenced(merchant.map(MerchantId::to_string).unwrap_or_default()),
            _ => Failure::Database(error),
        })
    }

    /// Keeps the epoch, once all writes under an earlier one have ended.
    pub(super) async fn fence(&self, merchant: &MerchantId, epoch: i64) -> Result<(), Failure> {
        self.epochs().insert(merchant.clone(), epoch);
        let (mut tx, turn) = self.begin(Scope::Merchant(merchant)).await?;
        query(
            "INSERT INTO fence (merchant, epoch) VALUES ($1, $2) ON CONFLICT (merchant) DO UPDATE SET epoch = excluded.epoch",
        )
        .bind(merchant.as_str())
        .bind(epoch)
        .execute(&mut *tx)
        .await
        .map_err(Failure::Database)?;
        turn.commit(tx).await
    }

    /// Frees the room of rows that are gone, so that nothing reads them any more.
    pub(super) async fn forget(&self) -> Result<(), sqlx::Error> {
        raw_sql("VACUUM (SKIP_LOCKED) subject, data_key, root").execute(&self.writer).await.map(drop)
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A map of whole values is sound even if a thread panicked while it held the lock.
    fn epochs(&self) -> std::sync::MutexGuard<'_, HashMap<MerchantId, i64>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Commits. Where the line breaks, the next session waits for our locks, so that the lost one has ended, and looks
    /// whether it left its number.
    pub(super) async fn commit(self, tx: Transaction<'static, Postgres>) -> Result<(), Failure> {
        let committed = timeout(TRY, tx.commit()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let lost = match committed {
            Err(error) if is_broken_line(&error) => error,
            other => return other.map_err(Failure::Database),
        };
        tracing::warn!(error = %lost, "the answer to a commit of the vault got lost; the database is asked");
        let started = Instant::now();
        loop {
            let failure = match self.database.enter(self.merchant.as_ref(), *self.number).await {
                Ok((_, before)) if before == Some(*self.number) => return Ok(()),
                Ok(_) => return Err(Failure::Database(lost)),
                Err(failure) => failure,
            };
            match failure {
                Failure::Database(error) if is_broken_line(&error) && started.elapsed() < PATIENCE => {}
                Failure::Fenced(merchant) => return Err(Failure::Fenced(merchant)),
                _ => return Err(Failure::InDoubt(lost)),
            }
            sleep(PAUSE).await;
        }
    }
}

/// Lets the ids that the database gives begin after those that are there.
pub(super) async fn after_copy(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let text = "SELECT setval('data_key_id', (SELECT coalesce(max(id), 0) + 1 FROM data_key), false),
        setval('namespace_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM namespace), false),
        setval('key_batch_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM key_batch), false)";
    raw_sql(text).execute(connection).await.map(drop)
}

/// The first thing that could lose a committed write.
async fn assert_safe(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    query_scalar(UNSAFE).fetch_optional(connection).await
}

async fn migrate(connection: &mut PgConnection) -> Result<(), VaultError> {
    let failed = |source| VaultError::Database { doing: "preparing the schema", source };
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let mut tx = connection.begin().await.map_err(failed)?;
    raw_sql(BEGIN).execute(&mut *tx).await.map_err(failed)?;
    let found: Option<i64> = query_scalar("SELECT version FROM kami_vault.schema_version")
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
    let found = found.unwrap_or(0);
    if found > known {
        return Err(VaultError::NewerSchema { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        raw_sql(*step).execute(&mut *tx).await.map_err(failed)?;
    }
    if found < known {
        raw_sql("DELETE FROM kami_vault.schema_version").execute(&mut *tx).await.map_err(failed)?;
        let put = query("INSERT INTO kami_vault.schema_version (version) VALUES ($1)").bind(known);
        put.execute(&mut *tx).await.map_err(failed)?;
    }
    tx.commit().await.map_err(failed)
}

fn said(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error().and_then(|error| error.try_downcast_ref())
}

fn code(error: &sqlx::Error) -> Option<&str> {
    said(error).map(PgDatabaseError::code)
}

/// Whether the line to a server broke, or the server ended the session: what was not committed is gone, and the same may
/// be tried again.
pub(crate) fn is_broken_line(error: &sqlx::Error) -> bool {
    match said(error) {
        // 25006: after a failover the session is on a standby.
        Some(said) => {
            matches!(said.severity(), PgSeverity::Fatal | PgSeverity::Panic) || said.code() == "25006"
        }
        None => matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::WorkerCrashed
        ),
    }
}
