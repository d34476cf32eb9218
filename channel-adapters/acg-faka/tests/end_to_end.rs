//! A shop buys from us over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::collections::{BTreeMap, BTreeSet};

use channel::Protocol;
use channel_world::{Books, Keys, PRICE, Told, World, code, sha256};
use platform::{APP_ID, APP_KEY, asks};
use serde_json::{Value, json};

const SHOP: &str = "acg-faka/a";
static PROTOCOLS: &[Protocol] = &[channel_acg_faka::PROTOCOL];

async fn open() -> World {
    let world = World::open(PROTOCOLS).await;
    world.connect(SHOP, &json!({ "sell": { "app_id": APP_ID, "app_key": APP_KEY } })).await;
    world.list(SHOP, "P1").await;
    world.list(SHOP, "P1/月卡").await;
    world
}

async fn ask(world: &World, path: &str, fields: &[(&str, &str)]) -> Value {
    world.send(SHOP, &asks(path, fields)).await.json()
}

async fn trade(world: &World, number: &str, num: &str, race: &str) -> Told {
    let fields = [
        ("shared_code", "P1"),
        ("contact", "buyer@example.com"),
        ("num", num),
        ("card_id", "0"),
        ("device", "0"),
        ("race", race),
        ("request_no", number),
    ];
    world.send(SHOP, &asks("commodity/trade", &fields)).await
}

fn cards(told: &Value) -> BTreeSet<String> {
    told["data"]["secret"].as_str().unwrap_or_default().lines().map(sha256).collect()
}

#[tokio::test]
async fn an_order_is_answered_with_its_cards_once_and_a_repeat_is_the_same_reply() {
    let world = open().await;
    world.stock(0, 3).await;
    assert_eq!(ask(&world, "authentication/connect", &[]).await["data"]["shopName"], "Kami");
    let items = ask(&world, "commodity/items", &[]).await;
    assert_eq!(
        (&items["data"][0]["children"][0]["price"], &items["data"][0]["children"][0]["stock"]),
        (&json!(28.88), &json!(3))
    );
    let first = trade(&world, "R1", "2", "").await;
    let sold: BTreeSet<String> = [sha256(&code(0)), sha256(&code(1))].into();
    assert_eq!((cards(&first.json()), &first.json()["data"]["amount"]), (sold.clone(), &json!(57.76)));
    world.advance(60).await;
    assert_eq!(trade(&world, "R1", "2", "").await, first);
    assert_eq!(trade(&world, "R1", "1", "").await.json()["code"], 400, "the number is another order's");
    assert_eq!(trade(&world, "R2", "2", "").await.json()["msg"], "库存不足");
    let raced = trade(&world, "R3", "1", "月卡").await.json();
    assert_eq!(cards(&raced), [sha256(&code(2))].into());
    let number = first.json()["data"]["tradeNo"].as_str().unwrap().to_owned();
    let shown = ask(&world, "commodity/query", &[("tradeNo", &number)]).await;
    assert_eq!((cards(&shown), &shown["data"]["status"]), (sold.clone(), &json!(1)));
    assert_eq!(world.count("KeysRevealed").await, 1, "a second look is recorded");
    let books = Books::of(&world).await;
    let wanted = BTreeMap::from([("R1".to_owned(), sold), ("R3".to_owned(), cards(&raced))]);
    assert_eq!((books.delivered, books.shared.len()), (wanted, 0));
    world.stop().await;
}

#[tokio::test]
async fn forged_orders_have_no_effect_and_a_refund_by_staff_hides_the_cards() {
    let world = open().await;
    world.stock(0, 1).await;
    let mut forged = asks("commodity/trade", &[("shared_code", "P1"), ("num", "1"), ("request_no", "R0")]);
    forged.body = String::from_utf8(forged.body).unwrap().replace("num=%31", "num=%32").into_bytes();
    assert_eq!(world.send(SHOP, &forged).await.json()["msg"], "密钥错误");
    assert_eq!(world.count("OrderPlaced").await, 0);
    let sold = trade(&world, "R1", "1", "").await.json();
    // The protocol has no way to pay back: staff do it by hand, and say so.
    world.refund_by_hand(SHOP, "R1").await;
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, BTreeMap::from([("R1".to_owned(), cards(&sold))]));
    assert_eq!((&books.revoked, books.refunded["R1"]), (&books.delivered, PRICE));
    let number = sold["data"]["tradeNo"].as_str().unwrap().to_owned();
    assert_eq!(ask(&world, "commodity/query", &[("tradeNo", &number)]).await["data"]["secret"], "");
    world.stop().await;
}

/// The other shop's ledger of cards: what it read in the replies that reached it.
fn reads(theirs: &mut Keys, number: &str, told: &Told) {
    theirs.entry(number.to_owned()).or_default().extend(cards(&told.json()));
}

#[tokio::test]
async fn calls_in_the_wrong_order_and_replies_that_are_lost_leave_both_ledgers_the_same() {
    let world = open().await;
    world.stock(0, 10).await;
    let mut theirs = Keys::new();
    let stranger = "order-0198c1a0000070008000000000000001";
    let early = ask(&world, "commodity/query", &[("tradeNo", stranger)]).await;
    assert_ne!(early["code"], 200, "asked for before it is ordered: {early}");
    // Of three orders that were sent, the last arrives first, all replies are lost, and they are sent again.
    for number in ["R3", "R1", "R2"] {
        let _lost = trade(&world, number, "2", "").await;
    }
    for number in ["R1", "R2"] {
        world.advance(30).await;
        reads(&mut theirs, number, &trade(&world, number, "2", "").await);
    }
    // The third is paid back before the shop tries again: it still hears what it heard, and its cards are void.
    world.refund_by_hand(SHOP, "R3").await;
    let (again, once_more) = tokio::join!(trade(&world, "R3", "2", ""), trade(&world, "R3", "2", ""));
    assert_eq!(again, once_more);
    reads(&mut theirs, "R3", &again);
    let number = again.json()["data"]["tradeNo"].as_str().unwrap().to_owned();
    let shown = ask(&world, "commodity/query", &[("tradeNo", &number)]).await;
    assert_eq!(shown["data"]["secret"], "", "and it is shown no more");
    let books = Books::of(&world).await;
    books.agree(&theirs, &BTreeMap::from([("R3".to_owned(), 2 * PRICE)]));
    assert_eq!(books.revoked, BTreeMap::from([("R3".to_owned(), theirs["R3"].clone())]));
    assert_eq!((world.count("OrderPlaced").await, world.count("KeysAllocated").await), (3, 3));
    // An order that comes while its repeat is under way is one order.
    let (first, second, left) = tokio::join!(
        trade(&world, "R4", "1", ""),
        trade(&world, "R4", "1", ""),
        ask(&world, "commodity/stock", &[("code", "P1")])
    );
    assert_eq!(first, second);
    assert!([3, 4].contains(&left["data"]["stock"].as_i64().unwrap()), "{left}");
    reads(&mut theirs, "R4", &first);
    Books::of(&world).await.agree(&theirs, &BTreeMap::from([("R3".to_owned(), 2 * PRICE)]));
    world.stop().await;
}
