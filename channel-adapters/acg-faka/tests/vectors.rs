//! Every acg-faka vector of the fixture.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel_conformance::{Vector, Vectors, judge_vectors};
use common::{NOW, connect, form, request};
use serde_json::{Value, json};

fn fields(vector: &Vector) -> Vec<(String, String)> {
    match vector.value("/input/form_pairs").and_then(Value::as_array) {
        Some(pairs) => pairs
            .iter()
            .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned()))
            .collect(),
        None => vector.texts("/input/form"),
    }
}

#[test]
fn every_signature_vector_is_accepted_or_refused_as_it_says() {
    let vectors = Vectors::read(include_str!("../fixtures/supply.json"));
    for vector in vectors.scheme("acg-faka-md5") {
        let app_key = vector.text("/keys/app_key");
        let fields = fields(vector);
        let given = fields.iter().find(|(name, _)| name == "sign").map(|(_, value)| value.clone());
        let given = given.unwrap_or_else(|| vector.text("/expected/sign").to_owned());
        let app_id = fields.iter().find(|(name, _)| name == "app_id").map_or("1", |(_, id)| id.as_str());
        let adapter = connect(&json!({ "sell": { "app_id": app_id, "app_key": app_key } }).to_string());
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.retain(|(name, _)| *name != "sign");
        all.push(("sign", &given));
        let request = request("shared/commodity/trade", &form(&all));
        let accept = vector.value("/expected/accept") != Some(&json!(false));
        let verdict = adapter.verify(&request, NOW);
        assert_eq!(verdict.is_ok(), accept, "{}: {verdict:?}", vector.name);
        if let Some(canonical) = vector.value("/expected/canonical").and_then(Value::as_str) {
            let hidden = canonical
                .replace(&format!("app_key={app_key}&"), "app_key=***&")
                .replace(&format!("&key={app_key}"), "&key=***");
            assert_eq!(adapter.signed_text(&request), Some(hidden), "{}", vector.name);
        }
    }
    // The other families are other adapters.
    let others =
        ["dujiao-next-hmac-sha256", "zcard-hmac-sha256", "fulu-sorted-chars-md5", "fulu-card-aes-256-ecb"];
    for other in others {
        vectors.scheme(other);
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(
        &[channel_acg_faka::PROTOCOL],
        include_str!("../fixtures/supply.json"),
        &["dujiao-next-hmac-sha256", "zcard-hmac-sha256", "fulu-sorted-chars-md5", "fulu-card-aes-256-ecb"],
    );
}
