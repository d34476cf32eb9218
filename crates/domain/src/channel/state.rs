//! What decisions about a shop account read.

use std::collections::{BTreeMap, BTreeSet};

use events::channel::{
    AttemptOutcome, ChannelAccessRenewed, ChannelConnected, ChannelTermsSet, StockPushSettled,
};
use serde::{Deserialize, Serialize};
use vocabulary::Sku;

/// A shop account on a channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) connected: Option<ChannelConnected>,
    pub(super) suspended: bool,
    pub(super) access_lost: Option<String>,
    pub(super) terms: Option<ChannelTermsSet>,
    listings: BTreeMap<String, Sku>,
    pub(super) read_backs: BTreeSet<String>,
    pushes: BTreeMap<String, Figures>,
}

/// What a channel was told about an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The newest figure that is not settled yet.
    pub pending: Option<u64>,
    /// The last figure that the channel took; none where it took none or nobody knows.
    pub taken: Option<u64>,
}

/// A figure to be pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure<'a> {
    /// The channel's item id.
    pub item: &'a str,
    /// Our SKU.
    pub sku: &'a Sku,
    /// Units the account may sell.
    pub available: u64,
}

impl State {
    /// The set-up, once the account is connected.
    pub fn connected(&self) -> Option<&ChannelConnected> {
        self.connected.as_ref()
    }
    /// Whether sales are stopped.
    pub fn suspended(&self) -> bool {
        self.suspended
    }
    /// Why the channel would not renew the account's access, where it would not.
    pub fn access_lost(&self) -> Option<&str> {
        self.access_lost.as_deref()
    }
    /// What the account costs and is good for, once that is set.
    pub fn terms(&self) -> Option<&ChannelTermsSet> {
        self.terms.as_ref()
    }
    /// What an item of the channel stands for.
    pub fn sku_of(&self, item: &str) -> Option<&Sku> {
        self.listings.get(item)
    }
    /// The items that stand for a SKU.
    pub fn items_of(&self, sku: &Sku) -> impl Iterator<Item = &str> {
        self.listings().filter(move |(_, listed)| *listed == sku).map(|(item, _)| item)
    }
    /// Every item and what it stands for.
    pub fn listings(&self) -> impl Iterator<Item = (&str, &Sku)> {
        self.listings.iter().map(|(item, sku)| (item.as_str(), sku))
    }
    /// The channel's order numbers that it is being asked about.
    pub fn pending_read_backs(&self) -> impl Iterator<Item = &str> {
        self.read_backs.iter().map(String::as_str)
    }
    /// The figures that the channel is being told; at most one per item.
    pub fn pending_pushes(&self) -> impl Iterator<Item = Figure<'_>> {
        self.listings().filter_map(|(item, sku)| {
            self.figures(item)?.pending.map(|available| Figure { item, sku, available })
        })
    }
    /// What the channel was told about an item.
    pub fn figures(&self, item: &str) -> Option<&Figures> {
        self.pushes.get(item)
    }

    pub(super) fn renew(&mut self, renewed: &ChannelAccessRenewed) {
        self.access_lost = None;
        if let Some(connected) = &mut self.connected {
            connected.settings_digest.clone_from(&renewed.settings_digest);
        }
    }

    /// Figures are of what the item stands for: another SKU begins anew.
    pub(super) fn map(&mut self, item: &str, sku: &Sku) {
        if self.sku_of(item) != Some(sku) {
            self.pushes.remove(item);
            self.listings.insert(item.to_owned(), sku.clone());
        }
    }

    pub(super) fn unmap(&mut self, item: &str) {
        self.listings.remove(item);
        self.pushes.remove(item);
    }

    pub(super) fn request_push(&mut self, item: &str, available: u64) {
        self.pushes.entry(item.to_owned()).or_default().pending = Some(available);
    }

    pub(super) fn settle_push(&mut self, settled: &StockPushSettled) {
        let Some(figures) = self.pushes.get_mut(&settled.item) else { return };
        if figures.pending == Some(settled.available) {
            figures.pending = None;
        }
        figures.taken = (settled.outcome == AttemptOutcome::Done).then_some(settled.available);
    }
}
