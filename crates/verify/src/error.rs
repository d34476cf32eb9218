//! Why a directory could not be checked at all.

use std::path::PathBuf;

/// Why a directory could not be checked. A damaged file is not an error but a violation.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no log to check.
    #[error("there is no log at {}", .0.display())]
    NoLog(PathBuf),
    /// A database could not be opened for reading.
    #[error("cannot open {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The log in PostgreSQL could not be opened for reading.
    #[error("cannot open the log in PostgreSQL")]
    Connect(#[source] sqlx::Error),
    /// The log in KurrentDB could not be read, or this build has no reader for it.
    #[error("cannot read the log in KurrentDB: {0}")]
    Server(String),
    /// A database in a directory that cannot be written could not be copied to a temporary place.
    #[error("cannot copy {} to a temporary directory", path.display())]
    Copy {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A table or column of the documented schema is missing, or reading failed.
    #[error("cannot read {what}")]
    Read {
        /// What was read.
        what: &'static str,
        /// Why.
        source: sqlx::Error,
    },
}

/// SQLite's result codes for a file whose content is not what it should be: corrupt, and not a database.
const DAMAGE: [i32; 2] = [11, 26];
/// PostgreSQL's for a damaged page, and a damaged index.
const SERVER_DAMAGE: [&str; 2] = ["XX001", "XX002"];

impl VerifyError {
    pub(crate) fn read(what: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Read { what, source }
    }

    /// What is wrong with the file, where the error says that its content is damaged.
    pub(crate) fn damage(&self) -> Option<String> {
        match self {
            Self::Open { source, .. } | Self::Read { source, .. } => {
                let by_file = sqlite_code(source).is_some_and(|code| DAMAGE.contains(&code));
                let code = source.as_database_error().and_then(|error| error.code());
                let by_server = code.is_some_and(|code| SERVER_DAMAGE.contains(&&*code));
                (by_file || by_server).then(|| source.to_string())
            }
            Self::NoLog(_) | Self::Connect(_) | Self::Server(_) | Self::Copy { .. } => None,
        }
    }
}

/// SQLite's primary result code, where the error is SQLite's.
pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
