//! The pool of one item: its batches in numbers and its quotas, and how facts move units between them.

use std::collections::{BTreeMap, BTreeSet};

use events::pool::{AllocationReason, BatchOpened, QuotaSet};
use projection::Event;
use vocabulary::{Account, BatchId, KeyRef, Money, OrderId, Position, Timestamp};

/// Where a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    InStock,
    Quarantined,
    Reserved,
    Allocated,
    Delivered,
    Revoked,
    Voided,
}

impl Place {
    const ALL: [Self; 7] = [
        Self::InStock,
        Self::Quarantined,
        Self::Reserved,
        Self::Allocated,
        Self::Delivered,
        Self::Revoked,
        Self::Voided,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::Quarantined => "quarantined",
            Self::Reserved => "reserved",
            Self::Allocated => "allocated",
            Self::Delivered => "delivered",
            Self::Revoked => "revoked",
            Self::Voided => "voided",
        }
    }
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == word)
    }
    /// Whether the unit is with us and bound to nobody.
    fn is_at_rest(self) -> bool {
        matches!(self, Self::InStock | Self::Quarantined)
    }
}

/// One unit. The default was never touched.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    place: Place,
    /// The era of its batch that `place` was true in. When a batch changes as a whole, units at rest go with it,
    /// without a walk over them: one of an earlier era is where its batch now keeps such units.
    era: Option<u32>,
    pub(crate) holder: Option<Holder>,
    last_pos: Position,
}

/// For whom a unit is held, or was sold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Holder {
    pub(crate) account: Account,
    pub(crate) order: OrderId,
    pub(crate) line: u16,
}

impl Default for Unit {
    fn default() -> Self {
        Self { place: Place::InStock, era: None, holder: None, last_pos: Position(0) }
    }
}

impl Unit {
    /// A unit as its row says, which is true in the present era of its batch.
    pub(crate) fn stored(place: Place, era: u32, holder: Option<Holder>, last_pos: Position) -> Self {
        Self { place, era: Some(era), holder, last_pos }
    }
    /// Where the unit of a batch is now, and the position since which.
    pub(crate) fn now(&self, batch: &Batch) -> (Place, Position) {
        if self.place.is_at_rest() && self.era != Some(batch.era) {
            (batch.rest(), self.last_pos.max(batch.era_pos))
        } else {
            (self.place, self.last_pos)
        }
    }
}

/// One batch in numbers.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) supplier: Option<String>,
    pub(crate) unit_cost: Option<Money>,
    pub(crate) sell_until: Option<Timestamp>,
    pub(crate) opened_at: Timestamp,
    pub(crate) uses: u32,
    pub(crate) is_quarantined: bool,
    pub(crate) imported: u64,
    /// Units in each [`Place`], in its order.
    pub(crate) counts: [u64; 7],
    /// Units among the revoked and voided that did not work.
    pub(crate) bad: u64,
    pub(crate) last_pos: Position,
    /// Counts the changes of the batch as a whole since it came into memory.
    pub(crate) era: u32,
    /// The position of the last such change.
    pub(crate) era_pos: Position,
}

impl Batch {
    fn opened(fact: &BatchOpened, event: &Event) -> Self {
        Self {
            supplier: fact.supplier.clone(),
            unit_cost: fact.unit_cost,
            sell_until: fact.sell_until,
            opened_at: event.recorded_at,
            uses: fact.key_kind.uses(),
            is_quarantined: false,
            imported: 0,
            counts: [0; 7],
            bad: 0,
            last_pos: event.position,
            era: 0,
            era_pos: Position(0),
        }
    }
    pub(crate) fn count(&self, place: Place) -> u64 {
        self.counts[place as usize]
    }
    /// Where units that come or return are put.
    pub(crate) fn rest(&self) -> Place {
        if self.is_quarantined { Place::Quarantined } else { Place::InStock }
    }
    /// Units that can be sold at an instant.
    pub(crate) fn sellable(&self, now: Timestamp) -> u64 {
        if self.sell_until.is_none_or(|until| now < until) { self.count(Place::InStock) } else { 0 }
    }
}

/// One account's quota.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quota {
    pub(crate) is_set: bool,
    pub(crate) floor: u64,
    pub(crate) cap: Option<u64>,
    pub(crate) taken: u64,
    pub(crate) held: u64,
    pub(crate) sold: u64,
    /// The event that set it.
    pub(crate) set_pos: Option<Position>,
    /// Since when the account can sell nothing.
    pub(crate) out: Option<Out>,
}

/// The beginning of a time in which an account can sell nothing of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) since: Timestamp,
    pub(crate) position: Position,
}

/// A time without anything to sell that began or ended.
#[derive(Debug, Clone)]
pub(crate) struct Stockout {
    pub(crate) account: Account,
    pub(crate) out: Out,
    pub(crate) until: Option<Timestamp>,
    /// Nothing was in stock; otherwise what was there was not for this account.
    pub(crate) is_empty: bool,
    pub(crate) last_pos: Position,
}

impl Quota {
    pub(crate) fn floor_left(&self) -> u64 {
        self.floor.saturating_sub(self.taken)
    }
    pub(crate) fn cap_left(&self) -> Option<u64> {
        self.cap.map(|cap| cap.saturating_sub(self.taken))
    }
}

/// Sellable units that nobody has set aside: `sellable` less all of `floors_left`.
pub fn shared(sellable: u64, floors_left: impl Iterator<Item = u64>) -> u64 {
    sellable.saturating_sub(floors_left.fold(0, u64::saturating_add))
}

/// Units an account may sell: what is shared and what is set aside for it, below its upper limit.
pub fn available(sellable: u64, shared: u64, floor_left: u64, cap_left: Option<u64>) -> u64 {
    let reachable = shared.saturating_add(floor_left.min(sellable));
    cap_left.map_or(reachable, |left| left.min(reachable))
}

/// The pool of one item.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) batches: BTreeMap<BatchId, Batch>,
    pub(crate) quotas: BTreeMap<Account, Quota>,
    pub(crate) changed_batches: BTreeSet<BatchId>,
    pub(crate) last_pos: Position,
    pub(crate) now: Timestamp,
    /// Units in stock in all batches, those included that are no longer sold.
    in_stock: u64,
    /// The batches that are sold only until some time.
    dated: BTreeSet<BatchId>,
}

/// The reason a unit was taken back or out for, where it did not work.
const BAD_KEY: &str = "bad_key";

/// Why a fact does not fit the pool.
pub(crate) type Misfit = String;

impl Pool {
    pub(crate) fn touch(&mut self, event: &Event) {
        (self.last_pos, self.now) = (event.position, event.recorded_at);
    }
    /// A pool of these batches and quotas.
    pub(crate) fn of(batches: BTreeMap<BatchId, Batch>, quotas: BTreeMap<Account, Quota>) -> Self {
        let in_stock = batches.values().map(|batch| batch.count(Place::InStock)).sum();
        let dated =
            batches.iter().filter(|(_, batch)| batch.sell_until.is_some()).map(|(id, _)| *id).collect();
        Self { batches, quotas, in_stock, dated, ..Self::default() }
    }

    pub(crate) fn sellable(&self, now: Timestamp) -> u64 {
        let dated = self.dated.iter().filter_map(|id| self.batches.get(id));
        let over = dated.map(|batch| batch.count(Place::InStock) - batch.sellable(now)).sum();
        self.in_stock.saturating_sub(over)
    }

    /// Which accounts came to have nothing to sell, or have something again, with the event that was just taken in.
    pub(crate) fn notice_stockouts(&mut self, noticed: &mut impl FnMut(Stockout)) {
        let sellable = self.sellable(self.now);
        let shared = shared(sellable, self.quotas.values().map(Quota::floor_left));
        for (account, quota) in &mut self.quotas {
            let is_out = available(sellable, shared, quota.floor_left(), quota.cap_left()) == 0;
            let (out, until) = match (quota.out, is_out) {
                (None, true) => {
                    let out = Out { since: self.now, position: self.last_pos };
                    quota.out = Some(out);
                    (out, None)
                }
                (Some(out), false) => {
                    quota.out = None;
                    (out, Some(self.now))
                }
                _ => continue,
            };
            let (account, last_pos) = (account.clone(), self.last_pos);
            noticed(Stockout { account, out, until, is_empty: sellable == 0, last_pos });
        }
    }

    pub(crate) fn total(&self, place: Place) -> u64 {
        self.batches.values().map(|batch| batch.count(place)).sum()
    }

    pub(crate) fn open(&mut self, fact: &BatchOpened, event: &Event) {
        self.batches.entry(fact.batch).or_insert_with(|| Batch::opened(fact, event));
        if fact.sell_until.is_some() {
            self.dated.insert(fact.batch);
        }
        self.changed_batches.insert(fact.batch);
    }
    pub(crate) fn import(&mut self, batch: BatchId, keys: u64) -> Result<(), Misfit> {
        let batch = self.batch(batch)?;
        let units = keys.saturating_mul(batch.uses.into());
        batch.imported += units;
        batch.counts[batch.rest() as usize] += units;
        if batch.rest() == Place::InStock {
            self.in_stock += units;
        }
        Ok(())
    }
    pub(crate) fn set_quota(&mut self, fact: &QuotaSet) {
        let position = self.last_pos;
        let quota = self.quota(&fact.account);
        (quota.is_set, quota.floor, quota.cap, quota.taken) = (true, fact.floor, fact.cap, 0);
        quota.set_pos = Some(position);
    }
    /// Keeps all of a batch from sale, or puts all of it on sale again.
    pub(crate) fn quarantine_batch(&mut self, id: BatchId, is_quarantined: bool) -> Result<(), Misfit> {
        let batch = self.batch(id)?;
        let before = batch.count(Place::InStock);
        let at_rest = before + batch.count(Place::Quarantined);
        batch.is_quarantined = is_quarantined;
        batch.counts[Place::InStock as usize] = 0;
        batch.counts[Place::Quarantined as usize] = 0;
        batch.counts[batch.rest() as usize] = at_rest;
        (batch.era, batch.era_pos) = (batch.era + 1, batch.last_pos);
        let after = batch.count(Place::InStock);
        self.in_stock = (self.in_stock + after).saturating_sub(before);
        Ok(())
    }

    pub(crate) fn reserve(&mut self, key: KeyRef, unit: &mut Unit, holder: Holder) -> Result<(), Misfit> {
        self.shift(key, unit, &[Place::InStock], Place::Reserved)?;
        let quota = self.quota(&holder.account);
        quota.held += 1;
        quota.taken += 1;
        unit.holder = Some(holder);
        Ok(())
    }
    pub(crate) fn allocate(
        &mut self,
        key: KeyRef,
        unit: &mut Unit,
        holder: Holder,
        chosen: AllocationReason,
    ) -> Result<(), Misfit> {
        let was = self.shift(key, unit, &[Place::InStock, Place::Reserved], Place::Allocated)?;
        let quota = self.quota(&holder.account);
        quota.sold += 1;
        if was == Place::Reserved {
            quota.held = quota.held.saturating_sub(1);
        }
        // A reservation counted already, and a replacement is given whatever the quota.
        if matches!(chosen, AllocationReason::Stock | AllocationReason::Waitlist) {
            quota.taken += 1;
        }
        unit.holder = Some(holder);
        Ok(())
    }
    pub(crate) fn release(&mut self, key: KeyRef, unit: &mut Unit, account: &Account) -> Result<(), Misfit> {
        let rest = self.batch(key.batch)?.rest();
        let was = self.shift(key, unit, &[Place::Reserved, Place::Allocated], rest)?;
        unit.holder = None;
        let quota = self.quota(account);
        let count = if was == Place::Reserved { &mut quota.held } else { &mut quota.sold };
        *count = count.saturating_sub(1);
        // A quota that was set meanwhile began to count from 0.
        quota.taken = quota.taken.saturating_sub(1);
        Ok(())
    }
    /// Delivering once more changes nothing.
    pub(crate) fn deliver(&mut self, key: KeyRef, unit: &mut Unit) -> Result<(), Misfit> {
        self.shift(key, unit, &[Place::Allocated, Place::Delivered], Place::Delivered).map(|_| ())
    }
    pub(crate) fn revoke(&mut self, key: KeyRef, unit: &mut Unit, reason: &str) -> Result<(), Misfit> {
        self.shift(key, unit, &[Place::Allocated, Place::Delivered], Place::Revoked)?;
        self.judge(key, reason)
    }
    pub(crate) fn void(&mut self, key: KeyRef, unit: &mut Unit, reason: &str) -> Result<(), Misfit> {
        self.shift(key, unit, &[Place::InStock, Place::Quarantined], Place::Voided)?;
        self.judge(key, reason)
    }
    fn judge(&mut self, key: KeyRef, reason: &str) -> Result<(), Misfit> {
        if reason == BAD_KEY {
            self.batch(key.batch)?.bad += 1;
        }
        Ok(())
    }
    /// Keeps one unit from sale, or puts it on sale again, if it is at rest.
    pub(crate) fn quarantine(
        &mut self,
        key: KeyRef,
        unit: &mut Unit,
        is_quarantined: bool,
    ) -> Result<(), Misfit> {
        let to = if is_quarantined { Place::Quarantined } else { Place::InStock };
        if !unit.now(self.batch(key.batch)?).0.is_at_rest() {
            return Ok(());
        }
        self.shift(key, unit, &[Place::InStock, Place::Quarantined], to).map(|_| ())
    }

    /// Moves a unit; returns where it was.
    fn shift(&mut self, key: KeyRef, unit: &mut Unit, from: &[Place], to: Place) -> Result<Place, Misfit> {
        let position = self.last_pos;
        let batch = self.batch(key.batch)?;
        let era = batch.era;
        let (was, _) = unit.now(batch);
        if !from.contains(&was) {
            return Err(format!("unit {key} is {} and cannot become {}", was.as_str(), to.as_str()));
        }
        let count = &mut batch.counts[was as usize];
        *count = count
            .checked_sub(1)
            .ok_or_else(|| format!("batch {} has no unit that is {}", key.batch, was.as_str()))?;
        batch.counts[to as usize] += 1;
        match (was, to) {
            (Place::InStock, Place::InStock) => {}
            (Place::InStock, _) => self.in_stock = self.in_stock.saturating_sub(1),
            (_, Place::InStock) => self.in_stock += 1,
            _ => {}
        }
        (unit.place, unit.era, unit.last_pos) = (to, Some(era), position);
        Ok(was)
    }

    fn quota(&mut self, account: &Account) -> &mut Quota {
        self.quotas.entry(account.clone()).or_default()
    }

    fn batch(&mut self, id: BatchId) -> Result<&mut Batch, Misfit> {
        self.changed_batches.insert(id);
        let last_pos = self.last_pos;
        let batch = self.batches.get_mut(&id).ok_or_else(|| format!("batch {id} was never begun"))?;
        batch.last_pos = last_pos;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_reaches_what_is_shared_and_its_own_floor_below_its_cap() {
        // 100 sellable; 30 set aside for one account, 20 for another.
        let free = shared(100, [30, 20].into_iter());
        assert_eq!(free, 50);
        assert_eq!(available(100, free, 30, None), 80);
        assert_eq!(available(100, free, 30, Some(60)), 60);
        assert_eq!(available(100, free, 0, None), 50);
        // Stock ran below the floors: nothing is shared, and a floor reaches no further than the stock.
        let none = shared(10, [30, 20].into_iter());
        assert_eq!((none, available(10, none, 30, None), available(10, none, 0, None)), (0, 10, 0));
    }
}
