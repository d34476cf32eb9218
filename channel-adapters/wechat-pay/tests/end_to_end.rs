//! An own site that is paid through WeChat Pay, over real sockets, with everything going wrong that can.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod own_site;

use channel::Protocol;
use channel_world::{PRICE, Told, World, code};
use own_site::{OWN, agrees, keys, place};
use testkit::{
    Fault,
    pretend::Pretend,
    wechat_pay::{Payment, Refund, WechatPay, settings},
};

const PAY: &str = "wechat-pay/pay";
static PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_wechat_pay::PROTOCOL];

async fn open(confirm_by_query: bool) -> (World, Pretend<WechatPay>) {
    let world = World::open(PROTOCOLS).await;
    let wechat = world.pretend(WechatPay::test()).await;
    own_site::connect(&world).await;
    world.connect_sharing(PAY, &settings(&wechat.url(), confirm_by_query), Some(OWN)).await;
    world.stock(0, 5).await;
    (world, wechat)
}

async fn paid(world: &World, wechat: &Pretend<WechatPay>, order: &str) -> Told {
    world.send(PAY, &wechat.with(|books| books.paid(order, world.now()))).await
}

/// WeChat Pay says that a refund was paid.
async fn paid_back(world: &World, wechat: &Pretend<WechatPay>, order: &str, number: &str) -> Told {
    let told = world.send(PAY, &wechat.with(|books| books.paid_back(order, number, world.now()))).await;
    world.settle().await;
    told
}

/// An order that is placed on the own site and paid at WeChat Pay, which says so.
async fn buy(world: &World, wechat: &Pretend<WechatPay>, order: &str) {
    place(world, order).await;
    wechat.with(|books| books.pay(order, PRICE));
    assert_eq!(paid(world, wechat, order).await.status, 200);
    world.settle().await;
}

async fn rest(world: &World) {
    for _ in 0..4 {
        world.advance(120).await;
    }
}

async fn check(world: &World, wechat: &Pretend<WechatPay>) {
    let paid_back = wechat.with(|books| {
        let of = |(order, payment): (&String, &Payment)| {
            (order.clone(), payment.refunds.iter().map(|refund| refund.fen).sum())
        };
        books.payments.iter().map(of).collect::<Vec<(String, i64)>>()
    });
    agrees(world, paid_back).await;
    assert_eq!(wechat.with(|books| books.forged_calls), 0);
}

#[tokio::test]
async fn a_paid_order_releases_the_key_once_and_money_back_revokes_it() {
    let (world, wechat) = open(false).await;
    buy(&world, &wechat, "A-1").await;
    assert_eq!(keys(&world, "A-1").await, [code(0)]);
    let again = paid(&world, &wechat, "A-1").await;
    assert_eq!((again.status, again.json()["code"].as_str()), (200, Some("SUCCESS")));
    world.refund(OWN, "A-1", Some("R-1"), None).await;
    world.settle().await;
    for _ in 0..2 {
        assert_eq!(paid_back(&world, &wechat, "A-1", "R-1").await.status, 200);
    }
    let seen = (world.count("PaymentConfirmed").await, world.count("RefundSettled").await);
    assert_eq!((seen, world.count("KeysRevoked").await), ((1, 1), 1));
    check(&world, &wechat).await;
    world.stop().await;
}

#[tokio::test]
async fn a_notification_that_overtakes_its_order_is_taken_when_it_is_repeated() {
    let (world, wechat) = open(false).await;
    wechat.with(|books| books.pay("A-1", PRICE));
    let early = paid(&world, &wechat, "A-1").await;
    assert_eq!((early.status, early.json()["code"].as_str()), (409, Some("FAIL")));
    place(&world, "A-1").await;
    assert_eq!(paid(&world, &wechat, "A-1").await.status, 200);
    world.settle().await;
    assert_eq!(keys(&world, "A-1").await, [code(0)]);
    world.stop().await;
}

#[tokio::test]
async fn a_refund_whose_outcome_is_unknown_is_asked_about_and_paid_once() {
    let faults = [
        Fault::HangUpAfter,
        Fault::HangUpBefore,
        Fault::ErrorAfter(500),
        Fault::ErrorBefore(500),
        Fault::TooMany(30),
        Fault::WrongSignature,
    ];
    for fault in faults {
        let (world, wechat) = open(false).await;
        buy(&world, &wechat, "A-1").await;
        keys(&world, "A-1").await;
        wechat.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), Some(1_000)).await;
        rest(&world).await;
        assert_eq!(wechat.with(|books| books.payments["A-1"].refunds.len()), 1, "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("LossRecorded").await),
            (1, 1),
            "{fault:?}"
        );
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_that_was_only_accepted_is_settled_by_its_notification_or_by_asking() {
    for told in [true, false] {
        let (world, wechat) = open(false).await;
        buy(&world, &wechat, "A-1").await;
        wechat.with(|books| books.slow_refunds = true);
        world.refund(OWN, "A-1", Some("R-1"), None).await;
        rest(&world).await;
        assert_eq!(world.count("RefundSettled").await, 0);
        wechat.with(|books| books.payments.get_mut("A-1").unwrap().refunds[0].status = "SUCCESS");
        if told {
            paid_back(&world, &wechat, "A-1", "R-1").await;
            assert_eq!(world.count("RefundSettled").await, 1);
        }
        for _ in 0..8 {
            world.advance(1_800).await;
        }
        assert_eq!(world.count("RefundSettled").await, 1, "told: {told}");
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn refunds_made_in_the_back_office_are_counted_once_whatever_their_order() {
    let (world, wechat) = open(false).await;
    buy(&world, &wechat, "A-1").await;
    keys(&world, "A-1").await;
    wechat.with(|books| {
        let made = |number: &str, fen| Refund { number: number.into(), fen, status: "SUCCESS" };
        books.payments.get_mut("A-1").unwrap().refunds = vec![made("B-1", 888), made("B-2", 2_000)];
    });
    for number in ["B-2", "B-1", "B-2"] {
        assert_eq!(paid_back(&world, &wechat, "A-1", number).await.status, 200);
    }
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (2, 1));
    check(&world, &wechat).await;
    world.stop().await;
}

#[tokio::test]
async fn where_the_settings_say_so_a_payment_counts_only_when_the_query_confirms_it() {
    let (world, wechat) = open(true).await;
    place(&world, "A-1").await;
    wechat.with(|books| books.pay("A-1", PRICE));
    let notice = wechat.with(|books| books.transaction("A-1"));
    wechat.with(|books| books.payments.get_mut("A-1").unwrap().state = "NOTPAY");
    let lie = wechat.with(|books| books.notice("EV-lie", "TRANSACTION.SUCCESS", &notice, world.now()));
    assert_eq!(world.send(PAY, &lie).await.status, 200);
    for _ in 0..10 {
        world.advance(60).await;
    }
    assert_eq!((world.count("PaymentDisputed").await, world.count("KeysAllocated").await), (1, 0));
    for fault in [Fault::WrongSignature, Fault::HangUpAfter, Fault::TooMany(20)] {
        wechat.next(fault);
    }
    buy(&world, &wechat, "A-2").await;
    rest(&world).await;
    assert_eq!((keys(&world, "A-2").await.len(), wechat.faults_left()), (1, 0));
    check(&world, &wechat).await;
    world.stop().await;
}

#[tokio::test]
async fn another_amount_than_the_order_costs_releases_nothing() {
    let (world, wechat) = open(false).await;
    place(&world, "A-1").await;
    wechat.with(|books| books.pay("A-1", PRICE - 1));
    paid(&world, &wechat, "A-1").await;
    world.settle().await;
    assert!(keys(&world, "A-1").await.is_empty());
    assert_eq!(world.count("KeysAllocated").await, 0);
    world.stop().await;
}
