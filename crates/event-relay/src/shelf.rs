//! A merchant's JetStream stream, looked at from outside: where it ends, and which event stands where.

use async_nats::jetstream::{
    Context,
    stream::{Config, RawMessageErrorKind, State, StorageType, Stream},
};
use events::RecordedEvent;
use vocabulary::{MerchantId, Position};

use crate::{RelayError, envelope, names};

/// A merchant's stream.
pub(crate) struct Shelf {
    pub(crate) merchant: MerchantId,
    pub(crate) name: String,
    pub(crate) nats: Context,
}

impl Shelf {
    pub(crate) fn new(nats: Context, merchant: &MerchantId) -> Self {
        Self { merchant: merchant.clone(), name: names::stream(merchant), nats }
    }

    /// The stream, which is made where it is not there. One that is there keeps its settings.
    pub(crate) async fn made(&self) -> Result<Stream, RelayError> {
        let config = Config {
            name: self.name.clone(),
            description: Some(format!("Events of Kami's merchant {}; sequence = position", self.merchant)),
            subjects: vec![names::subjects(&self.merchant)],
            storage: StorageType::File,
            num_replicas: 1,
            allow_direct: true,
            ..Config::default()
        };
        self.nats.get_or_create_stream(config).await.map_err(RelayError::nats("open the stream"))
    }

    /// The stream, which must be there.
    pub(crate) async fn found(&self) -> Result<Stream, RelayError> {
        self.nats.get_stream(&self.name).await.map_err(RelayError::nats("find the stream"))
    }

    /// The event at a position; none where the stream has none there.
    pub(crate) async fn event(
        &self,
        stream: &Stream,
        position: Position,
    ) -> Result<Option<RecordedEvent>, RelayError> {
        match stream.get_raw_message(position.0).await {
            Ok(message) => self.read(message.sequence, &message.payload).map(Some),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(RelayError::nats("read a message")(error)),
        }
    }

    /// The event of a message, which must stand where its position says.
    pub(crate) fn read(&self, sequence: u64, payload: &[u8]) -> Result<RecordedEvent, RelayError> {
        let foreign = |source| RelayError::Foreign { stream: self.name.clone(), sequence, source };
        let event = envelope::read(payload).map_err(|error| foreign(Some(error)))?;
        if event.position.0 != sequence || event.merchant != self.merchant {
            return Err(foreign(None));
        }
        Ok(event)
    }

    pub(crate) fn another_log(&self, position: Position) -> RelayError {
        RelayError::AnotherLog { stream: self.name.clone(), position }
    }
}

/// Whether a stream should have the message of a sequence number.
pub(crate) fn has(state: &State, position: Position) -> bool {
    state.messages > 0 && (state.first_sequence..=state.last_sequence).contains(&position.0)
}
