//! What token holders ask for.

use std::collections::VecDeque;

use channel::Reply;
use domain::{
    Decider, Rejection, buyer, channel as channel_domain,
    journal::{self, Journal},
    order::{self, DeliverBy, purchase},
    pool, price, sku,
};
use event_log::Verdict;
use events::{
    Fact,
    buyer::{IdentifierKind, LinkEvidence, LinkStrength},
};
use ring::digest;
use vocabulary::{Account, BatchId, BuyerId, DeliveryMethod, OrderId, Reason, Sku, StreamId, Timestamp};

use super::{
    Sequencer,
    message::{Seen, forward},
    procurements::Wish,
    settle,
};
use crate::{
    EngineError, OperatorAnswer, OperatorCommand,
    host::lock,
    hot::Elsewhere,
    unit::Cause,
    work::{Attached, InboxDraft, OperatorWork, OrderRef, Setup, Staged},
};

pub(super) type Operated = Result<Result<OperatorAnswer, Rejection>, EngineError>;

impl Sequencer {
    pub(super) async fn operator(&mut self, work: OperatorWork) -> Result<(), EngineError> {
        let key = work.dedupe_key();
        let request = work.call.request.clone().map(std::sync::Arc::new);
        let hash = request.as_ref().map_or([0; 32], |request| fingerprint(request));
        match self.seen(key.as_ref(), hash) {
            Seen::Never => {}
            Seen::Repeat(answer) => {
                tokio::spawn(forward(answer, work.reply));
                return Ok(());
            }
            Seen::Stored(sealed, message) => {
                let opened = self.keys.open(&format!("{message}/answer"), &sealed);
                let stored = opened.map_err(EngineError::Vault).and_then(|bytes| {
                    serde_json::from_slice::<Reply>(&bytes).map_err(EngineError::Serialise)
                });
                // The caller may have hung up.
                let _gone = work.reply.send(stored);
                return Ok(());
            }
            Seen::Conflict => {
                let rejected = Rejection::new(Reason::MessageIdReused, "the idempotency key was used before");
                let reply = (work.render)(&Err(rejected), Vec::new());
                let _gone = work.reply.send(Ok(reply));
                return Ok(());
            }
        }
        let account = account_of(&work.call.command);
        let cause = Cause {
            actor: work.call.actor.clone(),
            message: request.as_ref().map(|_| work.message.clone()),
            channel: account,
            occurred_at: None,
        };
        let before = self.head.position;
        let mut staged = Staged::default();
        let Attached { setup, people } = work.attached;
        let mut result = match work.call.command {
            OperatorCommand::TakeOver(page) => self.take_over(page, people, &mut staged).await?,
            ref other => self.operate(other).await?,
        };
        let count = lock(&self.desk).staged.len() as u64;
        if let (Ok(answer), true) = (&mut result, count > 0) {
            let first = vocabulary::Position(before.0 + 1);
            answer.positions = Some((first, vocabulary::Position(before.0 + count)));
        }
        if let Ok(answer) = &result {
            staged.keys.clone_from(&answer.keys);
        }
        if let (Ok(_), Some(Setup { adapter, settings })) = (&result, setup) {
            self.adapters.put(adapter.clone(), &settings);
            staged.settings.push((adapter.account().clone(), settings));
        }
        staged.answer = key.clone().filter(|_| request.is_some()).map(|key| self.remember(key, hash));
        staged.inbox = request.map(|request| InboxDraft {
            message: work.message,
            account: work.account,
            dedupe_key: key,
            content_hash: hash,
            verdict: if result.is_ok() { Verdict::Accepted } else { Verdict::Rejected },
            reason: result.as_ref().err().map(|r| r.reason.code().to_owned()).unwrap_or_default(),
            received_at: request.received_at,
            request,
        });
        let render = work.render;
        staged.render = Some(Box::new(move |keys| render(&result, keys)));
        staged.reply = Some(work.reply);
        self.commit(&cause, staged).await
    }

    async fn operate(&mut self, command: &OperatorCommand) -> Operated {
        use OperatorCommand as Op;
        match command.clone() {
            Op::DefineSku(d) => {
                let (sku, name, family) = (d.sku, d.name, d.family);
                let stream = sku.stream();
                let (key_kind, face_value) = (d.key_kind, d.face_value);
                let define = sku::Command::Define { sku, name, family, key_kind, face_value };
                done(settle(self.hosts.skus.execute(&stream, define).await)?)
            }
            Op::SetPrice { sku, account, unit_price, valid_from, valid_until, reason } => {
                if let Err(rejection) = self.known_sku(&sku) {
                    return Ok(Err(rejection));
                }
                let stream = sku.price_stream();
                let valid_from = valid_from.unwrap_or_else(|| self.now());
                let set =
                    price::Command::SetPrice { sku, account, unit_price, valid_from, valid_until, reason };
                done(settle(self.hosts.prices.execute(&stream, set).await)?)
            }
            Op::Connect { .. }
            | Op::Suspend { .. }
            | Op::Resume { .. }
            | Op::SetTerms(_)
            | Op::MapListing { .. }
            | Op::RemoveListing { .. } => self.operate_channel(command.clone()).await,
            Op::SetQuota { .. }
            | Op::OpenBatch { .. }
            | Op::ImportKeys { .. }
            | Op::Quarantine { .. }
            | Op::LiftQuarantine { .. }
            | Op::Void { .. } => self.operate_pool(command.clone()).await,
            Op::Record(entries) => {
                self.record(entries.into_iter().map(|(stream, fact)| (stream, fact, None)).collect()).await
            }
            Op::RecordAt(entries) => {
                self.record(entries.into_iter().map(|(stream, fact, at)| (stream, fact, Some(at))).collect())
                    .await
            }
            Op::Link { buyer, to, evidence, met_on } => self.link(buyer, to, evidence, met_on).await,
            Op::Unlink { buyer, kind, identifier, reason } => {
                let stream = buyer.stream();
                let unlink = buyer::Command::Unlink { buyer, kind, identifier, reason };
                done(settle(self.hosts.buyers.execute(&stream, unlink).await)?)
            }
            Op::Procure { sku, account, item, quantity, max_price, reason } => {
                self.procure(Wish { sku, account, item, quantity, max_price, reason }).await
            }
            _ => self.operate_order(command).await,
        }
    }

    /// A link between two buyers stands on one of them and holds for both.
    async fn link(
        &mut self,
        buyer: BuyerId,
        to: BuyerId,
        evidence: LinkEvidence,
        met_on: Option<Account>,
    ) -> Operated {
        if let Some(Err(rejection)) = met_on.as_ref().map(|account| self.known_account(account)) {
            return Ok(Err(rejection));
        }
        let to_self = || Rejection::new(Reason::InvalidValue, "a buyer is not linked to themselves");
        if buyer == to {
            return Ok(Err(to_self()));
        }
        let unknown =
            || Rejection::new(Reason::InvalidValue, "the other buyer was never registered, or is erased");
        let back = {
            let desk = lock(&self.desk);
            match desk.buyer(&to) {
                Some(buyer::State::Registered { links, .. }) => {
                    links.get(IdentifierKind::Buyer, buyer.as_str()) == Some(true)
                }
                _ => return Ok(Err(unknown())),
            }
        };
        if back {
            return done(Ok(()));
        }
        let link = buyer::Link {
            kind: IdentifierKind::Buyer,
            identifier: to.to_string(),
            scope: None,
            strength: LinkStrength::Strong,
            evidence,
            last4: None,
        };
        let stream = buyer.stream();
        if let Some(account) = met_on {
            let register = buyer::Command::Register { buyer: buyer.clone(), account };
            // Never rejected: no fact where the buyer is known.
            let _never = settle(self.hosts.buyers.execute(&stream, register).await)?;
        }
        done(settle(self.hosts.buyers.execute(&stream, buyer::Command::Link { buyer, link }).await)?)
    }

    async fn record(&mut self, entries: Vec<(StreamId, Fact, Option<Timestamp>)>) -> Operated {
        // Looked at first, so that nothing is staged of a list that is not recorded.
        for (stream, fact, _) in &entries {
            let command = journal::Command::Record { stream: stream.clone(), fact: Box::new(fact.clone()) };
            if let Err(rejection) = Journal::decide(&journal::State::default(), &command) {
                return Ok(Err(rejection));
            }
        }
        for (stream, fact, occurred_at) in entries {
            let account =
                if let Fact::TouchRecorded(touch) = &fact { Some(touch.account.clone()) } else { None };
            if let Some(occurred_at) = occurred_at {
                let mut desk = lock(&self.desk);
                let place = desk.staged.len();
                desk.elsewhere.insert(place, Elsewhere { account, occurred_at });
            }
            let command = journal::Command::Record { stream: stream.clone(), fact: Box::new(fact) };
            if let Err(rejection) = settle(self.hosts.journals.execute(&stream, command).await)? {
                return Ok(Err(rejection));
            }
        }
        Ok(Ok(OperatorAnswer::default()))
    }

    pub(super) fn known_sku(&self, sku: &Sku) -> Result<(), Rejection> {
        match lock(&self.desk).sku(sku) {
            Some(_) => Ok(()),
            None => Err(Rejection::new(Reason::UnknownSku, format!("{sku} is not defined"))),
        }
    }

    pub(super) fn known_account(&self, account: &Account) -> Result<(), Rejection> {
        match lock(&self.desk).channel(account) {
            Some(_) => Ok(()),
            None => Err(Rejection::new(Reason::UnknownChannel, format!("{account} is not connected"))),
        }
    }

    async fn operate_channel(&mut self, command: OperatorCommand) -> Operated {
        use channel_domain::Command;
        let (account, command, resumed) = match command {
            OperatorCommand::Connect { account, name, currency, orders_of, settings_digest } => {
                if orders_of != account
                    && let Err(rejection) = self.known_account(&orders_of)
                {
                    return Ok(Err(rejection));
                }
                (
                    account.clone(),
                    Command::Connect { account, name, currency, orders_of, settings_digest },
                    false,
                )
            }
            OperatorCommand::Suspend { account, reason } => {
                (account.clone(), Command::Suspend { account, reason }, false)
            }
            OperatorCommand::Resume { account, reason } => {
                (account.clone(), Command::Resume { account, reason }, true)
            }
            OperatorCommand::MapListing { account, item, sku } => {
                if let Err(rejection) = self.known_sku(&sku) {
                    return Ok(Err(rejection));
                }
                self.stock_dirty.insert(sku.clone());
                (account.clone(), Command::MapListing { account, item, sku }, false)
            }
            OperatorCommand::SetTerms(terms) => (terms.account.clone(), Command::SetTerms(terms), false),
            OperatorCommand::RemoveListing { account, item } => {
                (account.clone(), Command::RemoveListing { account, item }, false)
            }
            _ => return done(Ok(())),
        };
        if !matches!(command, Command::Connect { .. })
            && let Err(rejection) = self.known_account(&account)
        {
            return Ok(Err(rejection));
        }
        if let Err(rejection) = settle(self.hosts.channels.execute(&account.stream(), command).await)? {
            return Ok(Err(rejection));
        }
        if resumed {
            self.resume_orders(&account).await?;
        }
        done(Ok(()))
    }

    /// Paid orders that waited while sales were stopped get their keys, oldest first.
    async fn resume_orders(&mut self, account: &Account) -> Result<(), EngineError> {
        let around = self.surroundings(Some(account), false, None);
        let orders = self.open_orders_of(account);
        let queue: VecDeque<_> = {
            let desk = lock(&self.desk);
            let states = orders.iter().filter_map(|order| desk.order(order)).map(|entry| &entry.state);
            states.flat_map(|state| purchase::resume(state, &around)).collect()
        };
        self.follow(queue, None).await
    }

    async fn operate_pool(&mut self, command: OperatorCommand) -> Operated {
        let now = self.now();
        let mut answer = OperatorAnswer::default();
        let (sku, command) = match command {
            OperatorCommand::SetQuota { sku, account, floor, cap, reason } => {
                if let Err(rejection) = self.known_account(&account) {
                    return Ok(Err(rejection));
                }
                (sku.clone(), pool::Command::SetQuota { sku, account, floor, cap, reason })
            }
            OperatorCommand::OpenBatch { sku, supplier, unit_cost, sell_until } => {
                let (batch, key_kind) = {
                    let desk = lock(&self.desk);
                    (BatchId(desk.last_batch + 1), desk.sku(&sku).map(crate::operator::key_kind))
                };
                answer.batch = Some(batch);
                let Some(key_kind) = key_kind else {
                    return Ok(Err(Rejection::new(Reason::UnknownSku, format!("{sku} is not defined"))));
                };
                let open = pool::Command::OpenBatch {
                    sku: sku.clone(),
                    batch,
                    key_kind,
                    supplier,
                    unit_cost,
                    sell_until,
                };
                (sku, open)
            }
            OperatorCommand::ImportKeys { sku, batch, first_index, fingerprints } => {
                (sku.clone(), pool::Command::ImportKeys { sku, batch, first_index, fingerprints, now })
            }
            OperatorCommand::Quarantine { sku, batch, keys, reason } => {
                (sku.clone(), pool::Command::Quarantine { sku, batch, keys, reason })
            }
            OperatorCommand::LiftQuarantine { sku, batch, keys, reason } => {
                (sku.clone(), pool::Command::LiftQuarantine { sku, batch, keys, reason, now })
            }
            OperatorCommand::Void { sku, keys, reason } => (sku, pool::Command::Void { keys, reason }),
            _ => return done(Ok(())),
        };
        if let Err(rejection) = self.known_sku(&sku) {
            return Ok(Err(rejection));
        }
        let result = self.pool_command(&sku, command).await?;
        if let (Ok(()), Some(batch)) = (&result, answer.batch) {
            lock(&self.desk).last_batch = batch.0;
        }
        Ok(result.map(|()| answer))
    }

    fn find_order(&mut self, named: &OrderRef) -> Result<OrderId, Rejection> {
        let unknown = || Rejection::new(Reason::UnknownOrder, "there is no such order");
        let id = match named {
            OrderRef::Id(order) => *order,
            OrderRef::Number(account, number) => {
                let key = self.order_number(account, number);
                self.find_number(&key).ok_or_else(unknown)?
            }
        };
        let known = lock(&self.desk).order(&id).is_some_and(|entry| entry.next_version > 0);
        if known { Ok(id) } else { Err(unknown()) }
    }

    async fn operate_order(&mut self, command: &OperatorCommand) -> Operated {
        use OperatorCommand as Op;
        let Some(named) = command.order() else { return done(Ok(())) };
        let id = match self.find_order(named) {
            Ok(id) => id,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let refund_number = || format!("staff-{}", self.head.position.0 + 1);
        let result = match command.clone() {
            Op::Resend { reason, .. } => {
                let by = self.way_out(&id);
                if by == DeliverBy::Pickup {
                    let why = "the channel cannot be called with keys; reveal them instead";
                    return Ok(Err(Rejection::new(Reason::WrongState, why)));
                }
                self.order_command(id, order::Command::Deliver { by, again: true, reason }, None).await?
            }
            Op::Reveal { reason, .. } => {
                self.order_command(id, order::Command::ShowKeys { reason }, None).await?
            }
            Op::Replace { key, reason, cost_owner, .. } => self.replace(id, key, reason, cost_owner).await?,
            Op::Refund { refund, amount, reason, .. } => {
                let refund = refund.unwrap_or_else(refund_number);
                let can_refund = self.can_refund(&id);
                let agree = order::Command::AgreeRefund { refund, amount, reason, can_refund };
                self.order_command(id, agree, None).await?
            }
            Op::RefuseRefund { refund, reason, .. } => match self.known_refund(&id, &refund) {
                Ok(()) => {
                    self.order_command(id, order::Command::RefuseRefund { refund, reason }, None).await?
                }
                Err(rejection) => Err(rejection),
            },
            Op::SettleRefund { refund, .. } => match self.known_refund(&id, &refund) {
                Ok(()) => {
                    let reason = "settled_by_hand".to_owned();
                    let settle = order::Command::SettleRefund { refund, amount: None, reason };
                    self.order_command(id, settle, None).await?
                }
                Err(rejection) => Err(rejection),
            },
            Op::Hold { reason, .. } => self.order_command(id, order::Command::Hold { reason }, None).await?,
            Op::Release { reason, .. } => {
                self.order_command(id, order::Command::Release { reason }, None).await?
            }
            Op::Claim { attempt, .. } => self.order_command(id, order::Command::Claim(attempt), None).await?,
            Op::Note { text, .. } => self.order_command(id, order::Command::Note { text }, None).await?,
            _ => Ok(()),
        };
        let shown = matches!(command, Op::Reveal { .. }) && result.is_ok();
        let keys = if shown { self.revealed(&id) } else { Vec::new() };
        Ok(result.map(|()| OperatorAnswer { order: Some(id), keys, ..OperatorAnswer::default() }))
    }

    /// A person's slip of the pen must not settle a refund that nobody asked for. (A channel may settle what we
    /// never heard of: it has the money.)
    fn known_refund(&self, id: &OrderId, refund: &str) -> Result<(), Rejection> {
        let known = lock(&self.desk).order(id).is_some_and(|e| e.state.refunds.contains_key(refund));
        if known {
            Ok(())
        } else {
            Err(Rejection::new(Reason::WrongState, "the order has no refund of this number"))
        }
    }

    /// The keys that the unit being staged records as shown.
    fn revealed(&self, id: &OrderId) -> Vec<vocabulary::KeyRef> {
        let desk = lock(&self.desk);
        let stream = id.stream();
        let own = desk.staged.iter().rev().filter(|(s, _)| *s == stream);
        // A first look is a delivery, too: each of the two facts names all keys.
        let mut shown = own.filter_map(|(_, fact)| match fact {
            Fact::KeysRevealed(e) => Some(e.keys.clone()),
            Fact::OrderDelivered(e) => Some(e.lines.iter().flat_map(|line| line.keys.clone()).collect()),
            _ => None,
        });
        shown.next().unwrap_or_default()
    }

    fn way_out(&self, id: &OrderId) -> DeliverBy {
        let placed = lock(&self.desk).order(id).and_then(|entry| entry.state.placed.clone());
        let can_call = placed.as_ref().is_some_and(|placed| {
            placed.delivery != DeliveryMethod::Pickup
                && self.adapters.get(&placed.account).is_some_and(|a| a.deliver().is_some())
        });
        if can_call { DeliverBy::Call } else { DeliverBy::Pickup }
    }

    /// Everything is checked before the first step, so that no step can be turned down half-way.
    async fn replace(
        &mut self,
        id: OrderId,
        old: vocabulary::KeyRef,
        reason: String,
        cost_owner: String,
    ) -> Result<Result<(), Rejection>, EngineError> {
        let now = self.now();
        let not_replaceable =
            || Rejection::new(Reason::NotReplaceable, format!("the order has no live key {old}"));
        let checked = {
            let desk = lock(&self.desk);
            let state = desk.order(&id).map(|entry| &entry.state);
            let found = state.and_then(|s| {
                let line = s.keys.iter().find(|(_, keys)| keys.contains(&old)).map(|(line, _)| *line)?;
                let placed = s.placed.as_ref()?;
                Some((line, placed.lines.get(usize::from(line))?.sku.clone(), placed.account.clone()))
            });
            match (state, found) {
                (Some(state), Some((line, sku, account))) => {
                    let left = desk.pool(&sku).map_or(0, |pool| pool.sellable(now));
                    state.may_replace(line, old).and_then(|()| {
                        if left > 0 {
                            Ok((line, sku, account))
                        } else {
                            Err(Rejection::new(Reason::OutOfStock, format!("{sku}: none left")))
                        }
                    })
                }
                _ => Err(not_replaceable()),
            }
        };
        let (line, sku, account) = match checked {
            Ok(checked) => checked,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let revoke =
            pool::Command::Revoke { order: id, line, keys: vec![old], reason: pool::BAD_KEY.to_owned() };
        let allocate = pool::Command::AllocateReplacement { order: id, line, account, now };
        for command in [revoke, allocate] {
            if let Err(rejection) = self.pool_command(&sku, command).await? {
                return Err(EngineError::Broken(format!("a checked replacement was rejected: {rejection}")));
            }
        }
        let new = lock(&self.desk).staged.iter().rev().find_map(|(_, fact)| match fact {
            Fact::KeysAllocated(e) if e.order == id => e.keys.first().copied(),
            _ => None,
        });
        let Some(new) = new else {
            return Err(EngineError::Broken("a replacement was allocated without a key".to_owned()));
        };
        self.order_command(id, order::Command::Replace { line, old, new, reason, cost_owner }, None).await
    }
}

fn done(result: Result<(), Rejection>) -> Operated {
    Ok(result.map(|()| OperatorAnswer::default()))
}

fn account_of(command: &OperatorCommand) -> Option<Account> {
    match command {
        OperatorCommand::Connect { account, .. }
        | OperatorCommand::Suspend { account, .. }
        | OperatorCommand::Resume { account, .. }
        | OperatorCommand::MapListing { account, .. }
        | OperatorCommand::RemoveListing { account, .. }
        | OperatorCommand::SetQuota { account, .. }
        | OperatorCommand::Procure { account, .. } => Some(account.clone()),
        OperatorCommand::SetTerms(terms) => Some(terms.account.clone()),
        _ => None,
    }
}

/// What must be equal for an operator's repeat to be one: the whole request line and the body.
fn fingerprint(request: &channel::RawRequest) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [request.method.as_bytes(), request.topic.as_bytes(), request.query.as_bytes(), &request.body]
    {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
