//! What the cases write, and how they look at what is stored.

use std::collections::HashMap;

use events::{Actor, Metadata, RecordedEvent, chain};
use uuid::Uuid;
use vocabulary::{Epoch, MerchantId, MessageId, OrderId, Position, StreamId, StreamVersion, Timestamp, Unit};

use crate::{Append, EventLog, Head, InboxFilter, InboxRow, NumberKind, NumberRow, Verdict};

/// When the first part of every scribe is recorded; each later part is a second later.
const START: Timestamp = Timestamp::from_secs(1_767_322_800);

/// A little sequencer: it numbers, times and links events, and decides nothing. It believes that every part
/// it makes will be stored; clone it to make one that will be refused.
#[derive(Debug, Clone)]
pub struct Scribe {
    /// Whose log it writes.
    pub merchant: MerchantId,
    /// The epoch it writes in.
    pub epoch: Epoch,
    /// The last position it wrote.
    pub position: Position,
    /// When its next part is recorded.
    pub now: Timestamp,
    hash: [u8; 32],
    versions: HashMap<StreamId, u64>,
}

impl Scribe {
    /// Takes a merchant over. Streams that have events already are not known to it.
    pub async fn claim<L: EventLog>(log: &L, name: &str) -> Self {
        let Head { position, hash, epoch, .. } = log.claim(&merchant(name)).await.unwrap();
        let now = START.plus_secs(i64::try_from(position.0).unwrap());
        Self { merchant: merchant(name), epoch, position, now, hash, versions: HashMap::new() }
    }

    /// A part with `count` further events for each of the streams, in the order given.
    pub fn part(&mut self, streams: &[(&str, usize)]) -> Append {
        let expected = self.position;
        let mut events = Vec::new();
        for (name, count) in streams {
            for _ in 0..*count {
                let payload = format!(r#"{{"n":{}}}"#, self.position.0 + 1);
                events.push(self.event(name, payload));
            }
        }
        self.now = self.now.plus_secs(1);
        self.part_of(expected, events)
    }

    /// A part with events that were made by [`Scribe::event`], from the position before the first.
    pub fn part_of(&self, expected_position: Position, events: Vec<RecordedEvent>) -> Append {
        let (merchant, epoch) = (self.merchant.clone(), self.epoch);
        Append { merchant, epoch, expected_position, events, inbox: Vec::new(), numbers: Vec::new() }
    }

    /// The next event of a stream, with a payload of the caller's.
    pub fn event(&mut self, name: &str, payload: String) -> RecordedEvent {
        let position = Position(self.position.0 + 1);
        let next = self.versions.entry(stream(name)).or_default();
        let version = StreamVersion(*next);
        *next += 1;
        let metadata = Metadata {
            event_id: chain::event_id(&self.merchant, position),
            correlation: None,
            causation: None,
            actor: Actor::process("scribe"),
            channel: None,
            epoch: self.epoch,
            unit: Unit(position.0),
        };
        let mut event = RecordedEvent {
            merchant: self.merchant.clone(),
            position,
            stream: stream(name),
            version,
            type_name: "Written".to_owned(),
            schema_version: 1,
            payload,
            metadata: serde_json::to_string(&metadata).unwrap(),
            occurred_at: self.now.plus_secs(-5),
            recorded_at: self.now,
            hash: [0; 32],
        };
        event.hash = chain::link(&self.hash, &event);
        (self.position, self.hash) = (position, event.hash);
        event
    }

    /// Makes a part and stores it.
    pub async fn write<L: EventLog>(&mut self, log: &L, streams: &[(&str, usize)]) {
        let part = self.part(streams);
        log.append(&[part]).await.unwrap();
    }
}

/// A merchant's id.
pub fn merchant(name: &str) -> MerchantId {
    name.parse().unwrap()
}

/// A stream's id.
pub fn stream(name: &str) -> StreamId {
    name.parse().unwrap()
}

/// An accepted message with this id and de-duplication key, received `secs` after the start, without events.
pub fn message(id: &str, secs: i64) -> InboxRow {
    let message: MessageId = format!("msg-{id}").parse().unwrap();
    InboxRow {
        message,
        account: "sandbox/shop-1".parse().unwrap(),
        dedupe_key: Some(format!("sandbox/shop-1:{id}")),
        content_hash: [7; 32],
        verdict: Verdict::Accepted,
        reason: String::new(),
        sealed_request: format!("request {id}").into_bytes(),
        sealed_answer: format!("answer {id}").into_bytes(),
        positions: None,
        received_at: START.plus_secs(secs),
    }
}

/// A number of an order.
pub fn number(kind: NumberKind, namespace: &str, number: &str, order: u128) -> NumberRow {
    let order = OrderId::from_uuid(Uuid::from_u128(order));
    NumberRow { kind, namespace: namespace.to_owned(), number: number.to_owned(), order }
}

/// All that is stored of a merchant and can be listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// Where the log stands.
    pub head: Option<Head>,
    /// Its events.
    pub events: Vec<RecordedEvent>,
    /// Its messages.
    pub inbox: Vec<InboxRow>,
}

/// Reads all that is stored of a merchant.
pub async fn contents<L: EventLog>(log: &L, of: &MerchantId) -> Contents {
    Contents {
        head: log.head(of).await.unwrap(),
        events: log.read_log(of, Position(0), 100_000).await.unwrap(),
        inbox: log.list_inbox(of, &InboxFilter::default(), 100_000).await.unwrap(),
    }
}
