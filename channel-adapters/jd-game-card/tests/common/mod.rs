//! What the tests of this adapter share: an adapter, signed forms, orders to answer with.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Adapter, Inbound, LineView, OrderState, OrderView, Outcome, RawRequest, Refusal, Verified,
    legacy_sign::md5_hex,
};
use channel_jd_game_card::PROTOCOL;
use serde_json::Value;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

/// 2026-01-01 08:00:00 in Beijing.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
pub(crate) const ORDER: &str = r#"{"orderId":"203632092","pin":"zhangsan","buyNum":"2","totalPrice":"9.90","skuId":"100012345678","brandId":"1001","facePrice":"10","sourceType":"0","userIp":"127.0.0.1","outId":"VIP-30"}"#;
pub(crate) const PRECHECK: &str = r#"{"pin":"zhangsan","buyNum":"2","totalPrice":"9.90","skuId":"100012345678","brandId":"1001","userIp":"127.0.0.1","outId":"VIP-30"}"#;
pub(crate) const QUERY: &str = r#"{"orderId":"203632092"}"#;

pub(crate) fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("jd-game-card/main".parse().expect("an account"), settings).expect("usable settings")
}

pub(crate) fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

pub(crate) fn request(topic: &str, body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: topic.into(),
        query: String::new(),
        headers: vec![("content-type".into(), b"application/x-www-form-urlencoded".to_vec())],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    }
}

pub(crate) fn encoded(base64: &str) -> String {
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// A form, signed as JD signs with the example's key.
pub(crate) fn signed(topic: &str, json: &str) -> RawRequest {
    let data = STANDARD.encode(json);
    let key = "abcdefghijklmnopqrstuvwxyz012345";
    let sign = md5_hex(format!("customerId=14156143&data={data}&timestamp=20260101080000&{key}").as_bytes());
    let data = encoded(&data);
    request(topic, &format!("customerId=14156143&data={data}&timestamp=20260101080000&sign={sign}&version="))
}

pub(crate) fn parse_with(adapter: &dyn Adapter, request: &RawRequest) -> Result<Inbound, Refusal> {
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

pub(crate) fn parse(topic: &str, json: &str) -> Result<Inbound, Refusal> {
    parse_with(&*adapter(), &signed(topic, json))
}

/// The reply to a form that ended so: the return code, and the data decoded.
pub(crate) fn answer(topic: &str, json: &str, outcome: &Outcome) -> (String, Option<Value>) {
    let (adapter, request) = (adapter(), signed(topic, json));
    let verified = Verified::new(&request, adapter.verify(&request, NOW).expect("signed"));
    let inbound = adapter.parse(&verified).map_err(|refusal| refusal.to_string()).expect("parsed");
    let reply = adapter.answer(&verified, &inbound, outcome);
    assert_eq!((reply.status, reply.content_type.as_str()), (200, "application/json"));
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let data = body.get("data").map(|data| {
        let json = STANDARD.decode(data.as_str().expect("text")).expect("Base64");
        serde_json::from_slice(&json).expect("JSON")
    });
    (body["retCode"].as_str().expect("text").to_owned(), data)
}

pub(crate) fn key(code: &str, pin: Option<&str>) -> CardKey {
    let secret = |text: &str| Secret::new(text.to_owned());
    CardKey { code: secret(code), pin: pin.map(secret), expires_on: None }
}

pub(crate) fn line(quantity: i64, keys: Vec<CardKey>) -> LineView {
    LineView {
        item: "ITEM-1".into(),
        sku: "vip-30".parse().expect("a SKU"),
        name: "会员30天".into(),
        quantity: Quantity::try_from(quantity).expect("a quantity"),
        amount: Money::new(990, Currency::CNY),
        keys,
    }
}

pub(crate) fn order_id() -> OrderId {
    OrderId::from_uuid(uuid::Uuid::from_u128(0x0198_c1a0_0000_7000_8000_0000_0000_0001))
}

pub(crate) fn order(state: OrderState, lines: Vec<LineView>) -> Outcome {
    Outcome::Order(Box::new(OrderView {
        order: order_id(),
        external_no: "203632092".into(),
        memo: None,
        state,
        total: Money::new(990, Currency::CNY),
        lines,
        placed_at: NOW,
        ended_at: None,
    }))
}
