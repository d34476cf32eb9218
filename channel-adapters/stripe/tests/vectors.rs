//! Vectors computed with Stripe's own libraries.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{Ask, Inbound, RawRequest, Refusal, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use serde_json::json;
use vocabulary::{Currency, Money, Timestamp};

fn request(vector: &Vector) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![("Stripe-Signature".into(), vector.text("/input/header").into())],
        body: vector.text("/input/body").into(),
        received_at: Timestamp::from_secs(vector.integer("/input/now")),
    }
}

/// What an accepted event must have been read as, by its body.
fn check(vector: &Vector, inbound: &Inbound) {
    let body: serde_json::Value = serde_json::from_str(vector.text("/input/body")).unwrap();
    if let Some(kind) = vector.value("/expected/type") {
        assert_eq!(body["type"], *kind, "{}", vector.name);
    }
    let object = &body["data"]["object"];
    match (&inbound.ask, object["payment_status"].as_str()) {
        (Ask::Payment(payment), Some("paid")) => {
            assert_eq!(payment.external_no, object["client_reference_id"], "{}", vector.name);
            assert_eq!(payment.txn, object["payment_intent"], "{}", vector.name);
            let minor = object["amount_total"].as_i64().unwrap();
            assert_eq!(payment.amount, Money::new(minor, Currency::USD), "{}", vector.name);
        }
        (Ask::Nothing, Some("unpaid")) => {}
        (Ask::ReadBack { external_no }, None) => assert_eq!(*external_no, object["payment_intent"]),
        (other, _) => panic!("{}: {}", vector.name, channel_conformance::ask_text(other)),
    }
    assert_eq!(inbound.id.as_deref(), body["id"].as_str());
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/stripe.json"));
    for vector in vectors.scheme("stripe-webhook") {
        let secrets = vector.value("/keys/secrets").unwrap();
        let settings = json!({ "livemode": false, "webhook_secrets": secrets,
            "secret_key": "sk_test_0123456789abcdef" });
        let account = "stripe/shop-1".parse().unwrap();
        let adapter = (channel_stripe::PROTOCOL.connect)(account, &settings.to_string()).unwrap();
        let request = request(vector);
        let read = || -> Result<Inbound, Refusal> {
            let proof = adapter.verify(&request, request.received_at)?;
            adapter.parse(&Verified::new(&request, proof))
        };
        match read() {
            Ok(inbound) => {
                assert!(vector.accepted(), "{} was accepted", vector.name);
                check(vector, &inbound);
                if let Some(prefix) = vector.value("/expected/signed_payload_prefix") {
                    let text = adapter.signed_text(&request).unwrap();
                    assert!(text.starts_with(prefix.as_str().unwrap()), "{text}");
                }
            }
            Err(refusal) => {
                assert!(!vector.accepted(), "{}: {refusal}", vector.name);
                let reason = match vector.text("/expected/reason") {
                    "timestamp_out_of_tolerance" => "stale_timestamp",
                    reason => reason,
                };
                assert_eq!(refusal.code, reason, "{}", vector.name);
            }
        }
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[channel_stripe::PROTOCOL], include_str!("../fixtures/stripe.json"), &[]);
}
