//! An own site that is paid through Alipay, over real sockets, with everything going wrong that can.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod own_site;
mod platform;

use channel::Protocol;
use channel_world::{PRICE, World, code};
use own_site::{OWN, agrees, keys, place};
use platform::{Books, sent};
use testkit::{Fault, pretend::Pretend};

const PAY: &str = "alipay/pay";
static PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_alipay::PROTOCOL];

async fn open(confirm_by_query: bool) -> (World, Pretend<Books>) {
    let world = World::open(PROTOCOLS).await;
    let alipay = world.pretend(Books::default()).await;
    own_site::connect(&world).await;
    world.connect_sharing(PAY, &platform::settings(&alipay.url(), confirm_by_query), Some(OWN)).await;
    world.stock(0, 5).await;
    (world, alipay)
}

/// Alipay notifies of a trade as it stands; gives back what it was answered.
async fn notice(
    world: &World,
    alipay: &Pretend<Books>,
    id: &str,
    order: &str,
    refund: Option<&str>,
) -> String {
    let fields = alipay.with(|books| books.notice(id, order, refund));
    let told = world.send(PAY, &sent(&fields)).await.text();
    world.settle().await;
    told
}

/// An order that is placed on the own site and paid at Alipay, which says so.
async fn buy(world: &World, alipay: &Pretend<Books>, order: &str) {
    place(world, order).await;
    alipay.with(|books| books.pay(order, PRICE, "TRADE_SUCCESS"));
    assert_eq!(notice(world, alipay, &format!("paid-{order}"), order, None).await, "success");
}

async fn rest(world: &World) {
    for _ in 0..4 {
        world.advance(120).await;
    }
}

async fn check(world: &World, alipay: &Pretend<Books>) {
    let paid_back = alipay.with(|books| {
        let of = |(order, trade): (&String, &platform::Trade)| (order.clone(), trade.paid_back());
        books.trades.iter().map(of).collect::<Vec<(String, i64)>>()
    });
    agrees(world, paid_back).await;
    assert_eq!(alipay.with(|books| books.forged_calls), 0);
}

#[tokio::test]
async fn a_paid_trade_releases_the_key_once_and_money_back_revokes_it() {
    let (world, alipay) = open(false).await;
    buy(&world, &alipay, "A-1").await;
    assert_eq!(keys(&world, "A-1").await, [code(0)]);
    assert_eq!(notice(&world, &alipay, "paid-A-1", "A-1", None).await, "success");
    world.refund(OWN, "A-1", Some("R-1"), None).await;
    world.settle().await;
    for _ in 0..2 {
        assert_eq!(notice(&world, &alipay, "closed", "A-1", Some("R-1")).await, "success");
    }
    let seen = (world.count("PaymentConfirmed").await, world.count("RefundSettled").await);
    assert_eq!((seen, world.count("KeysRevoked").await), ((1, 1), 1));
    check(&world, &alipay).await;
    world.stop().await;
}

#[tokio::test]
async fn a_refund_of_a_part_says_trade_success_and_delivers_nothing_again() {
    let (world, alipay) = open(false).await;
    buy(&world, &alipay, "A-1").await;
    keys(&world, "A-1").await;
    // Twice in the back office, and the notifications overtake each other.
    alipay.with(|books| books.refund("A-1", "B-1", 800));
    let first = alipay.with(|books| books.notice("part-1", "A-1", Some("B-1")));
    alipay.with(|books| books.refund("A-1", "B-2", 1_000));
    assert_eq!(notice(&world, &alipay, "part-2", "A-1", Some("B-2")).await, "success");
    assert_eq!(world.send(PAY, &sent(&first)).await.text(), "success");
    world.settle().await;
    assert_eq!((world.count("PaymentConfirmed").await, world.count("RefundSettled").await), (1, 2));
    check(&world, &alipay).await;
    alipay.with(|books| books.refund("A-1", "B-3", 1_088));
    assert_eq!(notice(&world, &alipay, "closed", "A-1", Some("B-3")).await, "success");
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (3, 1));
    check(&world, &alipay).await;
    world.stop().await;
}

#[tokio::test]
async fn a_refund_that_cannot_be_read_back_at_once_is_read_back_later() {
    let (world, alipay) = open(false).await;
    buy(&world, &alipay, "A-1").await;
    keys(&world, "A-1").await;
    alipay.with(|books| books.refund("A-1", "B-1", 800));
    for fault in [Fault::WrongSignature, Fault::HangUpAfter, Fault::TooMany(20), Fault::ErrorBefore(502)] {
        alipay.next(fault);
    }
    notice(&world, &alipay, "part-1", "A-1", Some("B-1")).await;
    assert_eq!(world.count("RefundSettled").await, 0);
    rest(&world).await;
    rest(&world).await;
    assert_eq!((world.count("RefundSettled").await, alipay.faults_left()), (1, 0));
    check(&world, &alipay).await;
    world.stop().await;
}

#[tokio::test]
async fn a_notification_that_overtakes_its_order_is_taken_when_it_is_repeated() {
    let (world, alipay) = open(false).await;
    alipay.with(|books| books.pay("A-1", PRICE, "TRADE_FINISHED"));
    assert_eq!(notice(&world, &alipay, "paid", "A-1", None).await, "failure");
    place(&world, "A-1").await;
    assert_eq!(notice(&world, &alipay, "paid", "A-1", None).await, "success");
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
        let (world, alipay) = open(false).await;
        buy(&world, &alipay, "A-1").await;
        keys(&world, "A-1").await;
        alipay.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), Some(1_000)).await;
        rest(&world).await;
        assert_eq!(alipay.with(|books| books.trades["A-1"].refunds.len()), 1, "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("LossRecorded").await),
            (1, 1),
            "{fault:?}"
        );
        check(&world, &alipay).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_that_was_only_accepted_is_settled_when_the_money_moved() {
    let (world, alipay) = open(false).await;
    buy(&world, &alipay, "A-1").await;
    alipay.with(|books| books.slow_refunds = true);
    world.refund(OWN, "A-1", Some("R-1"), None).await;
    rest(&world).await;
    assert_eq!(world.count("RefundSettled").await, 0);
    alipay.with(|books| {
        let trade = books.trades.get_mut("A-1").unwrap();
        trade.refunds[0].2 = true;
        trade.status = "TRADE_CLOSED";
    });
    for _ in 0..8 {
        world.advance(1_800).await;
    }
    assert_eq!(world.count("RefundSettled").await, 1);
    assert_eq!(alipay.with(|books| books.trades["A-1"].refunds.len()), 1);
    check(&world, &alipay).await;
    world.stop().await;
}

#[tokio::test]
async fn where_the_settings_say_so_a_payment_counts_only_when_the_query_confirms_it() {
    let (world, alipay) = open(true).await;
    place(&world, "A-1").await;
    alipay.with(|books| books.pay("A-1", PRICE, "TRADE_SUCCESS"));
    let lie = alipay.with(|books| books.notice("lie", "A-1", None));
    alipay.with(|books| books.trades.get_mut("A-1").unwrap().status = "WAIT_BUYER_PAY");
    assert_eq!(world.send(PAY, &sent(&lie)).await.text(), "success");
    for _ in 0..10 {
        world.advance(60).await;
    }
    assert_eq!((world.count("PaymentDisputed").await, world.count("KeysAllocated").await), (1, 0));
    for fault in [Fault::WrongSignature, Fault::HangUpAfter, Fault::TooMany(20)] {
        alipay.next(fault);
    }
    buy(&world, &alipay, "A-2").await;
    rest(&world).await;
    assert_eq!((keys(&world, "A-2").await.len(), alipay.faults_left()), (1, 0));
    check(&world, &alipay).await;
    world.stop().await;
}

#[tokio::test]
async fn waiting_closed_and_short_payments_release_nothing() {
    let (world, alipay) = open(false).await;
    for (order, fen, status) in [
        ("A-1", PRICE, "WAIT_BUYER_PAY"),
        ("A-2", PRICE, "TRADE_CLOSED"),
        ("A-3", PRICE - 1, "TRADE_SUCCESS"),
    ] {
        place(&world, order).await;
        alipay.with(|books| books.pay(order, fen, status));
        notice(&world, &alipay, &format!("n-{order}"), order, None).await;
        assert!(keys(&world, order).await.is_empty(), "{order}");
    }
    assert_eq!(world.count("KeysAllocated").await, 0);
    world.stop().await;
}
