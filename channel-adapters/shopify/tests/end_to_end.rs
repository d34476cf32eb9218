//! A merchant on a real engine and a shop at Shopify, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_shopify::PROTOCOL;
use channel_world::World;
use platform::{SECRET, SHOP, Shop, TOKEN, VARIANT};
use serde_json::json;
use testkit::pretend::Pretend;

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const ACCOUNT: &str = "shopify/main";

/// A shop whose buyers fetch their keys: nothing is written to Shopify but refunds.
async fn open() -> (World, Pretend<Shop>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Shop::default()).await;
    let settings = json!({ "shop": SHOP, "client_secrets": [SECRET], "access_token": TOKEN,
        "api_version": "2026-04", "base_url": shop.url() });
    world.connect(ACCOUNT, &settings).await;
    world.list(ACCOUNT, VARIANT).await;
    world.stock(0, 5).await;
    (world, shop)
}

#[tokio::test]
async fn a_paid_order_binds_keys_once_however_often_and_late_it_is_told() {
    let (world, shop) = open().await;
    shop.with(|shop| shop.pay(7, 2, "57.76"));
    for topic in ["orders/paid", "orders/updated", "orders/paid"] {
        let told = world.send(ACCOUNT, &shop.with(|shop| shop.order_webhook(topic, 7))).await;
        assert_eq!((told.status, told.text().as_str()), (200, "taken"));
    }
    world.settle().await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderFulfilled").await), (1, 1));
    assert_eq!(world.count("KeysAllocated").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_refund_at_shopify_closes_the_order_and_a_refund_in_part_is_a_loss() {
    let (world, shop) = open().await;
    for id in [7, 8] {
        shop.with(|shop| shop.pay(id, 1, "28.88"));
        world.send(ACCOUNT, &shop.with(|shop| shop.order_webhook("orders/paid", id))).await;
    }
    shop.with(|shop| shop.pay_back(7, "28.88", ""));
    shop.with(|shop| shop.pay_back(8, "10.00", ""));
    for id in [7, 8, 7, 8] {
        assert_eq!(world.send(ACCOUNT, &shop.with(|shop| shop.refund_webhook(id))).await.status, 200);
        world.send(ACCOUNT, &shop.with(|shop| shop.order_webhook("orders/updated", id))).await;
    }
    world.settle().await;
    assert_eq!((world.count("RefundSettled").await, world.count("OrderClosed").await), (2, 1));
    assert_eq!(world.count("LossRecorded").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_refund_that_comes_before_its_order_leaves_no_key_with_the_buyer() {
    let (world, shop) = open().await;
    shop.with(|shop| shop.pay(7, 1, "28.88"));
    let paid = shop.with(|shop| shop.order_webhook("orders/paid", 7));
    shop.with(|shop| shop.pay_back(7, "28.88", ""));
    world.send(ACCOUNT, &shop.with(|shop| shop.refund_webhook(7))).await;
    world.send(ACCOUNT, &paid).await;
    world.settle().await;
    assert_eq!((world.count("RefundSettled").await, world.count("OrderDelivered").await), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_forged_webhook_has_no_effect() {
    let (world, shop) = open().await;
    shop.with(|shop| shop.pay(7, 1, "28.88"));
    let mut forged = shop.with(|shop| shop.order_webhook("orders/paid", 7));
    forged.body = String::from_utf8(forged.body).unwrap().replace("\"quantity\":1", "\"quantity\":5").into();
    assert_eq!(world.send(ACCOUNT, &forged).await.status, 401);
    assert_eq!((world.count("OrderPlaced").await, shop.with(|shop| shop.forged_calls)), (0, 0));
    world.stop().await;
}
