//! Why things happened to an order: a graph from the messages that came in to the calls that went out and the keys
//! that went back.

use std::collections::{BTreeMap, BTreeSet};

use events::{Fact, RecordedEvent};
use projection::Event;
use serde::Serialize;
use vocabulary::{MessageId, OrderId, Position, StreamId, Timestamp};

use crate::{HistoryError, Said};

/// What led to what.
#[derive(Debug, Default, Serialize)]
pub struct Causes {
    /// Messages first, then events by position.
    pub nodes: Vec<Node>,
    /// From what was first to what followed.
    pub edges: Vec<Edge>,
}

/// One thing that happened.
#[derive(Debug, Serialize)]
pub struct Node {
    /// `message:<id>` or `event:<position>`.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// The message: of an event, the one at the start of its conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Which event; none for a message.
    #[serde(flatten)]
    pub event: Option<NodeEvent>,
}

/// What a node shows of its event.
#[derive(Debug, Serialize)]
pub struct NodeEvent {
    /// Place in the log.
    pub position: Position,
    /// The stream.
    pub stream: StreamId,
    /// The event type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub sentence: Said,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// An inbound message.
    Message,
    /// A fact that is neither of the following.
    Event,
    /// The intent to call somebody: hand keys over, pay money back, ask about a payment.
    Effect,
    /// A try of such a call.
    Attempt,
    /// Keys were taken from stock, went back to it or are void.
    Stock,
}

/// One thing led to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// The node that was first.
    pub from: String,
    /// The node that followed.
    pub to: String,
    /// How.
    pub kind: EdgeKind,
}

/// How one thing led to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// The message began it.
    Began,
    /// The event led directly to this one.
    LedTo,
    /// The intent was tried.
    Attempted,
    /// A time that was set had come.
    RanOut,
    /// The order let its keys go.
    GaveBack,
}

/// The first events of those atomic units in which the history's events were caused by what is not of the history:
/// keys that came in and served this order among others. Give them to [`causes`] as `others`.
pub fn outside(history: &[RecordedEvent]) -> Result<Vec<Position>, HistoryError> {
    let known: BTreeSet<Position> = history.iter().map(|event| event.position).collect();
    let mut all = BTreeSet::new();
    for stored in history {
        let meta = decoded(stored)?.meta;
        let first = Position(meta.unit.0);
        // What stands first in its unit was not caused by another event.
        let earlier = known.range(first..stored.position).next().is_some();
        if meta.causation.is_some() && !earlier {
            all.insert(first);
        }
    }
    Ok(all.into_iter().collect())
}

/// The graph of an order's history. `others` are events of other histories that lead into it (see [`outside`]).
pub fn causes(
    order: OrderId,
    history: &[RecordedEvent],
    others: &[RecordedEvent],
) -> Result<Causes, HistoryError> {
    let mut stored: Vec<&RecordedEvent> = others.iter().chain(history).collect();
    stored.sort_unstable_by_key(|event| event.position);
    stored.dedup_by_key(|event| event.position);
    let all: Vec<Event> = stored.into_iter().map(decoded).collect::<Result<_, _>>()?;
    let mut graph = Causes::default();
    let mut messages: Vec<&MessageId> =
        all.iter().filter_map(|event| event.meta.correlation.as_ref()).collect();
    messages.dedup();
    let mut seen = BTreeSet::new();
    for message in messages.into_iter().filter(|message| seen.insert(message.as_str())) {
        let (id, message) = (message_id(message), Some(message.clone()));
        graph.nodes.push(Node { id, kind: NodeKind::Message, message, event: None });
    }
    let mut edges = BTreeSet::new();
    let mut asked = BTreeMap::new();
    for (n, event) in all.iter().enumerate() {
        edges.extend(direct(&all[..n], event));
        edges.extend(by_time(&all[..n], event));
        edges.extend(attempt(&asked, event));
        edges.extend(given_back(order, &all[..n], event));
        asked.extend(Call::asked_by(&event.fact).map(|call| (call, event.position)));
        graph.nodes.push(node(event));
    }
    graph.edges = edges.into_iter().collect();
    graph.edges.sort_by_key(|edge| (position(&edge.to), position(&edge.from)));
    Ok(graph)
}

fn decoded(stored: &RecordedEvent) -> Result<Event, HistoryError> {
    let position = stored.position;
    Event::decode(stored.clone()).map_err(|source| HistoryError::Event { position, source })
}

fn message_id(message: &MessageId) -> String {
    format!("message:{message}")
}
fn event_id(position: Position) -> String {
    format!("event:{position}")
}
fn position(id: &str) -> u64 {
    id.strip_prefix("event:").and_then(|number| number.parse().ok()).unwrap_or(0)
}
fn edge(from: Position, to: Position, kind: EdgeKind) -> Edge {
    Edge { from: event_id(from), to: event_id(to), kind }
}

fn node(event: &Event) -> Node {
    let kind = match &event.fact {
        fact if Call::asked_by(fact).is_some() => NodeKind::Effect,
        fact if Call::tried_by(fact).is_some() => NodeKind::Attempt,
        _ if event.stream.kind() == "pool" => NodeKind::Stock,
        _ => NodeKind::Event,
    };
    let shown = NodeEvent {
        position: event.position,
        stream: event.stream.clone(),
        type_name: event.fact.type_name().to_owned(),
        recorded_at: event.recorded_at,
        sentence: Said { en: event.sentence_en.as_ref().into(), zh: event.sentence_zh.as_ref().into() },
    };
    let message = event.meta.correlation.clone();
    Node { id: event_id(event.position), kind, message, event: Some(shown) }
}

/// What the event names as its cause; where that is of no interest here, what came before it in its unit.
fn direct(before: &[Event], event: &Event) -> Option<Edge> {
    if event.meta.causation.is_none() {
        let message = event.meta.correlation.as_ref()?;
        let (from, to) = (message_id(message), event_id(event.position));
        return Some(Edge { from, to, kind: EdgeKind::Began });
    }
    let cause = before.last().filter(|earlier| earlier.meta.unit == event.meta.unit)?;
    Some(edge(cause.position, event.position, EdgeKind::LedTo))
}

/// A reservation or a wait that was set earlier has ended by itself.
fn by_time(before: &[Event], event: &Event) -> Option<Edge> {
    let set = |wanted: fn(&Fact) -> bool| before.iter().rev().find(|earlier| wanted(&earlier.fact));
    let earlier = match &event.fact {
        Fact::ReservationExpired(_) => set(|fact| matches!(fact, Fact::OrderReserved(_)))?,
        Fact::RefundDue(due) if due.reason == "backorder_expired" => {
            set(|fact| matches!(fact, Fact::OrderBackordered(_)))?
        }
        _ => return None,
    };
    Some(edge(earlier.position, event.position, EdgeKind::RanOut))
}

/// A call that an order asks for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call<'a> {
    Delivery(u32),
    Refund(&'a str),
    Check(&'a str),
}

impl<'a> Call<'a> {
    fn asked_by(fact: &'a Fact) -> Option<Self> {
        match fact {
            Fact::DeliveryRequested(e) => Some(Self::Delivery(e.delivery)),
            Fact::RefundDue(e) if e.through.is_some() => Some(Self::Refund(&e.refund)),
            Fact::PaymentCheckRequested(e) => Some(Self::Check(&e.txn)),
            _ => None,
        }
    }
    fn tried_by(fact: &'a Fact) -> Option<Self> {
        match fact {
            Fact::DeliveryAttempted(e) => Some(Self::Delivery(e.delivery)),
            Fact::RefundAttempted(e) => Some(Self::Refund(&e.refund)),
            Fact::PaymentCheckSettled(e) => Some(Self::Check(&e.txn)),
            _ => None,
        }
    }
}

fn attempt(asked: &BTreeMap<Call<'_>, Position>, event: &Event) -> Option<Edge> {
    let from = asked.get(&Call::tried_by(&event.fact)?)?;
    Some(edge(*from, event.position, EdgeKind::Attempted))
}

/// Keys leave an order for good: straight from what ended the order, however many facts stand between them.
fn given_back(order: OrderId, before: &[Event], event: &Event) -> Option<Edge> {
    let of = match &event.fact {
        Fact::KeysReleased(e) => e.order,
        Fact::KeysRevoked(e) => e.order,
        _ => return None,
    };
    let ends = |fact: &Fact| {
        matches!(
            fact,
            Fact::RefundDue(_)
                | Fact::RefundSettled(_)
                | Fact::OrderCancelled(_)
                | Fact::ReservationExpired(_)
        )
    };
    let unit = before.iter().filter(|earlier| earlier.meta.unit == event.meta.unit);
    let ended = unit.rev().find(|earlier| ends(&earlier.fact)).filter(|_| of == order)?;
    Some(edge(ended.position, event.position, EdgeKind::GaveBack))
}
