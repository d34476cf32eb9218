//! An order's history from the log: every event with its cause, and the state after each.

use domain::{Decider, order};
use events::{Fact, Metadata, RecordedEvent};
use vocabulary::{OrderId, Position, StreamVersion, Timestamp};

use crate::{Engine, EngineError};

/// One event of an order, and the order after it.
#[derive(Debug, Clone)]
pub struct HistoryStep {
    /// The event as stored.
    pub event: RecordedEvent,
    /// What it says.
    pub fact: Fact,
    /// Why and through whom.
    pub metadata: Metadata,
    /// The order's state after it; the same as before for events of other streams.
    pub state: order::State,
}

/// An order's history.
#[derive(Debug, Clone)]
pub struct OrderHistory {
    /// The order.
    pub order: OrderId,
    /// Its events, oldest first.
    pub steps: Vec<HistoryStep>,
}

impl OrderHistory {
    /// The state at a position: after the last event at or before it.
    pub fn at(&self, position: Position) -> Option<&HistoryStep> {
        self.steps.iter().rev().find(|step| step.event.position <= position)
    }
    /// The state as it was known at an instant: after the last event recorded at or before it.
    pub fn at_time(&self, at: Timestamp) -> Option<&HistoryStep> {
        self.steps.iter().rev().find(|step| step.event.recorded_at <= at)
    }
}

impl Engine {
    /// Reads an order's history; `None` where the order has no events.
    pub async fn order_history(&self, order: &OrderId) -> Result<Option<OrderHistory>, EngineError> {
        let stream = order.stream();
        let events = self.log.read_stream(&self.merchant, &stream, StreamVersion(0), usize::MAX >> 1).await?;
        let mut state = order::State::default();
        let mut steps = Vec::with_capacity(events.len());
        for event in events {
            let fact = event.fact().map_err(EngineError::Decode)?;
            let metadata = event.meta().map_err(EngineError::Decode)?;
            order::Order::evolve(&mut state, &fact);
            steps.push(HistoryStep { event, fact, metadata, state: state.clone() });
        }
        Ok((!steps.is_empty()).then_some(OrderHistory { order: *order, steps }))
    }
}
