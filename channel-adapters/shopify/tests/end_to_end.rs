//! A merchant on a real engine and a shop at Shopify, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_shopify::PROTOCOL;
use channel_world::{Books, World, code};
use platform::{INVENTORY_ITEM, SECRET, SHOP, Shop, TOKEN, VARIANT};
use serde_json::{Value, json};
use testkit::{Fault, pretend::Pretend};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const ACCOUNT: &str = "shopify/main";

/// A shop whose buyers fetch their keys: nothing is written to Shopify but refunds.
async fn open() -> (World, Pretend<Shop>) {
    open_with(&json!({})).await
}

/// A shop whose orders hold their keys, and whose stock and refunds are ours to write.
async fn open_whole() -> (World, Pretend<Shop>) {
    open_with(&json!({ "keys_metafield": "kami.keys", "location_id": 655_441_491, "refunds": true })).await
}

async fn open_with(more: &Value) -> (World, Pretend<Shop>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Shop::default()).await;
    let mut settings = json!({ "shop": SHOP, "client_secrets": [SECRET], "access_token": TOKEN,
        "api_version": "2026-04", "base_url": shop.url() });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
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

/// A buyer pays for one unit, and Shopify says so.
async fn buy(world: &World, shop: &Pretend<Shop>, id: u64) {
    shop.with(|shop| shop.pay(id, 1, "28.88"));
    world.send(ACCOUNT, &shop.with(|shop| shop.order_webhook("orders/paid", id))).await;
    world.minutes(1).await;
}

/// What stands in the order's metafield, write by write, and how often it was fulfilled.
fn handed_over(shop: &Pretend<Shop>, id: u64) -> (Vec<String>, u32) {
    shop.with(|shop| (shop.orders[&id].keys.clone(), shop.orders[&id].fulfilled))
}

#[tokio::test]
async fn an_order_whose_webhook_was_lost_is_found_by_the_poll_and_its_webhook_changes_nothing_then() {
    let (world, shop) = open_whole().await;
    world.minutes(1).await;
    shop.with(|shop| {
        shop.pay(7, 2, "57.76");
        shop.orders.get_mut(&7).unwrap().updated = 1;
    });
    let late = shop.with(|shop| shop.order_webhook("orders/paid", 7));
    world.minutes(12).await;
    assert!(world.found_by(ACCOUNT, "orders").await.iter().any(|name| name == "ReadBackRequested"));
    let (keys, fulfilled) = handed_over(&shop, 7);
    assert!(keys.len() == 1 && keys[0].contains(&code(0)) && keys[0].contains(&code(1)), "{keys:?}");
    assert_eq!((fulfilled, world.count("OrderDelivered").await), (1, 1));
    assert_eq!(world.send(ACCOUNT, &late).await.text(), "taken");
    world.minutes(12).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("KeysAllocated").await), (1, 1));
    // A refund at Shopify that no webhook told of is found too.
    shop.with(|shop| {
        shop.pay_back(7, "57.76", "");
        shop.orders.get_mut(&7).unwrap().updated = 25;
    });
    world.minutes(6).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    world.send(ACCOUNT, &shop.with(|shop| shop.refund_webhook(7))).await;
    world.minutes(6).await;
    assert_eq!(world.count("RefundSettled").await, 1);
    assert_eq!((Books::of(&world).await.refunded["7"], shop.with(|shop| shop.forged_calls)), (5_776, 0));
    world.stop().await;
}

#[tokio::test]
async fn keys_are_written_and_the_order_fulfilled_once_whichever_of_the_five_calls_is_lost() {
    for lost in 0..6 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500)] {
            let (world, shop) = open_whole().await;
            world.minutes(1).await;
            shop.after(lost, fault);
            buy(&world, &shop, 7).await;
            world.minutes(10).await;
            let (keys, fulfilled) = handed_over(&shop, 7);
            assert!(keys.len() == 1 && keys[0].contains(&code(0)), "{lost} {fault:?}: {keys:?}");
            assert_eq!((fulfilled, world.count("OrderDelivered").await), (1, 1), "{lost} {fault:?}");
            assert_eq!((shop.faults_left(), shop.with(|shop| shop.forged_calls)), (0, 0));
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn stock_follows_sales_whichever_of_the_two_calls_is_lost() {
    for lost in 0..2 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::TooMany(5)] {
            let (world, shop) = open_whole().await;
            shop.after(lost, fault);
            world.minutes(10).await;
            assert_eq!(shop.with(|shop| shop.stock[INVENTORY_ITEM].clone()), [5], "{lost} {fault:?}");
            buy(&world, &shop, 7).await;
            world.minutes(2).await;
            assert_eq!(shop.with(|shop| shop.stock[INVENTORY_ITEM].last().copied()), Some(4));
            assert_eq!(shop.faults_left(), 0);
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn a_refund_of_ours_is_paid_once_whichever_of_the_two_calls_is_lost_and_the_key_is_revoked() {
    for lost in 0..2 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::TooMany(5)] {
            let (world, shop) = open_whole().await;
            world.minutes(1).await;
            buy(&world, &shop, 7).await;
            shop.after(lost, fault);
            world.refund(ACCOUNT, "7", Some("R-1"), None).await;
            world.minutes(10).await;
            // Shopify tells of the refund that we made: it is known by its note.
            world.send(ACCOUNT, &shop.with(|shop| shop.refund_webhook(7))).await;
            world.minutes(10).await;
            assert_eq!(shop.with(|shop| shop.orders[&7].refunds.len()), 1, "{lost} {fault:?}");
            let books = Books::of(&world).await;
            assert_eq!((books.refunded["7"], books.asked.len()), (2_888, 0), "{lost} {fault:?}");
            assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
            world.stop().await;
        }
    }
}
