//! JD's game-card orders through Agiso, over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::collections::{BTreeMap, BTreeSet};

use channel::Protocol;
use channel_world::{Books, World, code, sha256};
use platform::{Agiso, SECRET, SHOP, TOKEN, pushes, pushes_event};
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

/// Every order in which the three pushes of an order can arrive: paid, handed over by the warehouse, anything else.
const TURNS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
const FAULTS: [Option<Fault>; 6] = [
    None,
    Some(Fault::TooMany(30)),
    Some(Fault::ErrorBefore(503)),
    Some(Fault::HangUpAfter),
    Some(Fault::HangUpBefore),
    Some(Fault::ErrorAfter(500)),
];

async fn push(world: &World, number: u64, which: usize) {
    let signed = match which {
        0 => pushes(number, ITEM, 2, "57.76", world.now()),
        _ => pushes_event(number, which == 1, world.now()),
    };
    assert_eq!(world.send(ACCOUNT, &signed).await.json(), json!({ "IsSuccess": true }), "{number} {which}");
}

#[tokio::test]
async fn pushes_of_an_order_that_overtake_each_other_lead_to_one_delivery_and_the_books_agree() {
    let (world, agiso) = open().await;
    world.stock(0, 20).await;
    for ((number, turn), fault) in (1..).zip(TURNS).zip(FAULTS) {
        fault.into_iter().for_each(|fault| agiso.next(fault));
        for which in turn {
            push(&world, number, which).await;
            push(&world, number, which).await;
            world.settle().await;
        }
        world.minutes(10).await;
    }
    let sent = |agiso: &mut Agiso| agiso.sent.clone();
    let (sent, books) = (agiso.with(sent), Books::of(&world).await);
    assert!(sent.values().all(|(_, times)| *times == 1), "{sent:?}");
    // A delivery whose answer was lost is not known to have ended, whether it did or not: the books are between.
    assert!(books.delivered.iter().all(|(number, keys)| sent[number].0 == *keys));
    assert!(sent.iter().all(|(number, (keys, _))| books.let_out[number] == *keys));
    assert_eq!((books.let_out.len(), agiso.faults_left()), (6, 0));
    assert!(["1", "2"].iter().all(|number| books.delivered.contains_key(*number)));

    for (number, turn) in (1..).zip(TURNS) {
        world.refund_by_hand(ACCOUNT, &number.to_string()).await;
        // Late pushes, the first of them last.
        for which in turn.into_iter().rev() {
            push(&world, number, which).await;
        }
        world.minutes(10).await;
    }
    let books = Books::of(&world).await;
    books.add_up();
    assert_eq!((&books.revoked, books.refunded.values().sum::<i64>()), (&books.let_out, 6 * 5_776));
    assert_eq!((world.count("KeysAllocated").await, agiso.with(|agiso| agiso.forged_calls)), (6, 0));
    assert_eq!(agiso.with(|agiso| agiso.sent.clone()), sent, "nothing was sent again");
    world.stop().await;
}
