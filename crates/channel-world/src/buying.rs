//! Buying keys from a supplier, and what came of it.

use std::collections::BTreeMap;

use engine::OperatorCommand;
use events::{Fact, procurement::ProcurementEnd};
use vocabulary::{BatchId, Currency, KeyRef, Money, Quantity};

use crate::{
    books::{Keys, sha256},
    world::{SKU, World, account},
};

impl World {
    /// Staff buy keys of the one item from a supplier, under its item id, for at most 50 yuan; returns our number.
    pub async fn procure(&self, name: &str, item: &str, quantity: u32) -> String {
        let wish = OperatorCommand::Procure {
            sku: SKU.parse().unwrap(),
            account: account(name),
            item: item.to_owned(),
            quantity: Quantity::try_from(i64::from(quantity)).unwrap(),
            max_price: Money::new(5_000, Currency::CNY),
            reason: "low stock".to_owned(),
        };
        self.operate(wish).await.procurement.unwrap()
    }

    /// How purchases ended, oldest first: `keys b1 2/2`, `failed <code>`, `for a person <code>`.
    pub async fn purchases(&self) -> Vec<String> {
        let ended = |fact| match fact {
            Fact::ProcurementSettled(settled) => Some(match settled.end {
                ProcurementEnd::Keys { batch, count, asked, .. } => format!("keys {batch} {count}/{asked}"),
                ProcurementEnd::Failed { code } => format!("failed {code}"),
                ProcurementEnd::ForAPerson { code } => format!("for a person {code}"),
            }),
            _ => None,
        };
        self.facts().await.into_iter().filter_map(ended).collect()
    }

    /// What was bought, by our number of the purchase: digests of the codes that lie in the vault. For the supplier's
    /// ledger.
    pub async fn bought(&self) -> Keys {
        let mut asked = BTreeMap::new();
        let mut bought = Keys::new();
        for fact in self.facts().await {
            match fact {
                Fact::ProcurementRequested(wish) => {
                    asked.insert(wish.our_no, wish.batch);
                }
                Fact::ProcurementSettled(settled) => {
                    let ProcurementEnd::Keys { batch, count, .. } = settled.end else { continue };
                    assert_eq!(
                        asked.get(&settled.our_no),
                        Some(&batch),
                        "keys of a purchase that was not asked for"
                    );
                    let codes = self.codes(batch.0, count).await;
                    bought.insert(settled.our_no, codes.iter().map(|code| sha256(code)).collect());
                }
                _ => {}
            }
        }
        bought
    }

    /// The codes of the first keys of a batch, in clear.
    pub async fn codes(&self, batch: u32, count: u32) -> Vec<String> {
        let key = |index| KeyRef { batch: BatchId(batch), index, use_no: 0 };
        let keys: Vec<KeyRef> = (0..count).map(key).collect();
        let opened = self.engine.vault().open_keys(self.engine.merchant(), &keys).await.unwrap();
        opened.iter().map(|key| key.code.expose().clone()).collect()
    }
}
