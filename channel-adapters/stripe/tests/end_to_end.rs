//! An own site that is paid through Stripe, over real sockets, with everything going wrong that can.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod own_site;
mod platform;

use channel::Protocol;
use channel_world::{PRICE, Told, World, code};
use own_site::{OWN, agrees, keys, place};
use platform::{Books, event, sent};
use serde_json::{Value, json};
use testkit::{Fault, pretend::Pretend};

const PAY: &str = "stripe/pay";
static PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_stripe::PROTOCOL];

async fn open(confirm_by_query: bool) -> (World, Pretend<Books>) {
    let world = World::open(PROTOCOLS).await;
    let stripe = world.pretend(Books::default()).await;
    own_site::connect(&world).await;
    let settings = json!({ "livemode": false, "webhook_secrets": [platform::SECRET],
        "secret_key": platform::API_KEY, "base_url": stripe.url(), "confirm_by_query": confirm_by_query });
    world.connect_sharing(PAY, &settings, Some(OWN)).await;
    world.stock(0, 5).await;
    (world, stripe)
}

async fn tell(world: &World, id: &str, kind: &str, object: &Value) -> Told {
    world.send(PAY, &sent(&event(id, kind, object, world.now()), world.now())).await
}

async fn completed(world: &World, stripe: &Pretend<Books>, intent: &str) -> Told {
    let session = stripe.with(|books| books.session(intent, false));
    tell(world, &format!("evt_done_{intent}"), "checkout.session.completed", &session).await
}

/// An order that is placed on the own site and paid at Stripe, which says so.
async fn buy(world: &World, stripe: &Pretend<Books>, number: &str) -> String {
    place(world, number).await;
    let intent = stripe.with(|books| books.pay(number, PRICE, "paid"));
    assert_eq!(completed(world, stripe, &intent).await.status, 200);
    world.settle().await;
    intent
}

/// Stripe hints that something of a payment was paid back.
async fn hint(world: &World, id: &str, intent: &str) {
    let charge = json!({ "id": "ch_1", "object": "charge", "payment_intent": intent });
    assert_eq!(tell(world, id, "charge.refunded", &charge).await.status, 200);
    world.settle().await;
}

async fn rest(world: &World) {
    for _ in 0..4 {
        world.advance(120).await;
    }
}

async fn check(world: &World, stripe: &Pretend<Books>) {
    let paid_back = stripe.with(|books| {
        let of = |payment: &platform::Payment| (payment.order.clone(), payment.refunded());
        books.payments.values().map(of).collect::<Vec<_>>()
    });
    agrees(world, paid_back).await;
    assert_eq!(stripe.with(|books| books.forged_calls), 0);
}

#[tokio::test]
async fn a_paid_session_releases_the_key_once_and_money_back_revokes_it() {
    let (world, stripe) = open(false).await;
    let intent = buy(&world, &stripe, "A-1").await;
    assert_eq!(keys(&world, "A-1").await, [code(0)]);
    assert_eq!(completed(&world, &stripe, &intent).await.status, 200);
    // The same payment under another event id: Stripe makes such twins.
    let session = stripe.with(|books| books.session(&intent, false));
    tell(&world, "evt_twin", "checkout.session.completed", &session).await;
    world.settle().await;
    assert_eq!(world.count("PaymentConfirmed").await, 1);
    world.refund(OWN, "A-1", Some("R-1"), None).await;
    world.settle().await;
    hint(&world, "evt_refunded", &intent).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    assert_eq!(stripe.with(|books| books.payments[&intent].refunds.len()), 1);
    check(&world, &stripe).await;
    world.stop().await;
}

#[tokio::test]
async fn a_completed_session_that_is_not_paid_releases_nothing_until_it_is() {
    let (world, stripe) = open(false).await;
    place(&world, "A-1").await;
    let intent = stripe.with(|books| books.pay("A-1", PRICE, "unpaid"));
    completed(&world, &stripe, &intent).await;
    world.settle().await;
    assert!(keys(&world, "A-1").await.is_empty());
    stripe.with(|books| books.payments.get_mut(&intent).unwrap().status = "paid");
    let session = stripe.with(|books| books.session(&intent, false));
    tell(&world, "evt_later", "checkout.session.async_payment_succeeded", &session).await;
    world.settle().await;
    assert_eq!(keys(&world, "A-1").await, [code(0)]);
    world.stop().await;
}

#[tokio::test]
async fn an_event_that_overtakes_its_order_is_taken_when_stripe_repeats_it() {
    let (world, stripe) = open(false).await;
    let intent = stripe.with(|books| books.pay("A-1", PRICE, "paid"));
    assert_eq!(completed(&world, &stripe, &intent).await.status, 409);
    place(&world, "A-1").await;
    assert_eq!(completed(&world, &stripe, &intent).await.status, 200);
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
        let (world, stripe) = open(false).await;
        let intent = buy(&world, &stripe, "A-1").await;
        keys(&world, "A-1").await;
        stripe.next(fault);
        world.refund(OWN, "A-1", Some("R-1"), Some(1_000)).await;
        rest(&world).await;
        assert_eq!(stripe.with(|books| books.payments[&intent].refunds.len()), 1, "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("LossRecorded").await),
            (1, 1),
            "{fault:?}"
        );
        check(&world, &stripe).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_that_takes_time_is_settled_when_stripe_says_so() {
    let (world, stripe) = open(false).await;
    let intent = buy(&world, &stripe, "A-1").await;
    stripe.with(|books| books.slow_refunds = true);
    world.refund(OWN, "A-1", Some("R-1"), None).await;
    rest(&world).await;
    assert_eq!(world.count("RefundSettled").await, 0);
    stripe.with(|books| books.payments.get_mut(&intent).unwrap().refunds[0].status = "succeeded");
    hint(&world, "evt_refund_updated", &intent).await;
    assert_eq!(world.count("RefundSettled").await, 1);
    rest(&world).await;
    check(&world, &stripe).await;
    world.stop().await;
}

#[tokio::test]
async fn refunds_made_in_the_dashboard_are_counted_once_whatever_the_order_of_their_events() {
    let (world, stripe) = open(false).await;
    let intent = buy(&world, &stripe, "A-1").await;
    keys(&world, "A-1").await;
    stripe.with(|books| books.refund(&intent, 800, None));
    world.refund(OWN, "A-1", Some("R-1"), Some(1_000)).await;
    world.settle().await;
    stripe.with(|books| books.refund(&intent, 1_088, None));
    for id in ["evt_2", "evt_1", "evt_2", "evt_3"] {
        stripe.next(if id == "evt_3" { Fault::ErrorBefore(502) } else { Fault::TooMany(5) });
        hint(&world, id, &intent).await;
    }
    rest(&world).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (3, 1));
    check(&world, &stripe).await;
    world.stop().await;
}

#[tokio::test]
async fn a_lost_dispute_takes_the_key_back_and_a_won_one_does_not() {
    for (end, settled) in [("lost", 1), ("won", 0)] {
        let (world, stripe) = open(false).await;
        let intent = buy(&world, &stripe, "A-1").await;
        keys(&world, "A-1").await;
        let dispute = |status: &str| {
            json!({ "id": "dp_1", "object": "dispute", "payment_intent": intent, "status": status,
                "amount": PRICE, "currency": "cny" })
        };
        tell(&world, "evt_open", "charge.dispute.created", &dispute("needs_response")).await;
        world.settle().await;
        assert_eq!((world.count("RefundRequested").await, world.count("RefundSettled").await), (1, 0));
        tell(&world, "evt_closed", "charge.dispute.closed", &dispute(end)).await;
        world.settle().await;
        let seen = (world.count("RefundSettled").await, world.count("KeysRevoked").await);
        assert_eq!(seen, (settled, settled), "{end}");
        assert_eq!(world.count("RefundRefused").await, 1 - settled, "{end}");
        world.stop().await;
    }
}

#[tokio::test]
async fn where_the_settings_say_so_a_payment_counts_only_when_stripe_confirms_it() {
    let (world, stripe) = open(true).await;
    place(&world, "A-1").await;
    let intent = stripe.with(|books| books.pay("A-1", PRICE, "unpaid"));
    let mut lie = stripe.with(|books| books.session(&intent, false));
    lie["payment_status"] = json!("paid");
    tell(&world, "evt_lie", "checkout.session.completed", &lie).await;
    for _ in 0..10 {
        world.advance(60).await;
    }
    assert_eq!((world.count("PaymentDisputed").await, world.count("KeysAllocated").await), (1, 0));
    stripe.next(Fault::HangUpAfter);
    buy(&world, &stripe, "A-2").await;
    rest(&world).await;
    assert_eq!(keys(&world, "A-2").await.len(), 1);
    check(&world, &stripe).await;
    world.stop().await;
}

#[tokio::test]
async fn another_amount_than_the_order_costs_releases_nothing() {
    let (world, stripe) = open(false).await;
    place(&world, "A-1").await;
    let intent = stripe.with(|books| books.pay("A-1", PRICE - 1, "paid"));
    completed(&world, &stripe, &intent).await;
    world.settle().await;
    assert!(keys(&world, "A-1").await.is_empty());
    assert_eq!(world.count("KeysAllocated").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn events_that_were_lost_are_found_page_by_page_and_a_late_one_is_a_repeat() {
    let (world, stripe) = open(false).await;
    for number in ["A-1", "A-2", "A-3"] {
        place(&world, number).await;
        let intent = stripe.with(|books| books.pay(number, PRICE, "paid"));
        let session = stripe.with(|books| books.session(&intent, false));
        let lost = event(&format!("evt_{intent}"), "checkout.session.completed", &session, world.now());
        stripe.with(|books| books.events.push(lost));
    }
    stripe.next(Fault::HangUpAfter);
    world.minutes(4).await;
    assert_eq!(world.count("PaymentConfirmed").await, 0);
    world.minutes(12).await;
    let found = world.found_by(PAY, "events").await;
    assert_eq!(found.iter().filter(|name| *name == "PaymentConfirmed").count(), 3, "{found:?}");
    assert_eq!(keys(&world, "A-3").await.len(), 1);
    // Stripe signs anew whenever it sends an event again.
    let before = world.position().await;
    let again = stripe.with(|books| books.events.clone());
    for event in &again {
        assert_eq!(world.send(PAY, &sent(event, world.now())).await.status, 200);
    }
    world.settle().await;
    assert_eq!((world.position().await, again.len()), (before, 3));
    check(&world, &stripe).await;
    world.stop().await;
}

#[tokio::test]
async fn a_refund_at_stripe_that_no_event_told_of_is_found_and_revokes_the_key_once() {
    for lost in 0..3 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::TooMany(5)] {
            let (world, stripe) = open(false).await;
            let intent = buy(&world, &stripe, "A-1").await;
            keys(&world, "A-1").await;
            stripe.with(|books| {
                books.refund(&intent, PRICE, None);
                let charge = json!({ "id": "ch_1", "object": "charge", "payment_intent": intent });
                books.events.push(event("evt_back", "charge.refunded", &charge, world.now()));
            });
            stripe.after(lost, fault);
            world.minutes(15).await;
            assert!(world.found_by(PAY, "events").await.iter().any(|name| name == "ReadBackRequested"));
            hint(&world, "evt_back", &intent).await;
            let seen = (world.count("RefundSettled").await, world.count("KeysRevoked").await);
            assert_eq!((seen, stripe.faults_left()), ((1, 1), 0), "{lost} {fault:?}");
            check(&world, &stripe).await;
            world.stop().await;
        }
    }
}
