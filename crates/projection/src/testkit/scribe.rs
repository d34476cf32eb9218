//! Writing facts down as a sequencer would: positions, versions, times, metadata.

use std::collections::HashMap;

use events::{Actor, Fact, Metadata, RecordedEvent, chain};
use vocabulary::{Account, Epoch, MerchantId, Position, StreamId, StreamVersion, Timestamp, Unit};

/// Records facts one after another.
pub struct Scribe {
    /// Whose log.
    pub merchant: MerchantId,
    /// The time the next fact is recorded at.
    pub now: Timestamp,
    /// What has been recorded.
    pub events: Vec<RecordedEvent>,
    position: u64,
    versions: HashMap<StreamId, u64>,
    hash: [u8; 32],
}

impl Scribe {
    /// An empty log that begins at `now`.
    pub fn new(merchant: MerchantId, now: Timestamp) -> Self {
        Self {
            merchant,
            now,
            events: Vec::new(),
            position: 0,
            versions: HashMap::new(),
            hash: chain::GENESIS,
        }
    }

    /// Records a fact in a stream, and returns its position. It occurred when it is recorded.
    pub fn record(&mut self, stream: StreamId, channel: Option<&Account>, fact: impl Into<Fact>) -> Position {
        self.record_late(stream, channel, fact, 0)
    }

    /// Records a fact that occurred `late_ms` milliseconds earlier by the channel's clock.
    pub fn record_late(
        &mut self,
        stream: StreamId,
        channel: Option<&Account>,
        fact: impl Into<Fact>,
        late_ms: i64,
    ) -> Position {
        let fact = fact.into();
        self.position += 1;
        let position = Position(self.position);
        let version = self.versions.entry(stream.clone()).and_modify(|v| *v += 1).or_insert(0);
        let metadata = Metadata {
            event_id: chain::event_id(&self.merchant, position),
            correlation: None,
            causation: (self.position > 1).then(|| Position(self.position - 1)),
            actor: channel.map_or_else(|| Actor::process("purchase"), Actor::channel),
            channel: channel.cloned(),
            epoch: Epoch(1),
            unit: Unit(self.position),
        };
        let mut event = RecordedEvent {
            merchant: self.merchant.clone(),
            position,
            stream,
            version: StreamVersion(*version),
            type_name: fact.type_name().to_owned(),
            schema_version: fact.schema_version(),
            payload: fact.to_json(),
            metadata: serde_json::json!(metadata).to_string(),
            occurred_at: self.now.plus_millis(-late_ms),
            recorded_at: self.now,
            hash: [0; 32],
        };
        event.hash = chain::link(&self.hash, &event);
        self.hash = event.hash;
        self.events.push(event);
        position
    }
}
