//! A merchant on a real engine and a WooCommerce shop, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_woocommerce::PROTOCOL;
use channel_world::{Books, World, code};
use platform::{KEY, KEY_SECRET, PRODUCT, SECRET, Shop};
use serde_json::{Value, json};
use testkit::{Fault, drive::Signed, pretend::Pretend};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const ACCOUNT: &str = "woocommerce/main";

async fn open(more: &Value) -> (World, Pretend<Shop>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Shop::default()).await;
    let mut settings = json!({ "shop_url": format!("{}/", shop.url()), "secret": SECRET, "consumer_key": KEY,
        "consumer_secret": KEY_SECRET });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.connect(ACCOUNT, &settings).await;
    world.list(ACCOUNT, PRODUCT).await;
    world.stock(0, 5).await;
    world.settle().await;
    (world, shop)
}

/// A buyer pays, and the shop says so, `times` times.
async fn buy(world: &World, shop: &Pretend<Shop>, id: u64, quantity: u32, total: &str, times: u32) {
    shop.with(|shop| shop.pay(id, quantity, total));
    for _ in 0..times {
        let told = world.send(ACCOUNT, &shop.with(|shop| shop.webhook(id))).await;
        assert_eq!((told.status, told.text().as_str()), (200, "taken"));
    }
    world.settle().await;
}

#[tokio::test]
async fn a_paid_order_binds_keys_once_however_often_it_is_told() {
    let (world, shop) = open(&json!({})).await;
    buy(&world, &shop, 7, 2, "57.76", 3).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderFulfilled").await), (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn the_ping_of_a_new_webhook_is_answered_and_a_forged_webhook_has_no_effect() {
    let (world, shop) = open(&json!({})).await;
    let (topic, query, headers) = (String::new(), String::new(), Vec::new());
    let ping = Signed { method: "POST", topic, query, headers, body: b"webhook_id=4".to_vec() };
    assert_eq!(world.send(ACCOUNT, &ping).await.status, 200);
    shop.with(|shop| shop.pay(7, 1, "28.88"));
    let mut forged = shop.with(|shop| shop.webhook(7));
    forged.body = String::from_utf8(forged.body).unwrap().replace("\"quantity\":1", "\"quantity\":5").into();
    assert_eq!(world.send(ACCOUNT, &forged).await.status, 401);
    assert_eq!(world.count("OrderPlaced").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn stock_follows_sales_through_calls_that_fail() {
    let (world, shop) = open(&json!({ "stock": true })).await;
    assert_eq!(shop.with(|shop| shop.stock["93"].clone()), [5]);
    shop.next(Fault::HangUpAfter);
    shop.next(Fault::TooMany(20));
    buy(&world, &shop, 7, 2, "57.76", 1).await;
    for _ in 0..3 {
        world.advance(60).await;
    }
    assert_eq!(shop.with(|shop| shop.stock["93"].last().copied()), Some(3));
    assert_eq!((shop.faults_left(), shop.with(|shop| shop.forged_calls)), (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_refund_of_ours_is_paid_once_whatever_goes_wrong_and_the_books_agree() {
    for fault in [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorBefore(502),
        Fault::ErrorAfter(500),
        Fault::TooMany(20),
        Fault::WrongSignature,
    ] {
        let (world, shop) = open(&json!({ "refunds": true, "gateway_refunds": true })).await;
        buy(&world, &shop, 7, 1, "28.88", 1).await;
        shop.next(fault);
        world.refund(ACCOUNT, "7", Some("R-1"), Some(1_000)).await;
        for _ in 0..4 {
            world.advance(120).await;
        }
        // The shop tells of the refund that we made: it is known by its number.
        world.send(ACCOUNT, &shop.with(|shop| shop.webhook(7))).await;
        world.settle().await;
        let amounts =
            shop.with(|shop| shop.orders[&7].refunds.iter().map(|r| r.amount.clone()).collect::<Vec<_>>());
        assert_eq!(amounts, ["10.00"], "{fault:?}");
        let books = Books::of(&world).await;
        assert_eq!((books.refunded["7"], books.asked.len()), (1_000, 0), "{fault:?}");
        assert_eq!(world.count("RefundSettled").await, 1, "{fault:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_at_the_shop_closes_the_order_before_or_after_it_is_known() {
    let (world, shop) = open(&json!({})).await;
    buy(&world, &shop, 7, 1, "28.88", 1).await;
    shop.with(|shop| shop.pay_back(7, "28.88", "by hand"));
    shop.with(|shop| shop.pay(8, 1, "28.88"));
    let paid = shop.with(|shop| shop.webhook(8));
    shop.with(|shop| shop.pay_back(8, "28.88", "by hand"));
    for webhook in [shop.with(|shop| shop.webhook(7)), shop.with(|shop| shop.webhook(8)), paid] {
        assert_eq!(world.send(ACCOUNT, &webhook).await.status, 200);
    }
    world.settle().await;
    let books = Books::of(&world).await;
    assert_eq!((books.refunded.get("7"), books.refunded.get("8")), (Some(&2_888), Some(&2_888)));
    assert!(books.let_out.is_empty() && books.shared.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_custom_topic_that_names_an_order_has_it_read_back() {
    let (world, shop) = open(&json!({})).await;
    shop.with(|shop| shop.pay(7, 2, "57.76"));
    shop.next(Fault::ErrorBefore(502));
    let hint = platform::signed("action.x", r#"{"action":"woocommerce_order_status_processing","arg":7}"#);
    assert_eq!(world.send(ACCOUNT, &hint).await.status, 200);
    world.settle().await;
    world.advance(60).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderFulfilled").await), (1, 1));
    world.stop().await;
}

fn notes(shop: &Pretend<Shop>, id: u64) -> Vec<String> {
    shop.with(|shop| shop.orders[&id].notes.clone())
}

#[tokio::test]
async fn an_order_whose_webhook_was_lost_is_found_by_the_poll_and_its_webhook_is_then_a_repeat() {
    let (world, shop) = open(&json!({ "key_notes": true })).await;
    shop.with(|shop| shop.pay(7, 2, "57.76"));
    let late = shop.with(|shop| shop.webhook(7));
    world.minutes(12).await;
    let found = world.found_by(ACCOUNT, "orders").await;
    assert_eq!(found.iter().filter(|name| *name == "OrderPlaced").count(), 1, "{found:?}");
    assert_eq!(world.count("OrderDelivered").await, 1);
    let notes = notes(&shop, 7);
    assert!(matches!(&notes[..], [note] if note.contains(&code(0)) && note.contains(&code(1))), "{notes:?}");
    let before = world.position().await;
    assert_eq!(world.send(ACCOUNT, &late).await.text(), "taken");
    world.settle().await;
    assert_eq!(world.position().await, before, "the late webhook is a repeat");
    // So is a refund at the shop that no webhook told of.
    shop.with(|shop| {
        shop.pay_back(7, "57.76", "by hand");
        shop.orders.get_mut(&7).unwrap().modified = 12;
    });
    world.minutes(6).await;
    assert!(world.found_by(ACCOUNT, "orders").await.iter().any(|name| name == "RefundSettled"));
    world.send(ACCOUNT, &shop.with(|shop| shop.webhook(7))).await;
    world.minutes(6).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    assert_eq!(Books::of(&world).await.refunded["7"], 5_776);
    world.stop().await;
}

#[tokio::test]
async fn keys_are_written_once_and_the_order_completed_whichever_of_the_four_calls_is_lost() {
    for lost in 0..5 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500)] {
            let (world, shop) = open(&json!({ "key_notes": true })).await;
            shop.with(|shop| shop.pay(7, 1, "28.88"));
            world.send(ACCOUNT, &shop.with(|shop| shop.webhook(7))).await;
            shop.after(lost, fault);
            world.minutes(12).await;
            let (told, status) = (notes(&shop, 7), shop.with(|shop| shop.orders[&7].status));
            assert_eq!((told.len(), status), (1, "completed"), "{lost} {fault:?}");
            assert_eq!(world.count("OrderDelivered").await, 1, "{lost} {fault:?}");
            assert_eq!((shop.faults_left(), shop.with(|shop| shop.forged_calls)), (0, 0));
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn a_delivered_order_that_staff_pay_back_loses_its_key_and_a_part_is_a_loss() {
    for (lost, fault) in [(0, Fault::HangUpAfter), (0, Fault::ErrorAfter(500)), (1, Fault::HangUpAfter)] {
        let (world, shop) =
            open(&json!({ "key_notes": true, "refunds": true, "gateway_refunds": true })).await;
        buy(&world, &shop, 7, 1, "28.88", 1).await;
        buy(&world, &shop, 8, 1, "28.88", 1).await;
        for (number, minor) in [("7", None), ("8", Some(1_000))] {
            shop.after(lost, fault);
            world.refund(ACCOUNT, number, Some(&format!("R-{number}")), minor).await;
            world.minutes(8).await;
        }
        let paid_back = |id| shop.with(|shop| shop.orders[&id].refunds.len());
        assert_eq!((paid_back(7), paid_back(8)), (1, 1), "{lost} {fault:?}");
        assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (2, 1));
        assert_eq!(world.count("LossRecorded").await, 1, "{lost} {fault:?}");
        let books = Books::of(&world).await;
        assert_eq!((books.refunded["7"], books.refunded["8"]), (2_888, 1_000));
        world.stop().await;
    }
}
