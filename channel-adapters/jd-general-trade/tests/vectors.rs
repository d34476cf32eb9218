//! Every general-trade vector of the fixture, by scheme.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{DeliveryJob, cipher};
use channel_conformance::{Vector, Vectors, judge_vectors};
use common::{NOW, connect, form, key, line, order_id, request};
use serde_json::{Value, json};
use vocabulary::{Currency, Money, Timestamp};

const CARD_KEY: &str = "abcdefghijklmnopqrstuvwxyz012345";

fn all() -> Vectors {
    Vectors::read(include_str!("../fixtures/jd.json"))
}

fn at(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let local = format!(
        "{}-{}-{}T{}:{}:{}+08:00",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    Timestamp::parse_rfc3339(&local).ok()
}

/// The vector's fields as JD posts them.
fn posted(vector: &Vector) -> channel::RawRequest {
    let mut fields = vector.texts("/input/params");
    fields.retain(|(name, _)| name != "sign" && name != "signType");
    let given = vector.value("/input/params/sign").and_then(Value::as_str).filter(|sign| !sign.is_empty());
    let sign = given.map_or_else(|| vector.text("/expected/sign").to_owned(), str::to_owned);
    fields.extend([("sign".to_owned(), sign), ("signType".to_owned(), "MD5".to_owned())]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    request("beginDistill", &form(&fields))
}

#[test]
fn every_signature_vector_is_accepted_or_refused_as_it_says() {
    for vector in all().scheme("jd-general-trade-md5") {
        let settings = json!({ "vendor_id": 1201, "private_key": vector.text("/keys/private_key"), "card_key": CARD_KEY });
        let adapter = connect(&settings.to_string());
        let request = posted(vector);
        let accept = vector.value("/expected/accept") != Some(&json!(false));
        if let Some(canonical) = vector.value("/expected/canonical").and_then(Value::as_str) {
            let shown = canonical.replace(vector.text("/keys/private_key"), "***");
            assert_eq!(adapter.signed_text(&request), Some(shown), "{}", vector.name);
        }
        let stated = at(vector.text("/input/params/timestamp"));
        let code = adapter.verify(&request, stated.unwrap_or(NOW)).err().map(|refusal| refusal.code);
        match (accept, stated) {
            (false, _) => assert_eq!(code, Some("bad_signature"), "{}", vector.name),
            (true, Some(stated)) => {
                assert_eq!(code, None, "{}", vector.name);
                let late = adapter.verify(&request, stated.plus_secs(301)).err().map(|refusal| refusal.code);
                assert_eq!(late, Some("stale_timestamp"), "{}", vector.name);
            }
            // The signature is right; the form is one of the older protocol, whose fields are not this one's.
            (true, None) => assert_ne!(code, Some("bad_signature"), "{}", vector.name),
        }
    }
}

#[test]
fn every_card_vector_is_sealed_to_the_same_text() {
    let vectors = all();
    for vector in vectors.scheme("jd-general-trade-aes-256-ecb") {
        let (key, plain) = (vector.text("/keys/key"), vector.text("/input/plaintext"));
        let sealed = cipher::aes_ecb_encrypt(key.as_bytes(), &cipher::pad(plain.as_bytes(), 16)).unwrap();
        assert_eq!(STANDARD.encode(&sealed), vector.text("/expected/ciphertext_base64"), "{}", vector.name);
        let open = cipher::aes_ecb_decrypt(key.as_bytes(), &sealed).unwrap();
        assert_eq!(cipher::unpad(&open, 16), Some(plain.as_bytes()), "{}", vector.name);
    }
    // The other schemes are those of JD's other platforms and belong to their adapters.
    vectors.scheme("jd-general-trade-md5");
    vectors.scheme("jd-game-card-md5");
    vectors.scheme("jd-jos-md5");
    vectors.assert_all_used();
}

/// The document's own sample of sealed cards, opened and read by the field rules.
#[test]
fn our_cards_are_sealed_as_the_document_seals_its_own() {
    let settings = json!({ "vendor_id": 1201, "private_key": common::KEY, "card_key": common::KEY });
    let adapter = connect(&settings.to_string());
    let day = |text: &str| text.parse().ok();
    let mut cards = vec![key("123456", Some("654321")), key("654321", Some("123456"))];
    cards.iter_mut().for_each(|card| card.expires_on = day("2016-10-10"));
    let job = DeliveryJob {
        order: order_id(),
        external_no: "123456789".into(),
        memo: Some("https://vtpnotify.jd.com/vtp".into()),
        lines: vec![line(2, cards)],
        total: Money::new(1980, Currency::CNY),
        txn: None,
        idempotency_key: "d1".into(),
        fulfilled_at: NOW,
    };
    let call = adapter.deliver().unwrap().request(&job, NOW).unwrap();
    let posted = request("", std::str::from_utf8(&call.body).unwrap()).form().unwrap();
    let (_, product) = posted.iter().find(|(name, _)| name == "product").unwrap();
    let open = |sealed: &str| -> Value {
        let bytes =
            cipher::aes_ecb_decrypt(common::KEY.as_bytes(), &STANDARD.decode(sealed).unwrap()).unwrap();
        serde_json::from_slice(cipher::unpad(&bytes, 16).unwrap()).unwrap()
    };
    let vectors = all();
    let theirs = vectors.scheme("jd-general-trade-aes-256-ecb");
    let theirs = theirs.iter().find(|vector| vector.text("/input/plaintext").starts_with('[')).unwrap();
    assert_eq!(open(product), open(theirs.text("/expected/ciphertext_base64")));
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(
        &[channel_jd_general_trade::PROTOCOL],
        include_str!("../fixtures/jd.json"),
        &["jd-jos-md5", "jd-game-card-md5"],
    );
}
