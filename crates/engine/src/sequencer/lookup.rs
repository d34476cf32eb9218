//! Old messages, numbers and orders, read from the log for a whole batch at once, before it is decided.

use std::collections::{HashMap, HashSet};

use channel::{Ask, Stage};
use event_log::{InboxRow, NumberKind};
use vocabulary::{Account, BuyerId, OrderId, StreamId};

use super::{NumberKey, Sequencer};
use crate::{
    EngineError, OperatorCommand, PastOrder,
    host::lock,
    work::{MessageWork, OperatorWork, OrderRef, Work},
};

/// What was found for the batch in hand.
#[derive(Default)]
pub(super) struct LookedUp {
    pub(super) inbox: HashMap<String, InboxRow>,
    pub(super) numbers: HashMap<NumberKey, OrderId>,
}

/// What a batch needs to know of the past.
#[derive(Default)]
pub(super) struct Wanted {
    keys: Vec<String>,
    numbers: Vec<NumberKey>,
    streams: HashSet<StreamId>,
}

impl Sequencer {
    /// Forgets the last batch's findings and reads what these wants ask for.
    pub(super) async fn look_up(&mut self, wanted: Wanted) -> Result<(), EngineError> {
        self.looked_up = LookedUp::default();
        self.look_up_more(wanted).await
    }

    pub(super) async fn look_up_more(&mut self, wanted: Wanted) -> Result<(), EngineError> {
        let Wanted { mut keys, mut numbers, mut streams } = wanted;
        keys.retain(|key| !self.recent.contains(key));
        numbers.retain(|key| !self.recent_numbers.contains(key));
        if !keys.is_empty() {
            let rows = self.log.find_inbox(&self.merchant, &keys).await?;
            let keyed = rows.into_iter().filter_map(|row| Some((row.dedupe_key.clone()?, row)));
            self.looked_up.inbox.extend(keyed);
        }
        if !numbers.is_empty() {
            numbers.sort_unstable();
            numbers.dedup();
            for row in self.log.find_numbers(&self.merchant, &numbers).await? {
                self.looked_up.numbers.insert((row.kind, row.namespace, row.number), row.order);
            }
        }
        streams.extend(self.looked_up.numbers.values().map(OrderId::stream));
        self.warm(streams.into_iter().collect()).await
    }

    /// Reads streams that memory does not hold.
    pub(super) async fn warm(&mut self, mut streams: Vec<StreamId>) -> Result<(), EngineError> {
        streams.retain(|stream| !lock(&self.desk).holds(stream));
        if streams.is_empty() {
            return Ok(());
        }
        streams.sort_unstable();
        let events = self.log.read_streams(&self.merchant, &streams).await?;
        let mut desk = lock(&self.desk);
        for event in &events {
            let fact = event.fact().map_err(EngineError::Decode)?;
            desk.apply(event, &fact);
        }
        Ok(())
    }

    /// What these works need to know.
    pub(super) fn wanted(&self, batch: &[Work]) -> Wanted {
        let mut wanted = Wanted::default();
        for work in batch {
            match work {
                Work::Message(work) => self.wanted_by_message(work, &mut wanted),
                Work::Operator(work) => self.wanted_by_operator(work, &mut wanted),
                _ => {}
            }
        }
        wanted
    }

    pub(super) fn wanted_by_message(&self, work: &MessageWork, wanted: &mut Wanted) {
        let account = work.account();
        wanted.keys.extend(work.dedupe_key());
        wanted.streams.extend(work.buyer.as_ref().map(|met| met.buyer.stream()));
        if let Some(number) = external_no(&work.inbound.ask) {
            wanted.numbers.push(self.order_number(account, number));
        }
        if let Ask::Order(order) = &work.inbound.ask {
            wanted.streams.extend(order.journey.as_deref().and_then(journey_stream));
        }
        if let Some(txn) = txn(&work.inbound.ask) {
            wanted.numbers.push((NumberKind::Txn, account.to_string(), txn.to_owned()));
        }
        if let Ask::OrderQuery { order: Some(order), .. } = &work.inbound.ask {
            wanted.streams.insert(order.stream());
        }
    }

    fn wanted_by_operator(&self, work: &OperatorWork, wanted: &mut Wanted) {
        wanted.keys.extend(work.dedupe_key());
        if let OperatorCommand::Record(entries) = &work.call.command {
            wanted.streams.extend(entries.iter().map(|(stream, _)| stream.clone()));
        }
        match &work.call.command {
            OperatorCommand::Link { buyer, to, .. } => wanted.streams.extend([buyer.stream(), to.stream()]),
            OperatorCommand::Unlink { buyer, .. } => wanted.streams.extend([buyer.stream()]),
            OperatorCommand::RecordAt(entries) => {
                wanted.streams.extend(entries.iter().map(|(stream, ..)| stream.clone()));
            }
            OperatorCommand::TakeOver(page) => {
                for PastOrder { past, .. } in page {
                    wanted.numbers.push(self.order_number(&past.account, &past.external_no));
                    wanted.streams.extend(past.buyer.as_ref().map(BuyerId::stream));
                }
            }
            _ => {}
        }
        match work.call.command.order() {
            Some(OrderRef::Id(order)) => {
                wanted.streams.insert(order.stream());
            }
            Some(OrderRef::Number(account, number)) => {
                wanted.numbers.push(self.order_number(account, number));
            }
            None => {}
        }
    }

    /// The key of a channel's order number: within the account whose order numbers the account shares.
    pub(super) fn order_number(&self, account: &Account, number: &str) -> NumberKey {
        let desk = lock(&self.desk);
        let connected = desk.channel(account).and_then(|state| state.connected());
        let namespace = connected.map_or_else(|| account.to_string(), |c| c.orders_of.to_string());
        (NumberKind::Order, namespace, number.to_owned())
    }

    pub(super) fn find_number(&mut self, key: &NumberKey) -> Option<OrderId> {
        self.recent_numbers.get(key).or_else(|| self.looked_up.numbers.get(key)).copied()
    }
}

/// The stream of a journey; none where the key could be no stream's.
pub(super) fn journey_stream(key: &str) -> Option<StreamId> {
    format!("journey-{key}").parse().ok()
}

pub(super) fn external_no(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Order(order) => Some(&order.external_no),
        Ask::Payment(payment) => Some(&payment.external_no),
        Ask::Cancel { external_no, .. } | Ask::ReadBack { external_no } => Some(external_no),
        Ask::RefundRequested(refund) | Ask::RefundRefused(refund) | Ask::RefundSettled(refund) => {
            Some(&refund.external_no)
        }
        Ask::OrderQuery { external_no, .. } => external_no.as_deref(),
        Ask::Procured(_)
        | Ask::Batch(_)
        | Ask::Availability { .. }
        | Ask::Catalogue
        | Ask::Nothing
        | Ask::Unmapped { .. } => None,
    }
}

fn txn(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Order(order) => match &order.stage {
            Stage::Paid { txn } => Some(txn),
            Stage::Placed { .. } => None,
        },
        Ask::Payment(payment) => Some(&payment.txn),
        _ => None,
    }
}
