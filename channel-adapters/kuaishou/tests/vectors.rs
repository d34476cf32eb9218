//! Every vector of what Kuaishou sends.

use channel::{Ask, RawRequest, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_kuaishou::PROTOCOL;
use serde_json::Value;
use vocabulary::Timestamp;

fn check(vector: &Vector) {
    let now = Timestamp::from_secs(1_767_225_600);
    let settings = PROTOCOL
        .example_settings
        .replace("MDEyMzQ1Njc4OWFiY2RlZg==", vector.text("/keys/message_secret_base64"));
    let adapter =
        (PROTOCOL.connect)("kuaishou/main".parse().expect("an account"), &settings).expect("usable");
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: vector.text("/input/body").as_bytes().to_vec(),
        received_at: now,
    };
    let proof = adapter.verify(&request, now);
    if vector.value("/expected/accept").is_some() {
        assert!(!vector.accepted(), "{}", vector.name);
        assert_eq!(proof.err().map(|refusal| refusal.code), Some("bad_signature"), "{}", vector.name);
        return;
    }
    let proof = proof.unwrap_or_else(|refusal| panic!("{}: {refusal}", vector.name));
    let verified = Verified::new(&request, proof);
    let inbound = adapter.parse(&verified).expect("parsed");
    let plain: Value = serde_json::from_str(vector.text("/expected/plaintext")).expect("JSON");
    let event = plain["eventId"].as_str().expect("an event id");
    assert_eq!(inbound.id, Some(format!("push:{event}")));
    assert_eq!(matches!(inbound.ask, Ask::Nothing), plain["test"] == true, "{}", vector.name);
    if let Ask::ReadBack { external_no } = &inbound.ask {
        assert_eq!(*external_no, plain["bizId"].to_string());
    }
    let ack = adapter.answer(&verified, &inbound, &channel::Outcome::Accepted { order: None });
    assert_eq!(ack.body, vector.text("/expected/ack_body").as_bytes());
}

#[test]
fn every_push_decrypts_and_one_of_another_key_is_refused() {
    let vectors = Vectors::read(include_str!("../fixtures/kuaishou.json"));
    vectors.scheme("kuaishou-push-aes-128-cbc").into_iter().for_each(check);
    // Computed by the protocol's own schemes, below.
    for scheme in ["kuaishou-request-md5", "kuaishou-request-hmac-sha256"] {
        assert!(!vectors.scheme(scheme).is_empty());
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/kuaishou.json"), &[]);
}
