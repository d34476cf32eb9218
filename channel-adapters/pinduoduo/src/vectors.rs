//! Every vector of the fixture file.

use channel_conformance::{Vector, Vectors};
use serde_json::Value;
use vocabulary::Secret;

use crate::{api, pmc};

/// A parameter as it goes over the wire: a text as it is, everything else as compact JSON.
fn wire(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn request(vector: &Vector) {
    let params: Vec<(String, String)> = match vector.value("/input/params") {
        Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), wire(value))).collect(),
        _ => panic!("{} has no parameters", vector.name),
    };
    let mut expected = vector.texts("/expected/wire_params");
    expected.sort();
    let mut sorted = params.clone();
    sorted.sort();
    assert_eq!(sorted, expected, "{}", vector.name);
    let secret = vector.text("/keys/client_secret");
    assert_eq!(
        api::canonical(&params, secret).expose(),
        vector.text("/expected/canonical"),
        "{}",
        vector.name
    );
    assert_eq!(api::signature(&params, secret), vector.text("/expected/sign"), "{}", vector.name);
}

#[test]
fn every_vector_gives_its_signature() {
    let vectors = Vectors::read(include_str!("../fixtures/pinduoduo.json"));
    for vector in vectors.scheme("pdd-request-md5") {
        request(vector);
    }
    for vector in vectors.scheme("pdd-pmc-connect") {
        let secret = Secret::new(vector.text("/keys/client_secret").to_owned());
        let path = pmc::path(vector.text("/keys/client_id"), &secret, vector.integer("/input/timestamp_ms"));
        assert_eq!(path, vector.text("/expected/url_path"), "{}", vector.name);
    }
    vectors.assert_all_used();
}
