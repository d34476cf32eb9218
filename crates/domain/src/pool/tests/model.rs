//! The pool in its plainest words: a place for every unit, a list for every line. Folded from facts alone, so that
//! it judges both `decide` and `evolve`.

use std::collections::BTreeMap;

use super::*;
use crate::pool::Counters;

/// Where a unit is: each unit is in one place by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Stock,
    Quarantine,
    Held(OrderId, u16),
    Out(OrderId, u16),
    Revoked,
    Voided,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) units: BTreeMap<KeyRef, Place>,
    batches: BTreeMap<BatchId, BatchOpened>,
    flagged: Vec<BatchId>,
    pub(super) waiting: Vec<(OrderId, u16, u32)>,
    quotas: BTreeMap<Account, (u64, Option<u64>, u64)>,
}

impl Model {
    pub(super) fn sells(&self, batch: BatchId, now: Timestamp) -> bool {
        self.batches[&batch].sell_until.is_none_or(|until| now < until)
    }
    pub(super) fn sellable(&self, now: Timestamp) -> u64 {
        self.units.iter().filter(|(key, place)| **place == Place::Stock && self.sells(key.batch, now)).count()
            as u64
    }
    pub(super) fn of(&self, place: Place) -> Vec<KeyRef> {
        self.units.iter().filter(|(_, there)| **there == place).map(|(key, _)| *key).collect()
    }
    pub(super) fn available_to(&self, account: &Account, now: Timestamp) -> i128 {
        let sellable = i128::from(self.sellable(now));
        let left = |&(floor, _, taken): &(u64, Option<u64>, u64)| i128::from(floor - taken.min(floor));
        let shared = (sellable - self.quotas.values().map(left).sum::<i128>()).max(0);
        let own = self.quotas.get(account).copied().unwrap_or_default();
        let cap_left = own.1.map_or(i128::MAX, |cap| (i128::from(cap) - i128::from(own.2)).max(0));
        cap_left.min(shared + left(&own).min(sellable))
    }
    pub(super) fn taken(&self) -> Vec<(Account, u64)> {
        self.quotas.iter().map(|(account, quota)| (account.clone(), quota.2)).collect()
    }
    pub(super) fn counters(&self) -> Counters {
        let mut counters = Counters { imported: self.units.len() as u64, ..Counters::default() };
        for place in self.units.values() {
            let count = match place {
                Place::Stock => &mut counters.in_stock,
                Place::Quarantine => &mut counters.quarantined,
                Place::Held(..) => &mut counters.reserved,
                Place::Out(..) => &mut counters.allocated,
                Place::Voided => &mut counters.voided,
                Place::Revoked => {
                    counters.allocated += 1;
                    &mut counters.revoked
                }
            };
            *count += 1;
        }
        counters
    }

    /// Takes a fact in, and fails on one that no key's life allows.
    pub(super) fn apply(&mut self, fact: &Fact, now: Timestamp) {
        match fact {
            Fact::BatchOpened(f) => assert!(self.batches.insert(f.batch, f.clone()).is_none()),
            Fact::KeysImported(f) => self.import(f),
            Fact::QuotaSet(f) => {
                self.quotas.insert(f.account.clone(), (f.floor, f.cap, 0));
            }
            Fact::KeysReserved(f) => {
                self.sell(&f.keys, now, Place::Held(f.order, f.line));
                self.count(&f.account, f.keys.len());
            }
            Fact::KeysAllocated(f) => self.allocate(f, now),
            Fact::KeysReleased(f) => self.release(f),
            Fact::AllocationWaitlisted(f) => {
                assert!(u64::from(f.quantity) > self.sellable(now), "a line waits though it could be served");
                self.waiting.push((f.order, f.line, f.quantity));
            }
            Fact::WaitlistLeft(f) => {
                self.waiting.retain(|(order, line, _)| (*order, *line) != (f.order, f.line))
            }
            Fact::KeysQuarantined(f) => self.quarantine(f.batch, &f.keys, Place::Stock, Place::Quarantine),
            Fact::QuarantineLifted(f) => self.quarantine(f.batch, &f.keys, Place::Quarantine, Place::Stock),
            Fact::KeysRevoked(f) => self.shift(&f.keys, |p| matches!(p, Place::Out(..)), |_| Place::Revoked),
            Fact::KeysVoided(f) => {
                self.shift(&f.keys, |p| matches!(p, Place::Stock | Place::Quarantine), |_| Place::Voided);
            }
            other => panic!("not a pool's fact: {other:?}"),
        }
    }

    fn import(&mut self, f: &KeysImported) {
        let place = if self.flagged.contains(&f.batch) { Place::Quarantine } else { Place::Stock };
        for index in (f.first_index..).take(f.fingerprints.len()) {
            for use_no in 0..self.batches[&f.batch].key_kind.uses() {
                assert!(self.units.insert(KeyRef { batch: f.batch, index, use_no }, place).is_none());
            }
        }
    }

    fn allocate(&mut self, f: &KeysAllocated, now: Timestamp) {
        let line = (f.order, f.line);
        let out = Place::Out(f.order, f.line);
        if f.chosen == AllocationReason::Reserved {
            assert_eq!(self.of(Place::Held(f.order, f.line)), f.keys, "not what was reserved");
            self.shift(&f.keys, |place| place == Place::Held(line.0, line.1), |_| out);
        } else {
            self.sell(&f.keys, now, out);
        }
        match f.chosen {
            AllocationReason::Waitlist => {
                assert_eq!(self.waiting.remove(0), (f.order, f.line, f.keys.len() as u32), "overtaken");
                self.count(&f.account, f.keys.len());
            }
            AllocationReason::Stock => self.count(&f.account, f.keys.len()),
            AllocationReason::Reserved | AllocationReason::Replacement => {}
        }
    }

    fn release(&mut self, f: &KeysReleased) {
        let line = (f.order, f.line);
        if let Some(quota) = self.quotas.get_mut(&f.account) {
            quota.2 = quota.2.saturating_sub(f.keys.len() as u64);
        }
        let flagged = self.flagged.clone();
        let back = |key: KeyRef| if flagged.contains(&key.batch) { Place::Quarantine } else { Place::Stock };
        self.shift(&f.keys, |p| p == Place::Held(line.0, line.1) || p == Place::Out(line.0, line.1), back);
    }

    fn quarantine(&mut self, batch: BatchId, named: &[KeyRef], from: Place, to: Place) {
        if named.is_empty() {
            self.flagged.retain(|flagged| *flagged != batch);
            if to == Place::Quarantine {
                self.flagged.push(batch);
            }
            for (_, place) in
                self.units.iter_mut().filter(|(key, place)| key.batch == batch && **place == from)
            {
                *place = to;
            }
        }
        self.shift(named, |place| place == from, |_| to);
    }

    fn sell(&mut self, keys: &[KeyRef], now: Timestamp, to: Place) {
        let oldest = self.of(Place::Stock).into_iter().filter(|key| self.sells(key.batch, now));
        assert_eq!(oldest.take(keys.len()).collect::<Vec<_>>(), keys, "not the oldest sellable units");
        self.shift(keys, |place| place == Place::Stock, |_| to);
    }

    fn shift(&mut self, keys: &[KeyRef], from: impl Fn(Place) -> bool, to: impl Fn(KeyRef) -> Place) {
        for key in keys {
            let place = self.units.get_mut(key).expect("a fact names a key that was never imported");
            assert!(from(*place), "{key} is {place:?}");
            *place = to(*key);
        }
    }

    fn count(&mut self, account: &Account, units: usize) {
        if let Some(quota) = self.quotas.get_mut(account) {
            quota.2 += units as u64;
        }
    }
}
