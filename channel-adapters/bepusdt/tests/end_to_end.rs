//! An own site that is paid through the gateway, over real sockets: keys leave for money alone, once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_world::{Books, PRICE, SKU, Told, World, code};
use serde_json::{Value, json};
use testkit::{Fault, accounts::WebhookSecret, drive, pretend::Pretend};

use platform::{Gateway, TOKEN};

const OWN: &str = "generic/own";
const PAY: &str = "bepusdt/pay";
const PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_bepusdt::PROTOCOL];

async fn open(confirm_by: &str) -> (World, Pretend<Gateway>) {
    let world = World::open(PROTOCOLS).await;
    let gateway = world.pretend(Gateway::default()).await;
    let own = json!({ "secrets": [WebhookSecret::test_inbound().0.expose()] });
    world.connect(OWN, &own).await;
    let base_url = format!("{}/", gateway.url());
    let pay = json!({ "base_url": base_url, "token": TOKEN, "confirm_by": confirm_by });
    world.connect_sharing(PAY, &pay, Some(OWN)).await;
    world.stock(0, 5).await;
    (world, gateway)
}

async fn say(world: &World, id: &str, event: &Value) -> Told {
    world.send(OWN, &drive::generic_event(&WebhookSecret::test_inbound(), id, event, world.now())).await
}

async fn place(world: &World, number: &str) {
    let event = json!({ "type": "order.created", "data": { "external_order_id": number, "sku": SKU,
        "quantity": 1, "amount_minor": PRICE, "currency": "CNY" } });
    assert_eq!(say(world, &format!("created-{number}"), &event).await.status, 200);
}

async fn keys(world: &World, number: &str) -> Value {
    let event = json!({ "type": "keys.request", "data": { "external_order_id": number } });
    say(world, "q", &event).await.json()["keys"].clone()
}

async fn notify(world: &World, gateway: &Pretend<Gateway>, number: &str, status: Option<i64>) -> Told {
    let notice = gateway.with(|gateway| gateway.notice(number, status));
    world.send(PAY, &notice).await
}

#[tokio::test]
async fn a_payment_releases_the_key_once_however_often_it_is_told() {
    for confirm_by in ["off", "pay_info", "check_status"] {
        let (world, gateway) = open(confirm_by).await;
        place(&world, "A-1").await;
        gateway.with(|gateway| gateway.open("A-1", "28.88"));
        assert_eq!(notify(&world, &gateway, "A-1", None).await.text(), "ok");
        world.settle().await;
        assert_eq!(keys(&world, "A-1").await, Value::Null, "waiting is not paid");
        gateway.with(|gateway| gateway.pay("A-1", "28.88"));
        for _ in 0..3 {
            let told = notify(&world, &gateway, "A-1", None).await;
            assert_eq!((told.status, told.text()), (200, "ok".to_owned()));
        }
        world.settle().await;
        assert_eq!(keys(&world, "A-1").await[0]["code"], code(0), "{confirm_by}");
        assert_eq!((world.count("PaymentConfirmed").await, world.count("KeysAllocated").await), (1, 1));
        let asked = u32::from(confirm_by != "off");
        assert_eq!(gateway.with(|gateway| gateway.asked), asked, "{confirm_by}");
        // A transfer on a chain is final: staff send the money back by hand, and say so. A late notice changes nothing.
        world.refund_by_hand(OWN, "A-1").await;
        notify(&world, &gateway, "A-1", None).await;
        world.settle().await;
        assert_eq!(keys(&world, "A-1").await, Value::Null, "{confirm_by}");
        let books = Books::of(&world).await;
        assert_eq!((&books.revoked, books.refunded["A-1"]), (&books.delivered, PRICE), "{confirm_by}");
        assert_eq!((books.delivered.len(), world.count("OrderClosed").await), (1, 1), "{confirm_by}");
        world.stop().await;
    }
}

#[tokio::test]
async fn an_expired_trade_calls_nothing_off_for_its_transfer_may_still_come() {
    let (world, gateway) = open("pay_info").await;
    place(&world, "A-1").await;
    gateway.with(|gateway| gateway.open("A-1", "28.88"));
    assert_eq!(notify(&world, &gateway, "A-1", Some(3)).await.text(), "ok");
    gateway.with(|gateway| gateway.pay("A-1", "28.88"));
    notify(&world, &gateway, "A-1", None).await;
    // The expired notice comes once more, late.
    notify(&world, &gateway, "A-1", Some(3)).await;
    world.settle().await;
    assert_eq!(keys(&world, "A-1").await[0]["code"], code(0));
    world.stop().await;
}

#[tokio::test]
async fn a_well_signed_lie_releases_nothing() {
    for confirm_by in ["pay_info", "check_status"] {
        let (world, gateway) = open(confirm_by).await;
        place(&world, "A-1").await;
        gateway.with(|gateway| gateway.open("A-1", "28.88"));
        notify(&world, &gateway, "A-1", Some(2)).await;
        for _ in 0..10 {
            world.advance(60).await;
        }
        assert_eq!((world.count("PaymentDisputed").await, world.count("PaymentConfirmed").await), (1, 0));
        assert_eq!(keys(&world, "A-1").await, Value::Null, "{confirm_by}");
        world.stop().await;
    }
}

#[tokio::test]
async fn too_little_money_or_an_unknown_order_is_told_to_be_a_failure() {
    let (world, gateway) = open("off").await;
    gateway.with(|gateway| gateway.pay("A-1", "28.88"));
    let told = notify(&world, &gateway, "A-1", None).await;
    assert_eq!((told.status, told.text()), (400, "fail".to_owned()));
    // The order comes late; the gateway's next attempt is taken.
    place(&world, "A-1").await;
    assert_eq!(notify(&world, &gateway, "A-1", None).await.text(), "ok");
    place(&world, "A-2").await;
    gateway.with(|gateway| gateway.pay("A-2", "0.01"));
    notify(&world, &gateway, "A-2", None).await;
    world.settle().await;
    assert_eq!(keys(&world, "A-1").await[0]["code"], code(0));
    assert_eq!(keys(&world, "A-2").await, Value::Null);
    world.stop().await;
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_asked_again() {
    let (world, gateway) = open("pay_info").await;
    for fault in [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorBefore(502),
        Fault::ErrorAfter(500),
        Fault::TooMany(20),
        Fault::WrongSignature,
    ] {
        gateway.next(fault);
    }
    place(&world, "A-1").await;
    gateway.with(|gateway| gateway.pay("A-1", "28.88"));
    notify(&world, &gateway, "A-1", None).await;
    for _ in 0..12 {
        world.advance(120).await;
    }
    assert_eq!((world.count("PaymentConfirmed").await, gateway.faults_left()), (1, 0));
    assert_eq!(keys(&world, "A-1").await[0]["code"], code(0));
    world.stop().await;
}

#[tokio::test]
async fn two_trades_for_one_order_release_one_key() {
    let (world, gateway) = open("off").await;
    place(&world, "A-1").await;
    gateway.with(|gateway| gateway.pay("A-1", "28.88"));
    notify(&world, &gateway, "A-1", None).await;
    gateway.with(|gateway| gateway.trades.get_mut("A-1").unwrap().trade_id = "second".to_owned());
    notify(&world, &gateway, "A-1", None).await;
    world.settle().await;
    assert_eq!((world.count("KeysAllocated").await, world.count("OrderFulfilled").await), (1, 1));
    world.stop().await;
}
