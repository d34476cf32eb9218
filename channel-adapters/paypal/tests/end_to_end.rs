//! An own site that is paid through PayPal: a real engine, real sockets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_world::{Books, PRICE, SKU, Told, World, code};
use platform::PayPal;
use serde_json::{Value, json};
use testkit::{Fault, accounts::WebhookSecret, drive, pretend::Pretend};

static PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_paypal::PROTOCOL];
const OWN: &str = "generic/own";
const PAYPAL: &str = "paypal/pay";

async fn open() -> (World, Pretend<PayPal>) {
    let world = World::open(PROTOCOLS).await;
    let paypal = world.pretend(PayPal::default()).await;
    let own = json!({ "secrets": [WebhookSecret::test_inbound().0.expose()] });
    world.connect(OWN, &own).await;
    world.connect_sharing(PAYPAL, &platform::settings(&paypal.url()), Some(OWN)).await;
    world.stock(0, 5).await;
    (world, paypal)
}

async fn say(world: &World, id: &str, event: &Value) -> Told {
    world.send(OWN, &drive::generic_event(&WebhookSecret::test_inbound(), id, event, world.now())).await
}

async fn place(world: &World, number: &str) {
    let order = json!({ "type": "order.created", "data": { "external_order_id": number, "sku": SKU,
        "quantity": 1, "amount_minor": PRICE, "currency": "CNY" } });
    assert_eq!(say(world, &format!("created-{number}"), &order).await.status, 200);
}

async fn keys(world: &World, number: &str) -> Value {
    let request = json!({ "type": "keys.request", "data": { "external_order_id": number } });
    say(world, "q", &request).await.json()["keys"].clone()
}

/// An order that is placed on the own site and captured at PayPal, which says so, `times` times.
async fn buy(world: &World, paypal: &Pretend<PayPal>, number: &str, capture: &str, times: u32) {
    place(world, number).await;
    paypal.with(|paypal| paypal.capture(capture, number, "28.88"));
    for _ in 0..times {
        let event = paypal.with(|paypal| paypal.completed(&format!("WH-{capture}"), capture));
        let told = world.send(PAYPAL, &event).await;
        assert_eq!((told.status, told.text().as_str()), (200, "taken"));
    }
}

#[tokio::test]
async fn a_capture_that_paypal_shows_releases_the_keys_once() {
    let (world, paypal) = open().await;
    // Until the capture can be read, the event alone is not believed.
    paypal.next(Fault::TooMany(60));
    buy(&world, &paypal, "A-1", "CAP1", 3).await;
    world.settle().await;
    assert_eq!(world.count("PaymentConfirmed").await, 0);
    world.advance(61).await;
    assert_eq!(keys(&world, "A-1").await[0]["code"], code(0));
    let event = paypal.with(|paypal| paypal.completed("WH-CAP1", "CAP1"));
    world.send(PAYPAL, &event).await;
    world.settle().await;
    assert_eq!((world.count("PaymentConfirmed").await, world.count("KeysAllocated").await), (1, 1));
    assert_eq!(paypal.with(|paypal| paypal.forged_calls), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_well_signed_event_about_another_orders_capture_releases_nothing() {
    let (world, paypal) = open().await;
    buy(&world, &paypal, "A-1", "CAP1", 1).await;
    world.settle().await;
    place(&world, "A-2").await;
    let (real, unpaid) = (("WH-2", "CAP9"), ("WH-3", "CAP3"));
    paypal.with(|paypal| paypal.capture(real.1, "SOMEBODY-ELSES", "28.88"));
    for (event, capture) in [real, unpaid] {
        let forged = platform::event(&platform::completed(event, capture, "A-2", "28.88"));
        assert_eq!(world.send(PAYPAL, &forged).await.status, 200);
        for _ in 0..10 {
            world.advance(60).await;
        }
    }
    assert_eq!((world.count("PaymentConfirmed").await, world.count("KeysAllocated").await), (1, 1));
    assert_eq!(keys(&world, "A-2").await, Value::Null);
    world.stop().await;
}

#[tokio::test]
async fn an_event_that_comes_before_its_order_is_asked_for_again_and_a_silent_paypal_is_asked_again() {
    let (world, paypal) = open().await;
    paypal.with(|paypal| paypal.capture("CAP1", "A-1", "28.88"));
    let event = paypal.with(|paypal| paypal.completed("WH-1", "CAP1"));
    assert_eq!(world.send(PAYPAL, &event).await.status, 503);
    place(&world, "A-1").await;
    for fault in [Fault::HangUpAfter, Fault::ErrorBefore(502), Fault::TooMany(20), Fault::WrongSignature] {
        paypal.next(fault);
    }
    assert_eq!(world.send(PAYPAL, &event).await.status, 200);
    for _ in 0..6 {
        world.advance(60).await;
    }
    assert_eq!((world.count("PaymentConfirmed").await, paypal.faults_left()), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_refund_is_paid_once_whatever_goes_wrong_and_the_books_agree() {
    for fault in [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorBefore(502),
        Fault::ErrorAfter(500),
        Fault::TooMany(20),
        Fault::WrongSignature,
    ] {
        let (world, paypal) = open().await;
        buy(&world, &paypal, "A-1", "CAP1", 1).await;
        world.settle().await;
        keys(&world, "A-1").await;
        paypal.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), None).await;
        for _ in 0..4 {
            world.advance(120).await;
        }
        let refunds =
            paypal.with(|paypal| paypal.captures["CAP1"].refunds.values().cloned().collect::<Vec<_>>());
        assert_eq!(refunds, ["28.88"], "{fault:?}");
        let books = Books::of(&world).await;
        assert_eq!(books.refunded["A-1"], PRICE, "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysRevoked").await),
            (1, 1),
            "{fault:?}"
        );
        assert_eq!(paypal.with(|paypal| paypal.forged_calls), 0);
        world.stop().await;
    }
}
