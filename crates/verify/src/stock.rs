//! I13: stock adds up. Two books are kept for each item and compared: what the facts say was moved, and where
//! every single unit is. Nothing may fall below zero.
//!
//! Quotas: a sale to money that is taken already may pass a quota, and the log does not say how a sale was
//! decided. So only what is certain is checked: the units an account reserved since its quota was set, less
//! those released, never pass its cap. Floors cannot be judged from the log.

use std::collections::BTreeMap;

use events::{
    Fact,
    pool::{AllocationReason, KeysImported},
};
use vocabulary::{Account, Sku};

use crate::{
    keys::{Keys, Move},
    life::Status,
    report::{At, Findings, Invariant},
};

/// The stock of one item.
#[derive(Default)]
struct Item {
    imported: i64,
    /// In stock, quarantined or not, as the facts say.
    available: i64,
    /// Reserved, allocated, delivered or revoked, as the facts say.
    out: i64,
    /// Taken out for good, as the facts say.
    voided: i64,
    /// Where each unit is.
    census: BTreeMap<Status, i64>,
    quotas: BTreeMap<Account, Quota>,
    /// A difference is reported once.
    reported: bool,
}

struct Quota {
    cap: Option<u64>,
    reserved: u64,
}

/// The stock of one merchant.
#[derive(Default)]
pub(crate) struct Stock {
    items: BTreeMap<Sku, Item>,
    touched: Vec<Sku>,
}

impl Stock {
    /// Call after the keys took the fact in; `moves` is what it moved.
    pub(crate) fn fact(
        &mut self,
        fact: &Fact,
        moves: &[Move],
        keys: &Keys,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        for moved in moves {
            let census = &mut self.touch(&moved.sku).census;
            if let Some(from) = moved.from {
                *census.entry(from).or_default() -= 1;
            }
            *census.entry(moved.to).or_default() += 1;
        }
        let Some(sku) = pool_of(at) else { return };
        if let Some(stranger) = named(fact).iter().find(|key| keys.sku(**key).is_some_and(|s| *s != sku)) {
            findings.violation(Invariant::I13, at, format!("key {stranger} is not of this item"));
        }
        let item = self.touch(&sku);
        let count = i64::try_from(named(fact).len()).unwrap_or(i64::MAX);
        match fact {
            Fact::KeysImported(e) => item.import(e, keys),
            Fact::KeysReserved(e) => {
                item.take(count);
                item.reserve(&e.account, e.keys.len() as u64, at, findings);
            }
            Fact::KeysAllocated(e) if e.chosen != AllocationReason::Reserved => item.take(count),
            Fact::KeysReleased(e) => {
                item.take(-count);
                item.release(&e.account, e.keys.len() as u64);
            }
            Fact::KeysVoided(_) => {
                item.available -= count;
                item.voided += count;
            }
            Fact::QuotaSet(e) => {
                item.quotas.insert(e.account.clone(), Quota { cap: e.cap, reserved: 0 });
                if e.cap.is_some_and(|cap| cap < e.floor) {
                    findings.violation(
                        Invariant::I13,
                        at,
                        "the quota sets more aside than it allows to be sold",
                    );
                }
            }
            _ => {}
        }
    }

    /// The unit is over: the items it was about.
    pub(crate) fn end_unit(&mut self, position: u64, findings: &mut Findings) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for sku in touched {
            let Some(item) = self.items.get_mut(&sku) else { continue };
            let Some(message) = item.difference().filter(|_| !item.reported) else { continue };
            item.reported = true;
            let stream = sku.pool_stream();
            findings.violation(Invariant::I13, At::event(position, stream.as_str()), message);
        }
    }

    fn touch(&mut self, sku: &Sku) -> &mut Item {
        if self.touched.last() != Some(sku) {
            self.touched.push(sku.clone());
        }
        self.items.entry(sku.clone()).or_default()
    }
}

impl Item {
    fn import(&mut self, imported: &KeysImported, keys: &Keys) {
        let uses = i64::from(keys.uses(imported.batch));
        let count = i64::try_from(imported.fingerprints.len()).unwrap_or(i64::MAX).saturating_mul(uses);
        self.imported = self.imported.saturating_add(count);
        self.available = self.available.saturating_add(count);
    }

    fn take(&mut self, count: i64) {
        self.available -= count;
        self.out += count;
    }

    fn reserve(&mut self, account: &Account, count: u64, at: At<'_>, findings: &mut Findings) {
        let Some(quota) = self.quotas.get_mut(account) else { return };
        quota.reserved += count;
        if let Some(cap) = quota.cap.filter(|cap| quota.reserved > *cap) {
            let message = format!("{account} has reserved {} units, its quota allows {cap}", quota.reserved);
            findings.violation(Invariant::I13, at, message);
        }
    }

    fn release(&mut self, account: &Account, count: u64) {
        if let Some(quota) = self.quotas.get_mut(account) {
            quota.reserved = quota.reserved.saturating_sub(count);
        }
    }

    /// What does not add up.
    fn difference(&self) -> Option<String> {
        let at = |status| self.census.get(&status).copied().unwrap_or_default();
        let out =
            [Status::Reserved, Status::Allocated, Status::Delivered, Status::Revoked].map(at).iter().sum();
        let books = [
            ("in stock", self.available, at(Status::Stock)),
            ("reserved or sold", self.out, out),
            ("voided", self.voided, at(Status::Voided)),
            ("imported", self.imported, self.census.values().sum()),
        ];
        let (what, told, counted) =
            books.into_iter().find(|(_, told, counted)| told != counted || *told < 0)?;
        Some(format!("{told} units should be {what}, {counted} are"))
    }
}

/// The item whose pool the event stands in.
fn pool_of(at: At<'_>) -> Option<Sku> {
    at.stream?.strip_prefix("pool-")?.parse().ok()
}

/// The keys that a pool's fact names.
fn named(fact: &Fact) -> &[vocabulary::KeyRef] {
    match fact {
        Fact::KeysReserved(e) => &e.keys,
        Fact::KeysAllocated(e) => &e.keys,
        Fact::KeysReleased(e) => &e.keys,
        Fact::KeysRevoked(e) => &e.keys,
        Fact::KeysVoided(e) => &e.keys,
        _ => &[],
    }
}
