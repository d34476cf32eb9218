//! The pool after a fact.

use std::collections::{BTreeSet, btree_map::Entry};

use events::{
    Fact,
    pool::{
        AllocationReason, BatchOpened, KeysAllocated, KeysImported, KeysQuarantined, KeysReleased,
        KeysReserved, KeysRevoked, QuarantineLifted, QuotaSet,
    },
};
use vocabulary::{Account, KeyRef};

use super::{
    BAD_KEY,
    state::{Batch, Hold, Quota, State},
    waiting::Waiting,
};

impl State {
    /// Takes a fact in. Facts of other streams change nothing.
    pub(super) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::BatchOpened(opened) => self.open(opened),
            Fact::KeysImported(imported) => self.import(imported),
            Fact::QuotaSet(set) => self.set_quota(set),
            Fact::KeysReserved(reserved) => self.reserve(reserved),
            Fact::KeysAllocated(allocated) => self.allocate(allocated),
            Fact::KeysReleased(released) => self.release(released),
            Fact::AllocationWaitlisted(f) => {
                let account = f.account.clone();
                self.waiting.join(Waiting { order: f.order, line: f.line, account, quantity: f.quantity });
            }
            Fact::WaitlistLeft(left) => self.waiting.leave((left.order, left.line)),
            Fact::KeysQuarantined(quarantined) => self.quarantine(quarantined),
            Fact::QuarantineLifted(lifted) => self.lift(lifted),
            Fact::KeysRevoked(revoked) => self.revoke(revoked),
            Fact::KeysVoided(voided) => {
                for &key in &voided.keys {
                    let unit = self.unit(key);
                    if self.stock.pick(key.batch, unit) || self.quarantined.pick(key.batch, unit) {
                        self.voided.put(key.batch, unit);
                    }
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, opened: &BatchOpened) {
        self.batches.entry(opened.batch).or_insert_with(|| Batch {
            key_kind: opened.key_kind,
            keys: 0,
            supplier: opened.supplier.clone(),
            unit_cost: opened.unit_cost,
            sell_until: opened.sell_until,
            quarantined: false,
            bad: BTreeSet::new(),
        });
    }

    fn import(&mut self, imported: &KeysImported) {
        let Some(batch) = self.batches.get_mut(&imported.batch) else { return };
        let before = batch.units();
        batch.keys =
            batch.keys.saturating_add(u32::try_from(imported.fingerprints.len()).unwrap_or(u32::MAX));
        let place = if batch.quarantined { &mut self.quarantined } else { &mut self.stock };
        place.insert(imported.batch, before, batch.units());
    }

    fn set_quota(&mut self, set: &QuotaSet) {
        self.quotas.insert(set.account.clone(), Quota { floor: set.floor, cap: set.cap, taken: 0 });
    }

    fn reserve(&mut self, reserved: &KeysReserved) {
        for &key in &reserved.keys {
            let unit = self.unit(key);
            self.stock.pick(key.batch, unit);
            self.held.put(key.batch, unit);
        }
        self.take(&reserved.account, reserved.keys.len() as u64);
        let hold = Hold {
            order: reserved.order,
            line: reserved.line,
            account: reserved.account.clone(),
            keys: reserved.keys.clone(),
            until: reserved.until,
            suspect: Vec::new(),
        };
        self.holds.insert((reserved.order, reserved.line), hold);
    }

    fn allocate(&mut self, allocated: &KeysAllocated) {
        let (line, count) = ((allocated.order, allocated.line), allocated.keys.len() as u64);
        match allocated.chosen {
            AllocationReason::Reserved => {
                self.holds.remove(&line);
            }
            AllocationReason::Stock => self.take(&allocated.account, count),
            AllocationReason::Waitlist => {
                self.waiting.leave(line);
                self.take(&allocated.account, count);
            }
            AllocationReason::Replacement => {}
        }
        for &key in &allocated.keys {
            let unit = self.unit(key);
            if !self.stock.pick(key.batch, unit) {
                self.held.pick(key.batch, unit);
            }
        }
        self.allocated += count;
    }

    fn release(&mut self, released: &KeysReleased) {
        let mut out = 0_u64;
        for &key in &released.keys {
            let unit = self.unit(key);
            out += u64::from(!self.held.pick(key.batch, unit));
            self.put_back(key, unit);
        }
        self.allocated = self.allocated.saturating_sub(out);
        self.give_back(&released.account, released.keys.len() as u64);
        if let Entry::Occupied(mut hold) = self.holds.entry((released.order, released.line)) {
            hold.get_mut().keys.retain(|key| !released.keys.contains(key));
            if hold.get().keys.is_empty() {
                hold.remove();
            }
        }
    }

    /// A unit returns: into quarantine where its batch is quarantined.
    fn put_back(&mut self, key: KeyRef, unit: u64) {
        let quarantined = self.batches.get(&key.batch).is_some_and(|batch| batch.quarantined);
        let place = if quarantined { &mut self.quarantined } else { &mut self.stock };
        place.put(key.batch, unit);
    }

    fn take(&mut self, account: &Account, units: u64) {
        if let Some(quota) = self.quotas.get_mut(account) {
            quota.taken = quota.taken.saturating_add(units);
        }
    }

    fn give_back(&mut self, account: &Account, units: u64) {
        if let Some(quota) = self.quotas.get_mut(account) {
            quota.taken = quota.taken.saturating_sub(units);
        }
    }

    fn revoke(&mut self, revoked: &KeysRevoked) {
        for &key in &revoked.keys {
            self.revoked.put(key.batch, self.unit(key));
            let batch = self.batches.get_mut(&key.batch).filter(|_| revoked.reason == BAD_KEY);
            if let Some(batch) = batch {
                batch.bad.insert(key.index);
            }
        }
    }

    fn quarantine(&mut self, quarantined: &KeysQuarantined) {
        let id = quarantined.batch;
        for &key in &quarantined.keys {
            let unit = self.unit(key);
            if self.stock.pick(id, unit) {
                self.quarantined.put(id, unit);
            }
        }
        if quarantined.keys.is_empty() {
            let stock = self.stock.pick_batch(id);
            self.quarantined.absorb(id, &stock);
            if let Some(batch) = self.batches.get_mut(&id) {
                batch.quarantined = true;
            }
            for hold in self.holds.values_mut() {
                if hold.keys.iter().any(|key| key.batch == id) && !hold.suspect.contains(&id) {
                    hold.suspect.push(id);
                }
            }
        }
    }

    fn lift(&mut self, lifted: &QuarantineLifted) {
        let id = lifted.batch;
        for &key in &lifted.keys {
            let unit = self.unit(key);
            if self.quarantined.pick(id, unit) {
                self.stock.put(id, unit);
            }
        }
        if lifted.keys.is_empty() {
            let units = self.quarantined.pick_batch(id);
            self.stock.absorb(id, &units);
            if let Some(batch) = self.batches.get_mut(&id) {
                batch.quarantined = false;
                batch.bad.clear();
            }
            for hold in self.holds.values_mut() {
                hold.suspect.retain(|batch| *batch != id);
            }
        }
    }
}
