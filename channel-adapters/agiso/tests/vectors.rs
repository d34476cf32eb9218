//! Every push vector of the fixture; those of the API are computed by `src/vectors.rs`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel_conformance::{Vectors, judge_vectors};
use common::{connect, push_at};
use serde_json::{Value, json};
use vocabulary::Timestamp;

#[test]
fn every_push_vector_is_accepted_or_refused_as_it_says() {
    let vectors = Vectors::read(include_str!("../fixtures/agiso.json"));
    for vector in vectors.scheme("agiso-push-md5") {
        let secret = vector.text("/keys/app_secret");
        let settings = json!({ "app_secret": secret, "access_token": "a-token", "platform_shop_id": "1" });
        let adapter = connect(&settings.to_string().replace("a-token", "a-token-of-it"));
        let (json, timestamp) = (vector.text("/input/form/json"), vector.text("/input/query/timestamp"));
        let accept = vector.value("/expected/accept") != Some(&json!(false));
        let given = vector.value("/input/query/sign").and_then(Value::as_str);
        let sign = given.unwrap_or_else(|| vector.text("/expected/sign"));
        let now = Timestamp::from_secs(timestamp.parse().unwrap());
        for sign in [sign.to_owned(), sign.to_uppercase()] {
            let code = |now| adapter.verify(&push_at(json, timestamp, &sign), now).err().map(|r| r.code);
            assert_eq!(code(now).is_none(), accept, "{}", vector.name);
            if accept {
                assert_eq!(code(now.plus_secs(601)), Some("stale_timestamp"), "{}", vector.name);
            }
        }
        if let Some(canonical) = vector.value("/expected/canonical").and_then(Value::as_str) {
            let shown = adapter.signed_text(&push_at(json, timestamp, sign));
            assert_eq!(shown, Some(canonical.replace(secret, "***")), "{}", vector.name);
        }
    }
    vectors.scheme("agiso-api-md5");
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[channel_agiso::PROTOCOL], include_str!("../fixtures/agiso.json"), &[]);
}
