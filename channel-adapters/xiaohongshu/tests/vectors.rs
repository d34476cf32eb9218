//! Every signature vector of what Xiaohongshu sends, and of its old interface, which signs in the same way; those of
//! our calls are computed by `src/vectors.rs`.

use channel::{Ask, RawRequest, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_xiaohongshu::PROTOCOL;
use vocabulary::Timestamp;

fn check(vector: &Vector) {
    let headers = vector.texts("/input/headers");
    let header =
        |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).expect("a header");
    let settings = PROTOCOL
        .example_settings
        .replace("xhsdemo0001", &header("app-key"))
        .replace("xhsSecretxhsSecretxhsSecret00001", vector.text("/keys/app_secret"))
        .replacen(
            "\"item_by\"",
            &format!("\"push_path\": \"{}\", \"item_by\"", vector.text("/input/path")),
            1,
        );
    let adapter =
        (PROTOCOL.connect)("xiaohongshu/main".parse().expect("an account"), &settings).expect("usable");
    let query: Vec<String> = vector.texts("/input/query").iter().map(|(n, v)| format!("{n}={v}")).collect();
    let body = vector.value("/input/body").and_then(serde_json::Value::as_str);
    let now = Timestamp::from_secs(header("timestamp").parse().expect("seconds"));
    let sign = ("sign".to_owned(), vector.text("/expected/sign").to_owned());
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: query.join("&"),
        headers: headers.iter().chain([&sign]).map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect(),
        body: body.unwrap_or(r#"{"test":true}"#).as_bytes().to_vec(),
        received_at: now,
    };
    let secret = vector.text("/keys/app_secret");
    let canonical = vector.text("/expected/canonical").replace(secret, "***");
    assert_eq!(adapter.signed_text(&request), Some(canonical), "{}", vector.name);
    let proof = adapter.verify(&request, now).unwrap_or_else(|refusal| panic!("{}: {refusal}", vector.name));
    let inbound = adapter.parse(&Verified::new(&request, proof)).expect("parsed");
    assert!(matches!(inbound.ask, Ask::ReadBack { .. } | Ask::Nothing), "{}", vector.name);
    let late = adapter.verify(&request, now.plus_secs(601)).err().map(|refusal| refusal.code);
    assert_eq!(late, Some("stale_timestamp"));
    let mut other = request;
    other.topic = "x".into();
    assert_eq!(adapter.verify(&other, now).err().map(|refusal| refusal.code), Some("bad_signature"));
}

#[test]
fn every_vector_is_accepted_in_time_and_refused_late_or_elsewhere() {
    let vectors = Vectors::read(include_str!("../fixtures/xiaohongshu.json"));
    for scheme in ["xhs-push-md5", "xhs-v1-rest-md5"] {
        vectors.scheme(scheme).into_iter().for_each(check);
    }
    // Computed by the protocol's own schemes, below.
    assert!(!vectors.scheme("xhs-request-md5").is_empty());
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/xiaohongshu.json"), &[]);
}
