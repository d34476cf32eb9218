//! What the pool's decisions read, and the questions others ask of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use vocabulary::{Account, BatchId, KeyKind, KeyRef, Money, OrderId, Timestamp};

use super::{
    units::Units,
    waiting::{LineId, Waiting, WaitingLine},
};

/// The pool of one SKU. Units are kept as ranges, so a million keys in stock take a few dozen bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) batches: BTreeMap<BatchId, Batch>,
    pub(super) stock: Units,
    pub(super) quarantined: Units,
    /// The units of all holds, to see without a walk whether a unit is held.
    pub(super) held: Units,
    pub(super) voided: Units,
    /// Out, and never to return.
    pub(super) revoked: Units,
    /// How many units are out: allocated and not released.
    pub(super) allocated: u64,
    #[serde(with = "by_line")]
    pub(super) holds: BTreeMap<LineId, Hold>,
    pub(super) waiting: WaitingLine,
    pub(super) quotas: BTreeMap<Account, Quota>,
}

/// A batch of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// What kind of keys.
    pub key_kind: KeyKind,
    /// How many keys were imported so far.
    pub keys: u32,
    /// Who supplied them.
    pub supplier: Option<String>,
    /// What one key cost.
    pub unit_cost: Option<Money>,
    /// Not to be sold from this instant on.
    pub sell_until: Option<Timestamp>,
    /// Quarantined as a whole: units that come or return are not to be sold either.
    pub quarantined: bool,
    /// The keys, by index, that buyers were given others for since somebody last looked at the batch.
    pub bad: BTreeSet<u32>,
}

/// Units held for an unpaid order line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The order.
    pub order: OrderId,
    /// Its line.
    pub line: u16,
    /// The account it sells on.
    pub account: Account,
    /// Which units.
    pub keys: Vec<KeyRef>,
    /// Until when.
    pub until: Timestamp,
    /// Batches of these keys that were quarantined while they were held: their keys are not given out.
    pub suspect: Vec<BatchId>,
}

/// An account's quota and what it took of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Units set aside for the account.
    pub floor: u64,
    /// Units it may take in all since the quota was set.
    pub cap: Option<u64>,
    /// Units it took (held or sold) since the quota was set.
    pub taken: u64,
}

/// How many units are where. `imported` is the sum of the others except `revoked`, which is part of `allocated`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Ever imported.
    pub imported: u64,
    /// In stock: sellable, or past their batch's last instant of sale.
    pub in_stock: u64,
    /// Held for unpaid lines.
    pub reserved: u64,
    /// Kept from being sold.
    pub quarantined: u64,
    /// Bound to paid lines and not given back, delivered or not.
    pub allocated: u64,
    /// Of the allocated: void for their buyer.
    pub revoked: u64,
    /// Taken out of stock for good.
    pub voided: u64,
}

impl Counters {
    /// Units that we have: in stock, reserved or quarantined.
    pub fn on_hand(&self) -> u64 {
        self.in_stock + self.reserved + self.quarantined
    }
}

impl Batch {
    /// How many units of stock one key of the batch is.
    pub fn uses(&self) -> u64 {
        u64::from(self.key_kind.uses())
    }
    /// How many units were imported.
    pub fn units(&self) -> u64 {
        u64::from(self.keys) * self.uses()
    }
    /// Whether its units may be sold as far as time goes.
    pub fn sells_at(&self, now: Timestamp) -> bool {
        self.sell_until.is_none_or(|until| now < until)
    }
    fn has(&self, key: KeyRef) -> bool {
        key.index < self.keys && u64::from(key.use_no) < self.uses()
    }
}

impl Quota {
    /// What is still set aside for the account.
    pub fn floor_left(&self) -> u64 {
        self.floor.saturating_sub(self.taken)
    }
    /// How many more units the account may take; none means no limit but stock.
    pub fn cap_left(&self) -> Option<u64> {
        self.cap.map(|cap| cap.saturating_sub(self.taken))
    }
    fn without(self, given_back: u64) -> Self {
        Self { taken: self.taken.saturating_sub(given_back), ..self }
    }
}

impl State {
    /// Units that may be sold now, to whomever.
    pub fn sellable(&self, now: Timestamp) -> u64 {
        self.stock
            .batches()
            .filter(|(batch, _)| self.in_time(*batch, now))
            .map(|(_, units)| units.len())
            .sum()
    }
    /// Units that `account` may take now: within its cap, its own set-aside and what nobody else has set aside.
    pub fn available_to(&self, account: &Account, now: Timestamp) -> u64 {
        self.reach(account, self.sellable(now), 0)
    }
    /// Sellable units that are set aside for nobody.
    pub fn shared(&self, now: Timestamp) -> u64 {
        let set_aside: u64 = self.quotas.values().map(Quota::floor_left).fold(0, u64::saturating_add);
        self.sellable(now).saturating_sub(set_aside)
    }
    /// The reservation of an order line.
    pub fn reserved(&self, order: OrderId, line: u16) -> Option<&Hold> {
        self.holds.get(&(order, line))
    }
    /// Every reservation, by order and line.
    pub fn reservations(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }
    /// Whether a paid line waits for keys.
    pub fn waits(&self, order: OrderId, line: u16) -> bool {
        self.waiting.contains((order, line))
    }
    /// The waiting lines, first come first.
    pub fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }
    /// A batch.
    pub fn batch(&self, batch: BatchId) -> Option<&Batch> {
        self.batches.get(&batch)
    }
    /// Every batch, oldest first.
    pub fn batches(&self) -> impl Iterator<Item = (BatchId, &Batch)> {
        self.batches.iter().map(|(&id, batch)| (id, batch))
    }
    /// Units of a batch in stock, without the quarantined.
    pub fn in_stock_of(&self, batch: BatchId) -> u64 {
        self.stock.of(batch).map_or(0, |units| units.len())
    }
    /// Units of a batch in quarantine.
    pub fn quarantined_of(&self, batch: BatchId) -> u64 {
        self.quarantined.of(batch).map_or(0, |units| units.len())
    }
    /// The accounts that have a quota, and how it stands.
    pub fn quotas(&self) -> impl Iterator<Item = (&Account, &Quota)> {
        self.quotas.iter()
    }
    /// How many units are where.
    pub fn counters(&self) -> Counters {
        Counters {
            imported: self.batches.values().map(Batch::units).sum(),
            in_stock: self.stock.len(),
            reserved: self.held.len(),
            quarantined: self.quarantined.len(),
            allocated: self.allocated,
            revoked: self.revoked.len(),
            voided: self.voided.len(),
        }
    }

    /// What `account` may take of `sellable` units, once it has given back `given_back` units.
    pub(super) fn reach(&self, account: &Account, sellable: u64, given_back: u64) -> u64 {
        let mut own = Quota::default();
        let mut set_aside = 0_u64;
        for (other, quota) in &self.quotas {
            let mut quota = *quota;
            if other == account {
                quota = quota.without(given_back);
                own = quota;
            }
            set_aside = set_aside.saturating_add(quota.floor_left());
        }
        let shared = sellable.saturating_sub(set_aside);
        let reach = shared + own.floor_left().min(sellable);
        own.cap_left().map_or(reach, |left| left.min(reach))
    }

    fn in_time(&self, batch: BatchId, now: Timestamp) -> bool {
        self.batches.get(&batch).is_some_and(|batch| batch.sells_at(now))
    }
    /// Whether a unit of the batch that returns now is for sale again.
    pub(super) fn sells_again(&self, batch: BatchId, now: Timestamp) -> bool {
        self.batches.get(&batch).is_some_and(|batch| !batch.quarantined && batch.sells_at(now))
    }
    /// The oldest sellable units; as many as there are where there are fewer.
    pub(super) fn oldest(&self, count: u32, now: Timestamp) -> Vec<KeyRef> {
        let sellable = self.stock.batches().filter(|(batch, _)| self.in_time(*batch, now));
        sellable
            .flat_map(|(batch, units)| units.numbers().map(move |unit| (batch, unit)))
            .take(count as usize)
            .map(|(batch, unit)| self.key(batch, unit))
            .collect()
    }
    /// The sellable units, to plan with.
    pub(super) fn sellable_units(&self, now: Timestamp) -> Units {
        let mut units = Units::default();
        for (batch, ranges) in self.stock.batches().filter(|(batch, _)| self.in_time(*batch, now)) {
            units.absorb(batch, ranges);
        }
        units
    }
    /// Whether a key was ever imported.
    pub(super) fn knows(&self, key: KeyRef) -> bool {
        self.batches.get(&key.batch).is_some_and(|batch| batch.has(key))
    }
    /// Whether a known key is bound to a paid line, and not revoked.
    pub(super) fn is_out(&self, key: KeyRef) -> bool {
        let unit = self.unit(key);
        [&self.stock, &self.quarantined, &self.held, &self.voided, &self.revoked]
            .iter()
            .all(|place| !place.contains(key.batch, unit))
    }
    /// A key's number among the units of its batch.
    pub(super) fn unit(&self, key: KeyRef) -> u64 {
        u64::from(key.index) * self.uses(key.batch) + u64::from(key.use_no)
    }
    /// The key of a unit.
    pub(super) fn key(&self, batch: BatchId, unit: u64) -> KeyRef {
        let uses = self.uses(batch);
        // Both fit: a unit's number is less than `keys * uses`, and each of these is 32 bits wide.
        KeyRef { batch, index: (unit / uses) as u32, use_no: (unit % uses) as u32 }
    }
    fn uses(&self, batch: BatchId) -> u64 {
        self.batches.get(&batch).map_or(1, Batch::uses)
    }
}

/// Maps by line are written as lists: JSON has no keys but texts.
mod by_line {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Hold, LineId};

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<LineId, Hold>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<LineId, Hold>, D::Error> {
        let list = Vec::<Hold>::deserialize(from)?;
        Ok(list.into_iter().map(|hold| ((hold.order, hold.line), hold)).collect())
    }
}
