//! Vectors of the official library.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{Ask, RawRequest, Stage, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_shopify::PROTOCOL;
use serde_json::json;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn request(vector: &Vector) -> RawRequest {
    let header = |(name, value): (String, String)| (name.to_ascii_lowercase(), value.into_bytes());
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vector.texts("/input/headers").into_iter().map(header).collect(),
        body: vector.text("/input/body").into(),
        received_at: NOW,
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/shopify.json"));
    for vector in vectors.scheme("shopify-webhook") {
        let name = &vector.name;
        let mut settings: serde_json::Value = serde_json::from_str(PROTOCOL.example_settings).unwrap();
        // Settings want secrets of a proper length; the vector's wrong one is short.
        let secret = format!("{:0<16}", vector.text("/keys/client_secret"));
        settings["client_secrets"] = json!([secret]);
        let adapter = (PROTOCOL.connect)("shopify/main".parse().unwrap(), &settings.to_string()).unwrap();
        let request = request(vector);
        let proof = match adapter.verify(&request, NOW) {
            Ok(proof) => proof,
            Err(refusal) => {
                assert!(!vector.accepted(), "{name}: {refusal}");
                let code = match vector.text("/expected/reason") {
                    "bad_hmac" => "bad_signature",
                    "missing_hmac" => "missing_header",
                    other => other,
                };
                assert_eq!(refusal.code, code, "{name}");
                assert_eq!(adapter.refuse(&request, &refusal).status, 401, "{name}");
                continue;
            }
        };
        assert!(vector.accepted(), "{name}");
        let inbound = adapter.parse(&Verified::new(&request, proof)).unwrap();
        match name.as_str() {
            "accept-orders-paid" => {
                let Ask::Order(order) = inbound.ask else { panic!("{name} is an order") };
                assert_eq!(order.external_no, "820982911946154508");
                assert_eq!(order.stage, Stage::Paid { txn: "820982911946154508".into() });
                assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("808950810", 1));
            }
            "accept-orders-cancelled" => {
                assert!(matches!(inbound.ask, Ask::Cancel { reason, .. } if reason == "customer"));
            }
            "accept-refunds-create" => {
                let Ask::RefundSettled(refund) = inbound.ask else { panic!("{name} is a refund") };
                assert_eq!((refund.external_no.as_str(), refund.refund.as_str()), ("450789469", "509562969"));
                assert_eq!(refund.amount.map(|amount| amount.to_string()).as_deref(), Some("9.99 USD"));
            }
            _ => {}
        }
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/shopify.json"), &[]);
}
