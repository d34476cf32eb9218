//! What the log says of keys and money, to be held against the books of the other side.

use std::collections::{BTreeMap, BTreeSet};

use events::Fact;
use ring::digest;
use vocabulary::{KeyRef, OrderId};

use crate::world::{World, code};

/// SHA-256 of a text, in hex: how pretend servers remember keys.
pub fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Keys as the other side knows them: digests of their codes. By order number of the channel.
pub type Keys = BTreeMap<String, BTreeSet<String>>;

/// What the log says.
#[derive(Default)]
pub struct Books {
    numbers: BTreeMap<OrderId, String>,
    /// Keys that were handed over.
    pub delivered: Keys,
    /// Keys that were handed over, or may have been: their delivery was begun.
    pub let_out: Keys,
    /// Money paid back, in minor units.
    pub refunded: BTreeMap<String, i64>,
    /// Keys that were declared void after they had been handed over.
    pub revoked: Keys,
    /// Money that went back while its keys stayed, in minor units.
    pub lost: BTreeMap<String, i64>,
    /// Refunds that were asked for and not answered.
    pub asked: BTreeMap<String, String>,
    /// Keys that are bound to two orders at one time.
    pub shared: Vec<KeyRef>,
}

impl Books {
    /// Reads the whole log of a world.
    pub async fn of(world: &World) -> Self {
        let mut books = Self::default();
        let mut owners: BTreeMap<KeyRef, OrderId> = BTreeMap::new();
        for event in world.events().await {
            let order = event.stream.as_str().parse::<OrderId>().ok();
            books.apply(order, &event.fact().unwrap(), &mut owners);
        }
        books
    }

    /// Holds the log against the other side's ledger: the same keys at the same orders and the same money paid back, in
    /// minor units. No key is at two orders in either, and where money went back, the keys that may have left are void,
    /// or the money is a loss.
    ///
    /// # Panics
    /// Where they differ.
    pub fn agree(&self, keys: &Keys, refunded: &BTreeMap<String, i64>) {
        assert_eq!((&self.delivered, &self.refunded), (keys, refunded), "keys handed over, money paid back");
        self.add_up();
        let theirs: Vec<&String> = keys.values().flatten().collect();
        assert_eq!(theirs.iter().collect::<BTreeSet<_>>().len(), theirs.len(), "they hold a key twice");
    }

    /// What must hold whatever the other side knows: no key is at two orders, and where money went back, the keys that
    /// may have left are void, or the money is a loss.
    ///
    /// # Panics
    /// Where it does not.
    pub fn add_up(&self) {
        assert!(self.shared.is_empty(), "keys at two orders: {:?}", self.shared);
        for number in self.refunded.keys() {
            let void = self.revoked.get(number) == self.let_out.get(number);
            let lost = self.lost.get(number).is_some_and(|minor| *minor > 0);
            assert!(void || lost, "{number} was paid back, and its keys are neither void nor a loss");
        }
    }

    fn apply(&mut self, order: Option<OrderId>, fact: &Fact, owners: &mut BTreeMap<KeyRef, OrderId>) {
        let number = order.and_then(|order| self.numbers.get(&order).cloned()).unwrap_or_default();
        let digests = |lines: &[events::order::LineKeys]| -> BTreeSet<String> {
            // A batch of its own would need its own numbers; these tests import one batch.
            lines.iter().flat_map(|line| line.keys.iter().map(|key| sha256(&code(key.index)))).collect()
        };
        match fact {
            Fact::OrderPlaced(e) => {
                self.numbers.insert(e.order, e.external_no.clone());
            }
            Fact::KeysAllocated(e) => {
                for key in &e.keys {
                    if owners.insert(*key, e.order).is_some_and(|owner| owner != e.order) {
                        self.shared.push(*key);
                    }
                }
            }
            Fact::KeysReleased(e) => {
                for key in &e.keys {
                    owners.remove(key);
                }
            }
            Fact::DeliveryRequested(e) => {
                self.let_out.entry(number).or_default().extend(digests(&e.lines));
            }
            Fact::OrderDelivered(e) => {
                self.let_out.entry(number.clone()).or_default().extend(digests(&e.lines));
                self.delivered.entry(number).or_default().extend(digests(&e.lines));
            }
            Fact::KeysRevoked(e) => {
                let number = self.numbers.get(&e.order).cloned().unwrap_or_default();
                let digests = e.keys.iter().map(|key| sha256(&code(key.index)));
                self.revoked.entry(number).or_default().extend(digests);
            }
            Fact::LossRecorded(e) => *self.lost.entry(number).or_default() += e.amount.minor,
            Fact::RefundRequested(e) => {
                self.asked.insert(e.refund.clone(), number);
            }
            Fact::RefundDue(e) => {
                self.asked.remove(&e.refund);
            }
            Fact::RefundSettled(e) => {
                self.asked.remove(&e.refund);
                *self.refunded.entry(number).or_default() += e.amount.minor;
            }
            _ => {}
        }
    }
}
