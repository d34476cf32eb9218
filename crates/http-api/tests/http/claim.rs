use axum::{body::Body, http::Request};
use event_log::EventLog;
use events::{Fact, order::ClaimAttempted};
use serde_json::{Value, json};
use vocabulary::{OrderId, StreamVersion};

use crate::{
    identity::{PHONE, buy, buyer_of},
    world::{Answer, World},
};

/// A claim without a token, from an address.
async fn claim(world: &World, from: &str, body: &Value) -> Answer {
    let request = Request::post("/v1/claim").header("content-type", "application/json");
    let request = request.header("x-forwarded-for", from).body(Body::from(body.to_string())).unwrap();
    world.send(request).await
}

fn by_last4(order_no: &str, digits: &str) -> Value {
    json!({ "order_no": order_no, "proof": { "phone_last4": digits } })
}
fn by_key(order_no: &str, key: &str) -> Value {
    json!({ "order_no": order_no, "channel": "generic", "proof": { "card_key": key } })
}

async fn bought() -> (World, String) {
    let world = World::stocked(9).await;
    let order = buy(&world, "generic/own", "A-1", "u-1001", &json!({ "phone": PHONE })).await;
    world.fresh("/v1/channels").await.good();
    (world, order)
}

async fn attempts(world: &World, order: &str) -> Vec<ClaimAttempted> {
    let stream = order.parse::<OrderId>().unwrap().stream();
    let events = world.log.read_stream(&world.merchant, &stream, StreamVersion(0), 100).await.unwrap();
    let attempt = |event: &events::RecordedEvent| match event.fact().unwrap() {
        Fact::ClaimAttempted(attempt) => Some(attempt),
        _ => None,
    };
    events.iter().filter_map(attempt).collect()
}

#[tokio::test]
async fn a_buyer_sees_how_their_order_stands_and_never_a_key() {
    let (world, order) = bought().await;
    for body in [by_last4("A-1", "5678"), by_last4("generic:A-1", " 5678 "), by_key("A-1", "key 00000")] {
        let answer = claim(&world, "198.51.100.7", &body).await;
        assert_eq!(answer.good(), json!({ "matched": true, "status": "delivered" }));
        assert!(!answer.text().contains("KEY"));
    }
    let noted = attempts(&world, &order).await;
    let told: Vec<(&str, bool)> = noted.iter().map(|one| (one.proof.as_str(), one.matched)).collect();
    assert_eq!(told, [("phone_last4", true), ("phone_last4", true), ("card_key", true)]);
    assert!(noted.iter().all(|one| one.client.len() == 32 && one.day == "2026-01-02"));
}

#[tokio::test]
async fn an_unknown_order_a_wrong_proof_and_too_many_tries_are_answered_alike() {
    let (world, order) = bought().await;
    let no = claim(&world, "198.51.100.1", &by_last4("A-9", "5678")).await;
    assert_eq!(no.good(), json!({ "matched": false, "status": null }));
    let wrong = [
        by_last4("A-1", "0000"),
        by_last4("A-1", PHONE),
        by_last4("A-1", ""),
        by_last4("", "5678"),
        by_key("A-1", "KEY-00005"),
        by_key("A-9", "KEY-00000"),
    ];
    for (n, body) in wrong.iter().enumerate() {
        let answer = claim(&world, &format!("203.0.113.{n}"), body).await;
        assert_eq!((&answer.body, answer.headers.len()), (&no.body, no.headers.len()), "{body}");
    }
    // Two more from fresh addresses use the order's five up; the right digits are then refused like wrong ones.
    for n in 0..2 {
        claim(&world, &format!("192.0.2.{n}"), &by_last4("A-1", "1111")).await.good();
    }
    let late = claim(&world, "192.0.2.99", &by_last4("A-1", "5678")).await;
    assert_eq!((&late.body, late.status), (&no.body, no.status));
    assert_eq!(attempts(&world, &order).await.iter().filter(|one| one.proof == "phone_last4").count(), 5);
    // A key is not guessed, so it still proves; and tomorrow is another day.
    assert_eq!(claim(&world, "192.0.2.98", &by_key("A-1", "KEY-00000")).await.good()["matched"], true);
    world.advance(86_400);
    assert_eq!(claim(&world, "192.0.2.97", &by_last4("A-1", "5678")).await.good()["matched"], true);
}

#[tokio::test]
async fn a_client_has_five_wrong_claims_a_day_over_all_orders() {
    let (world, order) = bought().await;
    for n in 0..5 {
        let body = by_last4(&format!("guess-{n}"), "5678");
        assert_eq!(claim(&world, "198.51.100.7", &body).await.good()["matched"], false);
    }
    let refused = claim(&world, "198.51.100.7", &by_last4("A-1", "5678")).await;
    assert_eq!(refused.good(), json!({ "matched": false, "status": null }));
    assert_eq!(attempts(&world, &order).await, [], "the order's tries are not used up");
    assert_eq!(claim(&world, "198.51.100.8", &by_last4("A-1", "5678")).await.good()["matched"], true);
}

#[tokio::test]
async fn parallel_guesses_are_counted_one_by_one() {
    let (world, order) = bought().await;
    let bodies: Vec<(String, Value)> =
        (0..40).map(|n| (format!("203.0.113.{n}"), by_last4("A-1", &format!("{n:04}")))).collect();
    let guesses = bodies.iter().map(|(from, body)| claim(&world, from, body));
    for answer in futures::future::join_all(guesses).await {
        assert_eq!(answer.good()["matched"], false);
    }
    assert_eq!(attempts(&world, &order).await.len(), 5);
}

#[tokio::test]
async fn an_own_site_joins_its_member_with_a_purchase_elsewhere_by_the_key_alone() {
    let (world, _) = bought().await;
    world.connect("generic/wx").await;
    let order = buy(&world, "generic/wx", "W-1", "o-openid-7", &json!({})).await;
    world.fresh("/v1/channels").await.good();
    let body = |key: &str, member: &str| {
        json!({ "order_no": "W-1", "channel": "generic/wx", "card_key": key, "account": "generic/own",
                "buyer_ref": member })
    };
    // Without a token nobody joins anybody.
    let open = Request::post("/v1/claim/link").header("content-type", "application/json");
    let open = open.body(Body::from(body("KEY-00001", "u-1001").to_string())).unwrap();
    assert_eq!(world.send(open).await.problem().0, 401);
    let wrong = world.post("/v1/claim/link", &body("KEY-00000", "u-1001")).await;
    assert_eq!(wrong.problem(), (422, "invalid_value".to_owned()));
    world.post("/v1/claim/link", &body("KEY-00001", "u-1001")).await.good();
    let buyer = buyer_of(&world, &order).await;
    let page = world.fresh(&format!("/v1/buyers/{buyer}")).await.good();
    assert_eq!(page["buyers"].as_array().unwrap().len(), 2);
    assert_eq!(page["identities"].as_array().unwrap().last().unwrap()["source"], "proof_of_purchase");
    assert_eq!(page["identities"].as_array().unwrap().last().unwrap()["source_ref"], order.as_str());
    // A member who has bought nothing at the own site yet is met by this.
    world.post("/v1/claim/link", &body("KEY-00001", "u-new")).await.good();
    let page = world.fresh(&format!("/v1/buyers/{buyer}")).await.good();
    assert_eq!(page["buyers"].as_array().unwrap().len(), 3);
}
