//! Keys that were bought: logs in which they came in as they should, and one lie at a time.

use events::{Fact, procurement::*};
use verify::Invariant;
use vocabulary::{BatchId, Quantity};

use crate::support::{facts::*, shop::Shop, verify};

const FIRST: &str = "0198c1c0a0007000800000000000002b";
const SECOND: &str = "0198c1c0a0007000800000000000002c";

type Lie = fn(&mut Shop);

fn about(our_no: &str, fact: impl Into<Fact>) -> (String, Fact) {
    (format!("procurement-{our_no}"), fact.into())
}
fn asked(our_no: &str, batch: u32) -> (String, Fact) {
    let fact = ProcurementRequested {
        our_no: our_no.into(),
        sku: sku(),
        account: account(),
        item: "7".into(),
        quantity: Quantity::try_from(2).unwrap(),
        max_price: cny(200),
        batch: BatchId(batch),
        reason: "low stock".into(),
    };
    about(our_no, fact)
}
fn accepted(our_no: &str) -> (String, Fact) {
    about(our_no, ProcurementAccepted { our_no: our_no.into(), reference: Some("T-1".into()) })
}
fn ended(our_no: &str, end: ProcurementEnd) -> (String, Fact) {
    about(our_no, ProcurementSettled { our_no: our_no.into(), end, reference: None })
}
fn keys_came(our_no: &str, batch: u32, count: u32, asked: u32) -> (String, Fact) {
    ended(our_no, ProcurementEnd::Keys { batch: BatchId(batch), count, asked, duplicates: 0 })
}
fn unsure() -> ProcurementEnd {
    ProcurementEnd::ForAPerson { code: "unknown_outcome".into() }
}

/// A purchase of two keys that came in as batch 2.
fn bought() -> Shop {
    let mut shop = Shop::open();
    shop.log.unit(vec![asked(FIRST, 2)]);
    shop.log.unit(vec![accepted(FIRST)]);
    shop.log.unit(vec![
        pool(opened(2)),
        pool(imported(2, 0, fingerprints(100..102))),
        keys_came(FIRST, 2, 2, 2),
    ]);
    shop
}

#[tokio::test]
async fn purchases_that_came_failed_or_are_in_doubt_are_clean() {
    let mut shop = bought();
    shop.log.unit(vec![asked(SECOND, 3)]);
    shop.log.append(None, vec![ended(SECOND, unsure())]);
    shop.log.unit(vec![
        pool(opened(3)),
        pool(imported(3, 0, fingerprints(102..103))),
        keys_came(SECOND, 3, 1, 2),
    ]);
    let report = verify(&shop.log).await;
    assert!(report.ok, "{:#?}", report.violations);
}

#[tokio::test]
async fn a_lie_about_a_purchase_is_found() {
    let lies: &[(&str, Lie)] = &[
        ("keys twice", |s| s.log.unit(vec![keys_came(FIRST, 2, 2, 2)])),
        ("doubt after keys", |s| s.log.unit(vec![ended(FIRST, unsure())])),
        ("never asked for", |s| s.log.unit(vec![ended(SECOND, unsure())])),
        ("taken, never asked for", |s| s.log.unit(vec![accepted(SECOND)])),
        ("a batch that is taken", |s| s.log.unit(vec![asked(SECOND, 1)])),
        ("a batch kept free for another", |s| s.log.unit(vec![asked(SECOND, 2)])),
        ("asked for twice", |s| s.log.unit(vec![asked(FIRST, 9)])),
        ("another's stream", |s| s.log.unit(vec![about(SECOND, asked(FIRST, 9).1)])),
        ("another batch", |s| s.log.unit(vec![asked(SECOND, 3), keys_came(SECOND, 2, 2, 2)])),
        ("more than came", |s| s.log.unit(vec![asked(SECOND, 3), keys_came(SECOND, 3, 1, 2)])),
        ("another wish", |s| s.log.unit(vec![asked(SECOND, 3), keys_came(SECOND, 3, 0, 1)])),
    ];
    for (name, lie) in lies {
        let mut shop = bought();
        lie(&mut shop);
        let report = verify(&shop.log).await;
        let found = report.violations.iter().any(|violation| violation.invariant == Invariant::I13);
        assert!(found, "{name}: {:#?}", report.violations);
    }
}
