//! Where the vault lies: a file of its own, or a schema of its own in PostgreSQL. How it is written to, and when it
//! stops.

mod file;
mod postgres;
mod sql;

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{Postgres, Sqlite, Transaction};
use vocabulary::MerchantId;

use crate::{VaultError, VaultPlace};

pub(crate) use postgres::{PATIENCE, PAUSE, is_broken_line};
pub(crate) use sql::sql;

/// An open database, and the latch that stops writing for good.
pub(crate) struct Store {
    backend: Backend,
    stopped: AtomicBool,
}

enum Backend {
    File(file::File),
    Postgres(postgres::Database),
}

/// What a transaction writes, so that of several processes those wait for each other that must.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Rows of one merchant.
    Merchant(&'a MerchantId),
    /// Anything: nobody else writes meanwhile.
    All,
}

/// A write transaction; dropping it rolls back.
pub(crate) struct Tx<'a> {
    store: &'a Store,
    session: Session,
    /// In PostgreSQL: held until it is known how the transaction ended.
    turn: Option<postgres::Turn<'a>>,
}

pub(crate) enum Session {
    File(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Store {
    /// Opens the database, made or brought up to date, and makes sure that what it commits is on disk.
    pub(crate) async fn open(place: &VaultPlace) -> Result<Self, VaultError> {
        let stopped = AtomicBool::new(false);
        match place {
            VaultPlace::File(path) => {
                let store = Self { backend: Backend::File(file::File::open(path).await?), stopped };
                file::migrate(&store).await?;
                Ok(store)
            }
            VaultPlace::Postgres(url) => {
                let database = postgres::Database::open(url).await?;
                Ok(Self { backend: Backend::Postgres(database), stopped })
            }
        }
    }

    /// Whether other processes may write it too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::Postgres(_))
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.backend {
            Backend::File(file) => file.reader.is_closed(),
            Backend::Postgres(database) => database.reader.is_closed(),
        }
    }

    /// Begins the one write transaction that this process has.
    pub(crate) async fn begin(&self, scope: Scope<'_>) -> Result<Tx<'_>, VaultError> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(VaultError::Stopped);
        }
        match &self.backend {
            Backend::File(file) => {
                let session = file.begin().await.map_err(self.failed("beginning to write"))?;
                Ok(Tx { store: self, session: Session::File(session), turn: None })
            }
            Backend::Postgres(database) => {
                let begun = database.begin(scope).await;
                let (session, turn) = begun.map_err(|error| error.told(self, "beginning to write"))?;
                Ok(Tx { store: self, session: Session::Postgres(session), turn: Some(turn) })
            }
        }
    }

    /// From now on this process writes the merchant's rows under this epoch: a process with an earlier one cannot any
    /// more. A file needs none of it.
    pub(crate) async fn fence(&self, merchant: &MerchantId, epoch: i64) -> Result<(), VaultError> {
        match &self.backend {
            Backend::File(_) => Ok(()),
            Backend::Postgres(database) => {
                let fenced = database.fence(merchant, epoch).await;
                fenced.map_err(|error| error.told(self, "fencing earlier writers off"))
            }
        }
    }

    /// The statement that gives the id of the next data key.
    pub(crate) fn next_data_key(&self) -> &'static str {
        match self.backend {
            Backend::File(_) => "SELECT coalesce(max(id), 0) + 1 FROM data_key",
            // Several merchants may make one at the same time.
            Backend::Postgres(_) => "SELECT nextval('kami_vault.data_key_id')",
        }
    }

    /// Turns a database error into ours, and stops all later writing where the content is in doubt: SQLite itself
    /// would report a failed sync once and then go on accepting commits.
    pub(crate) fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> VaultError + '_ {
        move |source| {
            if file::is_fatal(&source) {
                self.stop();
            }
            VaultError::Database { doing, source }
        }
    }

    /// No write begins any more.
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Clears away what was just overwritten or deleted, as far as the database lets us: in a file for good. In
    /// PostgreSQL remains stay in free space, in WAL and in archives until those are used again or expire.
    pub(crate) async fn forget(&self) -> Result<(), VaultError> {
        match &self.backend {
            Backend::File(file) => file.forget().await.map_err(self.failed("emptying the log")),
            Backend::Postgres(database) => database.forget().await.map_err(self.failed("vacuuming")),
        }
    }

    /// Waits for running work and closes every connection.
    pub(crate) async fn close(&self) {
        match &self.backend {
            Backend::File(file) => file.close().await,
            Backend::Postgres(database) => database.close().await,
        }
    }
}

impl Tx<'_> {
    /// Whose transaction it is.
    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    /// After rows were written with their ids: the next ones are beyond them.
    pub(crate) async fn after_copy(&mut self) -> Result<(), VaultError> {
        match &mut self.session {
            Session::File(_) => Ok(()),
            Session::Postgres(tx) => {
                postgres::after_copy(tx).await.map_err(self.store.failed("numbering on"))
            }
        }
    }

    /// Commits. Durable when this returns. When it fails with [`VaultError::InDoubt`] nobody knows, and nothing more is
    /// written; when it fails with anything else on PostgreSQL, nothing is stored.
    pub(crate) async fn commit(self) -> Result<(), VaultError> {
        let Self { store, session, turn } = self;
        match (session, turn) {
            (Session::Postgres(tx), Some(turn)) => {
                turn.commit(tx).await.map_err(|error| error.told(store, "committing"))
            }
            (Session::Postgres(tx), None) => tx.commit().await.map_err(store.failed("committing")),
            (Session::File(tx), _) => tx.commit().await.map_err(store.failed("committing")),
        }
    }
}
