//! Every signature vector of what Douyin sends.

use std::sync::Arc;

use channel::{Adapter, Ask, Outcome, RawRequest, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_douyin::PROTOCOL;
use vocabulary::Timestamp;

fn connect(vector: &Vector) -> Arc<dyn Adapter> {
    let settings = PROTOCOL
        .example_settings
        .replace("7043675397900000001", vector.text("/keys/app_key"))
        .replace("a1b2c3d4-0001-4002-8003-0123456789ab", vector.text("/keys/app_secret"));
    (PROTOCOL.connect)("douyin/main".parse().expect("an account"), &settings).expect("usable settings")
}

fn request(vector: &Vector, topic: &str, query: String, headers: &[(String, String)]) -> RawRequest {
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
    RawRequest {
        method: "POST".into(),
        topic: topic.into(),
        query,
        headers: headers.chain([("content-type".into(), b"application/json".to_vec())]).collect(),
        body: vector.text("/input/body").as_bytes().to_vec(),
        received_at: Timestamp::from_secs(1),
    }
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let vectors = Vectors::read(include_str!("../fixtures/douyin.json"));
    for vector in vectors.scheme("douyin-push-md5") {
        let adapter = connect(vector);
        let request = request(vector, "", String::new(), &vector.texts("/input/headers"));
        let verdict = adapter.verify(&request, Timestamp::from_secs(1));
        assert_eq!(verdict.is_ok(), vector.accepted(), "{}", vector.name);
        let Ok(proof) = verdict else { continue };
        let shown = adapter.signed_text(&request).expect("signed text");
        assert!(shown.ends_with("***") && !shown.contains(vector.text("/keys/app_secret")), "{shown}");
        let verified = Verified::new(&request, proof);
        let inbound = adapter.parse(&verified).expect("parsed");
        assert!(matches!(inbound.ask, Ask::ReadBack { .. } | Ask::Nothing), "{}", vector.name);
        let reply = adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None });
        assert_eq!(String::from_utf8(reply.body).expect("text"), vector.text("/expected/ack_body"));
    }
    let service = ["douyin-spi-hmac-sha256", "douyin-spi-md5"].map(|scheme| vectors.scheme(scheme)).concat();
    for vector in service {
        let adapter = connect(vector);
        let query = vector.texts("/input/query");
        let parts: Vec<String> =
            query.iter().map(|(n, v)| format!("{n}={}", v.replace(' ', "%20"))).collect();
        let request = request(vector, "spi", parts.join("&"), &[]);
        // All of them are of this second, written in either way.
        let now = Timestamp::from_secs(1_767_225_600);
        let verdict =
            |request: &RawRequest, now| adapter.verify(request, now).map(|_| ()).map_err(|r| r.code);
        assert_eq!(verdict(&request, now).is_ok(), vector.accepted(), "{}", vector.name);
        assert_eq!(verdict(&request, now.plus_secs(601)), Err("stale_timestamp"), "{}", vector.name);
        let canonical = vector.text("/expected/canonical").replace(vector.text("/keys/app_secret"), "***");
        assert_eq!(adapter.signed_text(&request), Some(canonical));
        let mut changed = request;
        changed.body = vector.text("/input/body").replacen("90410", "90411", 1).into_bytes();
        assert_eq!(verdict(&changed, now), Err("bad_signature"), "{}", vector.name);
    }
    // Computed by the protocol's own schemes, below.
    assert!(!vectors.scheme("douyin-request-hmac-sha256").is_empty());
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/douyin.json"), &[]);
}
