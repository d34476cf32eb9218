//! An own site that is paid through epay: the notification is checked with the gateway, refunds go back through it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{
    Fault,
    drive::{self, Signed},
    epay::{Epay, PaymentStatus},
    pretend::Pretend,
};

use channel_world::{Books, Keys, PRICE, Told, World, code, sha256};

use crate::generic::{keys_request, order, say, settings};

const OWN: &str = "generic/own";
const V1: &str = "epay-v1/pay";
const V2: &str = "epay-v2/pay";

async fn open() -> (World, Pretend<Epay>) {
    let world = crate::open_world().await;
    let gateway = world.pretend(Epay::test()).await;
    let base_url = format!("{}/", gateway.url());
    world.connect(OWN, &settings(&json!({}))).await;
    let account = Epay::test_account();
    let v1 =
        json!({ "base_url": base_url, "pid": account.pid, "key": account.key.expose(), "refunds": true });
    world.connect_sharing(V1, &v1, Some(OWN)).await;
    let v2 = json!({ "base_url": base_url, "pid": account.pid, "refunds": true, "confirm_by_query": true,
        "merchant_private_key": Epay::TEST_MERCHANT_PRIVATE, "platform_public_key": Epay::TEST_PLATFORM_PUBLIC });
    world.connect_sharing(V2, &v2, Some(OWN)).await;
    world.stock(0, 5).await;
    (world, gateway)
}

fn notice(gateway: &Pretend<Epay>, number: &str) -> Signed {
    let payment = gateway.with(|epay| epay.payments[number].clone());
    drive::epay_notify(&Epay::test_account(), &payment)
}

/// An order that is placed on the own site and paid at the gateway, which says so.
async fn buy(world: &World, gateway: &Pretend<Epay>, number: &str) -> Told {
    say(world, &format!("created-{number}"), &order("order.created", number, 1)).await;
    gateway.with(|epay| epay.pay(number, PRICE));
    world.send(V1, &notice(gateway, number)).await
}

async fn keys(world: &World, number: &str) -> Value {
    say(world, "q", &keys_request(number)).await.json()["keys"].clone()
}

#[tokio::test]
async fn a_payment_that_the_gateway_confirms_releases_the_keys() {
    let (world, gateway) = open().await;
    let told = buy(&world, &gateway, "A-1").await;
    assert_eq!((told.status, told.text()), (200, "success".to_owned()));
    assert_eq!(world.count("PaymentConfirmed").await, 0, "the notification alone is not believed");
    world.settle().await;
    assert_eq!(keys(&world, "A-1").await[0]["code"], code(0));
    assert_eq!(world.send(V1, &notice(&gateway, "A-1")).await, told);
    world.settle().await;
    assert_eq!((world.count("PaymentConfirmed").await, gateway.with(|epay| epay.calls["order"])), (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_well_signed_notification_of_a_payment_that_was_not_made_releases_nothing() {
    let (world, gateway) = open().await;
    say(&world, "m-1", &order("order.created", "A-1", 1)).await;
    gateway.with(|epay| epay.place("A-1", PRICE));
    world.send(V1, &notice(&gateway, "A-1")).await;
    // The gateway's own books may lag behind its message, so it is asked more than once.
    for _ in 0..10 {
        world.advance(60).await;
    }
    assert_eq!((world.count("PaymentDisputed").await, world.count("PaymentConfirmed").await), (1, 0));
    assert_eq!(world.count("KeysAllocated").await, 0);
    assert_eq!(keys(&world, "A-1").await, Value::Null);
    world.stop().await;
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_asked_again() {
    let (world, gateway) = open().await;
    for fault in [Fault::HangUpAfter, Fault::ErrorBefore(502), Fault::TooMany(20)] {
        gateway.next(fault);
    }
    buy(&world, &gateway, "A-1").await;
    for _ in 0..4 {
        world.advance(60).await;
    }
    assert_eq!((world.count("PaymentConfirmed").await, gateway.faults_left()), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_refund_whose_outcome_is_unknown_is_asked_about_and_paid_once() {
    for fault in [Fault::HangUpAfter, Fault::HangUpBefore, Fault::ErrorAfter(500), Fault::ErrorBefore(500)] {
        let (world, gateway) = open().await;
        buy(&world, &gateway, "A-1").await;
        world.settle().await;
        keys(&world, "A-1").await;
        gateway.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), None).await;
        for _ in 0..3 {
            world.advance(120).await;
        }
        let payment = gateway.with(|epay| epay.payments["A-1"].clone());
        assert_eq!((payment.refunds.len(), payment.status), (1, PaymentStatus::TakenBack), "{fault:?}");
        assert_eq!(world.count("RefundSettled").await, 1, "{fault:?}");
        let books = Books::of(&world).await;
        assert_eq!((books.delivered.len(), books.refunded["A-1"]), (1, payment.refunded()), "{fault:?}");
        assert_eq!(books.revoked, books.delivered, "{fault:?}: the key was handed over");
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_of_a_part_that_nobody_can_clear_up_is_left_to_a_person() {
    let (world, gateway) = open().await;
    buy(&world, &gateway, "A-1").await;
    world.settle().await;
    gateway.next(Fault::HangUpAfter);
    world.refund(OWN, "A-1", Some("R-1"), Some(1_000)).await;
    for _ in 0..20 {
        world.advance(3_600).await;
    }
    assert_eq!(gateway.with(|epay| epay.payments["A-1"].refunded()), 1_000, "V1 would pay a repeat again");
    assert_eq!(world.count("RefundSettled").await, 0);
    let attempts = world.count("RefundAttempted").await;
    world.advance(36_000).await;
    assert_eq!(world.count("RefundAttempted").await, attempts, "it was given up");
    world.stop().await;
}

#[tokio::test]
async fn v2_answers_count_only_with_the_gateways_signature() {
    let (world, gateway) = open().await;
    say(&world, "m-1", &order("order.created", "A-1", 1)).await;
    let payment = gateway.with(|epay| epay.pay("A-1", PRICE));
    gateway.next(Fault::WrongSignature);
    let notice = drive::epay_notify_v2(&Epay::test_account(), &payment, world.now());
    assert_eq!(world.send(V2, &notice).await.text(), "success");
    world.settle().await;
    assert_eq!(world.count("PaymentConfirmed").await, 0);
    world.advance(60).await;
    assert_eq!(world.count("PaymentConfirmed").await, 1);
    gateway.next(Fault::WrongSignature);
    world.refund(OWN, "A-1", Some("R-1"), Some(1_000)).await;
    for _ in 0..3 {
        world.advance(120).await;
    }
    let payment = gateway.with(|epay| epay.payments["A-1"].clone());
    assert_eq!(payment.refunds, [("R-1".to_owned(), 1_000)], "V2 knows the refund by its number");
    assert_eq!((world.count("RefundSettled").await, gateway.with(|epay| epay.forged_calls)), (1, 0));
    world.stop().await;
}

/// The own site calls an order off.
async fn cancel(world: &World, number: &str) {
    let off =
        json!({ "type": "order.cancelled", "data": { "external_order_id": number, "reason": "regret" } });
    assert_eq!(say(world, &format!("cancelled-{number}"), &off).await.status, 200);
}

#[tokio::test]
async fn words_of_site_and_gateway_that_overtake_each_other_leave_the_gateways_ledger_and_ours_the_same() {
    for fault in [Fault::HangUpAfter, Fault::HangUpBefore, Fault::ErrorAfter(500), Fault::TooMany(20)] {
        let (world, gateway) = open().await;
        let created = async |number: &str| {
            say(&world, &format!("created-{number}"), &order("order.created", number, 1)).await
        };
        // Paid before the order is known here: the gateway hears a no, and says it again.
        gateway.with(|epay| epay.pay("A-1", PRICE));
        let early = world.send(V1, &notice(&gateway, "A-1")).await;
        assert_eq!((early.status, early.text()), (400, "fail".to_owned()));
        created("A-1").await;
        gateway.next(fault);
        assert_eq!(world.send(V1, &notice(&gateway, "A-1")).await.text(), "success");
        // Paid back at the gateway before its word of the payment is heard: there is nothing to deliver for.
        created("A-2").await;
        gateway.with(|epay| epay.pay("A-2", PRICE));
        let late = notice(&gateway, "A-2");
        gateway.with(|epay| {
            let payment = epay.payments.get_mut("A-2").unwrap();
            (payment.status, payment.refunds) = (PaymentStatus::TakenBack, vec![(String::new(), PRICE)]);
        });
        world.send(V1, &late).await;
        // Called off before it is paid, and called off before it is even made.
        created("A-3").await;
        cancel(&world, "A-3").await;
        cancel(&world, "A-4").await;
        created("A-4").await;
        for number in ["A-4", "A-3"] {
            gateway.with(|epay| epay.pay(number, PRICE));
            assert_eq!(world.send(V1, &notice(&gateway, number)).await.text(), "success", "{number}");
        }
        world.minutes(30).await;
        let fetched = keys(&world, "A-1").await;
        let held = Keys::from([("A-1".to_owned(), [sha256(fetched[0]["code"].as_str().unwrap())].into())]);
        gateway.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), None).await;
        world.minutes(10).await;
        // What was said first is said once more, last.
        for number in ["A-3", "A-2", "A-1"] {
            world.send(V1, &notice(&gateway, number)).await;
        }
        world.minutes(30).await;
        let mut back: BTreeMap<String, i64> = gateway.with(|epay| {
            epay.payments.iter().map(|(number, payment)| (number.clone(), payment.refunded())).collect()
        });
        assert_eq!(back.remove("A-2"), Some(PRICE), "never counted here, so nothing of it goes back here");
        let books = Books::of(&world).await;
        books.agree(&held, &back);
        assert_eq!((&books.revoked, books.refunded.len()), (&held, 3), "{fault:?}");
        assert_eq!(
            (world.count("PaymentDisputed").await, world.count("KeysAllocated").await),
            (1, 1),
            "{fault:?}"
        );
        assert_eq!((gateway.with(|epay| epay.forged_calls), gateway.faults_left()), (0, 0), "{fault:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn a_v2_notification_that_overtakes_its_order_or_is_too_late_is_taken_when_it_is_signed_anew() {
    for fault in [Fault::HangUpAfter, Fault::ErrorBefore(502), Fault::WrongSignature] {
        let (world, gateway) = open().await;
        let payment = gateway.with(|epay| epay.pay("A-1", PRICE));
        let signed = |world: &World| drive::epay_notify_v2(&Epay::test_account(), &payment, world.now());
        let early = signed(&world);
        assert_eq!(world.send(V2, &early).await.text(), "fail");
        say(&world, "created-A-1", &order("order.created", "A-1", 1)).await;
        world.advance(301).await;
        assert_eq!(world.send(V2, &early).await.text(), "fail", "its time is over");
        gateway.next(fault);
        for _ in 0..2 {
            assert_eq!(world.send(V2, &signed(&world)).await.text(), "success");
            world.minutes(5).await;
        }
        let fetched = keys(&world, "A-1").await;
        let held = Keys::from([("A-1".to_owned(), [sha256(fetched[0]["code"].as_str().unwrap())].into())]);
        gateway.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), None).await;
        world.minutes(10).await;
        assert_eq!(world.send(V2, &signed(&world)).await.text(), "success", "and once more, last");
        world.minutes(10).await;
        let back = gateway.with(|epay| epay.payments["A-1"].refunded());
        let books = Books::of(&world).await;
        books.agree(&held, &BTreeMap::from([("A-1".to_owned(), back)]));
        assert_eq!((&books.revoked, back, gateway.faults_left()), (&held, PRICE, 0), "{fault:?}");
        world.stop().await;
    }
}
