//! Committed events on NATS JetStream.
//!
//! NATS is a fan-out, never the record: what it loses is published again from the log, and nobody but the log says
//! what happened. One JetStream stream holds one merchant's events, and its sequence numbers are the log's positions:
//! every event is published with the demand that the stream ends right before it, so the server refuses an event that
//! is there already, and one that another was lost before.
//!
//! [`Relay`] publishes what a log holds and follows it. [`Follow`] reads a stream, and hands over every event once, in
//! order, its hash checked. [`envelope`] is the form on the wire: CloudEvents 1.0 in JSON.
//!
//! ```
//! # fn example(event: &events::RecordedEvent) -> Result<(), event_relay::EnvelopeError> {
//! use event_relay::envelope;
//! let text = envelope::write(event)?;
//! assert_eq!(envelope::read(&text)?, *event);
//! # Ok(()) }
//! ```
#![warn(missing_docs)]

mod assembly;
mod connect;
pub mod envelope;
mod error;
mod examine;
mod follow;
pub mod names;
mod relay;
mod retry;
mod shelf;

pub use assembly::Place;
pub use async_nats::Client;
pub use connect::{ConnectError, NotServers, Servers, connect};
pub use envelope::EnvelopeError;
pub use error::RelayError;
pub use examine::{Examined, StreamKept, examine};
pub use follow::{Follow, FollowOptions};
pub use relay::{Relay, RelayOptions, RelayProgress};
