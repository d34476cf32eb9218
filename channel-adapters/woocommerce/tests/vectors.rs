//! Vectors computed with the expression of WooCommerce's own code.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{Ask, Outcome, RawRequest, Stage, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_woocommerce::PROTOCOL;
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
    let vectors = Vectors::read(include_str!("../fixtures/woocommerce.json"));
    for vector in vectors.scheme("woocommerce-webhook") {
        let name = &vector.name;
        let mut settings: serde_json::Value = serde_json::from_str(PROTOCOL.example_settings).unwrap();
        // Settings want secrets of a proper length; the vector's wrong one is short.
        settings["secret"] = format!("{:0<16}", vector.text("/keys/secret")).into();
        let adapter = (PROTOCOL.connect)("woocommerce/main".parse().unwrap(), &settings.to_string()).unwrap();
        let request = request(vector);
        let ping = vector.value("/expected/kind").is_some_and(|kind| kind == "ping");
        match adapter.verify(&request, NOW) {
            Ok(proof) if ping => {
                assert!(!proof.is_signed(), "{name}");
                let verified = Verified::new(&request, proof);
                let inbound = adapter.parse(&verified).unwrap();
                assert!(matches!(inbound.ask, Ask::Nothing), "{name}");
                let reply = adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None });
                assert_eq!(i64::from(reply.status), vector.integer("/expected/respond_status"), "{name}");
            }
            Ok(proof) => {
                assert!(vector.accepted() && proof.is_signed(), "{name}");
                let inbound = adapter.parse(&Verified::new(&request, proof)).unwrap();
                let Ask::Order(order) = inbound.ask else { panic!("{name} is an order") };
                assert_eq!(order.external_no, "727", "{name}");
                assert_eq!(order.stage, Stage::Paid { txn: "pi_3Test".into() }, "{name}");
                assert_eq!(
                    (order.lines[0].item.as_str(), order.lines[0].quantity.get()),
                    ("93", 1),
                    "{name}"
                );
            }
            Err(refusal) => {
                assert!(!vector.accepted() && !ping, "{name}: {refusal}");
                assert_eq!(refusal.code, vector.text("/expected/reason"), "{name}");
                assert_eq!(adapter.refuse(&request, &refusal).status, 401, "{name}");
            }
        }
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/woocommerce.json"), &[]);
}
