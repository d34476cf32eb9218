//! Logs in which everything is as it should be.

use crate::support::{Log, facts::*, shop::Shop, verify, write};
use events::{channel::AttemptOutcome, order::RefundRequested, pool::AllocationReason, pool::WaitlistLeft};

async fn is_clean(shop: &Shop) {
    let report = verify(&shop.log).await;
    assert!(report.ok, "{:#?}", report.violations);
    assert_eq!(report.violations, []);
    assert_eq!(report.warnings, []);
    assert_eq!(report.merchants[0].events, shop.log.end());
    assert_eq!(report.merchants[0].head_hash, hex::encode(shop.log.events.last().unwrap().hash));
}

#[tokio::test]
async fn a_busy_shop_is_clean() {
    is_clean(&Shop::busy()).await;
}

#[tokio::test]
async fn a_cancelled_order_that_is_paid_late_is_clean() {
    let mut shop = Shop::open();
    let (id, held) = shop.reserve();
    shop.log.unit(vec![of(id, cancelled()), pool(released(id, held.clone()))]);
    shop.log.unit(vec![of(id, paid(id, 100)), of(id, due("late-1", 100))]);
    shop.log.append(None, vec![of(id, settled("late-1", 100)), of(id, closed("refunded"))]);
    let (next, _) = shop.reserve();
    shop.log.unit(vec![of(next, cancelled()), pool(released(next, keys(1..2)))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn a_backorder_that_is_given_up_is_clean() {
    let mut shop = Shop::open();
    let id = shop.backorder();
    let left = WaitlistLeft { order: id, line: 0 };
    shop.log.append(None, vec![of(id, due("backorder", 100)), pool(left)]);
    shop.log.append(None, vec![of(id, settled("backorder", 100)), of(id, closed("refunded"))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn a_refund_that_was_known_before_the_payment_is_clean() {
    let mut shop = Shop::open();
    let id = shop.new_order();
    let asked = RefundRequested {
        refund: "r".into(),
        amount: None,
        reason: String::new(),
        settled_early: true,
        memo: None,
    };
    shop.log.unit(vec![of(id, asked)]);
    shop.log.unit(vec![of(id, placed(id, 1, 100))]);
    shop.log.unit(vec![of(id, paid(id, 100)), of(id, settled("r", 100)), of(id, closed("refunded"))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn a_settled_refund_without_a_payment_is_pointed_out() {
    let mut shop = Shop::open();
    let id = shop.new_order();
    shop.log.unit(vec![of(id, settled("r", 100))]);
    let report = verify(&shop.log).await;
    assert!(report.ok, "{:#?}", report.violations);
    assert_eq!(report.warnings.len(), 1);
}

#[tokio::test]
async fn a_partial_refund_followed_by_the_rest_is_clean() {
    let mut shop = Shop::open();
    let (id, keys) = shop.buy(3);
    shop.log.unit(vec![of(id, settled("r-1", 70)), of(id, loss(70))]);
    shop.log.unit(vec![of(id, due("r-2", 230)), of(id, loss(-70)), pool(revoked(id, keys))]);
    shop.log.append(None, vec![of(id, settled("r-2", 230)), of(id, closed("refunded"))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn a_refund_that_is_settled_short_and_owed_for_the_rest_is_clean() {
    let mut shop = Shop::open();
    let (id, _) = shop.buy(3);
    shop.log.unit(vec![of(id, due("r", 90)), of(id, loss(90))]);
    shop.log.unit(vec![of(id, settled("r", 20)), of(id, due("r-rest", 70))]);
    shop.log.unit(vec![of(id, settled("r-rest", 70))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn a_partial_refund_before_delivery_is_clean() {
    let mut shop = Shop::open();
    let id = shop.backorder();
    shop.log.unit(vec![of(id, settled("r-1", 10)), of(id, loss(10))]);
    shop.serve(id);
    shop.log.unit(vec![of(id, closed("completed"))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn a_share_of_an_amount_that_does_not_divide_is_clean() {
    let mut shop = Shop::open();
    let (id, keys) = (shop.new_order(), shop.take(3));
    shop.log.unit(vec![
        of(id, placed(id, 3, 100)),
        of(id, paid(id, 100)),
        pool(allocated(id, keys.clone(), AllocationReason::Stock)),
        of(id, fulfilled(keys.clone())),
        of(id, delivered(1, keys.clone())),
    ]);
    shop.log.unit(vec![
        pool(revoked(id, keys[..1].to_vec())),
        of(id, settled("r", 33)),
        of(id, closed("completed")),
    ]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn keys_that_went_out_with_an_unknown_end_are_revoked_not_released() {
    let mut shop = Shop::open();
    let (id, held) = shop.reserve();
    let unknown = AttemptOutcome::Unknown { code: "timeout".into() };
    shop.log.unit(vec![
        of(id, paid(id, 100)),
        pool(allocated(id, held.clone(), AllocationReason::Reserved)),
        of(id, fulfilled(held.clone())),
        of(id, requested(1, held.clone())),
    ]);
    shop.log.append(None, vec![of(id, attempted(1, unknown))]);
    shop.log.unit(vec![of(id, due("r", 100)), pool(revoked(id, held))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn quarantine_quota_and_void_are_clean() {
    let mut shop = Shop::open();
    shop.log.unit(vec![pool(quota(1, Some(2)))]);
    let (id, held) = shop.reserve();
    shop.log.unit(vec![pool(quarantined(vec![]))]);
    shop.expire(id, held);
    shop.log.unit(vec![pool(lifted(keys(0..2)))]);
    shop.log.unit(vec![pool(voided(keys(5..7)))]);
    shop.log.unit(vec![pool(opened(2)), pool(imported(2, 0, fingerprints(5..7)))]);
    shop.log.unit(vec![pool(lifted(vec![]))]);
    shop.reserve();
    shop.buy(2);
    is_clean(&shop).await;
}

#[tokio::test]
async fn shown_keys_of_a_paid_order_are_clean() {
    let mut shop = Shop::open();
    let (id, keys) = shop.buy(1);
    shop.log.unit(vec![of(id, shown(keys))]);
    is_clean(&shop).await;
}

#[tokio::test]
async fn several_merchants_are_checked_each_for_itself() {
    let (a, mut b) = (Shop::busy().log, Log::new("brand"));
    b.unit(vec![connected(), defined(&sku())]);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&a, &b, &Log::new("empty")]).await;
    let seen = std::cell::Cell::new(0);
    let report = verify::verify_dir(dir.path(), |events| seen.set(events)).await.unwrap();
    assert!(report.ok, "{:#?}", report.violations);
    let names: Vec<_> = report.merchants.iter().map(|m| (m.merchant.as_str(), m.events)).collect();
    assert_eq!(names, [("acme", a.end()), ("brand", 2), ("empty", 0)]);
    assert_eq!(seen.get(), a.end() + 2);
}

#[tokio::test]
async fn the_report_has_the_published_shape() {
    let report = verify(&Shop::open().log).await;
    let hash = report.merchants[0].head_hash.clone();
    let wanted = serde_json::json!({
        "ok": true,
        "merchants": [{ "merchant": "acme", "events": 4, "head_hash": hash }],
        "violations": [],
    });
    assert_eq!(serde_json::to_value(&report).unwrap(), wanted);
}
