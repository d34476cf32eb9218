//! Published and independently computed vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use channel::{Adapter, Inbound, Outcome, Protocol, RawRequest, Refusal, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_wechat_shop::{SHOP, XPAY, xpay_signatures};
use serde_json::{Value, json};
use vocabulary::{Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn connect(protocol: Protocol, vector: &Vector) -> Arc<dyn Adapter> {
    let text = |pointer: &str, otherwise: &str| {
        vector.value(pointer).and_then(Value::as_str).unwrap_or(otherwise).to_owned()
    };
    let mut settings = json!({ "appid": text("/keys/appid", "wx1"), "app_secret": "s",
        "token": text("/keys/token", ""), "encoding_aes_key": text("/keys/encoding_aes_key", &"A".repeat(43)) });
    if protocol.manifest.code == "wechat-xpay" {
        settings["app_key"] = "k".into();
    }
    let account = format!("{}/shop-1", protocol.manifest.code).parse().unwrap();
    (protocol.connect)(account, &settings.to_string()).unwrap()
}

fn request(vector: &Vector, method: &str) -> RawRequest {
    let pairs = vector.texts("/input/query");
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect();
    RawRequest {
        method: method.into(),
        topic: String::new(),
        query: query.join("&"),
        headers: Vec::new(),
        body: vector.value("/input/body").and_then(Value::as_str).unwrap_or_default().into(),
        received_at: NOW,
    }
}

fn read(adapter: &dyn Adapter, request: &RawRequest) -> Result<Inbound, Refusal> {
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

fn pushed(vector: &Vector) {
    let name = &vector.name;
    let event = vector.value("/expected/event").and_then(Value::as_str).unwrap_or_default();
    let protocol = if event.starts_with("xpay") { XPAY } else { SHOP };
    let adapter = connect(protocol, vector);
    let request = request(vector, "POST");
    match read(adapter.as_ref(), &request) {
        Ok(inbound) => {
            assert!(vector.accepted(), "{name}");
            let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
            let reply = adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None });
            if protocol.manifest.code == "wechat-shop" {
                assert_eq!(inbound.content, vector.text("/expected/plaintext").as_bytes(), "{name}");
                assert!(inbound.id.unwrap().starts_with(event), "{name}");
                assert_eq!(reply.body, b"success", "{name}");
            } else {
                let plain: Value = serde_json::from_str(vector.text("/expected/plaintext")).unwrap();
                let channel::Ask::Order(order) = &inbound.ask else { panic!("{name} is an order") };
                assert_eq!(plain["OutTradeNo"], order.external_no.as_str(), "{name}");
                assert_eq!(plain["GoodsInfo"]["ProductId"], order.lines[0].item.as_str(), "{name}");
                assert_eq!(reply.body, br#"{"ErrCode":0,"ErrMsg":"success"}"#, "{name}");
            }
        }
        Err(refusal) => {
            assert!(!vector.accepted(), "{name}: {refusal}");
            assert_eq!(refusal.code, vector.text("/expected/reason"), "{name}");
        }
    }
}

fn address(vector: &Vector) {
    let adapter = connect(SHOP, vector);
    let request = request(vector, "GET");
    let inbound = read(adapter.as_ref(), &request);
    assert_eq!(inbound.is_ok(), vector.accepted(), "{}", vector.name);
    if let Ok(inbound) = inbound {
        let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
        let reply = adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None });
        assert_eq!(reply.body, vector.text("/expected/response_body").as_bytes());
        let forged = RawRequest { query: request.query.replace("nonce=1", "nonce=2"), ..request };
        assert!(adapter.verify(&forged, NOW).is_err());
    }
}

fn signatures(vector: &Vector) {
    let secret = |pointer: &str| Secret::new(vector.text(pointer).to_owned());
    let (uri, body) = (vector.text("/input/uri"), vector.text("/input/post_body"));
    let made = xpay_signatures(&secret("/keys/app_key"), &secret("/keys/session_key"), uri, body);
    assert_eq!(made.pay_sig, vector.text("/expected/pay_sig"), "{}", vector.name);
    assert_eq!(made.signature, vector.text("/expected/signature"), "{}", vector.name);
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/wechat-shop.json"));
    vectors.scheme("wechat-push-request").into_iter().for_each(pushed);
    vectors.scheme("wechat-push-url-check").into_iter().for_each(address);
    vectors.scheme("xpay-signatures").into_iter().for_each(signatures);
    // Computed by the protocol's own schemes, below.
    assert!(vectors.scheme("wechat-push-reply-encrypt").len() > 1);
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[SHOP, XPAY], include_str!("../fixtures/wechat-shop.json"), &[]);
}
