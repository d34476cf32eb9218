//! Every Dujiao-Next vector of the fixture.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::RawRequest;
use channel_conformance::{Vector, Vectors, judge_vectors};
use common::connect;
use serde_json::{Value, json};
use vocabulary::Timestamp;

const TIME: &str = "/input/headers/Dujiao-Next-Timestamp";

fn sent(vector: &Vector, signature: &str) -> RawRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    RawRequest {
        method: vector.text("/input/method").into(),
        topic: vector.text("/input/path").trim_start_matches('/').into(),
        query: vector.value("/input/query").and_then(Value::as_str).unwrap_or_default().into(),
        headers: vec![
            header("Dujiao-Next-Api-Key", "k"),
            header("Dujiao-Next-Timestamp", vector.text(TIME)),
            header("Dujiao-Next-Signature", signature),
            header("Content-Type", "application/json"),
        ],
        body: vector.text("/input/body").as_bytes().to_vec(),
        received_at: Timestamp::default(),
    }
}

#[test]
fn every_signature_vector_is_accepted_or_refused_as_it_says() {
    let vectors = Vectors::read(include_str!("../fixtures/supply.json"));
    for vector in vectors.scheme("dujiao-next-hmac-sha256") {
        let secret = vector.text("/keys/api_secret");
        let side = json!({ "api_key": "k", "api_secret": secret });
        let (mut sell, mut buy) = (side.clone(), side);
        sell["callback_prefixes"] = json!(["https://a-site.example.com/"]);
        buy["base_url"] = json!("https://b-site.example.com");
        let adapter = connect(&json!({ "sell": sell, "buy": buy }).to_string());
        let accept = vector.value("/expected/accept") != Some(&json!(false));
        let given = vector.value("/input/headers/Dujiao-Next-Signature").and_then(Value::as_str);
        let request = sent(vector, given.unwrap_or_else(|| vector.text("/expected/sign")));
        let now = Timestamp::from_secs(vector.text(TIME).parse().unwrap());
        let code = |now| adapter.verify(&request, now).err().map(|refusal| refusal.code);
        assert_eq!(code(now).is_none(), accept, "{}", vector.name);
        if let Some(canonical) = vector.value("/expected/canonical").and_then(Value::as_str) {
            assert_eq!(adapter.signed_text(&request).as_deref(), Some(canonical), "{}", vector.name);
        }
        if accept {
            assert_eq!(code(now.plus_secs(61)), Some("stale_timestamp"), "{}", vector.name);
            let mut longer = request.clone();
            longer.body.push(b' ');
            let changed = adapter.verify(&longer, now).err().map(|refusal| refusal.code);
            assert_eq!(changed, Some("bad_signature"), "{}", vector.name);
        }
    }
    // The other families are other adapters.
    for other in ["acg-faka-md5", "zcard-hmac-sha256", "fulu-sorted-chars-md5", "fulu-card-aes-256-ecb"] {
        vectors.scheme(other);
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(
        &[channel_dujiao_next::PROTOCOL],
        include_str!("../fixtures/supply.json"),
        &["acg-faka-md5", "zcard-hmac-sha256", "fulu-sorted-chars-md5", "fulu-card-aes-256-ecb"],
    );
}
