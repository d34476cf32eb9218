//! A platform that exists in TOML alone buys keys over a socket.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod described;

use std::collections::{BTreeMap, BTreeSet};

use channel::Protocol;
use channel_world::{Books, Keys, World, sha256};
use serde_json::Value;
use testkit::{
    accounts::GoofishSupplier,
    drive::{GoofishPurchase, Signed, goofish_purchase},
};
use vocabulary::Secret;

static PROTOCOLS: &[Protocol] = &[channel_declarative::PROTOCOL];
const SHOP: &str = "declarative/main";

async fn shop(keys: u32) -> World {
    let world = World::open(PROTOCOLS).await;
    world.connect(SHOP, &described::supply_settings()).await;
    world.list(SHOP, "VIP-30").await;
    world.stock(0, keys).await;
    world
}

fn purchase(world: &World, order_no: &str, quantity: u32) -> Signed {
    let supplier = GoofishSupplier {
        app_id: 510_000_000_000_001,
        app_secret: Secret::new(described::APP_SECRET.to_owned()),
        mch_id: "2333".to_owned(),
        mch_secret: Secret::new(described::MCH_SECRET.to_owned()),
    };
    let order = GoofishPurchase {
        order_no: order_no.to_owned(),
        goods_no: "VIP-30".to_owned(),
        quantity,
        max_amount: Some(i64::from(quantity) * channel_world::PRICE),
        notify_url: "https://open.goofish.pro/api/x".to_owned(),
    };
    goofish_purchase(&supplier, &order, world.now())
}

fn keys(reply: &Value) -> BTreeSet<String> {
    let cards = reply["data"]["card_items"].as_array().unwrap();
    cards.iter().map(|card| sha256(card["card_pwd"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_order_gets_its_keys_in_the_reply_and_a_repeat_the_same_bytes() {
    let world = shop(5).await;
    let first = world.send(SHOP, &purchase(&world, "G-1", 2)).await;
    assert_eq!((first.json()["code"].clone(), keys(&first.json()).len()), (0.into(), 2));
    world.advance(60).await;
    // Signed anew at another time, it is the same order.
    let again = world.send(SHOP, &purchase(&world, "G-1", 2)).await;
    assert_eq!(again.bytes, first.bytes);
    let other = world.send(SHOP, &purchase(&world, "G-2", 1)).await;
    assert!(keys(&other.json()).is_disjoint(&keys(&first.json())));
    let books = Books::of(&world).await;
    assert_eq!(books.delivered["G-1"], keys(&first.json()));
    assert_eq!(books.delivered["G-2"], keys(&other.json()));
    assert!(books.shared.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn an_order_beyond_the_stock_a_forgery_and_another_content_get_the_platforms_codes() {
    let world = shop(1).await;
    let short = world.send(SHOP, &purchase(&world, "G-1", 2)).await;
    assert_eq!(short.json()["code"], 1102, "{}", short.text());
    let mut forged = purchase(&world, "G-2", 1);
    forged.body = String::from_utf8(forged.body).unwrap().replace("G-2", "G-3").into_bytes();
    assert_eq!(world.send(SHOP, &forged).await.json()["code"], 401);
    let mut late = purchase(&world, "G-2", 1);
    world.advance(301).await;
    assert_eq!(world.send(SHOP, &late).await.json()["code"], 408);
    late = purchase(&world, "G-2", 1);
    assert_eq!(world.send(SHOP, &late).await.json()["code"], 0);
    let changed = world.send(SHOP, &purchase(&world, "G-2", 2)).await;
    assert_ne!(changed.json()["code"], 0, "{}", changed.text());
    assert_eq!(Books::of(&world).await.delivered.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_paid_back_by_hand_loses_its_keys_and_its_repeat_is_the_same_reply() {
    let world = shop(5).await;
    let first = world.send(SHOP, &purchase(&world, "G-1", 2)).await;
    world.refund_by_hand(SHOP, "G-1").await;
    assert_eq!(world.send(SHOP, &purchase(&world, "G-1", 2)).await.bytes, first.bytes);
    let books = Books::of(&world).await;
    assert_eq!(books.delivered["G-1"], keys(&first.json()));
    assert_eq!((&books.revoked, books.refunded["G-1"]), (&books.delivered, 2 * channel_world::PRICE));
    // What went out once is not sold again.
    let other = world.send(SHOP, &purchase(&world, "G-2", 3)).await;
    assert!(keys(&other.json()).is_disjoint(&keys(&first.json())));
    assert!(Books::of(&world).await.shared.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn calls_that_overtake_each_other_and_replies_that_are_lost_leave_both_ledgers_the_same() {
    let world = shop(6).await;
    let mut theirs = Keys::new();
    // Three orders are sent; the last arrives first, and no reply is heard.
    for number in ["G-3", "G-1", "G-2"] {
        let _lost = world.send(SHOP, &purchase(&world, number, 1)).await;
    }
    // The third is paid back before it is sent again: the platform hears what it would have heard.
    world.refund_by_hand(SHOP, "G-3").await;
    world.advance(60).await;
    for number in ["G-1", "G-2", "G-3"] {
        let order = purchase(&world, number, 1);
        let (told, again) = tokio::join!(world.send(SHOP, &order), world.send(SHOP, &order));
        assert_eq!(told.bytes, again.bytes, "{number}");
        theirs.insert(number.to_owned(), keys(&told.json()));
    }
    let books = Books::of(&world).await;
    books.agree(&theirs, &BTreeMap::from([("G-3".to_owned(), channel_world::PRICE)]));
    assert_eq!(books.revoked, BTreeMap::from([("G-3".to_owned(), theirs["G-3"].clone())]));
    assert_eq!((world.count("OrderPlaced").await, world.count("KeysAllocated").await), (3, 3));
    world.stop().await;
}
