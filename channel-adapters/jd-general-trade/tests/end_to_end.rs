//! JD over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::collections::{BTreeMap, BTreeSet};

use channel::Protocol;
use channel_world::{Books, Told, World, code, sha256};
use platform::{CARD_KEY, KEY, VENDOR, Vtp, begin, find, read};
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

const JD: &str = "jd-general-trade/main";
/// What JD says that an order costs, in fen.
const PAID: i64 = 1_990;
static PROTOCOLS: &[Protocol] = &[channel_jd_general_trade::PROTOCOL];

async fn open(async_when_short: bool) -> (World, Pretend<Vtp>) {
    let world = World::open(PROTOCOLS).await;
    let vtp = world.pretend(Vtp::default()).await;
    let settings = json!({ "vendor_id": VENDOR.parse::<i64>().unwrap(), "private_key": KEY, "card_key": CARD_KEY,
        "async_when_short": async_when_short, "notify_prefixes": [format!("{}/vtp", vtp.url())] });
    world.connect(JD, &settings).await;
    world.list(JD, "VIP-30").await;
    (world, vtp)
}

async fn order(world: &World, vtp: &Pretend<Vtp>, number: &str, quantity: u32) -> Told {
    let notify_url = format!("{}/vtp", vtp.url());
    world.send(JD, &begin(number, "VIP-30", quantity, &notify_url, world.now())).await
}

async fn query(world: &World, number: &str) -> (i64, BTreeSet<String>) {
    read(&world.send(JD, &find(number, world.now())).await.json())
}

fn keys(numbers: std::ops::Range<u32>) -> BTreeSet<String> {
    numbers.map(|n| sha256(&code(n))).collect()
}

#[tokio::test]
async fn an_order_is_answered_with_its_cards_and_a_query_shows_the_same() {
    let (world, vtp) = open(false).await;
    world.stock(0, 3).await;
    let first = order(&world, &vtp, "260101000001", 2).await;
    assert_eq!(read(&first.json()), (1, keys(0..2)));
    world.advance(60).await;
    assert_eq!(
        order(&world, &vtp, "260101000001", 2).await,
        first,
        "a repeat with a new time is the same reply"
    );
    assert_eq!(query(&world, "260101000001").await, (1, keys(0..2)));
    assert_eq!(read(&order(&world, &vtp, "260101000002", 2).await.json()).0, 2, "one is left");
    assert_eq!(query(&world, "260101000002").await.0, 2, "the query agrees");
    assert_eq!(
        read(&order(&world, &vtp, "260101000001", 1).await.json()).0,
        4,
        "the number is another order's"
    );
    world.settle().await;
    assert!(vtp.with(|vtp| vtp.results.is_empty()), "what was answered is not called back");
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([("260101000001".to_owned(), keys(0..2))]));
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_waits_for_keys_is_called_back_once_they_are_there_whatever_goes_wrong() {
    let (world, vtp) = open(true).await;
    assert_eq!(read(&order(&world, &vtp, "260101000001", 2).await.json()), (3, BTreeSet::new()));
    assert_eq!(query(&world, "260101000001").await.0, 3);
    for fault in [Fault::TooMany(30), Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        vtp.next(fault);
    }
    world.stock(0, 4).await;
    world.settle().await;
    for _ in 0..6 {
        world.advance(120).await;
    }
    let (state, cards, times) = vtp.with(|vtp| vtp.results["260101000001"].clone());
    assert_eq!((state.as_str(), &cards, times), ("1", &keys(0..2), 4), "repeats are harmless");
    assert_eq!(
        query(&world, "260101000001").await,
        (1, cards.clone()),
        "the query says what the call-back said"
    );
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([("260101000001".to_owned(), cards)]));
    assert!(books.shared.is_empty());
    assert_eq!((vtp.with(|vtp| vtp.forged_calls), vtp.faults_left()), (0, 0));
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.refund_by_hand(JD, "260101000001").await;
    let books = Books::of(&world).await;
    assert_eq!((&books.revoked, books.refunded["260101000001"]), (&books.delivered, PAID));
    let (state, cards) = query(&world, "260101000001").await;
    assert!(state != 1 && cards.is_empty(), "{state}");
    world.stop().await;
}

#[tokio::test]
async fn a_query_may_come_before_its_order_and_a_refund_by_staff_ends_both() {
    let (world, vtp) = open(false).await;
    world.stock(0, 2).await;
    assert_eq!(query(&world, "260101000009").await.0, 2, "nobody ordered it");
    let first = order(&world, &vtp, "260101000001", 1).await;
    assert_eq!(read(&first.json()).0, 1);
    // JD tells of no refund on this interface: staff agree to it in JD's back office, and say so.
    world.refund_by_hand(JD, "260101000001").await;
    let (state, cards) = query(&world, "260101000001").await;
    assert!(state != 1 && cards.is_empty(), "a key whose money is going back is not shown again: {state}");
    assert_eq!(order(&world, &vtp, "260101000001", 1).await, first, "an order is answered as it was");
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([("260101000001".to_owned(), keys(0..1))]));
    assert_eq!((&books.revoked, books.refunded["260101000001"]), (&books.delivered, PAID));
    world.stop().await;
}
