//! A real engine, a pretend Pinduoduo and a relay, over sockets.

use std::collections::BTreeSet;

use channel::Protocol;
use channel_pinduoduo::PROTOCOL;
use channel_world::{Books, Keys, World, code, sha256};
use serde_json::json;
use testkit::{
    Fault,
    pinduoduo::{self, AfterSale, Order, Pinduoduo, frame},
    pretend::Pretend,
};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const SHOP: &str = "pinduoduo/main";
const ITEM: &str = "711452345678/1622345678901";
const CONFIRMED: &str = "pdd_trade_TradeConfirmed";

fn paid(count: i64, pay: &'static str) -> Order {
    Order::paid(711_452_345_678, 1_622_345_678_901, count, pay)
}

async fn open() -> (World, Pretend<Pinduoduo>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Pinduoduo::default()).await;
    world.connect(SHOP, &pinduoduo::settings(&platform.url())).await;
    world.list(SHOP, ITEM).await;
    (world, platform)
}

async fn tell(world: &World, id: i64, kind: &str, number: &str) {
    let told = world.send(SHOP, &frame(id, kind, number, world.now())).await;
    assert_eq!((told.status, told.json()), (200, json!({"result": "kept"})));
}

fn held(platform: &Pretend<Pinduoduo>) -> Keys {
    platform.with(|p| {
        let sent = p.orders.iter().filter(|(_, order)| !order.vouchers.is_empty());
        sent.map(|(number, order)| (number.clone(), order.vouchers.iter().cloned().collect())).collect()
    })
}

#[tokio::test]
async fn a_paid_order_is_read_back_its_keys_are_sent_and_stock_follows() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    world.settle().await;
    assert_eq!(platform.with(|p| p.stock[ITEM]), 10);
    platform.with(|p| p.orders.insert("260102-1".into(), paid(2, "57.76")));
    tell(&world, 1, CONFIRMED, "260102-1").await;
    world.settle().await;
    let order = platform.with(|p| p.orders["260102-1"].clone());
    assert_eq!((order.status, order.vouchers), (2, vec![sha256(&code(0)), sha256(&code(1))]));
    tell(&world, 2, "pdd_trade_TradeSellerShip", "260102-1").await;
    world.advance(60).await;
    assert_eq!(platform.with(|p| (p.stock[ITEM], p.forged_calls)), (8, 0));
    assert_eq!(Books::of(&world).await.delivered, held(&platform));
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_not_paid_confirmed_and_free_of_after_sales_gets_no_key() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    platform.with(|p| {
        p.orders.insert("260102-1".into(), Order { confirm: 0, ..paid(1, "28.88") });
        p.orders.insert("260102-2".into(), Order { refund_status: 2, ..paid(1, "28.88") });
        p.orders.insert("260102-3".into(), Order { confirm: 2, ..paid(1, "28.88") });
    });
    for (id, number) in [(1, "260102-1"), (2, "260102-2"), (3, "260102-3")] {
        tell(&world, id, CONFIRMED, number).await;
    }
    world.advance(60).await;
    assert_eq!((world.count("KeysAllocated").await, held(&platform).len()), (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn with_doubled_and_overtaking_messages_and_calls_that_fail_the_books_agree() {
    let (world, platform) = open().await;
    world.stock(0, 100).await;
    world.settle().await;
    let faults = [
        Fault::HangUpAfter,
        Fault::ErrorAfter(502),
        Fault::TooMany(5),
        Fault::HangUpBefore,
        Fault::WrongSignature,
        Fault::ErrorBefore(503),
    ];
    for at in 0..12_usize {
        let number = format!("260102-{at}");
        platform.with(|p| p.orders.insert(number.clone(), paid(1 + at as i64 % 3, "28.88")));
        let id = at as i64 * 10;
        tell(&world, id + 2, "pdd_trade_TradeRiskChanged", &number).await;
        if at % 2 == 0 {
            // Let the read-back through, so that the fault meets what follows it.
            world.settle().await;
            platform.next(faults[at / 2]);
        } else {
            platform.next(faults[at / 2]);
            world.settle().await;
        }
        tell(&world, id + 1, CONFIRMED, &number).await;
        tell(&world, id + 1, CONFIRMED, &number).await;
        world.advance(10).await;
    }
    for _ in 0..40 {
        world.advance(120).await;
    }
    let books = Books::of(&world).await;
    assert_eq!(platform.faults_left(), 0);
    assert!(books.shared.is_empty());
    let held = held(&platform);
    assert_eq!((held.len(), &held), (12, &books.delivered));
    let all: Vec<&String> = held.values().flatten().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a key went to two orders");
    assert!(platform.with(|p| p.orders.values().all(|order| order.sends == 1)));
    world.stop().await;
}

#[tokio::test]
async fn an_answer_lost_after_the_vouchers_were_sent_is_asked_about_and_not_sent_again() {
    for fault in [Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        platform.with(|p| p.orders.insert("260102-1".into(), paid(1, "28.88")));
        tell(&world, 1, CONFIRMED, "260102-1").await;
        world.settle().await;
        // The order waits for keys; whichever of the two next calls the fault meets, the other repeats safely.
        platform.next(fault);
        platform.next(fault);
        world.stock(0, 1).await;
        world.settle().await;
        for _ in 0..10 {
            world.advance(60).await;
        }
        let sends = platform.with(|p| p.orders["260102-1"].sends);
        assert_eq!((sends, world.count("OrderDelivered").await), (1, 1), "{fault:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_that_staff_agree_to_is_agreed_at_the_platform_once_and_the_key_is_revoked() {
    for fault in [None, Some(Fault::HangUpAfter), Some(Fault::ErrorAfter(502)), Some(Fault::TooMany(3))] {
        let (world, platform) = open().await;
        world.stock(0, 5).await;
        platform.with(|p| p.orders.insert("260102-1".into(), paid(1, "28.88")));
        tell(&world, 1, CONFIRMED, "260102-1").await;
        world.advance(60).await;
        let asked = AfterSale { order: "260102-1".into(), status: 2, amount: "28.88".into(), updated: 0 };
        platform.with(|p| p.after_sales.insert(30_185, asked));
        if let Some(fault) = fault {
            platform.next(fault);
        }
        world.refund(SHOP, "260102-1", Some("30185"), None).await;
        for _ in 0..5 {
            world.advance(60).await;
        }
        assert_eq!(platform.with(|p| (p.after_sales[&30_185].status, p.agreed)), (10, 1), "{fault:?}");
        assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
        assert_eq!(Books::of(&world).await.refunded["260102-1"], 2_888);
        world.stop().await;
    }
}

#[tokio::test]
async fn an_order_that_the_relay_lost_is_found_by_the_list_and_a_late_message_changes_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    platform.with(|p| p.orders.insert("260102-1".into(), paid(2, "57.76")));
    world.minutes(3).await;
    let found = world.found_by(SHOP, "orders").await;
    assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
    assert_eq!(Books::of(&world).await.delivered, held(&platform));
    tell(&world, 1, CONFIRMED, "260102-1").await;
    world.minutes(10).await;
    let sends = platform.with(|p| p.orders["260102-1"].sends);
    assert_eq!((sends, world.count("OrderPlaced").await, world.count("KeysAllocated").await), (1, 1, 1));
    assert_eq!(platform.with(|p| p.forged_calls), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_refund_that_only_the_list_tells_of_is_agreed_to_once_whichever_call_is_lost() {
    for lost in 0..3 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature]
        {
            let (world, platform) = open().await;
            world.stock(0, 5).await;
            platform.with(|p| p.orders.insert("260102-1".into(), paid(1, "28.88")));
            world.minutes(2).await;
            platform.with(|p| p.want_back(30_185, "260102-1", world.now()));
            platform.after(lost, fault);
            world.minutes(12).await;
            assert_eq!((world.count("RefundRequested").await, platform.faults_left()), (1, 0));
            platform.after(lost, fault);
            world.refund(SHOP, "260102-1", Some("30185"), None).await;
            world.minutes(12).await;
            assert_eq!(
                platform.with(|p| (p.after_sales[&30_185].status, p.agreed)),
                (10, 1),
                "{lost} {fault:?}"
            );
            // The list tells of what we agreed to, and nothing is counted twice.
            assert_eq!(world.count("RefundSettled").await, 1, "{lost} {fault:?}");
            assert_eq!(world.count("KeysRevoked").await, 1, "{lost} {fault:?}");
            let books = Books::of(&world).await;
            assert_eq!((books.refunded["260102-1"], books.asked.len()), (2_888, 0), "{lost} {fault:?}");
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn money_asked_back_while_keys_are_missing_is_agreed_to_at_once_and_no_key_leaves() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        platform.with(|p| p.orders.insert("260102-1".into(), paid(1, "28.88")));
        world.minutes(2).await;
        platform.with(|p| p.want_back(30_185, "260102-1", world.now()));
        platform.after(2, fault);
        world.minutes(12).await;
        assert_eq!((world.count("OrderPlaced").await, world.count("RefundRequested").await), (1, 1));
        world.stock(0, 1).await;
        world.minutes(4).await;
        assert_eq!((platform.with(|p| p.agreed), held(&platform).len()), (1, 0), "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysAllocated").await),
            (1, 0),
            "{fault:?}"
        );
        assert_eq!(Books::of(&world).await.refunded["260102-1"], 2_888);
        world.stop().await;
    }
}
