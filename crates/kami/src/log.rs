//! Where the log is kept: the one place that knows the backends.

use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use event_log::{EventLog, LogError, WholeLog};
use event_log_postgres::PostgresLog;
use event_log_sqlite::SqliteLog;

/// The address of a PostgreSQL database. It may hold a password, so it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LogUrl(String);

impl LogUrl {
    /// An address, if the text is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_one = text.starts_with("postgres://") || text.starts_with("postgresql://");
        is_one.then(|| Self(text.to_owned()))
    }

    /// With whatever it holds, for whoever connects.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configured PostgreSQL database")
    }
}

/// An open log. Clones share it.
#[derive(Clone)]
pub(crate) enum Log {
    File(Arc<SqliteLog>),
    /// Whoever writes it also holds the lock of the data directory, which has vault and read models.
    Postgres {
        log: Arc<PostgresLog>,
        _lock: Option<Arc<File>>,
    },
}

impl Log {
    /// Opens the log for writing: in PostgreSQL where an address is given, else in the data directory. Either way this
    /// process is the only one that writes the directory.
    pub(crate) async fn open(data: &Path, url: Option<&LogUrl>) -> anyhow::Result<Self> {
        let Some(url) = url else {
            let opened = SqliteLog::open(data).await;
            let log = opened.with_context(|| format!("the log in {} cannot be opened", data.display()))?;
            return Ok(Self::File(Arc::new(log)));
        };
        if data.join("log.db").exists() {
            bail!(
                "{} holds a log.db, and the settings name a log in PostgreSQL: copy it with `kami migrate-log`, then \
                 move log.db away",
                data.display()
            );
        }
        let lock = lock(data).with_context(|| format!("{} cannot be locked", data.display()))?;
        let log = PostgresLog::open(url.expose()).await.context("the log in PostgreSQL cannot be opened")?;
        Ok(Self::Postgres { log: Arc::new(log), _lock: Some(Arc::new(lock)) })
    }

    /// Opens the log for reading, also beside whoever writes it.
    pub(crate) async fn read(data: &Path, url: Option<&LogUrl>) -> anyhow::Result<Self> {
        if let Some(url) = url {
            return Self::in_postgres(PostgresLog::open_read_only(url.expose()).await);
        }
        if !data.join("log.db").exists() {
            bail!(
                "there is no log in {}; start one with `kami serve` or name another with --data",
                data.display()
            );
        }
        let opened = SqliteLog::open_read_only(data).await;
        let log = opened.with_context(|| format!("the log in {} cannot be opened", data.display()))?;
        Ok(Self::File(Arc::new(log)))
    }

    /// Opens a log in PostgreSQL for a copy to be written to.
    pub(crate) async fn copy_to(url: &LogUrl) -> anyhow::Result<Self> {
        Self::in_postgres(PostgresLog::open(url.expose()).await)
    }

    fn in_postgres(opened: Result<PostgresLog, LogError>) -> anyhow::Result<Self> {
        let log = Arc::new(opened.context("the log in PostgreSQL cannot be opened")?);
        Ok(Self::Postgres { log, _lock: None })
    }

    /// For whoever shares it.
    pub(crate) fn shared(&self) -> Arc<dyn EventLog> {
        match self {
            Self::File(log) => log.clone(),
            Self::Postgres { log, .. } => log.clone(),
        }
    }

    /// For whoever copies it.
    pub(crate) fn whole(&self) -> &dyn WholeLog {
        match self {
            Self::File(log) => &**log,
            Self::Postgres { log, .. } => &**log,
        }
    }

    /// Finishes reads and writes, and closes it for all who share it.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        let closed = match self {
            Self::File(log) => log.close().await,
            Self::Postgres { log, .. } => log.close().await,
        };
        closed.context("the log did not close cleanly")
    }
}

impl std::ops::Deref for Log {
    type Target = dyn EventLog;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::File(log) => &**log,
            Self::Postgres { log, .. } => &**log,
        }
    }
}

/// The lock that a log in the directory would hold: two processes must not write one vault.
pub(crate) fn lock(data: &Path) -> anyhow::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(data.join("kami.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("it is in use by another process"),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recognised_and_never_shown() {
        assert!(LogUrl::parse("/var/lib/kami").is_none());
        let url = LogUrl::parse("postgres://kami:hunter2@db/kami").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
        assert!(url.expose().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_directory_with_a_log_of_its_own_is_not_served_from_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log.db"), "").unwrap();
        let refused = Log::open(dir.path(), LogUrl::parse("postgres://127.0.0.1:1/x").as_ref()).await;
        assert!(refused.err().unwrap().to_string().contains("migrate-log"));
    }

    #[test]
    fn a_directory_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(lock(dir.path()).is_err());
        drop(held);
        lock(dir.path()).unwrap();
    }
}
