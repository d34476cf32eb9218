//! Every vector of the fixture file.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, cipher};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_youzan::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn push(vector: &Vector) {
    let settings = PROTOCOL
        .example_settings
        .replace("a1b2c3d4e5f6a7b8c9", vector.text("/keys/client_id"))
        .replace("0123456789abcdef0123456789abcdef", vector.text("/keys/client_secret"));
    let account = "youzan/main".parse().expect("an account");
    let adapter = (PROTOCOL.connect)(account, &settings).expect("usable settings");
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: vector.value("/input/body_json").expect("a body").to_string().into_bytes(),
        received_at: NOW,
    };
    let verdict = adapter.verify(&request, NOW);
    assert_eq!(verdict.is_ok(), vector.accepted(), "{}", vector.name);
    if vector.accepted() {
        let shown = adapter.signed_text(&request).unwrap_or_default();
        let canonical = vector.text("/expected/canonical").replace(vector.text("/keys/client_secret"), "***");
        assert_eq!(shown, canonical, "{}", vector.name);
    } else {
        assert_eq!(verdict.err().map(|refusal| refusal.code), Some(vector.text("/expected/reason")));
    }
}

/// The recipe of app messages, which are encrypted and not signed, so that the adapter takes none in.
fn app_message(vector: &Vector) {
    let text = vector.text("/input/message");
    let mut decoded = text.to_owned();
    for (from, to) in [("%2F", "/"), ("%2B", "+"), ("%3D", "=")] {
        decoded = decoded.replace(from, to);
    }
    let sealed = STANDARD.decode(decoded.trim_end_matches('=')).or_else(|_| STANDARD.decode(&decoded));
    let key = &vector.text("/keys/client_secret").as_bytes()[..16];
    let open =
        cipher::aes_cbc_decrypt(key, b"0102030405060708", &sealed.expect("Base64")).expect("whole blocks");
    let plain = cipher::unpad(&open, 16).expect("padding");
    assert_eq!(String::from_utf8_lossy(plain), vector.text("/expected/plaintext"), "{}", vector.name);
}

#[test]
fn every_vector_gives_its_verdict() {
    let vectors = Vectors::read(include_str!("../fixtures/youzan.json"));
    for vector in vectors.scheme("youzan-push-md5") {
        push(vector);
    }
    for vector in vectors.scheme("youzan-message-aes-128-cbc") {
        app_message(vector);
    }
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/youzan.json"), &[]);
}
