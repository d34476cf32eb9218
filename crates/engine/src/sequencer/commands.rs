//! Executes commands and runs the purchase process until nothing follows.

use std::collections::VecDeque;

use domain::{
    Rejection,
    order::{self, purchase, purchase::Then},
    pool,
};
use events::Fact;
use vocabulary::{Account, OrderId, Sku, Timestamp};

use super::{Sequencer, settle};
use crate::{EngineError, host::lock};

type Executed = Result<Result<(), Rejection>, EngineError>;

impl Sequencer {
    /// Executes a command for an order and all that follows from it. A rejection leaves nothing staged.
    pub(super) async fn order_command(
        &mut self,
        id: OrderId,
        command: order::Command,
        replying_to: Option<OrderId>,
    ) -> Executed {
        let mut queue = VecDeque::new();
        if let Err(rejection) = self.execute_order(id, command, replying_to, &mut queue).await? {
            return Ok(Err(rejection));
        }
        self.follow(queue, replying_to).await?;
        Ok(Ok(()))
    }

    /// Executes a command for a pool and all that follows from it.
    pub(super) async fn pool_command(&mut self, sku: &Sku, command: pool::Command) -> Executed {
        let mut queue = VecDeque::new();
        if let Err(rejection) = self.execute_pool(sku, command, None, &mut queue).await? {
            return Ok(Err(rejection));
        }
        self.follow(queue, None).await?;
        Ok(Ok(()))
    }

    /// Runs what process managers asked for, in order.
    pub(super) async fn follow(
        &mut self,
        mut queue: VecDeque<Then>,
        replying_to: Option<OrderId>,
    ) -> Result<(), EngineError> {
        lock(&self.desk).following = true;
        let followed = self.follow_all(&mut queue, replying_to).await;
        lock(&self.desk).following = false;
        followed
    }

    async fn follow_all(
        &mut self,
        queue: &mut VecDeque<Then>,
        replying_to: Option<OrderId>,
    ) -> Result<(), EngineError> {
        while let Some(then) = queue.pop_front() {
            let result = match then {
                Then::Pool(sku, command) => self.execute_pool(&sku, *command, replying_to, queue).await?,
                Then::Order(order, command) => {
                    self.execute_order(order, *command, replying_to, queue).await?
                }
            };
            if let Err(rejection) = result {
                // What was decided so far is right by itself; the order shows that this step is missing.
                tracing::error!(%rejection, "a step of the purchase process was rejected");
            }
        }
        Ok(())
    }

    async fn execute_order(
        &mut self,
        id: OrderId,
        command: order::Command,
        replying_to: Option<OrderId>,
        queue: &mut VecDeque<Then>,
    ) -> Executed {
        let stream = id.stream();
        // An import may serve an order that has left memory meanwhile.
        self.warm(vec![stream.clone()]).await?;
        let (before, was_over) = {
            let desk = lock(&self.desk);
            (desk.staged.len(), desk.order(&id).is_some_and(|entry| entry.state.is_over()))
        };
        if let Err(rejection) = settle(self.hosts.orders.execute(&stream, command).await)? {
            return Ok(Err(rejection));
        }
        let desk = lock(&self.desk);
        let facts: Vec<Fact> = desk.staged[before..].iter().map(|(_, fact)| fact.clone()).collect();
        if let (false, Some(entry)) = (facts.is_empty(), desk.order(&id)) {
            let account = entry.state.placed.as_ref().map(|placed| placed.account.clone());
            let suspended = account
                .as_ref()
                .and_then(|account| desk.channel(account))
                .is_some_and(|channel| channel.suspended());
            let around = self.surroundings(account.as_ref(), suspended, replying_to);
            queue.extend(purchase::after_order(&facts, was_over, &entry.state, &around));
        }
        Ok(Ok(()))
    }

    async fn execute_pool(
        &mut self,
        sku: &Sku,
        command: pool::Command,
        replying_to: Option<OrderId>,
        queue: &mut VecDeque<Then>,
    ) -> Executed {
        let before = lock(&self.desk).staged.len();
        if let Err(rejection) = settle(self.hosts.pools.execute(&sku.pool_stream(), command).await)? {
            return Ok(Err(rejection));
        }
        let around = self.surroundings(None, false, replying_to);
        let desk = lock(&self.desk);
        for (_, fact) in &desk.staged[before..] {
            queue.extend(purchase::after_pool(std::slice::from_ref(fact), &around));
        }
        Ok(Ok(()))
    }

    pub(super) fn surroundings(
        &self,
        account: Option<&Account>,
        suspended: bool,
        replying_to: Option<OrderId>,
    ) -> purchase::Surroundings {
        let can_call = account
            .and_then(|account| self.adapters.get(account))
            .is_some_and(|adapter| adapter.deliver().is_some());
        purchase::Surroundings {
            now: self.now(),
            replying_to,
            backorder_secs: self.policy.backorder_secs,
            suspended,
            can_call,
            bad_keys_max: self.policy.bad_keys_max,
        }
    }

    /// Whether the account through which an order was paid can pay money back by a call of ours.
    pub(super) fn can_refund(&self, order: &OrderId) -> bool {
        let through = {
            let desk = lock(&self.desk);
            let paid = desk.order(order).and_then(|entry| entry.state.paid.clone());
            paid.map(|paid| paid.through)
        };
        through.is_some_and(|account| self.account_can_refund(&account))
    }

    pub(super) fn account_can_refund(&self, account: &Account) -> bool {
        self.adapters.get(account).is_some_and(|adapter| adapter.refund().is_some())
    }

    /// A reservation or a wait for stock ran out.
    pub(super) async fn expire(
        &mut self,
        stream: &vocabulary::StreamId,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Ok(order) = stream.as_str().parse::<OrderId>() else { return Ok(()) };
        let can_refund = self.can_refund(&order);
        let commands =
            [order::Command::ExpireReservation { now }, order::Command::ExpireBackorder { now, can_refund }];
        for command in commands {
            // Neither is ever rejected: they say nothing where nothing ran out.
            let _never = self.order_command(order, command, None).await?;
        }
        self.commit(&super::time::timer("expiry"), crate::work::Staged::default()).await
    }
}
