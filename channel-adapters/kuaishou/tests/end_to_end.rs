//! A shop on a real engine and sockets against a pretend Kuaishou.

use std::collections::BTreeMap;

use channel::Protocol;
use channel_world::{Books, PRICE, World};
use serde_json::json;
use testkit::{
    Fault,
    drive::Signed,
    kuaishou::{self, ETICKET_SECRET, Kuaishou, SKU_ID, eticket},
    pretend::Pretend,
};

const SHOP: &str = "kuaishou/main";
const ORDER: u64 = 2_607_602_240_240_301;
const REFUND: u64 = 10_987_654;
static PROTOCOLS: &[Protocol] = &[channel_kuaishou::PROTOCOL];

async fn open() -> (World, Pretend<Kuaishou>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Kuaishou::default()).await;
    world.connect(SHOP, &kuaishou::settings(&platform.url())).await;
    world.list(SHOP, SKU_ID).await;
    (world, platform)
}

async fn tell(world: &World, message: &Signed) {
    let told = world.send(SHOP, message).await;
    assert_eq!((told.status, &told.json()["result"]), (200, &json!(1)));
}

async fn later(world: &World, minutes: u32) {
    for _ in 0..minutes {
        world.advance(60).await;
    }
}

/// Kuaishou's books and the log say the same.
async fn agree(world: &World, platform: &Pretend<Kuaishou>) {
    let books = Books::of(world).await;
    let (delivered, refunded, forged) = platform.with(|p| (p.delivered(), p.refunded(), p.forged_calls));
    assert_eq!(books.delivered, delivered);
    let ours: BTreeMap<String, i64> = books.refunded.into_iter().filter(|(_, minor)| *minor > 0).collect();
    assert_eq!(ours, refunded);
    assert!(books.shared.is_empty());
    assert_eq!(forged, 0);
}

#[tokio::test]
async fn a_paid_order_is_read_back_its_codes_handed_over_and_the_money_paid_back() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    let (paid, wish) = platform.with(|p| {
        p.sell(ORDER, 2, PRICE);
        (p.paid_push(ORDER), p.send(ORDER))
    });
    tell(&world, &paid).await;
    later(&world, 3).await;
    assert_eq!((world.count("OrderPlaced").await, platform.with(|p| p.deliveries)), (0, 0));
    tell(&world, &wish).await;
    later(&world, 3).await;
    assert_eq!((world.count("OrderDelivered").await, platform.with(|p| p.deliveries)), (1, 1));
    agree(&world, &platform).await;

    let wanted = platform.with(|p| {
        p.want_back(REFUND, ORDER);
        p.refund_push("kwaishop_aftersales_addRefund", REFUND)
    });
    tell(&world, &wanted).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundRequested").await, world.count("RefundSettled").await), (1, 0));
    let settled = platform.with(|p| {
        p.pay_back(REFUND);
        p.refund_push("kwaishop_aftersales_updateRefund", REFUND)
    });
    tell(&world, &settled).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    agree(&world, &platform).await;
    world.stop().await;
}

#[tokio::test]
async fn messages_that_repeat_and_overtake_each_other_change_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    let (paid, wish, other, settled) = platform.with(|p| {
        p.sell(ORDER, 1, PRICE);
        p.sell(2, 1, PRICE);
        p.want_back(REFUND, 2);
        p.pay_back(REFUND);
        let settled = p.refund_push("kwaishop_aftersales_updateRefund", REFUND);
        (p.paid_push(ORDER), p.send(ORDER), p.send(2), settled)
    });
    for message in [&settled, &wish, &other, &paid, &wish, &paid, &settled, &other] {
        tell(&world, message).await;
        later(&world, 2).await;
    }
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 1));
    assert_eq!(Books::of(&world).await.delivered, platform.with(|p| p.delivered()));
    assert_eq!(platform.with(|p| p.deliveries), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_wish_before_the_payment_shows_is_fulfilled_once_it_does() {
    let (world, platform) = open().await;
    world.stock(0, 1).await;
    let wish = platform.with(|p| {
        p.sell(ORDER, 1, PRICE);
        p.orders.get_mut(&ORDER).unwrap().status = 10;
        p.send(ORDER)
    });
    tell(&world, &wish).await;
    assert_eq!(world.count("OrderPlaced").await, 0);
    platform.with(|p| p.orders.get_mut(&ORDER).unwrap().status = 30);
    later(&world, 10).await;
    assert_eq!((world.count("OrderDelivered").await, platform.with(|p| p.deliveries)), (1, 1));
    agree(&world, &platform).await;
    world.stop().await;
}

#[tokio::test]
async fn whatever_goes_wrong_with_a_call_every_order_is_delivered_once() {
    let (world, platform) = open().await;
    world.stock(0, 30).await;
    let faults = [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorBefore(502),
        Fault::ErrorAfter(500),
        Fault::TooMany(3),
        Fault::WrongSignature,
    ];
    for (n, fault) in (0_u64..).zip(faults) {
        let wish = platform.with(|p| {
            p.sell(ORDER + n, 1, PRICE);
            p.send(ORDER + n)
        });
        // Reading and handing over each meet the fault, in whatever order they and the lists come.
        for _ in 0..3 {
            platform.next(fault);
        }
        tell(&world, &wish).await;
        later(&world, 60).await;
        assert_eq!(platform.faults_left(), 0, "{fault:?}");
        agree(&world, &platform).await;
        assert_eq!(platform.with(|p| p.delivered().len() as u64), n + 1, "{fault:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_refund_of_which_no_push_came_is_found_in_the_list() {
    let (world, platform) = open().await;
    world.stock(0, 1).await;
    let wish = platform.with(|p| {
        p.lists = true;
        p.sell(ORDER, 1, PRICE);
        p.send(ORDER)
    });
    tell(&world, &wish).await;
    later(&world, 3).await;
    platform.with(|p| {
        p.want_back(REFUND, ORDER);
        p.pay_back(REFUND);
    });
    later(&world, 15).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    agree(&world, &platform).await;
    world.stop().await;
}

#[tokio::test]
async fn whatever_goes_wrong_a_refund_is_agreed_to_and_counted_once() {
    let faults = [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorAfter(500),
        Fault::WrongSignature,
        Fault::TooMany(5),
    ];
    for fault in faults {
        for lost in 0..2 {
            let (world, platform) = open().await;
            world.stock(0, 1).await;
            let wish = platform.with(|p| {
                p.lists = true;
                p.sell(ORDER, 1, PRICE);
                p.send(ORDER)
            });
            tell(&world, &wish).await;
            later(&world, 3).await;
            let wanted = platform.with(|p| {
                p.want_back(REFUND, ORDER);
                p.refund_push("kwaishop_aftersales_addRefund", REFUND)
            });
            tell(&world, &wanted).await;
            later(&world, 3).await;
            assert_eq!(world.count("RefundRequested").await, 1);
            platform.after(lost, fault);
            world.refund(SHOP, &ORDER.to_string(), Some(&REFUND.to_string()), None).await;
            later(&world, 15).await;
            assert_eq!((platform.with(|p| p.agreed), platform.faults_left()), (1, 0), "{lost} {fault:?}");
            // The list tells of what we agreed to, and nothing is counted twice.
            let counted = (world.count("RefundSettled").await, world.count("KeysRevoked").await);
            assert_eq!(counted, (1, 1), "{lost} {fault:?}");
            agree(&world, &platform).await;
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn a_wish_that_nobody_paid_for_delivers_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 1).await;
    let forged = platform.with(|p| p.send(ORDER));
    tell(&world, &forged).await;
    later(&world, 10).await;
    assert_eq!((world.count("OrderPlaced").await, platform.with(|p| p.deliveries)), (0, 0));
    let mut foreign = forged;
    foreign.topic = foreign.topic.replace(ETICKET_SECRET, "exampleEticketSecret000002");
    assert_eq!(world.send(SHOP, &foreign).await.status, 401);
    let destroy = world.send(SHOP, &eticket("destroy", &json!({ "oid": ORDER, "token": "t" }))).await;
    assert_eq!(destroy.json()["result"], json!(-1));
    world.stop().await;
}
