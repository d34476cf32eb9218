//! What really happened, as the platforms and buyers know it. It is kept apart from Kami, which cannot read
//! it, and held against Kami's log in the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use channel::sign::hmac_sha256;
use vocabulary::BatchId;

use super::catalogue::Place;

/// A card key that was put on stock: its batch and its index in it.
pub(crate) type Key = (BatchId, u32);
/// A place and the number of an order there.
pub(crate) type OrderNo = (Place, String);

/// An order as its platform and buyer know it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sale {
    pub(crate) item: usize,
    pub(crate) quantity: u32,
    /// What it costs, in fen.
    pub(crate) total: i64,
    /// Kami took it.
    pub(crate) accepted: bool,
    /// What was paid and acknowledged by Kami, in fen.
    pub(crate) paid: i64,
    /// What went back to the buyer, in fen.
    pub(crate) refunded: i64,
    /// The keys that somebody outside has seen.
    pub(crate) keys: BTreeSet<Key>,
    /// How goofish's ERP platform shows it: order status, refund status, refunded fen.
    pub(crate) erp: (i64, i64, i64),
}

/// A payment at the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Bill {
    pub(crate) txn: String,
    /// What was paid, in fen.
    pub(crate) paid: i64,
    pub(crate) refunded: i64,
}

/// The world outside Kami.
#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) sales: BTreeMap<OrderNo, Sale>,
    /// The gateway's payments, by the own site's order numbers.
    pub(crate) bills: BTreeMap<String, Bill>,
    /// Digests of the keys on stock. The world keeps none of them in clear either.
    stock: HashMap<Vec<u8>, Key>,
    /// What the platforms were told is in stock, by their product numbers.
    pub(crate) figures: BTreeMap<u64, u64>,
    /// What must not happen, and did.
    pub(crate) faults: Vec<String>,
    /// Calls that reached the platforms.
    pub(crate) calls: u64,
}

impl Truth {
    /// Remembers a key that was put on stock.
    pub(crate) fn imported(&mut self, code: &str, key: Key) {
        self.stock.insert(digest(code), key);
    }

    /// A buyer or platform was shown a key.
    pub(crate) fn handed(&mut self, place: Place, number: &str, code: &str) {
        let key = self.stock.get(&digest(code)).copied();
        let sale = self.sales.get_mut(&(place, number.to_owned()));
        match (key, sale) {
            (Some(key), Some(sale)) => {
                sale.keys.insert(key);
            }
            (None, _) => {
                self.faults.push(format!("{place}:{number} was given a key that was never on stock"))
            }
            (_, None) => self.faults.push(format!("{place}:{number} was given a key and is not known")),
        }
    }

    /// The sale of an order number.
    pub(crate) fn sale(&mut self, place: Place, number: &str) -> Option<&mut Sale> {
        self.sales.get_mut(&(place, number.to_owned()))
    }
}

fn digest(code: &str) -> Vec<u8> {
    hmac_sha256(b"kami demo keys", code.as_bytes())
}

/// The truth, shared by those who act and those who answer.
#[derive(Clone, Default)]
pub(crate) struct SharedTruth(Arc<Mutex<Truth>>);

impl SharedTruth {
    /// Looks at the truth, or changes it. Not held across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Truth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Notes what must not happen.
    pub(crate) fn fault(&self, what: String) {
        self.lock().faults.push(what);
    }
}
