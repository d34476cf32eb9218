//! What SQLite says, in the words of the contract.

use event_log::LogError;

/// Why the log takes no more writes.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unwritable {
    #[error("the log was opened for reading only")]
    ReadOnly,
    #[error("the log is closed")]
    Closed,
    #[error("the log stopped after a failed write and must be reopened: {0}")]
    Stopped(String),
    #[error("the writing task ended without an answer")]
    Lost,
}

impl From<Unwritable> for LogError {
    fn from(why: Unwritable) -> Self {
        Self::Store(Box::new(why))
    }
}

/// SQLite's primary result codes that mean something to a caller.
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const TOO_BIG: i32 = 18;
const NOT_A_DATABASE: i32 = 26;

/// The primary result code, if the error came from SQLite. Extended codes keep it in their low byte.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|extended| extended & 0xff)
}

/// Whether a value would have been longer than SQLite can hold.
pub(crate) fn is_too_big(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(TOO_BIG)
}

/// The contract's word for a failure of SQLite.
pub(crate) fn store(error: sqlx::Error) -> LogError {
    if let Some(database) = error.as_database_error().filter(|e| e.is_unique_violation()) {
        return LogError::Collision(database.message().to_owned());
    }
    match primary_code(&error) {
        Some(FULL) => LogError::Full(Box::new(error)),
        Some(CORRUPT | NOT_A_DATABASE) => LogError::Damaged(error.to_string()),
        _ if matches!(error, sqlx::Error::ColumnDecode { .. }) => LogError::Damaged(error.to_string()),
        _ => LogError::Store(Box::new(error)),
    }
}

/// A failure of the file system.
pub(crate) fn file(error: std::io::Error) -> LogError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => LogError::Full(Box::new(error)),
        _ => LogError::Store(Box::new(error)),
    }
}

/// A stored value that is not what it should be.
pub(crate) fn damaged(what: impl Into<String>) -> LogError {
    LogError::Damaged(what.into())
}

/// A counter as SQLite keeps it.
pub(crate) fn to_sql(counter: u64) -> Result<i64, LogError> {
    i64::try_from(counter).map_err(|_| damaged(format!("{counter} is greater than a stored number can be")))
}

/// A counter as SQLite kept it.
pub(crate) fn from_sql(number: i64) -> Result<u64, LogError> {
    u64::try_from(number).map_err(|_| damaged(format!("{number} stands where a counter should")))
}
