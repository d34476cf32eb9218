//! Hosts the pure deciders as `cqrs_es::Aggregate`s, and implements `cqrs_es::EventStore` over the sequencer's
//! state and the unit being staged. A command is executed by `cqrs_es::CqrsFramework`; what it commits is staged,
//! not stored: the writer makes whole units durable.

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, CqrsFramework, DomainEvent, EventEnvelope, EventStore,
    event_sink::EventSink,
};
use domain::{Decider, Rejection};
use events::Fact;
use serde::{Deserialize, Serialize};
use vocabulary::StreamId;

use crate::hot::{Desk, Entry, Shelved};

/// A decider in the shape cqrs-es runs.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Hosted<D: Decider> {
    state: D::State,
}

impl<D: Decider> Default for Hosted<D> {
    fn default() -> Self {
        Self { state: D::State::default() }
    }
}

/// A fact in the shape cqrs-es records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Happened(pub(crate) Fact);

impl DomainEvent for Happened {
    fn event_type(&self) -> String {
        self.0.type_name().to_owned()
    }
    fn event_version(&self) -> String {
        self.0.schema_version().to_string()
    }
}

impl<D: Decider + Send + Sync> Aggregate for Hosted<D>
where
    D: 'static,
{
    const TYPE: &'static str = D::KIND;
    type Command = D::Command;
    type Event = Happened;
    type Error = Rejection;
    type Services = ();

    /// Decides first and writes then: after a rejection the state is as it was.
    async fn handle(
        &mut self,
        command: D::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Rejection> {
        for fact in D::decide(&self.state, &command)? {
            sink.write(Happened(fact), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Happened) {
        D::evolve(&mut self.state, &event.0);
    }
}

/// The sequencer's state, shared with the stores of the frameworks. Only the sequencer's task uses it, so the lock
/// is never contended; it is never held across an await.
pub(crate) type SharedDesk = Arc<Mutex<Desk>>;

pub(crate) fn lock(desk: &SharedDesk) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An aggregate taken off its shelf. Dropping it without a commit (after a rejection) puts it back.
pub(crate) struct Taken<D: Shelved> {
    stream: StreamId,
    hosted: Hosted<D>,
    entry: Option<Entry<D::State>>,
    desk: SharedDesk,
}

impl<D: Shelved> AggregateContext<Hosted<D>> for Taken<D> {
    fn aggregate(&mut self) -> &mut Hosted<D> {
        &mut self.hosted
    }
}

impl<D: Shelved> Drop for Taken<D> {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.state = std::mem::take(&mut self.hosted.state);
            lock(&self.desk).put::<D>(&self.stream, entry);
        }
    }
}

/// The store behind one kind of aggregate.
pub(crate) struct Staging<D> {
    desk: SharedDesk,
    kind: PhantomData<fn() -> D>,
}

fn stream_of(id: &str) -> Result<StreamId, AggregateError<Rejection>> {
    id.parse().map_err(|error| AggregateError::UnexpectedError(Box::new(error)))
}

impl<D: Shelved> EventStore<Hosted<D>> for Staging<D> {
    type AC = Taken<D>;

    /// The events of the unit being staged: the only ones that are not in the log yet.
    async fn load_events(
        &self,
        id: &str,
    ) -> Result<Vec<EventEnvelope<Hosted<D>>>, AggregateError<Rejection>> {
        let stream = stream_of(id)?;
        let desk = lock(&self.desk);
        let staged = desk.staged.iter().filter(|(s, _)| *s == stream);
        Ok(staged.map(|(_, fact)| envelope(id, 0, fact.clone())).collect())
    }

    async fn load_aggregate(&self, id: &str) -> Result<Taken<D>, AggregateError<Rejection>> {
        let stream = stream_of(id)?;
        let mut entry = lock(&self.desk).take::<D>(&stream);
        let hosted = Hosted { state: std::mem::take(&mut entry.state) };
        Ok(Taken { stream, hosted, entry: Some(entry), desk: self.desk.clone() })
    }

    async fn commit(
        &self,
        happened: Vec<Happened>,
        taken: Taken<D>,
        _metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Hosted<D>>>, AggregateError<Rejection>> {
        let stream = taken.stream.clone();
        drop(taken);
        let mut desk = lock(&self.desk);
        let following = desk.following;
        desk.by_process.extend(happened.iter().map(|_| following));
        desk.staged.extend(happened.into_iter().map(|Happened(fact)| (stream.clone(), fact)));
        Ok(Vec::new())
    }
}

fn envelope<D: Decider + Send + Sync + 'static>(
    id: &str,
    sequence: usize,
    fact: Fact,
) -> EventEnvelope<Hosted<D>> {
    EventEnvelope { aggregate_id: id.to_owned(), sequence, payload: Happened(fact), metadata: HashMap::new() }
}

/// Executes commands for one kind of aggregate.
pub(crate) struct Host<D: Shelved>(CqrsFramework<Hosted<D>, Staging<D>>);

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("the command could not be executed: {0}")]
    Broken(String),
}

impl<D: Shelved> Host<D> {
    pub(crate) fn new(desk: &SharedDesk) -> Self {
        let store = Staging { desk: desk.clone(), kind: PhantomData };
        Self(CqrsFramework::new(store, Vec::new(), ()))
    }

    /// Executes a command: its facts are staged and applied, or nothing changes.
    pub(crate) async fn execute(&self, stream: &StreamId, command: D::Command) -> Result<(), HostError> {
        self.0.execute(stream.as_str(), command).await.map_err(|error| match error {
            AggregateError::UserError(rejection) => HostError::Rejected(rejection),
            other => HostError::Broken(other.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use cqrs_es::test::TestFramework;
    use domain::order::{Command, Order};
    use events::order::{OrderLine, OrderPlaced, PaymentConfirmed};
    use vocabulary::{Account, Currency, DeliveryMethod, Money, OrderId, Quantity, Reason};

    use super::*;

    fn account() -> Account {
        "generic/own".parse().unwrap()
    }
    fn total() -> Money {
        Money::new(2888, Currency::CNY)
    }
    fn placed() -> Happened {
        let line = OrderLine {
            sku: "steam-50".parse().unwrap(),
            item: None,
            quantity: Quantity::ONE,
            amount: total(),
        };
        let placed = OrderPlaced {
            order: OrderId::from_uuid(uuid::Uuid::from_u128(7)),
            account: account(),
            external_no: "A-1".to_owned(),
            lines: vec![line],
            total: total(),
            buyer: None,
            delivery: DeliveryMethod::Reply,
            memo: None,
        };
        Happened(placed.into())
    }
    fn pay(minor: i64) -> Command {
        let amount = Money::new(minor, Currency::CNY);
        Command::Pay { txn: "T-1".to_owned(), through: account(), amount, can_refund: false }
    }
    fn confirmed() -> Happened {
        Happened(PaymentConfirmed { txn: "T-1".to_owned(), through: account(), amount: total() }.into())
    }

    #[test]
    fn given_a_placed_order_when_it_is_paid_then_the_payment_is_confirmed() {
        TestFramework::<Hosted<Order>>::with(())
            .given(vec![placed()])
            .when(pay(2888))
            .then_expect_events(vec![confirmed()]);
    }

    #[test]
    fn given_a_paid_order_when_the_same_payment_comes_again_then_nothing_happens() {
        TestFramework::<Hosted<Order>>::with(())
            .given(vec![placed(), confirmed()])
            .when(pay(2888))
            .then_expect_events(vec![]);
    }

    #[test]
    fn given_a_placed_order_when_the_amount_differs_then_it_is_rejected() {
        let result =
            TestFramework::<Hosted<Order>>::with(()).given(vec![placed()]).when(pay(2887)).inspect_result();
        assert_eq!(result.unwrap_err().reason, Reason::AmountMismatch);
    }

    #[tokio::test]
    async fn a_rejected_command_stages_nothing_and_leaves_the_state_on_its_shelf() {
        let desk: SharedDesk = SharedDesk::default();
        let host: Host<Order> = Host::new(&desk);
        let order = OrderId::from_uuid(uuid::Uuid::from_u128(7));
        lock(&desk).put::<Order>(&order.stream(), Entry { next_version: 3, ..Entry::default() });
        let rejected = host.execute(&order.stream(), pay(2888)).await;
        assert!(matches!(rejected, Err(HostError::Rejected(r)) if r.reason == Reason::UnknownOrder));
        let desk = lock(&desk);
        assert!(desk.staged.is_empty());
        assert_eq!(desk.order(&order).map(|entry| entry.next_version), Some(3));
    }
}
