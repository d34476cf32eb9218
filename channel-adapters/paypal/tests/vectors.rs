//! Published and independently computed vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{Adapter, Ask, RawRequest, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_paypal::PROTOCOL;
use platform::{CERT_URL, NOW};
use serde_json::json;

fn connect(webhook_id: &str, certificate: &str) -> Arc<dyn Adapter> {
    let mut settings = platform::settings("https://api-m.paypal.com");
    settings["webhook_id"] = json!(webhook_id);
    settings["certificates"] = json!({ CERT_URL: certificate });
    (PROTOCOL.connect)("paypal/main".parse().unwrap(), &settings.to_string()).unwrap()
}

fn request(vector: &Vector, headers: Vec<(String, String)>) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.into())).collect(),
        body: vector.text("/input/body").into(),
        received_at: NOW,
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/paypal.json"));
    for vector in vectors.scheme("paypal-webhook-signed-string") {
        let header = |name: &str, pointer| (name.to_owned(), vector.text(pointer).to_owned());
        let headers = vec![
            header("paypal-transmission-id", "/input/transmission_id"),
            header("paypal-transmission-time", "/input/transmission_time"),
        ];
        let adapter = connect(vector.text("/keys/webhook_id"), platform::CERTIFICATE);
        let text = adapter.signed_text(&request(vector, headers));
        assert_eq!(text.as_deref(), Some(vector.text("/expected/signed_string")), "{}", vector.name);
    }
    for vector in vectors.scheme("paypal-webhook") {
        let name = &vector.name;
        let adapter = connect(vector.text("/keys/webhook_id"), vector.text("/keys/certificate_pem"));
        let request = request(vector, vector.texts("/input/headers"));
        match adapter.verify(&request, NOW) {
            Ok(proof) => {
                assert!(vector.accepted(), "{name}");
                let text = adapter.signed_text(&request);
                assert_eq!(text.as_deref(), Some(vector.text("/expected/signed_string")), "{name}");
                let inbound = adapter.parse(&Verified::new(&request, proof)).unwrap();
                let Ask::Payment(payment) = inbound.ask else { panic!("{name} is a payment") };
                assert_eq!((payment.external_no.as_str(), payment.check_first), ("CK20260102000001", true));
                assert_eq!((payment.txn.as_str(), payment.amount.minor), ("42311647XV020574X", 999));
            }
            Err(refusal) => {
                assert!(!vector.accepted(), "{name}: {refusal}");
                assert_eq!(refusal.code, vector.text("/expected/reason"), "{name}");
                assert_eq!(adapter.refuse(&request, &refusal).status, 401, "{name}");
            }
        }
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/paypal.json"), &[]);
}
