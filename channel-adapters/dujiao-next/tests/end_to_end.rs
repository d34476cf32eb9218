//! A shop buys from us over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::collections::{BTreeMap, BTreeSet};

use channel::Protocol;
use channel_world::{Books, PRICE, Told, World, code, sha256};
use platform::{Downstream, KEY, SECRET, asks};
use serde_json::{Value, json};
use testkit::{Fault, pretend::Pretend};

const SHOP: &str = "dujiao-next/a";
static PROTOCOLS: &[Protocol] = &[channel_dujiao_next::PROTOCOL];

async fn open(wait_for_stock: bool) -> (World, Pretend<Downstream>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Downstream::default()).await;
    let settings = json!({ "sell": { "api_key": KEY, "api_secret": SECRET, "wait_for_stock": wait_for_stock,
        "callback_prefixes": [format!("{}/api/", shop.url())] } });
    world.connect(SHOP, &settings).await;
    world.list(SHOP, "7").await;
    (world, shop)
}

async fn ask(world: &World, method: &'static str, path: &str, body: Option<&Value>) -> Told {
    world.send(SHOP, &asks(method, path, body, world.now())).await
}

async fn buy(world: &World, shop: Option<&Pretend<Downstream>>, number: &str, quantity: u32) -> Told {
    let mut body = json!({ "sku_id": 7, "quantity": quantity, "downstream_order_no": number });
    if let Some(shop) = shop {
        body["callback_url"] = json!(format!("{}/api/my-callback", shop.url()));
    }
    ask(world, "POST", "/orders", Some(&body)).await
}

fn keys(numbers: std::ops::Range<u32>) -> BTreeSet<String> {
    numbers.map(|n| sha256(&code(n))).collect()
}

fn path(told: &Told) -> String {
    format!("/orders/{}", told.json()["order_id"])
}

#[tokio::test]
async fn a_shop_reads_the_catalogue_orders_and_is_called_back_with_the_keys_whatever_goes_wrong() {
    let (world, shop) = open(false).await;
    world.stock(0, 3).await;
    assert_eq!(ask(&world, "POST", "/ping", None).await.json()["ok"], true);
    let products = ask(&world, "GET", "/products?page=1&page_size=100", None).await.json();
    let sku = &products["items"][0]["skus"][0];
    assert_eq!(
        (&sku["id"], &sku["stock_quantity"], &sku["price_amount"]),
        (&json!(7), &json!(3), &json!("28.88"))
    );
    for fault in [Fault::TooMany(30), Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        shop.next(fault);
    }
    let first = buy(&world, Some(&shop), "A-1", 2).await;
    assert_eq!(
        (first.status, &first.json()["status"], &first.json()["amount"]),
        (200, &json!("paid"), &json!("57.76"))
    );
    assert!(!first.text().contains("KEY-"));
    world.settle().await;
    for _ in 0..6 {
        world.advance(120).await;
    }
    assert_eq!(buy(&world, Some(&shop), "A-1", 2).await, first, "the same number gives the first order");
    let (state, cards, times) = shop.with(|shop| shop.told["A-1"].clone());
    assert_eq!((state.as_str(), &cards, times), ("delivered", &keys(0..2), 4));
    let shown = ask(&world, "GET", &path(&first), None).await.json();
    let payload: BTreeSet<String> =
        shown["fulfillment"]["payload"].as_str().unwrap().lines().map(sha256).collect();
    assert_eq!(
        (&shown["status"], &payload),
        (&json!("delivered"), &cards),
        "the query says what the callback said"
    );
    assert_eq!(buy(&world, Some(&shop), "A-2", 2).await.status, 409, "one is left");
    assert_eq!(buy(&world, Some(&shop), "A-1", 1).await.status, 400, "the number is another order's");
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([(first.json()["order_id"].to_string(), cards)]));
    assert_eq!((shop.with(|shop| shop.forged_calls), shop.faults_left(), books.shared.len()), (0, 0, 0));
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_shop_without_an_address_fetches_its_keys_and_every_look_is_recorded() {
    let (world, _shop) = open(false).await;
    world.stock(0, 2).await;
    let first = buy(&world, None, "A-1", 1).await;
    world.settle().await;
    assert_eq!(world.count("OrderDelivered").await, 0);
    for (times, recorded) in [(1, "OrderDelivered"), (1, "KeysRevealed")] {
        let shown = ask(&world, "GET", &path(&first), None).await.json();
        assert_eq!(shown["fulfillment"]["payload"], code(0));
        assert_eq!(world.count(recorded).await, times);
    }
    assert_eq!(ask(&world, "GET", "/orders/12345", None).await.status, 404);
    let refused = ask(&world, "POST", &format!("{}/cancel", path(&first)), None).await;
    assert_eq!((refused.status, &refused.json()["error_code"]), (409, &json!("cancel_not_allowed")));
    world.refund(SHOP, &first.json()["order_id"].to_string(), None, Some(PRICE)).await;
    world.settle().await;
    let shown = ask(&world, "GET", &path(&first), None).await.json();
    assert_eq!((world.count("RefundDue").await, shown.get("fulfillment")), (1, None));
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_waits_for_stock_is_delivered_later_or_cancelled_in_time() {
    let (world, shop) = open(true).await;
    let (kept, cancelled) =
        (buy(&world, Some(&shop), "A-1", 1).await, buy(&world, Some(&shop), "A-2", 1).await);
    assert_eq!((&kept.json()["status"], kept.status), (&json!("paid"), 200));
    let gone = ask(&world, "POST", &format!("{}/cancel", path(&cancelled)), None).await;
    assert_eq!((gone.status, &gone.json()["status"]), (200, &json!("canceled")));
    world.stock(0, 5).await;
    world.settle().await;
    let told = shop.with(|shop| shop.told.clone());
    assert_eq!(
        told.get("A-1").map(|(state, cards, _)| (state.as_str(), cards.len())),
        Some(("delivered", 1))
    );
    assert!(!told.contains_key("A-2"));
    assert_eq!(ask(&world, "GET", &path(&cancelled), None).await.json()["status"], "canceled");
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([(kept.json()["order_id"].to_string(), keys(0..1))]));
    world.stop().await;
}

#[tokio::test]
async fn a_forged_order_has_no_effect() {
    let (world, _shop) = open(false).await;
    world.stock(0, 1).await;
    let mut forged = asks(
        "POST",
        "/orders",
        Some(&json!({ "sku_id": 7, "quantity": 1,
        "downstream_order_no": "A-1" })),
        world.now(),
    );
    forged.body.push(b' ');
    assert_eq!(world.send(SHOP, &forged).await.status, 401);
    let stale = asks("POST", "/ping", None, world.now().plus_secs(-61));
    assert_eq!(world.send(SHOP, &stale).await.status, 401);
    assert_eq!(world.count("OrderPlaced").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_paid_back_by_hand_loses_its_keys_whatever_is_repeated_or_lost() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, shop) = open(false).await;
        world.stock(0, 3).await;
        shop.next(fault);
        let first = buy(&world, Some(&shop), "A-1", 2).await;
        assert_eq!(buy(&world, Some(&shop), "A-1", 2).await, first);
        for _ in 0..3 {
            world.advance(120).await;
        }
        let left = ask(&world, "GET", "/products?page=1&page_size=100", None).await.json();
        assert_eq!(left["items"][0]["skus"][0]["stock_quantity"], 1, "{fault:?}");
        // The protocol has no way to pay back: staff do it at the other shop's wallet, and say so.
        let number = first.json()["order_id"].to_string();
        world.refund_by_hand(SHOP, &number).await;
        assert_eq!(buy(&world, Some(&shop), "A-1", 2).await, first, "{fault:?}: a repeat is the same reply");
        let shown = ask(&world, "GET", &path(&first), None).await.json();
        assert_eq!((&shown["status"], shown.get("fulfillment")), (&json!("refunded"), None), "{fault:?}");
        let books = Books::of(&world).await;
        let theirs = shop.with(|shop| shop.told["A-1"].1.clone());
        assert_eq!(books.delivered, BTreeMap::from([(number.clone(), theirs)]), "{fault:?}");
        assert_eq!(books.revoked, books.delivered, "{fault:?}");
        assert_eq!(books.refunded, BTreeMap::from([(number, 2 * PRICE)]), "{fault:?}");
        world.stop().await;
    }
}

/// The number under which a shop's order will be known here.
async fn number_of(order: &str) -> String {
    let (elsewhere, _shop) = open(true).await;
    let number = buy(&elsewhere, None, order, 1).await.json()["order_id"].to_string();
    elsewhere.stop().await;
    number
}

async fn cancel(world: &World, number: &str) -> Told {
    ask(world, "POST", &format!("/orders/{number}/cancel"), None).await
}

#[tokio::test]
async fn calls_and_callbacks_that_overtake_each_other_leave_both_ledgers_the_same() {
    let numbers = [number_of("A-0").await, number_of("A-1").await, number_of("A-2").await];
    let [early, kept, dropped] = &numbers;
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, shop) = open(true).await;
        // Asked for and called off before it is made: it is made, and no key is bound to it.
        assert_eq!(ask(&world, "GET", &format!("/orders/{early}"), None).await.status, 404);
        assert_eq!(cancel(&world, early).await.json()["status"], "canceled");
        let made = buy(&world, Some(&shop), "A-0", 1).await.json();
        assert_eq!((&made["ok"], &made["error_code"]), (&json!(false), &json!("payment_failed")));
        // Of two orders the second arrives first, and is called off before it is repeated.
        let second = buy(&world, Some(&shop), "A-2", 1).await;
        let first = buy(&world, Some(&shop), "A-1", 2).await;
        assert_eq!(cancel(&world, dropped).await.json()["status"], "canceled");
        assert_eq!(buy(&world, Some(&shop), "A-2", 1).await, second);
        // The callback's answer is lost: the cards may have left, so the order cannot be called off any more.
        shop.next(fault);
        world.stock(0, 6).await;
        world.settle().await;
        let refused = cancel(&world, kept).await;
        assert_eq!(
            (refused.status, &refused.json()["error_code"]),
            (409, &json!("cancel_not_allowed")),
            "{fault:?}"
        );
        world.minutes(20).await;
        assert_eq!(ask(&world, "GET", &format!("/orders/{kept}"), None).await.json()["status"], "delivered");
        assert_eq!(buy(&world, Some(&shop), "A-1", 2).await, first, "{fault:?}");
        for (number, refund) in [(early, "late-A-0"), (dropped, "cancelled")] {
            world.settle_refund(SHOP, number, refund).await;
        }
        world.refund_by_hand(SHOP, kept).await;
        assert_eq!(cancel(&world, kept).await.status, 409, "{fault:?}: a repeat hears what it heard");
        world.minutes(20).await;
        let theirs = shop.with(|shop| shop.told.clone());
        assert_eq!(theirs.keys().collect::<Vec<_>>(), ["A-1"], "{fault:?}");
        let held = BTreeMap::from([(kept.clone(), theirs["A-1"].1.clone())]);
        let back = [(early, PRICE), (dropped, PRICE), (kept, 2 * PRICE)];
        let books = Books::of(&world).await;
        books.agree(&held, &back.map(|(number, fen)| (number.clone(), fen)).into());
        assert_eq!((&books.revoked, world.count("KeysAllocated").await), (&held, 1), "{fault:?}");
        assert_eq!((shop.with(|shop| shop.forged_calls), shop.faults_left()), (0, 0), "{fault:?}");
        world.stop().await;
    }
}
