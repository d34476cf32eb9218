//! I13, purchases: keys that were bought come into stock once, as the batch that was kept free for them, and as many
//! as the log says.
//!
//! Whether the supplier sold something that never came, a log cannot show.

use std::collections::{BTreeMap, HashMap};

use events::{
    Fact,
    procurement::{ProcurementEnd, ProcurementRequested, ProcurementSettled},
};
use vocabulary::{BatchId, Sku};

use crate::{
    keys::Keys,
    report::{At, Findings, Invariant},
};

/// The purchases of one merchant.
#[derive(Default)]
pub(crate) struct Procurements {
    asked: HashMap<String, Asked>,
    /// The items that batches are kept free for.
    free: BTreeMap<BatchId, Sku>,
}

struct Asked {
    batch: BatchId,
    quantity: u32,
    has_keys: bool,
}

impl Procurements {
    /// Call after `keys` took the fact in.
    pub(crate) fn fact(&mut self, fact: &Fact, keys: &Keys, at: At<'_>, findings: &mut Findings) {
        let mut wrong = |what: String| findings.violation(Invariant::I13, at, what);
        match fact {
            Fact::ProcurementRequested(e) => self.request(e, keys, at, &mut wrong),
            Fact::ProcurementAccepted(e) if !self.asked.contains_key(&e.our_no) => {
                wrong(format!("purchase {} was never asked for", e.our_no));
            }
            Fact::ProcurementSettled(e) => self.settle(e, keys, &mut wrong),
            Fact::BatchOpened(e) if self.free.get(&e.batch).is_some_and(|sku| *sku != e.sku) => {
                wrong(format!("batch {} is kept free for a purchase of another item", e.batch));
            }
            _ => {}
        }
    }

    fn request(
        &mut self,
        asked: &ProcurementRequested,
        keys: &Keys,
        at: At<'_>,
        wrong: &mut impl FnMut(String),
    ) {
        if at.stream.is_some_and(|stream| stream.strip_prefix("procurement-") != Some(&asked.our_no)) {
            wrong(format!("purchase {} stands in another's stream", asked.our_no));
        }
        let taken = keys.size(asked.batch).is_some();
        if self.free.insert(asked.batch, asked.sku.clone()).is_some() || taken {
            wrong(format!("batch {} is not free", asked.batch));
        }
        let purchase = Asked { batch: asked.batch, quantity: asked.quantity.get(), has_keys: false };
        if self.asked.insert(asked.our_no.clone(), purchase).is_some() {
            wrong(format!("purchase {} was asked for twice", asked.our_no));
        }
    }

    fn settle(&mut self, settled: &ProcurementSettled, keys: &Keys, wrong: &mut impl FnMut(String)) {
        let our_no = &settled.our_no;
        let Some(purchase) = self.asked.get_mut(our_no) else {
            return wrong(format!("purchase {our_no} was never asked for"));
        };
        if purchase.has_keys {
            wrong(format!("purchase {our_no} was settled after its keys came"));
        }
        let ProcurementEnd::Keys { batch, count, asked, .. } = settled.end else { return };
        purchase.has_keys = true;
        if (batch, asked) != (purchase.batch, purchase.quantity) {
            let what =
                format!("purchase {our_no} was of {} keys as batch {}", purchase.quantity, purchase.batch);
            wrong(format!("{what}, not of {asked} as batch {batch}"));
        }
        let size = keys.size(batch).unwrap_or(0);
        if size != u64::from(count) {
            wrong(format!(
                "{count} keys of purchase {our_no} are said to be in stock, batch {batch} has {size}"
            ));
        }
    }
}
