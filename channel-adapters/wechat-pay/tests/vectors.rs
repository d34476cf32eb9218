//! Published vectors, and vectors computed with other implementations.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Adapter, Ask, Inbound, RawRequest, Refusal, Verified,
    cipher::aes_256_gcm_open,
    sign::{RsaSigner, der_from_text},
};
use channel_conformance::{Vector, Vectors, judge_vectors};
use serde_json::{Value, json};
use vocabulary::{Currency, Money, Timestamp};

fn connect(vector: &Vector) -> Arc<dyn Adapter> {
    let mut settings = platform::settings("https://pay.example", false);
    if let Some(key) = vector.value("/keys/apiv3_key") {
        settings["apiv3_key"] = key.clone();
    }
    let key = match vector.text("/keys/verify/mode") {
        "platform_certificate" => vector.text("/keys/verify/certificate_pem"),
        _ => vector.text("/keys/verify/public_key_pem"),
    };
    settings["platform_keys"] = json!([{ "id": vector.text("/keys/verify/serial"), "key": key }]);
    (channel_wechat_pay::PROTOCOL.connect)("wechat-pay/shop-1".parse().unwrap(), &settings.to_string())
        .unwrap()
}

fn request(vector: &Vector) -> RawRequest {
    let headers = vector.texts("/input/headers");
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
        body: vector.text("/input/body").into(),
        received_at: Timestamp::from_secs(vector.integer("/input/now")),
    }
}

/// What an accepted notification must have been read as, by its plain text.
fn check(vector: &Vector, inbound: &Inbound) {
    let plain: Value = serde_json::from_str(vector.text("/expected/plaintext")).unwrap();
    match &inbound.ask {
        Ask::Payment(payment) => {
            assert_eq!(payment.external_no, plain["out_trade_no"], "{}", vector.name);
            assert_eq!(payment.txn, plain["transaction_id"], "{}", vector.name);
            let fen = plain["amount"]["total"].as_i64().unwrap();
            assert_eq!(payment.amount, Money::new(fen, Currency::CNY), "{}", vector.name);
        }
        Ask::RefundSettled(refund) => {
            assert_eq!(refund.external_no, plain["out_trade_no"], "{}", vector.name);
            assert_eq!(refund.refund, plain["out_refund_no"], "{}", vector.name);
            let fen = plain["amount"]["refund"].as_i64().unwrap();
            assert_eq!(refund.amount, Some(Money::new(fen, Currency::CNY)), "{}", vector.name);
        }
        other => panic!("{}: {}", vector.name, channel_conformance::ask_text(other)),
    }
}

fn judge(vector: &Vector) {
    let (adapter, request) = (connect(vector), request(vector));
    let read = || -> Result<Inbound, Refusal> {
        let proof = adapter.verify(&request, request.received_at)?;
        adapter.parse(&Verified::new(&request, proof))
    };
    match read() {
        Ok(inbound) => {
            assert!(vector.accepted(), "{} was accepted", vector.name);
            check(vector, &inbound);
            assert_eq!(adapter.signed_text(&request).unwrap(), vector.text("/expected/canonical"));
        }
        Err(refusal) => {
            assert!(!vector.accepted(), "{}: {refusal}", vector.name);
            let reason = match vector.text("/expected/reason") {
                "timestamp_out_of_tolerance" => "stale_timestamp",
                reason => reason,
            };
            assert_eq!(refusal.code, reason, "{}", vector.name);
        }
    }
}

fn sign(pem: &str, text: &str) -> String {
    let signer = RsaSigner::from_pkcs8(der_from_text(pem).unwrap().expose()).unwrap();
    STANDARD.encode(signer.sign_sha256(text.as_bytes()).unwrap())
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/wechat-pay.json"));
    vectors.scheme("wechatpay-v3-notify").into_iter().for_each(judge);
    for vector in vectors.scheme("wechatpay-v3-notify-signature-only") {
        let (adapter, request) = (connect(vector), request(vector));
        let proof = adapter.verify(&request, request.received_at);
        assert_eq!(proof.is_ok(), vector.accepted(), "{}", vector.name);
        let inbound = adapter.parse(&Verified::new(&request, proof.unwrap())).unwrap();
        assert!(matches!(inbound.ask, Ask::Unmapped { kind } if kind == "PAYSCORE.USER_OPEN_SERVICE"));
        assert_eq!(adapter.signed_text(&request).unwrap(), vector.text("/expected/canonical"));
    }
    for vector in vectors.scheme("wechatpay-v3-aead-decrypt") {
        let sealed = STANDARD.decode(vector.text("/input/ciphertext")).unwrap();
        let (key, nonce) = (vector.text("/keys/apiv3_key"), vector.text("/input/nonce"));
        let aad = vector.text("/input/associated_data").as_bytes();
        let plain = aes_256_gcm_open(key.as_bytes(), nonce.as_bytes(), aad, &sealed);
        let expected =
            vector.value("/expected/plaintext").map(|text| text.as_str().unwrap().as_bytes().to_vec());
        assert_eq!(plain, expected, "{}", vector.name);
    }
    for vector in vectors.scheme("wechatpay-v3-jsapi-paysign") {
        let field = |name: &str| vector.text(&format!("/input/{name}")).to_owned();
        let parts = ["appId", "timeStamp", "nonceStr", "package"].map(field);
        let text = format!("{}\n", parts.join("\n"));
        assert_eq!(text, vector.text("/expected/canonical"), "{}", vector.name);
        assert_eq!(sign(vector.text("/keys/private_key_pem"), &text), vector.text("/expected/paySign"));
    }
    for vector in vectors.scheme("rsa-sha256-pkcs1v15-sign") {
        let signature = sign(vector.text("/keys/private_key_pem"), vector.text("/input/message"));
        assert_eq!(signature, vector.text("/expected/signature"), "{}", vector.name);
    }
    // Computed by the protocol's own schemes, below.
    vectors.scheme("wechatpay-v3-request-sign");
    vectors.scheme("wechatpay-v3-request-canonical");
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[channel_wechat_pay::PROTOCOL], include_str!("../fixtures/wechat-pay.json"), &[]);
}
