//! Published and independently computed vectors, and the reference implementation as an oracle.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{Adapter, RawRequest};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_generic::PROTOCOL;
use standardwebhooks::Webhook;
use std::sync::Arc;
use vocabulary::Timestamp;

mod partner;

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("generic/shop-1".parse().unwrap(), settings).unwrap()
}

fn list(vector: &Vector, pointer: &str) -> String {
    match vector.value(pointer) {
        Some(serde_json::Value::String(one)) => serde_json::json!([one]).to_string(),
        Some(many) => many.to_string(),
        None => "[]".to_owned(),
    }
}

/// A request with exactly these headers.
fn request(headers: &[(String, String)], body: &str) -> RawRequest {
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    RawRequest { headers, ..partner::post("unused", body) }
}

fn signed(vector: &Vector) -> Vec<(String, String)> {
    let at = vector.integer("/input/timestamp").to_string();
    let values = [("webhook-id", vector.text("/input/msg_id")), ("webhook-timestamp", &at)];
    let signature = ("webhook-signature", vector.text("/expected/signature"));
    values.into_iter().chain([signature]).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn every_vector_of_the_standard_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/standard-webhooks.json"));
    for vector in vectors.scheme("standard-webhooks-verify") {
        let adapter = connect(&format!(r#"{{"secrets":{}}}"#, list(vector, "/keys/secrets")));
        judge(vector, adapter.as_ref());
    }
    for vector in vectors.scheme("standard-webhooks-verify-v1a") {
        let adapter = connect(&format!(r#"{{"public_keys":{}}}"#, list(vector, "/keys/public_key")));
        judge(vector, adapter.as_ref());
    }
    for vector in vectors.scheme("standard-webhooks-sign") {
        let unsigned = request(&signed(vector)[..2], vector.text("/input/body"));
        let ours = partner::sign(&unsigned, vector.text("/keys/secret")).unwrap();
        assert_eq!(ours.header("webhook-signature").unwrap(), vector.text("/expected/signature"));
        accepted(vector, &format!(r#"{{"secrets":{}}}"#, list(vector, "/keys/secret")));
    }
    for vector in vectors.scheme("standard-webhooks-sign-v1a") {
        accepted(vector, &format!(r#"{{"public_keys":{}}}"#, list(vector, "/keys/public_key")));
    }
    vectors.assert_all_used();
}

fn accepted(vector: &Vector, settings: &str) {
    let now = Timestamp::from_secs(vector.integer("/input/timestamp"));
    let request = request(&signed(vector), vector.text("/input/body"));
    assert!(connect(settings).verify(&request, now).is_ok(), "{}", vector.name);
}

fn judge(vector: &Vector, adapter: &dyn Adapter) {
    let now = Timestamp::from_secs(vector.integer("/input/now"));
    let request = request(&vector.texts("/input/headers"), vector.text("/input/body"));
    let verdict = adapter.verify(&request, now);
    assert_eq!(verdict.is_ok(), vector.accepted(), "{}", vector.name);
    if let Err(refusal) = verdict {
        let code = match vector.text("/expected/reason") {
            "timestamp_out_of_tolerance" => "stale_timestamp",
            other => other,
        };
        assert_eq!(refusal.code, code, "{}", vector.name);
    }
}

#[test]
fn what_the_reference_implementation_signs_is_accepted() {
    let reference = Webhook::new(partner::SECRET).unwrap();
    let adapter = connect(&format!(r#"{{"secrets":["{}"]}}"#, partner::SECRET));
    let bodies = ["", "{}", "{\"type\":\"ping\"}", "卡密 \u{1f600}", "a.b.c\r\n"];
    for (at, body) in bodies.into_iter().enumerate() {
        let mut request = partner::post(&format!("msg_{at}"), body);
        let signature = reference.sign(&format!("msg_{at}"), partner::NOW.secs(), body.as_bytes()).unwrap();
        request.headers.push(("webhook-signature".into(), signature.into_bytes()));
        assert!(adapter.verify(&request, partner::NOW).is_ok(), "{body}");
        request.body.push(b' ');
        assert!(adapter.verify(&request, partner::NOW).is_err(), "{body}");
    }
}

#[test]
fn what_we_send_is_what_the_reference_implementation_signs() {
    let subject = partner::subject();
    let reference = Webhook::new(&subject.secrets[0]).unwrap();
    let adapter = connect(&subject.settings);
    let job = channel::StockJob { item: "steam.50".into(), available: 7, figure: 42 };
    let call = adapter.push_stock().unwrap().request(&job, partner::NOW).unwrap();
    let header = |name: &str| call.headers.iter().find(|(n, _)| n == name).unwrap().1.as_str();
    let id = header("webhook-id");
    assert!(!id.contains('.'), "{id}");
    let expected = reference.sign(id, header("webhook-timestamp").parse().unwrap(), &call.body).unwrap();
    assert_eq!(header("webhook-signature"), expected);
    assert_eq!(call.body, br#"{"data":{"available":7,"figure":42,"sku":"steam.50"},"type":"stock.changed"}"#);
}

#[test]
fn an_hmac_is_refused_where_only_a_public_key_is_known() {
    let adapter = connect(r#"{"public_keys":["whpk_u09Wmr9tIy4Ksi701TeHHwPsu9dzWKY1hWSczBgGYpk="]}"#);
    let request = partner::sign(&partner::post("msg_1", "{}"), partner::SECRET).unwrap();
    assert!(adapter.verify(&request, partner::NOW).is_err());
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/standard-webhooks.json"), &[]);
}
