//! Why events cannot be published or followed, and whether waiting helps.

use std::error::Error;

use event_log::LogError;
use vocabulary::Position;

use crate::EnvelopeError;

/// Why a relay or a follower cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// NATS did not do what was asked: it is away, or refuses. It is asked again.
    #[error("NATS failed to {what}")]
    Nats {
        /// What was asked.
        what: &'static str,
        /// What it or the connection said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The stream did not end where it was believed to. It is looked at again.
    #[error("event {position} was not stored at its place in stream {stream}")]
    Misplaced {
        /// The stream.
        stream: String,
        /// The event.
        position: Position,
    },
    /// The log could not be read. It is read again.
    #[error("log cannot be read")]
    Log(#[from] LogError),
    /// The stream's events are those of another log, such as the one before a backup was restored.
    #[error(
        "stream {stream} is of another log: its event {position} is not ours; delete the stream, and it is filled anew"
    )]
    AnotherLog {
        /// The stream.
        stream: String,
        /// Where they differ.
        position: Position,
    },
    /// A message of the stream is not an event of the merchant at that place.
    #[error(
        "message {sequence} of stream {stream} is none of Kami's; delete the stream, and it is filled anew"
    )]
    Foreign {
        /// The stream.
        stream: String,
        /// The message's sequence number.
        sequence: u64,
        /// What is wrong with it, where it cannot be read.
        source: Option<EnvelopeError>,
    },
    /// An event does not follow from the one before it.
    #[error("event {position} of stream {stream} does not continue the hash chain")]
    Broken {
        /// The stream.
        stream: String,
        /// The event.
        position: Position,
    },
    /// The stream no longer has an event that is needed, and no log was given to read it from.
    #[error(
        "stream {stream} no longer has event {position}, its first is {first}; delete the stream, and it is filled anew"
    )]
    Lost {
        /// The stream.
        stream: String,
        /// The event.
        position: Position,
        /// The first that it has.
        first: Position,
    },
    /// An event cannot be published.
    #[error("event {position} cannot be put into an envelope")]
    Envelope {
        /// The event.
        position: Position,
        /// Why.
        source: EnvelopeError,
    },
}

impl RelayError {
    /// Whether trying again may help; otherwise somebody has to do something.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Nats { .. } | Self::Misplaced { .. } | Self::Log(_))
    }

    pub(crate) fn nats<E: Into<Box<dyn Error + Send + Sync>>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Nats { what, source: source.into() }
    }

    /// The error and what caused it, in one line.
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        text
    }
}
