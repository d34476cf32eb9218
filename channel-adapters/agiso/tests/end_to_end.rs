//! JD's game-card orders through Agiso, over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::collections::{BTreeMap, BTreeSet};

use channel::Protocol;
use channel_world::{Books, World, code, sha256};
use platform::{Agiso, SECRET, SHOP, TOKEN, pushes};
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

const ACCOUNT: &str = "agiso/jd";
const ITEM: u64 = 100_012_345_678;
static PROTOCOLS: &[Protocol] = &[channel_agiso::PROTOCOL];

async fn open() -> (World, Pretend<Agiso>) {
    let world = World::open(PROTOCOLS).await;
    let agiso = world.pretend(Agiso::default()).await;
    let settings = json!({ "app_secret": SECRET, "access_token": TOKEN, "platform_shop_id": SHOP, "base_url": agiso.url() });
    world.connect(ACCOUNT, &settings).await;
    world.list(ACCOUNT, &ITEM.to_string()).await;
    (world, agiso)
}

async fn order(world: &World, number: u64, quantity: u32) {
    let told = world.send(ACCOUNT, &pushes(number, ITEM, quantity, "57.8", world.now())).await;
    assert_eq!(told.json(), json!({ "IsSuccess": true }));
}

fn keys(numbers: std::ops::Range<u32>) -> BTreeSet<String> {
    numbers.map(|n| sha256(&code(n))).collect()
}

#[tokio::test]
async fn an_order_that_is_pushed_twice_is_delivered_once_and_staff_pay_it_back_by_hand() {
    let (world, agiso) = open().await;
    world.stock(0, 5).await;
    agiso.next(Fault::TooMany(30));
    order(&world, 203_632_092, 2).await;
    order(&world, 203_632_092, 2).await;
    world.settle().await;
    world.advance(60).await;
    order(&world, 203_632_092, 2).await;
    world.settle().await;
    assert_eq!(agiso.with(|agiso| agiso.sent["203632092"].clone()), (keys(0..2), 1));
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([("203632092".to_owned(), keys(0..2))]));
    // Agiso pays nothing back for cards: staff do it at the marketplace, and say so.
    world.refund_by_hand(ACCOUNT, "203632092").await;
    order(&world, 203_632_092, 2).await;
    world.settle().await;
    let books = Books::of(&world).await;
    assert_eq!((&books.revoked, &books.delivered), (&books.delivered, &books.let_out));
    assert_eq!(books.refunded, BTreeMap::from([("203632092".to_owned(), 5_780)]));
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderClosed").await), (1, 1));
    assert_eq!((agiso.with(|agiso| agiso.forged_calls), agiso.faults_left()), (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_waits_for_keys_is_delivered_once_they_are_there() {
    let (world, agiso) = open().await;
    order(&world, 7, 1).await;
    world.settle().await;
    assert!(agiso.with(|agiso| agiso.sent.is_empty()));
    world.stock(0, 3).await;
    world.settle().await;
    assert_eq!(agiso.with(|agiso| agiso.sent["7"].clone()), (keys(0..1), 1));
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_delivery_whose_answer_is_lost_is_not_repeated_and_its_keys_count_as_gone() {
    for fault in [Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, agiso) = open().await;
        world.stock(0, 3).await;
        agiso.next(fault);
        order(&world, 7, 1).await;
        world.settle().await;
        for _ in 0..4 {
            world.advance(3_600).await;
        }
        let sent = agiso.with(|agiso| agiso.sent["7"].clone());
        assert_eq!(sent, (keys(0..1), 1), "{fault:?}: a person looks before anything is repeated");
        let books = Books::of(&world).await;
        assert_eq!(books.let_out, BTreeMap::from([("7".to_owned(), sent.0)]), "{fault:?}");
        assert!(books.delivered.is_empty() && books.shared.is_empty(), "{fault:?}");
        // A key that may have left is not sold again when the money goes back.
        world.refund_by_hand(ACCOUNT, "7").await;
        assert_eq!(Books::of(&world).await.revoked, books.let_out, "{fault:?}");
        order(&world, 8, 1).await;
        world.settle().await;
        assert_eq!(agiso.with(|agiso| agiso.sent["8"].0.clone()), keys(1..2), "{fault:?}: another key");
        world.stop().await;
    }
}
