//! What a NATS server is, as far as a client can ask.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{self, context::GetStreamErrorKind, stream::StorageType},
};
use vocabulary::MerchantId;

use crate::{RelayError, names, relay::SOUND_SERVER};

/// A server, held against what publishing wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its version, as it says it.
    pub version: String,
    /// Whether its known ways of losing acknowledged messages are mended.
    pub is_sound: bool,
    /// The merchant's stream; none where it is not made yet.
    pub stream: Option<StreamKept>,
}

/// How a stream is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamKept {
    /// How many servers have a copy. Two are no better than one, and stop more often.
    pub replicas: usize,
    /// Whether it is in a file.
    pub is_on_disk: bool,
}

/// Asks the server that `client` is connected to, waiting for at most `patience`.
///
/// # Errors
/// [`RelayError::Nats`] where it is not reached or has no JetStream.
pub async fn examine(
    client: &Client,
    merchant: &MerchantId,
    patience: Duration,
) -> Result<Examined, RelayError> {
    let asking = async {
        // The connection is made in the background: this returns when there is one.
        client.flush().await.map_err(RelayError::nats("be reached"))?;
        let nats = jetstream::new(client.clone());
        let stream = match nats.get_stream(names::stream(merchant)).await {
            Ok(stream) => {
                let config = &stream.cached_info().config;
                let is_on_disk = config.storage == StorageType::File;
                Some(StreamKept { replicas: config.num_replicas, is_on_disk })
            }
            Err(error) if is_absent(&error.kind()) => None,
            Err(error) => return Err(RelayError::nats("tell of its stream")(error)),
        };
        let (major, minor, patch) = SOUND_SERVER;
        let is_sound = client.is_server_compatible(major, minor, patch);
        Ok(Examined { version: client.server_info().version, is_sound, stream })
    };
    let late = |error| Err(RelayError::nats("answer in time")(error));
    tokio::time::timeout(patience, asking).await.unwrap_or_else(late)
}

fn is_absent(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error)
        if error.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND)
}
