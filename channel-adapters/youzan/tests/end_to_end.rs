//! A real engine and a pretend Youzan, over sockets.

mod platform;

use channel::Protocol;
use channel_world::{Books, World};
use channel_youzan::PROTOCOL;
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

use platform::{CLIENT, Order, SECRET, Youzan, push};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const SHOP: &str = "youzan/main";
const ITEM: &str = "415/36";
const PAID: &str = "trade_TradeBuyerPay";

async fn open() -> (World, Pretend<Youzan>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Youzan::default()).await;
    let settings = json!({"client_id": CLIENT, "client_secret": SECRET, "kdt_id": 63077, "access_token": "tok0001",
        "base_url": platform.url()});
    world.connect(SHOP, &settings).await;
    world.list(SHOP, ITEM).await;
    (world, platform)
}

async fn tell(world: &World, tid: &str, version: i64) {
    let told = world.send(SHOP, &push(PAID, tid, version)).await;
    assert_eq!((told.status, told.json()), (200, json!({"code": 0, "msg": "success"})));
}

#[tokio::test]
async fn a_paid_order_is_read_back_marked_shipped_once_and_stock_follows() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    world.settle().await;
    assert_eq!(platform.with(|p| p.stock[ITEM]), 10);
    platform.with(|p| p.orders.insert("E1".into(), Order::paid(2, "57.76")));
    for version in [1, 1, 2] {
        tell(&world, "E1", version).await;
        world.advance(60).await;
    }
    let order = platform.with(|p| p.orders["E1"].clone());
    assert_eq!((order.status, order.shipped), ("WAIT_BUYER_CONFIRM_GOODS", 1));
    assert_eq!(platform.with(|p| (p.stock[ITEM], p.forged_calls)), (8, 0));
    assert_eq!(Books::of(&world).await.delivered["E1"].len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn virtual_goods_are_shipped_by_the_platform_and_their_keys_are_due_all_the_same() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    let order = Order { status: "TRADE_SUCCESS", is_virtual: true, ..Order::paid(2, "57.76") };
    platform.with(|p| p.orders.insert("E1".into(), order));
    tell(&world, "E1", 1).await;
    world.advance(60).await;
    assert_eq!((world.count("KeysAllocated").await, platform.with(|p| p.orders["E1"].shipped)), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_not_paid_or_closed_gets_no_key() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    platform.with(|p| {
        for (tid, status) in
            [("E1", "WAIT_BUYER_PAY"), ("E2", "WAIT_CONFIRM"), ("E3", "TRADE_CLOSED"), ("E4", "NEW")]
        {
            p.orders.insert(tid.into(), Order { status, ..Order::paid(1, "28.88") });
        }
    });
    for tid in ["E1", "E2", "E3", "E4", "E5"] {
        tell(&world, tid, 1).await;
    }
    world.advance(60).await;
    assert_eq!(world.count("KeysAllocated").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn with_doubled_pushes_and_calls_that_fail_every_order_is_shipped_once_and_the_log_agrees() {
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
        let tid = format!("E{at}");
        platform.with(|p| p.orders.insert(tid.clone(), Order::paid(1 + at as i64 % 3, "28.88")));
        if at % 2 == 0 {
            tell(&world, &tid, 2).await;
            platform.next(faults[at / 2]);
        } else {
            platform.next(faults[at / 2]);
            tell(&world, &tid, 2).await;
        }
        tell(&world, &tid, 2).await;
        tell(&world, &tid, 1).await;
        world.advance(10).await;
    }
    for _ in 0..40 {
        world.advance(120).await;
    }
    let books = Books::of(&world).await;
    assert!(books.shared.is_empty() && platform.faults_left() == 0);
    let shipped = platform.with(|p| p.orders.values().map(|order| order.shipped).collect::<Vec<_>>());
    assert_eq!((shipped, books.delivered.len()), (vec![1; 12], 12));
    assert_eq!(platform.with(|p| p.forged_calls), 0);
    world.stop().await;
}

#[tokio::test]
async fn an_answer_lost_after_the_order_was_marked_shipped_is_asked_about_and_not_sent_again() {
    for fault in [Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        platform.with(|p| p.orders.insert("E1".into(), Order::paid(1, "28.88")));
        tell(&world, "E1", 1).await;
        world.settle().await;
        platform.next(fault);
        platform.next(fault);
        world.stock(0, 1).await;
        for _ in 0..10 {
            world.advance(60).await;
        }
        let shipped = platform.with(|p| p.orders["E1"].shipped);
        assert_eq!((shipped, world.count("OrderDelivered").await), (1, 1), "{fault:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn an_order_whose_push_was_lost_is_found_by_the_list_and_a_late_push_changes_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    platform.with(|p| p.orders.insert("E1".into(), Order::paid(2, "57.76")));
    world.minutes(3).await;
    let found = world.found_by(SHOP, "orders").await;
    assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
    assert_eq!(Books::of(&world).await.delivered["E1"].len(), 2);
    tell(&world, "E1", 1).await;
    world.minutes(10).await;
    let shipped = platform.with(|p| p.orders["E1"].shipped);
    assert_eq!((shipped, world.count("OrderPlaced").await, world.count("KeysAllocated").await), (1, 1, 1));
    assert_eq!(platform.with(|p| p.forged_calls), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_refund_that_a_buyer_asked_for_is_agreed_to_once_whichever_call_is_lost() {
    for lost in 0..3 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature]
        {
            let (world, platform) = open().await;
            world.stock(0, 5).await;
            platform.with(|p| p.orders.insert("E1".into(), Order::paid(1, "28.88")));
            tell(&world, "E1", 1).await;
            world.minutes(2).await;
            platform.with(|p| p.want_back("9001", "E1", world.now()));
            // The order's list and the refunds' list both tell; the order's reading takes two calls.
            platform.after(lost, fault);
            world.minutes(6).await;
            assert_eq!(
                (world.count("RefundRequested").await, platform.faults_left()),
                (1, 0),
                "{lost} {fault:?}"
            );
            platform.after(lost, fault);
            world.refund(SHOP, "E1", Some("9001"), None).await;
            world.minutes(12).await;
            assert_eq!(
                platform.with(|p| (p.refunds["9001"].status, p.agreed)),
                ("SUCCESS", 1),
                "{lost} {fault:?}"
            );
            // The lists tell of what we agreed to, and nothing is counted twice.
            assert_eq!(world.count("RefundSettled").await, 1, "{lost} {fault:?}");
            assert_eq!(world.count("KeysRevoked").await, 1, "{lost} {fault:?}");
            let books = Books::of(&world).await;
            assert_eq!((books.refunded["E1"], books.asked.len()), (2_888, 0), "{lost} {fault:?}");
            assert_eq!((platform.faults_left(), platform.with(|p| p.forged_calls)), (0, 0));
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn money_asked_back_while_keys_are_missing_is_agreed_to_at_once_and_no_key_leaves() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        platform.with(|p| p.orders.insert("E1".into(), Order::paid(1, "28.88")));
        world.minutes(2).await;
        platform.with(|p| p.want_back("9001", "E1", world.now()));
        platform.after(2, fault);
        world.minutes(12).await;
        assert_eq!((world.count("OrderPlaced").await, world.count("RefundRequested").await), (1, 1));
        world.stock(0, 1).await;
        world.minutes(4).await;
        assert_eq!(platform.with(|p| (p.agreed, p.orders["E1"].shipped)), (1, 0), "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysAllocated").await),
            (1, 0),
            "{fault:?}"
        );
        assert_eq!(Books::of(&world).await.refunded["E1"], 2_888);
        world.stop().await;
    }
}
