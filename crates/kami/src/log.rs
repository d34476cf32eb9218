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
#[cfg(feature = "kurrentdb")]
use event_log_kurrentdb::KurrentLog;
use event_log_postgres::PostgresLog;
use event_log_sqlite::SqliteLog;

/// The address of a PostgreSQL database or of KurrentDB. It may hold a password, so it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LogUrl(String);

/// What an address leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postgres,
    Kurrent,
}

const SCHEMES: [(&str, Kind); 6] = [
    ("postgres", Kind::Postgres),
    ("postgresql", Kind::Postgres),
    ("esdb", Kind::Kurrent),
    ("esdb+discover", Kind::Kurrent),
    ("kurrentdb", Kind::Kurrent),
    ("kurrentdb+discover", Kind::Kurrent),
];

/// Where in the data directory the index of a log in KurrentDB lies. It may be removed; it is made anew.
#[cfg(feature = "kurrentdb")]
const INDEX: &str = "kurrentdb-index";

impl LogUrl {
    /// An address, if the text is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::kind_of(text).map(|_| Self(text.to_owned()))
    }

    fn kind_of(text: &str) -> Option<Kind> {
        let (scheme, _) = text.split_once("://")?;
        SCHEMES.into_iter().find(|(known, _)| *known == scheme).map(|(_, kind)| kind)
    }

    /// Whether it leads to a PostgreSQL database.
    pub(crate) fn is_postgres(&self) -> bool {
        Self::kind_of(&self.0) == Some(Kind::Postgres)
    }

    fn is_kurrent(&self) -> bool {
        Self::kind_of(&self.0) == Some(Kind::Kurrent)
    }

    /// With whatever it holds, for whoever connects.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_kurrent() {
            "the configured KurrentDB"
        } else {
            "the configured PostgreSQL database"
        })
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
    /// Likewise; its index is in the directory too.
    #[cfg(feature = "kurrentdb")]
    Kurrent {
        log: Arc<KurrentLog>,
        _lock: Option<Arc<File>>,
    },
}

impl Log {
    /// Opens the log for writing: where an address leads if one is given, else in the data directory. Either way this
    /// process is the only one that writes the directory. A restored one that nobody accepted is refused.
    pub(crate) async fn open(data: &Path, url: Option<&LogUrl>) -> anyhow::Result<Self> {
        crate::commands::refuse_unaccepted(data)?;
        let Some(url) = url else {
            let opened = SqliteLog::open(data).await;
            let log = opened.with_context(|| format!("the log in {} cannot be opened", data.display()))?;
            return Ok(Self::File(Arc::new(log)));
        };
        if data.join("log.db").exists() {
            bail!(
                "{} holds a log.db, and the settings name a log elsewhere: copy it with `kami migrate-log`, then move \
                 log.db away",
                data.display()
            );
        }
        let lock = lock(data).with_context(|| format!("{} cannot be locked", data.display()))?;
        if url.is_kurrent() {
            return kurrent::open(url, Some(data), Some(lock)).await;
        }
        let log = PostgresLog::open(url.expose()).await.context("the log in PostgreSQL cannot be opened")?;
        Ok(Self::Postgres { log: Arc::new(log), _lock: Some(Arc::new(lock)) })
    }

    /// Opens the log for reading, also beside whoever writes it.
    pub(crate) async fn read(data: &Path, url: Option<&LogUrl>) -> anyhow::Result<Self> {
        if let Some(url) = url {
            if url.is_kurrent() {
                return kurrent::read(url, data).await;
            }
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

    /// Opens a log at an address for a copy to be written to.
    pub(crate) async fn copy_to(url: &LogUrl) -> anyhow::Result<Self> {
        if url.is_kurrent() {
            return kurrent::open(url, None, None).await;
        }
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
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { log, .. } => log.clone(),
        }
    }

    /// For whoever copies it.
    pub(crate) fn whole(&self) -> &dyn WholeLog {
        match self {
            Self::File(log) => &**log,
            Self::Postgres { log, .. } => &**log,
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { log, .. } => &**log,
        }
    }

    /// What is known of it once it is open, in a few words.
    pub(crate) async fn told(&self) -> String {
        #[cfg(feature = "kurrentdb")]
        if let Self::Kurrent { log, .. } = self {
            let version = log.server_version().await.unwrap_or_else(|error| error.to_string());
            return format!(
                "can be read, from KurrentDB {version}. It does not tell its settings: see that it flushes \
                 (docs/how-to/run-on-kurrentdb.md)"
            );
        }
        "can be read".to_owned()
    }

    /// Finishes reads and writes, and closes it for all who share it.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        let closed = match self {
            Self::File(log) => log.close().await,
            Self::Postgres { log, .. } => log.close().await,
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { log, .. } => log.close().await,
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
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { log, .. } => &**log,
        }
    }
}

#[cfg(feature = "kurrentdb")]
mod kurrent {
    //! Logs in KurrentDB.

    use super::{Arc, Context, File, INDEX, KurrentLog, Log, LogError, LogUrl, Path};

    /// Opens one for writing, with its index in a data directory, or for once where none is named.
    pub(super) async fn open(url: &LogUrl, data: Option<&Path>, lock: Option<File>) -> anyhow::Result<Log> {
        let index = data.map(|data| data.join(INDEX));
        opened(KurrentLog::open(url.expose(), index.as_deref()).await, lock)
    }

    /// Opens one for reading, with the index of a data directory where it has one.
    pub(super) async fn read(url: &LogUrl, data: &Path) -> anyhow::Result<Log> {
        let index = Some(data.join(INDEX)).filter(|index| !data.as_os_str().is_empty() && index.is_dir());
        opened(KurrentLog::open_read_only(url.expose(), index.as_deref()).await, None)
    }

    fn opened(log: Result<KurrentLog, LogError>, lock: Option<File>) -> anyhow::Result<Log> {
        let log = Arc::new(log.context("the log in KurrentDB cannot be opened")?);
        Ok(Log::Kurrent { log, _lock: lock.map(Arc::new) })
    }
}

#[cfg(not(feature = "kurrentdb"))]
mod kurrent {
    //! Says that there is nothing that could open such a log.

    use super::{File, Log, LogUrl, Path, bail};

    const WITHOUT: &str =
        "this build of kami cannot use KurrentDB: take a release, or build it with `--features kurrentdb`";

    pub(super) async fn open(_: &LogUrl, _: Option<&Path>, _: Option<File>) -> anyhow::Result<Log> {
        bail!(WITHOUT)
    }

    pub(super) async fn read(_: &LogUrl, _: &Path) -> anyhow::Result<Log> {
        bail!(WITHOUT)
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
        for scheme in ["esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover"] {
            let url = LogUrl::parse(&format!("{scheme}://kami:hunter2@db")).unwrap();
            assert_eq!(format!("{url:?}"), "the configured KurrentDB");
        }
        assert!(LogUrl::parse("esdb:db").is_none());
    }

    #[cfg(not(feature = "kurrentdb"))]
    #[tokio::test]
    async fn a_build_without_kurrentdb_says_so() {
        let (dir, url) = (tempfile::tempdir().unwrap(), LogUrl::parse("esdb://127.0.0.1:1").unwrap());
        let attempts = [
            Log::open(dir.path(), Some(&url)).await,
            Log::read(dir.path(), Some(&url)).await,
            Log::copy_to(&url).await,
        ];
        for refused in attempts {
            assert!(refused.err().unwrap().to_string().contains("--features kurrentdb"));
        }
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
