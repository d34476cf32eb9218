//! Deliveries, stock and refunds in several calls, through the engine: channel-adapters/shopify/tests/deliveries.rs.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_shopify::PROTOCOL;
use channel_world::{Books, World, code, sha256};
use platform::{INVENTORY_ITEM, SECRET, SHOP, Shop, TOKEN, VARIANT};
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const ACCOUNT: &str = "shopify/main";
const FAULTS: [Fault; 6] = [
    Fault::HangUpBefore,
    Fault::HangUpAfter,
    Fault::ErrorBefore(502),
    Fault::ErrorAfter(500),
    Fault::TooMany(20),
    Fault::WrongSignature,
];

async fn open(location: Option<u64>) -> (World, Pretend<Shop>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Shop::default()).await;
    let settings = json!({ "shop": SHOP, "client_secrets": [SECRET], "access_token": TOKEN, "refunds": true,
        "api_version": "2026-04", "keys_metafield": "kami.keys", "location_id": location, "base_url": shop.url() });
    world.connect(ACCOUNT, &settings).await;
    world.list(ACCOUNT, VARIANT).await;
    world.stock(0, 5).await;
    world.settle().await;
    (world, shop)
}

async fn buy(world: &World, shop: &Pretend<Shop>, quantity: u32, total: &str) {
    shop.with(|shop| shop.pay(7, quantity, total));
    for topic in ["orders/paid", "orders/updated"] {
        world.send(ACCOUNT, &shop.with(|shop| shop.order_webhook(topic, 7))).await;
    }
    world.settle().await;
    for _ in 0..4 {
        world.advance(120).await;
    }
}

/// Digests of the keys that stand in the order's metafield.
fn shown(shop: &Pretend<Shop>) -> Vec<String> {
    let text = shop.with(|shop| shop.orders[&7].keys.concat());
    text.lines().filter(|line| line.starts_with("KEY-")).map(sha256).collect()
}

#[tokio::test]
async fn keys_reach_the_order_once_whatever_goes_wrong() {
    for fault in FAULTS {
        let (world, shop) = open(None).await;
        shop.next(fault);
        buy(&world, &shop, 2, "57.76").await;
        assert_eq!(shown(&shop), [sha256(&code(0)), sha256(&code(1))], "{fault:?}");
        let books = Books::of(&world).await;
        assert_eq!(books.delivered["7"].len(), 2, "{fault:?}");
        assert_eq!(shop.with(|shop| (shop.orders[&7].fulfilled, shop.forged_calls)), (1, 0));
        world.stop().await;
    }
}

#[tokio::test]
async fn stock_follows_sales() {
    let (world, shop) = open(Some(655_441_491)).await;
    shop.next(Fault::HangUpAfter);
    buy(&world, &shop, 2, "57.76").await;
    assert_eq!(shop.with(|shop| shop.stock[INVENTORY_ITEM].last().copied()), Some(3));
    world.stop().await;
}

#[tokio::test]
async fn a_refund_of_ours_is_paid_once_and_known_when_shopify_tells_of_it() {
    for fault in FAULTS {
        let (world, shop) = open(None).await;
        buy(&world, &shop, 1, "28.88").await;
        shop.next(fault);
        world.refund(ACCOUNT, "7", Some("R-1"), None).await;
        for _ in 0..4 {
            world.advance(120).await;
        }
        world.send(ACCOUNT, &shop.with(|shop| shop.refund_webhook(7))).await;
        world.settle().await;
        let amounts =
            shop.with(|shop| shop.orders[&7].refunds.iter().map(|r| r.amount.clone()).collect::<Vec<_>>());
        assert_eq!(amounts, ["28.88"], "{fault:?}");
        assert_eq!(Books::of(&world).await.refunded["7"], 2_888, "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysRevoked").await),
            (1, 1),
            "{fault:?}"
        );
        world.stop().await;
    }
}
