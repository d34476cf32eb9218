//! An event as folds see it: decoded once, with what several of them print.

use std::sync::Arc;

use events::{DecodeError, Fact, Metadata, RecordedEvent, sentence::sentence};
use vocabulary::{OrderId, Position, StreamId, StreamVersion, Timestamp};

use crate::text::iso;

/// A decoded event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Place in the log.
    pub position: Position,
    /// The stream.
    pub stream: StreamId,
    /// Place in the stream.
    pub version: StreamVersion,
    /// What happened, in its newest shape.
    pub fact: Fact,
    /// Why and through whom.
    pub meta: Metadata,
    /// When it happened, by the clock of whoever reported it.
    pub occurred_at: Timestamp,
    /// When we recorded it.
    pub recorded_at: Timestamp,
    /// `occurred_at` as text.
    pub occurred_text: Arc<str>,
    /// `recorded_at` as text.
    pub recorded_text: Arc<str>,
    /// The order whose history the event belongs to: the stream's, or the one a pool's fact names.
    pub order: Option<OrderRef>,
    /// What the event says, in English.
    pub sentence_en: Arc<str>,
    /// What the event says, in Chinese.
    pub sentence_zh: Arc<str>,
}

/// An order's id, and its text as rows hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRef {
    /// The id.
    pub id: OrderId,
    /// `order-…`.
    pub text: Arc<str>,
}

impl Event {
    /// Decodes a stored event.
    pub fn decode(stored: RecordedEvent) -> Result<Self, DecodeError> {
        let fact = stored.fact()?;
        let meta = stored.meta()?;
        let said = sentence(&fact);
        let recorded_text: Arc<str> = iso(stored.recorded_at).into();
        let occurred_text = if stored.occurred_at == stored.recorded_at {
            recorded_text.clone()
        } else {
            iso(stored.occurred_at).into()
        };
        Ok(Self {
            order: order_of(&stored.stream, &fact),
            position: stored.position,
            stream: stored.stream,
            version: stored.version,
            fact,
            meta,
            occurred_at: stored.occurred_at,
            recorded_at: stored.recorded_at,
            occurred_text,
            recorded_text,
            sentence_en: said.en.into(),
            sentence_zh: said.zh.into(),
        })
    }

    /// Whether the event is of the order's own stream, not of a pool that names the order.
    pub fn is_of_order_stream(&self) -> bool {
        self.stream.kind() == "order"
    }
}

fn order_of(stream: &StreamId, fact: &Fact) -> Option<OrderRef> {
    if stream.kind() == "order" {
        let id = stream.as_str().parse().ok()?;
        return Some(OrderRef { id, text: stream.as_str().into() });
    }
    let id = match fact {
        Fact::KeysReserved(e) => e.order,
        Fact::KeysAllocated(e) => e.order,
        Fact::KeysReleased(e) => e.order,
        Fact::KeysRevoked(e) => e.order,
        Fact::AllocationWaitlisted(e) => e.order,
        Fact::WaitlistLeft(e) => e.order,
        _ => return None,
    };
    Some(OrderRef { id, text: id.to_string().into() })
}
