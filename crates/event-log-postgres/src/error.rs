//! What PostgreSQL says, in the words of the contract; and whether it leaves in doubt what became of a statement.

use event_log::LogError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// Why the log takes no writes, or why nobody knows whether it took one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritable {
    #[error("the log was opened for reading only")]
    ReadOnly,
    #[error("the log is closed")]
    Closed,
    #[error("the writing task ended without an answer")]
    Lost,
    #[error("the line to PostgreSQL broke, and it is not known whether the append is stored: {0}")]
    InDoubt(LogError),
    #[error("PostgreSQL did not answer in time")]
    Silent,
}

impl From<Unwritable> for LogError {
    fn from(why: Unwritable) -> Self {
        Self::Store(Box::new(why))
    }
}

fn postgres(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error().and_then(|error| error.try_downcast_ref())
}

/// Raised by `kami_log.append`; its detail says which head, and where it is.
const HEAD_ELSEWHERE: &str = "KM001";
/// A server that is a standby after a failover takes no writes.
const READ_ONLY: &str = "25006";

/// The head that stopped an append: its number in the append, its epoch and its position.
pub(crate) fn head_elsewhere(error: &sqlx::Error) -> Option<(usize, u64, u64)> {
    let raised = postgres(error).filter(|error| error.code() == HEAD_ELSEWHERE)?;
    let mut words = raised.detail()?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Whether the statement may have been stored all the same: no answer of the server's says that it was not. An error
/// that ends only the statement was rolled back; one that ends the session may come after the commit.
pub(crate) fn leaves_in_doubt(error: &sqlx::Error) -> bool {
    match postgres(error) {
        Some(said) => {
            matches!(said.severity(), PgSeverity::Fatal | PgSeverity::Panic) || said.code() == READ_ONLY
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

/// The contract's word for a failure of PostgreSQL.
pub(crate) fn store(error: sqlx::Error) -> LogError {
    let collision = postgres(&error).filter(|said| said.code() == "23505").map(|said| {
        let index = said.constraint().unwrap_or("a unique index");
        format!("{index}: {}", said.detail().unwrap_or(said.message()))
    });
    if let Some(collision) = collision {
        return LogError::Collision(collision);
    }
    match postgres(&error).map(PgDatabaseError::code) {
        Some("53100") => LogError::Full(Box::new(error)), // disk_full
        Some("XX001" | "XX002") => LogError::Damaged(error.to_string()), // a page or an index is corrupted
        _ if matches!(error, sqlx::Error::ColumnDecode { .. }) => LogError::Damaged(error.to_string()),
        _ => LogError::Store(Box::new(error)),
    }
}

/// A stored value that is not what it should be.
pub(crate) fn damaged(what: impl Into<String>) -> LogError {
    LogError::Damaged(what.into())
}

/// A counter as PostgreSQL keeps it.
pub(crate) fn to_sql(counter: u64) -> Result<i64, LogError> {
    i64::try_from(counter).map_err(|_| damaged(format!("{counter} is greater than a stored number can be")))
}

/// A counter as PostgreSQL kept it.
pub(crate) fn from_sql(number: i64) -> Result<u64, LogError> {
    u64::try_from(number).map_err(|_| damaged(format!("{number} stands where a counter should")))
}
