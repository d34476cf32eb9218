//! A shop on a real engine and sockets against a pretend Douyin.

use std::collections::BTreeMap;

use channel::Protocol;
use channel_world::{Books, PRICE, World};
use serde_json::{Value, json};
use testkit::{
    Fault,
    douyin::{self, Douyin, push},
    pretend::Pretend,
};

const SHOP_NAME: &str = "douyin/main";
const ORDER: i64 = 4_837_328_765_348_566_675;
const SALE: i64 = 7_291_234_567_890_123_456;
static PROTOCOLS: &[Protocol] = &[channel_douyin::PROTOCOL];

async fn open() -> (World, Pretend<Douyin>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Douyin::default()).await;
    world.connect(SHOP_NAME, &douyin::settings(&platform.url())).await;
    world.list(SHOP_NAME, "VIP-30").await;
    (world, platform)
}

async fn tell(world: &World, messages: &[Value]) {
    let told = world.send(SHOP_NAME, &push(messages)).await;
    assert_eq!((told.status, told.text().as_str()), (200, r#"{"code":0,"msg":"success"}"#));
}

async fn later(world: &World, minutes: u32) {
    for _ in 0..minutes {
        world.advance(60).await;
    }
}

/// Douyin's books and the log say the same.
async fn agree(world: &World, douyin: &Pretend<Douyin>) {
    let books = Books::of(world).await;
    let (coupons, refunded, forged) = douyin.with(|d| (d.coupons.clone(), d.refunded(), d.forged_calls));
    assert_eq!(books.delivered, coupons);
    let ours: BTreeMap<String, i64> = books.refunded.into_iter().filter(|(_, minor)| *minor > 0).collect();
    assert_eq!(ours, refunded);
    assert!(books.shared.is_empty());
    assert_eq!(forged, 0);
}

#[tokio::test]
async fn a_paid_order_is_read_back_delivered_shown_in_stock_and_refunded() {
    let (world, douyin) = open().await;
    world.stock(0, 5).await;
    world.settle().await;
    assert_eq!(douyin.with(|d| d.stock["VIP-30"].0), 5);
    let now = world.now().secs();
    let paid = douyin.with(|d| {
        d.sell(ORDER, 2, PRICE, now);
        [d.trade("100", ORDER), d.trade("101", ORDER)]
    });
    tell(&world, &paid).await;
    later(&world, 3).await;
    assert_eq!(douyin.with(|d| (d.coupons[&ORDER.to_string()].len(), d.stock["VIP-30"].0)), (2, 3));
    agree(&world, &douyin).await;

    let wanted = douyin.with(|d| {
        d.want_back(SALE, ORDER, now + 600);
        [d.refund("200", SALE)]
    });
    tell(&world, &wanted).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundRequested").await, world.count("RefundSettled").await), (1, 0));
    let settled = douyin.with(|d| {
        d.pay_back(SALE, now + 1_200);
        [d.refund("201", SALE), d.refund("206", SALE)]
    });
    tell(&world, &settled).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    agree(&world, &douyin).await;
    world.stop().await;
}

#[tokio::test]
async fn pushes_that_repeat_and_overtake_each_other_change_nothing() {
    let (world, douyin) = open().await;
    world.stock(0, 5).await;
    let now = world.now().secs();
    let (paid, shipped, wanted, settled) = douyin.with(|d| {
        d.sell(ORDER, 1, PRICE, now);
        d.sell(ORDER + 1, 1, PRICE, now);
        d.want_back(SALE, ORDER + 1, now);
        d.pay_back(SALE, now + 60);
        let paid = d.trade("101", ORDER);
        (paid, d.trade("102", ORDER), d.refund("200", SALE), d.refund("206", SALE))
    });
    for batch in [[&settled, &shipped], [&paid, &wanted], [&paid, &paid], [&settled, &settled]] {
        tell(&world, &batch.map(Value::clone)).await;
        later(&world, 2).await;
    }
    // The order that was paid back before anybody heard of it is never taken.
    let late = douyin.with(|d| [d.trade("101", ORDER + 1)]);
    tell(&world, &late).await;
    later(&world, 3).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 1));
    let books = Books::of(&world).await;
    assert_eq!(books.delivered, douyin.with(|d| d.coupons.clone()));
    assert_eq!(douyin.with(|d| d.deliveries), 1);
    world.stop().await;
}

#[tokio::test]
async fn whatever_goes_wrong_with_a_call_every_order_is_delivered_once() {
    let (world, douyin) = open().await;
    world.stock(0, 30).await;
    world.settle().await;
    let faults = [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorBefore(502),
        Fault::ErrorAfter(500),
        Fault::TooMany(3),
        Fault::WrongSignature,
    ];
    for (n, fault) in (0_i64..).zip(faults) {
        let number = ORDER + 10 * n;
        let now = world.now().secs();
        let paid = douyin.with(|d| {
            d.sell(number, 1, PRICE, now);
            [d.trade("101", number)]
        });
        // Reading, delivering and publishing stock each meet the fault, in whatever order they come.
        for _ in 0..3 {
            douyin.next(fault);
        }
        tell(&world, &paid).await;
        later(&world, 60).await;
        assert_eq!(douyin.faults_left(), 0, "{fault:?}");
        agree(&world, &douyin).await;
        assert_eq!(douyin.with(|d| d.coupons.len() as i64), n + 1, "{fault:?}");
    }
    assert_eq!(douyin.with(|d| d.stock["VIP-30"].0), 24);
    world.stop().await;
}

#[tokio::test]
async fn a_forged_push_and_one_of_another_shop_change_nothing() {
    let (world, douyin) = open().await;
    let paid = douyin.with(|d| {
        d.sell(ORDER, 1, PRICE, 1);
        d.trade("101", ORDER)
    });
    let mut forged = push(&[paid]);
    forged.headers.last_mut().unwrap().1.replace_range(0..1, "z");
    assert_eq!(world.send(SHOP_NAME, &forged).await.status, 401);
    let foreign = json!({ "tag": "101", "msg_id": "1", "data": r#"{"p_id":5,"shop_id":1}"# });
    assert_eq!(world.send(SHOP_NAME, &push(&[foreign])).await.status, 400);
    world.settle().await;
    assert_eq!(world.count("OrderPlaced").await, 0);
    world.stop().await;
}

/// A buyer wants the money of a delivered order back, which only the list tells.
async fn sold_and_wanted_back(world: &World, douyin: &Pretend<Douyin>) {
    world.stock(0, 5).await;
    let now = world.now().secs();
    let paid = douyin.with(|d| {
        d.sell(ORDER, 1, PRICE, now);
        [d.trade("101", ORDER)]
    });
    tell(world, &paid).await;
    later(world, 2).await;
    douyin.with(|d| d.want_back(SALE, ORDER, world.now().secs()));
    later(world, 6).await;
    let found = world.found_by(SHOP_NAME, "after_sales").await;
    assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
    assert_eq!((world.count("OrderDelivered").await, world.count("RefundRequested").await), (1, 1));
}

#[tokio::test]
async fn an_order_whose_push_was_lost_is_found_by_the_list_and_a_late_push_changes_nothing() {
    let (world, douyin) = open().await;
    world.stock(0, 5).await;
    douyin.with(|d| d.sell(ORDER, 2, PRICE, world.now().secs() + 1));
    later(&world, 12).await;
    let found = world.found_by(SHOP_NAME, "orders").await;
    assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
    agree(&world, &douyin).await;
    let late = douyin.with(|d| [d.trade("100", ORDER), d.trade("101", ORDER)]);
    tell(&world, &late).await;
    later(&world, 12).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("KeysAllocated").await), (1, 1));
    assert_eq!((douyin.with(|d| d.deliveries), Books::of(&world).await.delivered.len()), (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn an_after_sale_is_agreed_to_once_whatever_becomes_of_the_call_and_the_key_is_revoked() {
    let faults = [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorAfter(500),
        Fault::WrongSignature,
        Fault::TooMany(5),
    ];
    for fault in faults {
        for lost in 0..2 {
            let (world, douyin) = open().await;
            sold_and_wanted_back(&world, &douyin).await;
            douyin.after(lost, fault);
            world.refund(SHOP_NAME, &ORDER.to_string(), Some(&SALE.to_string()), None).await;
            later(&world, 12).await;
            assert_eq!(douyin.with(|d| d.agreed), 1, "{lost} {fault:?}");
            // The list tells of what we agreed to, and nothing is counted twice.
            assert_eq!(world.count("RefundSettled").await, 1, "{lost} {fault:?}");
            assert_eq!((world.count("KeysRevoked").await, douyin.faults_left()), (1, 0), "{lost} {fault:?}");
            agree(&world, &douyin).await;
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn money_asked_back_while_keys_are_missing_is_agreed_to_at_once_and_no_key_leaves() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, douyin) = open().await;
        douyin.with(|d| d.sell(ORDER, 1, PRICE, world.now().secs() + 1));
        later(&world, 6).await;
        let wanted = douyin.with(|d| {
            d.want_back(SALE, ORDER, world.now().secs());
            [d.refund("200", SALE)]
        });
        douyin.after(1, fault);
        tell(&world, &wanted).await;
        later(&world, 12).await;
        assert_eq!((world.count("OrderPlaced").await, world.count("RefundRequested").await), (1, 1));
        world.stock(0, 1).await;
        later(&world, 6).await;
        assert_eq!(douyin.with(|d| (d.agreed, d.deliveries)), (1, 0), "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysAllocated").await),
            (1, 0),
            "{fault:?}"
        );
        agree(&world, &douyin).await;
        world.stop().await;
    }
}
