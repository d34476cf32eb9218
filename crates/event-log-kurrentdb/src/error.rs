//! What the client says, in the words of the contract.

use event_log::LogError;

/// Why the log takes no writes, or could not be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the log was opened for reading only")]
    ReadOnly,
    #[error("the writing task ended without an answer")]
    Lost,
    #[error("KurrentDB was not reached in time, and it is not known whether the append is stored: {0}")]
    InDoubt(eventstore::Error),
    #[error("KurrentDB was not reached in time: {0}")]
    Unreachable(eventstore::Error),
    #[error("KurrentDB refuses: {0}")]
    Refused(eventstore::Error),
    #[error(
        "KurrentDB takes no append of {bytes} bytes: its setting MaxAppendSize is below 1048576, with which it comes"
    )]
    TooLarge { bytes: usize },
    #[error(
        "this process has installed a TLS provider before KurrentDB's client could, which the client does not survive"
    )]
    ProviderInTheWay,
    #[error("the address of KurrentDB is not understood: {0}")]
    Address(String),
}

impl From<Trouble> for LogError {
    fn from(trouble: Trouble) -> Self {
        Self::Store(Box::new(trouble))
    }
}

/// Something stored that is not what it should be.
pub(crate) fn damaged(what: impl Into<String>) -> LogError {
    LogError::Damaged(what.into())
}
