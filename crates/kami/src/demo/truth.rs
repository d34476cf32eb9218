//! What really happened, as the platforms and buyers know it. It is kept apart from Kami, which cannot read
//! it, and held against Kami's log in the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use testkit::{pretend::News, sha256_hex};
use vocabulary::BatchId;

use super::{books::Books, catalogue::Place};

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
    /// The buyer asked for the money back.
    pub(crate) asked_back: bool,
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
    /// The keys on stock, by digests of what buyers are shown. The world keeps none of them in clear either.
    stock: HashMap<String, Key>,
    /// What the platforms know that are asked about orders.
    pub(crate) books: Books,
    /// What the platforms were told is in stock, by their product numbers.
    pub(crate) figures: BTreeMap<u64, u64>,
    /// What must not happen, and did.
    pub(crate) faults: Vec<String>,
    /// Calls that reached the platforms.
    pub(crate) calls: u64,
}

impl Truth {
    /// Remembers a key that was put on stock. Where it is a pair, some platforms show both halves in one text.
    pub(crate) fn imported(&mut self, code: &str, pin: Option<&str>, key: Key) {
        self.stock.insert(sha256_hex(code), key);
        if let Some(pin) = pin {
            self.stock.insert(sha256_hex(&format!("{code} {pin}")), key);
        }
    }

    /// A buyer or platform was shown a key.
    pub(crate) fn handed(&mut self, place: Place, number: &str, code: &str) {
        self.handed_over(place, number, &sha256_hex(code));
    }

    fn handed_over(&mut self, place: Place, number: &str, digest: &str) {
        let key = self.stock.get(digest).copied();
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

    /// Something happened at a platform that keeps books.
    pub(crate) fn heard(&mut self, place: Place, news: News) {
        for (number, digests) in news.handed {
            for digest in digests {
                self.handed_over(place, &number, &digest);
            }
        }
        for (number, fen) in news.paid_back {
            match self.sale(place, &number) {
                Some(sale) => sale.refunded += fen,
                None => self.faults.push(format!("{place}:{number} was paid back and is not known")),
            }
        }
    }

    /// The sale of an order number.
    pub(crate) fn sale(&mut self, place: Place, number: &str) -> Option<&mut Sale> {
        self.sales.get_mut(&(place, number.to_owned()))
    }
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
