//! Vectors: requests that somebody else's code signed, or that the platform's document shows.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{RawRequest, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use vocabulary::Timestamp;

use channel_template::PROTOCOL;

fn request(vector: &Vector) -> RawRequest {
    let headers = vector.texts("/input/headers");
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
        body: vector.text("/input/body").into(),
        received_at: Timestamp::from_secs(vector.integer("/input/now")),
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/vectors.json"));
    for vector in vectors.scheme("template-webhook") {
        let mut settings: serde_json::Value = serde_json::from_str(PROTOCOL.example_settings).unwrap();
        settings["secret"] = vector.text("/keys/secret").into();
        let account = "template/shop-1".parse().unwrap();
        let adapter = (PROTOCOL.connect)(account, &settings.to_string()).unwrap();
        let request = request(vector);
        let read = adapter
            .verify(&request, request.received_at)
            .and_then(|proof| adapter.parse(&Verified::new(&request, proof)));
        assert_eq!(read.is_ok(), vector.accepted(), "{}", vector.name);
        if let Some(text) = vector.value("/expected/canonical") {
            assert_eq!(adapter.signed_text(&request).as_deref(), text.as_str(), "{}", vector.name);
        }
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/vectors.json"), &[]);
}
