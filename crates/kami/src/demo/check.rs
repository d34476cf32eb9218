//! Holds Kami's log against the truth: what Kami believes must be what happened.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use domain::{Decider, order};
use event_log::EventLog;
use events::{Fact, RecordedEvent};
use vocabulary::{MerchantId, Position, StreamId};

use super::{
    catalogue::Place,
    truth::{Key, OrderNo, Sale, SharedTruth},
};

/// What the log says.
#[derive(Default)]
pub(crate) struct Told {
    /// Orders that were placed.
    pub(crate) orders: u64,
    /// Events.
    pub(crate) events: u64,
    /// The last event's hash, in hex.
    pub(crate) log_hash: String,
    /// Orders that were placed, by the account they belong to.
    pub(crate) accounts: BTreeMap<String, u64>,
    /// How often each type of event happened.
    pub(crate) counts: BTreeMap<String, u64>,
    states: BTreeMap<StreamId, Folded>,
}

/// An order as the log tells it.
#[derive(Default)]
struct Folded {
    state: order::State,
    /// The keys that left Kami, or were shown.
    handed: BTreeSet<Key>,
}

/// Reads the whole log.
pub(crate) async fn read(log: &dyn EventLog, merchant: &MerchantId) -> anyhow::Result<Told> {
    const PAGE: usize = 5_000;
    let mut told = Told::default();
    let mut after = Position(0);
    loop {
        let page = log.read_log(merchant, after, PAGE).await.context("the log")?;
        let Some(last) = page.last() else { break };
        after = last.position;
        told.log_hash = hex::encode(last.hash);
        told.events += page.len() as u64;
        for event in &page {
            told.add(event)?;
        }
    }
    Ok(told)
}

impl Told {
    fn add(&mut self, event: &RecordedEvent) -> anyhow::Result<()> {
        *self.counts.entry(event.type_name.clone()).or_default() += 1;
        if event.stream.kind() != "order" {
            return Ok(());
        }
        let fact = event.fact().context("a stored event")?;
        let folded = self.states.entry(event.stream.clone()).or_default();
        let keys: Vec<_> = match &fact {
            Fact::OrderPlaced(placed) => {
                self.orders += 1;
                *self.accounts.entry(placed.account.to_string()).or_default() += 1;
                Vec::new()
            }
            Fact::OrderDelivered(e) => e.lines.iter().flat_map(|line| line.keys.clone()).collect(),
            Fact::KeysRevealed(e) => e.keys.clone(),
            _ => Vec::new(),
        };
        folded.handed.extend(keys.into_iter().map(|key| (key.batch, key.index)));
        order::Order::evolve(&mut folded.state, &fact);
        Ok(())
    }

    /// Every difference between the log and the truth, in words.
    pub(crate) fn differences(&self, truth: &SharedTruth) -> Vec<String> {
        let truth = truth.lock();
        let mut found = truth.faults.clone();
        let forged = truth.books.forged_calls();
        if forged > 0 {
            found.push(format!("the platforms took {forged} of our calls for forged ones"));
        }
        let mut told: BTreeSet<OrderNo> = BTreeSet::new();
        for folded in self.states.values() {
            let Some(placed) = &folded.state.placed else { continue };
            let order = Place::of(placed.account.as_str()).map(|place| (place, placed.external_no.clone()));
            match order.as_ref().and_then(|order| truth.sales.get(order)) {
                Some(sale) if sale.accepted => {
                    let name = format!("{}:{}", placed.account, placed.external_no);
                    found.extend(folded.differences(sale).map(|what| format!("{name}: {what}")));
                }
                _ => found.push(format!("{}:{} was never ordered", placed.account, placed.external_no)),
            }
            told.extend(order);
        }
        let lost = truth.sales.iter().filter(|(order, sale)| sale.accepted && !told.contains(order));
        found.extend(lost.map(|((place, number), _)| format!("{place}:{number} is not in the log")));
        found
    }
}

impl Folded {
    fn differences(&self, sale: &Sale) -> impl Iterator<Item = String> {
        let state = &self.state;
        let figure = |what: &str, log: i64, truth: i64| {
            (log != truth).then(|| format!("{what} is {log} in the log and {truth} in truth"))
        };
        let keys = || {
            let (log, truth) = (&self.handed, &sale.keys);
            (log != truth).then(|| format!("keys handed over are {log:?} in the log and {truth:?} in truth"))
        };
        let total = state.placed.as_ref().map_or(0, |placed| placed.total.minor);
        let paid = state.paid.as_ref().map_or(0, |paid| paid.amount.minor);
        [
            figure("the total", total, sale.total),
            figure("the payment", paid, sale.paid),
            figure("the refund", state.refunded(), sale.refunded),
            keys(),
        ]
        .into_iter()
        .flatten()
    }
}

/// An order worth looking at: why, where, and its number there.
pub(crate) type Example = (&'static str, Place, String);

impl Told {
    /// One order for each thing that can happen to one, the latest of its kind.
    pub(crate) fn examples(&self) -> Vec<Example> {
        type Fits = fn(&order::State) -> bool;
        let kinds: [(&str, Fits); 5] = [
            ("reserved, paid at the gateway, picked up:", |s| {
                s.reserved_until.is_some() && s.all_handed && s.refunds.is_empty()
            }),
            ("its key was refused, and replaced:", |s| !s.replaced.is_empty()),
            ("paid for while the shop had no key, and fulfilled later:", |s| {
                s.backordered_until.is_some() && s.delivered
            }),
            ("the buyer wanted the money back, and got it:", |s| s.given_back() && s.delivered),
            ("paid after it was called off:", |s| s.cancelled && s.paid.is_some()),
        ];
        let find = |(what, fits): (&'static str, Fits)| {
            let placed = self
                .states
                .values()
                .rev()
                .filter(|f| fits(&f.state))
                .find_map(|f| f.state.placed.as_ref())?;
            let place = Place::of(placed.account.as_str())?;
            Some((what, place, placed.external_no.clone()))
        };
        kinds.into_iter().filter_map(find).collect()
    }
}
