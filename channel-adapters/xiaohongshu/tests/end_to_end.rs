//! A shop on a real engine and sockets against a pretend Xiaohongshu.

use std::collections::BTreeMap;

use channel::Protocol;
use channel_world::{Books, PRICE, World};
use serde_json::{Value, json};
use testkit::{
    Fault,
    pretend::Pretend,
    xiaohongshu::{self, SELLER, SKU_ID, Xiaohongshu, push},
};

const SHOP: &str = "xiaohongshu/main";
const PATH: &str = "/in/xiaohongshu/main";
const ORDER: &str = "P768291112062421411";
const SALE: &str = "R4889848165315631";
static PROTOCOLS: &[Protocol] = &[channel_xiaohongshu::PROTOCOL];

async fn open() -> (World, Pretend<Xiaohongshu>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Xiaohongshu::default()).await;
    world.connect(SHOP, &xiaohongshu::settings(&platform.url(), PATH)).await;
    world.list(SHOP, SKU_ID).await;
    (world, platform)
}

async fn tell(world: &World, messages: &[Value]) {
    let told = world.send(SHOP, &push(PATH, messages, world.now())).await;
    assert_eq!((told.status, &told.json()["success"]), (200, &json!(true)));
}

async fn later(world: &World, minutes: u32) {
    for _ in 0..minutes {
        world.advance(60).await;
    }
}

/// Xiaohongshu's books and the log say the same.
async fn agree(world: &World, platform: &Pretend<Xiaohongshu>) {
    let books = Books::of(world).await;
    let (delivered, refunded, forged) = platform.with(|p| (p.delivered(), p.refunded(), p.forged_calls));
    assert_eq!(books.delivered, delivered);
    let ours: BTreeMap<String, i64> = books.refunded.into_iter().filter(|(_, minor)| *minor > 0).collect();
    assert_eq!(ours, refunded);
    assert!(books.shared.is_empty());
    assert_eq!(forged, 0);
}

#[tokio::test]
async fn a_paid_order_is_read_back_delivered_shown_in_stock_and_refunded() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    world.settle().await;
    assert_eq!(platform.with(|p| p.stock[SKU_ID].0), 5);
    let paid = platform.with(|p| {
        p.sell(ORDER, 2, PRICE);
        // Status 4 comes twice, says the document.
        [p.order_push(ORDER), p.order_push(ORDER)]
    });
    tell(&world, &paid).await;
    later(&world, 3).await;
    assert_eq!(platform.with(|p| (p.deliveries, p.stock[SKU_ID].0)), (1, 3));
    agree(&world, &platform).await;

    let wanted = platform.with(|p| {
        p.want_back(SALE, ORDER);
        [p.after_sale_push("msg_after_sale_create", SALE)]
    });
    tell(&world, &wanted).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundRequested").await, world.count("RefundSettled").await), (1, 0));
    let settled = platform.with(|p| {
        p.pay_back(SALE);
        [p.after_sale_push("msg_after_sale_refund_finished", SALE), p.order_push(ORDER)]
    });
    tell(&world, &settled).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    agree(&world, &platform).await;
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_called_off_while_it_waits_for_stock_is_paid_back_once() {
    let (world, platform) = open().await;
    let paid = platform.with(|p| {
        p.sell(ORDER, 1, PRICE);
        [p.order_push(ORDER)]
    });
    tell(&world, &paid).await;
    later(&world, 3).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 0));
    let gone = platform.with(|p| {
        p.orders.get_mut(ORDER).unwrap().status = 9;
        [p.order_push(ORDER), p.order_push(ORDER)]
    });
    tell(&world, &gone).await;
    later(&world, 3).await;
    world.stock(0, 1).await;
    later(&world, 3).await;
    assert_eq!((world.count("RefundSettled").await, world.count("OrderDelivered").await), (1, 0));
    assert_eq!(Books::of(&world).await.refunded[ORDER], PRICE);
    world.stop().await;
}

#[tokio::test]
async fn pushes_that_repeat_and_overtake_each_other_change_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    let (paid, wanted, settled) = platform.with(|p| {
        p.sell(ORDER, 1, PRICE);
        p.sell("P2", 1, PRICE);
        p.want_back(SALE, "P2");
        p.pay_back(SALE);
        let wanted = p.after_sale_push("msg_after_sale_create", SALE);
        (p.order_push(ORDER), wanted, p.after_sale_push("msg_after_sale_refund_finished", SALE))
    });
    for batch in [[&settled, &paid], [&paid, &wanted], [&paid, &paid], [&settled, &settled]] {
        tell(&world, &batch.map(Value::clone)).await;
        later(&world, 2).await;
    }
    let late = platform.with(|p| [p.order_push("P2")]);
    tell(&world, &late).await;
    later(&world, 3).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 1));
    assert_eq!(Books::of(&world).await.delivered, platform.with(|p| p.delivered()));
    assert_eq!(platform.with(|p| p.deliveries), 1);
    world.stop().await;
}

#[tokio::test]
async fn whatever_goes_wrong_with_a_call_every_order_is_delivered_once() {
    let (world, platform) = open().await;
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
    for (n, fault) in (0_usize..).zip(faults) {
        let number = format!("{ORDER}{n}");
        let paid = platform.with(|p| {
            p.sell(&number, 1, PRICE);
            [p.order_push(&number)]
        });
        // Reading, delivering and publishing stock each meet the fault, in whatever order they come.
        for _ in 0..3 {
            platform.next(fault);
        }
        tell(&world, &paid).await;
        later(&world, 60).await;
        assert_eq!(platform.faults_left(), 0, "{fault:?}");
        agree(&world, &platform).await;
        assert_eq!(platform.with(|p| p.delivered().len()), n + 1, "{fault:?}");
    }
    assert_eq!(platform.with(|p| p.stock[SKU_ID].0), 24);
    world.stop().await;
}

#[tokio::test]
async fn a_push_with_a_forged_body_delivers_nothing_that_was_not_paid() {
    let (world, platform) = open().await;
    world.stock(0, 1).await;
    platform.with(|p| {
        p.sell(ORDER, 1, PRICE);
        p.orders.get_mut(ORDER).unwrap().status = 1;
    });
    let data = json!({ "orderId": ORDER, "orderStatus": 4, "updateTime": 1 }).to_string();
    let lie = json!({ "msgTag": "msg_fulfillment_status_change", "sellerId": SELLER, "data": data });
    tell(&world, &[lie]).await;
    later(&world, 3).await;
    assert_eq!((world.count("OrderPlaced").await, platform.with(|p| p.deliveries)), (0, 0));
    let mut forged = push(PATH, &[], world.now());
    forged.headers.last_mut().unwrap().1.replace_range(0..1, "z");
    assert_eq!(world.send(SHOP, &forged).await.status, 401);
    world.stop().await;
}

#[tokio::test]
async fn an_order_whose_push_was_lost_is_found_by_the_list_and_a_late_push_changes_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    platform.with(|p| {
        p.sell(ORDER, 2, PRICE);
        p.orders.get_mut(ORDER).unwrap().updated = (world.now().secs() + 1) * 1_000;
    });
    let late = platform.with(|p| [p.order_push(ORDER), p.order_push(ORDER)]);
    later(&world, 12).await;
    let found = world.found_by(SHOP, "orders").await;
    assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
    agree(&world, &platform).await;
    tell(&world, &late).await;
    later(&world, 12).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("KeysAllocated").await), (1, 1));
    assert_eq!((platform.with(|p| p.deliveries), Books::of(&world).await.delivered.len()), (1, 1));
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
            let (world, platform) = open().await;
            world.stock(0, 5).await;
            let paid = platform.with(|p| {
                p.sell(ORDER, 1, PRICE);
                [p.order_push(ORDER)]
            });
            tell(&world, &paid).await;
            later(&world, 2).await;
            // Only the list tells that the money is wanted back.
            platform.with(|p| {
                p.want_back(SALE, ORDER);
                p.after_sales.get_mut(SALE).unwrap().updated = world.now().secs() * 1_000;
            });
            later(&world, 6).await;
            let found = world.found_by(SHOP, "after_sales").await;
            assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
            assert_eq!((world.count("OrderDelivered").await, world.count("RefundRequested").await), (1, 1));
            platform.after(lost, fault);
            world.refund(SHOP, ORDER, Some(SALE), None).await;
            later(&world, 12).await;
            assert_eq!(platform.with(|p| p.agreed), 1, "{lost} {fault:?}");
            // The list tells of what we agreed to, and nothing is counted twice.
            assert_eq!(world.count("RefundSettled").await, 1, "{lost} {fault:?}");
            assert_eq!(
                (world.count("KeysRevoked").await, platform.faults_left()),
                (1, 0),
                "{lost} {fault:?}"
            );
            agree(&world, &platform).await;
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn money_asked_back_while_keys_are_missing_is_agreed_to_at_once_and_no_key_leaves() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        let paid = platform.with(|p| {
            p.sell(ORDER, 1, PRICE);
            [p.order_push(ORDER)]
        });
        tell(&world, &paid).await;
        later(&world, 2).await;
        let wanted = platform.with(|p| {
            p.want_back(SALE, ORDER);
            [p.after_sale_push("msg_after_sale_create", SALE)]
        });
        platform.after(1, fault);
        tell(&world, &wanted).await;
        later(&world, 12).await;
        assert_eq!((world.count("OrderPlaced").await, world.count("RefundRequested").await), (1, 1));
        world.stock(0, 1).await;
        later(&world, 6).await;
        assert_eq!(platform.with(|p| (p.agreed, p.deliveries)), (1, 0), "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysAllocated").await),
            (1, 0),
            "{fault:?}"
        );
        agree(&world, &platform).await;
        world.stop().await;
    }
}
