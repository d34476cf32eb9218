//! Every vector of this adapter's schemes, through the adapter.

mod common;

use channel::legacy_sign::md5_hex;
use channel_conformance::judge_vectors;
use serde_json::Value;
use vocabulary::Timestamp;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn every_supply_vector_is_accepted_or_refused_as_it_says() {
    let all: Vec<Value> = serde_json::from_str(include_str!("../fixtures/xianyu.json")).expect("JSON");
    let mut seen = 0;
    for vector in all.iter().filter(|v| v["scheme"] == "xianyu-supply-md5") {
        let (keys, input) = (&vector["keys"], &vector["input"]);
        let adapter = common::connect(&format!(
            r#"{{"app_id":{},"app_secret":"{}","mch_id":"{}","mch_secret":"{}"}}"#,
            text(&keys["app_id"]),
            text(&keys["app_secret"]),
            text(&keys["mch_id"]),
            text(&keys["mch_secret"]),
        ));
        let query = &input["query"];
        let accepted = vector["expected"]["accept"] != false;
        let sign = if accepted { &vector["expected"]["sign"] } else { &query["sign"] };
        let (mch_id, timestamp) = (text(&query["mch_id"]), text(&query["timestamp"]));
        let query = format!("mch_id={mch_id}&timestamp={timestamp}&sign={}", text(sign));
        let request = common::request(text(&input["path"]), &query, text(&input["body"]));
        let now = Timestamp::from_secs(timestamp.parse().expect("seconds"));
        let verdict = adapter.verify(&request, now);
        if accepted {
            assert!(verdict.is_ok_and(|proof| proof.is_signed()), "{}", vector["name"]);
            let late = adapter.verify(&request, now.plus_secs(301)).map(|_| ()).map_err(|r| r.code);
            assert_eq!(late, Err("stale_timestamp"), "{}", vector["name"]);
        } else {
            let why = verdict.err().map(|refusal| refusal.code);
            assert_eq!(why, vector["expected"]["reason"].as_str(), "{}", vector["name"]);
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn the_published_body_digest_is_ours() {
    let all: Vec<Value> = serde_json::from_str(include_str!("../fixtures/xianyu.json")).expect("JSON");
    let vector = all.iter().find(|v| v["scheme"] == "xianyu-supply-body-md5").expect("there");
    assert_eq!(md5_hex(text(&vector["input"]["body"]).as_bytes()), text(&vector["expected"]["body_md5"]));
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(
        &[channel_xianyu_supply::PROTOCOL],
        include_str!("../fixtures/xianyu.json"),
        &["xianyu-erp-md5", "xianyu-erp-md5-partner"],
    );
}
