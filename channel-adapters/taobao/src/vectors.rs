//! Every vector of the fixture file.

use channel::RawRequest;
use channel_conformance::{Vector, Vectors};
use vocabulary::Timestamp;

use crate::{
    api,
    settings::{EXAMPLE, Settings, SignMethod},
    spi,
};

fn request(vector: &Vector, method: SignMethod) {
    let params = vector.texts("/input/params");
    let secret = vector.text("/keys/app_secret");
    let canonical = match method {
        SignMethod::Md5 => format!("{secret}{}{secret}", api::joined(&params)),
        SignMethod::Hmac => api::joined(&params),
    };
    assert_eq!(canonical, vector.text("/expected/canonical"), "{}", vector.name);
    assert_eq!(api::signature(&params, secret, method), vector.text("/expected/sign"), "{}", vector.name);
}

fn connect(vector: &Vector) {
    let params = [
        ("app_key", vector.text("/keys/app_key").to_owned()),
        ("group_name", vector.text("/input/group_name").to_owned()),
        ("timestamp", vector.text("/input/timestamp_ms").to_owned()),
    ];
    let sign = api::signature(&params, vector.text("/keys/app_secret"), SignMethod::Md5);
    assert_eq!(sign, vector.text("/expected/sign"), "{}", vector.name);
}

fn service_call(vector: &Vector) {
    let now = Timestamp::from_secs(1_767_225_600);
    let settings = EXAMPLE.replace("topSecret0123456789abcdef0000001", vector.text("/keys/app_secret"));
    let settings = Settings::read(&settings).expect("usable settings");
    let (_, query) = vector.text("/input/url").split_once('?').expect("a query");
    let headers = vector.texts("/input/headers");
    let call = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: query.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
        body: vector.text("/input/body").as_bytes().to_vec(),
        received_at: now,
    };
    let verdict = spi::verify(&settings, &call, now);
    assert_eq!(verdict.is_ok(), vector.accepted(), "{}", vector.name);
    if vector.accepted() {
        let shown = spi::signed_text(&call).unwrap_or_default();
        let canonical = vector.text("/expected/canonical").replace(vector.text("/keys/app_secret"), "***");
        assert_eq!(shown, canonical, "{}", vector.name);
    } else {
        assert_eq!(verdict.err().map(|refusal| refusal.code), Some(vector.text("/expected/reason")));
    }
}

#[test]
fn every_vector_gives_its_verdict() {
    let vectors = Vectors::read(include_str!("../fixtures/taobao.json"));
    for vector in vectors.scheme("top-request-md5") {
        request(vector, SignMethod::Md5);
    }
    for vector in vectors.scheme("top-request-hmac-md5") {
        request(vector, SignMethod::Hmac);
    }
    for vector in vectors.scheme("top-tmc-connect-md5") {
        connect(vector);
    }
    for vector in vectors.scheme("top-spi-md5") {
        service_call(vector);
    }
    // The queue is taken by HTTP; the frames of its long connection are not spoken.
    for scheme in ["top-tmc-frame-encode", "top-tmc-frame-decode"] {
        assert!(!vectors.scheme(scheme).is_empty());
    }
    vectors.assert_all_used();
}
