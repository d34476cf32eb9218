//! What the tests of this adapter share: an adapter, signed requests, orders to answer with.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use channel::{
    Adapter, Inbound, LineView, Offer, OrderState, OrderView, Outcome, RawRequest, Refusal, Verified,
    legacy_sign::md5_hex, sign::hmac_sha256,
};
use channel_dujiao_next::PROTOCOL;
use serde_json::Value;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
/// The secret of both directions in [`SETTINGS`], which share their key too.
pub(crate) const SECRET: &str = "djSecret0123456789abcdef0000001";
pub(crate) const SETTINGS: &str = r#"{
  "sell": { "api_key": "kami-shop-a", "api_secret": "djSecret0123456789abcdef0000001",
            "callback_prefixes": ["https://a-site.example.com/api/"] },
  "buy": { "base_url": "https://b-site.example.com", "api_key": "kami-shop-a",
           "api_secret": "djSecret0123456789abcdef0000001" }
}"#;
pub(crate) const CREATE: &str = r#"{"sku_id":1,"quantity":2,"downstream_order_no":"A-20260101-001","trace_id":"t-1","callback_url":"https://a-site.example.com/api/v1/upstream/callback"}"#;
pub(crate) const CALLBACK: &str = r#"{"event":"order.status","order_id":101,"order_no":"DJ20260101080000ABCD","downstream_order_no":"K20260101001","status":"delivered","fulfillment":{"type":"auto","status":"delivered","payload":"ABCD-EFGH-0001\n卡密二","delivery_data":null,"delivered_at":"2026-01-01T08:00:01Z"},"timestamp":1767225602}"#;

pub(crate) fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("dujiao-next/main".parse().unwrap(), settings).unwrap()
}

pub(crate) fn adapter() -> Arc<dyn Adapter> {
    connect(SETTINGS)
}

/// The document's rule, written a second time.
pub(crate) fn signature(secret: &str, method: &str, path: &str, timestamp: &str, body: &[u8]) -> String {
    let text = [method, path, timestamp, &md5_hex(body)].join("\n");
    hex::encode(hmac_sha256(secret.as_bytes(), text.as_bytes()))
}

pub(crate) fn request(method: &str, path: &str, query: &str, body: &str) -> RawRequest {
    let timestamp = NOW.secs().to_string();
    let sign = signature(SECRET, method, path, &timestamp, body.as_bytes());
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let mut headers = vec![
        header("dujiao-next-api-key", "kami-shop-a"),
        header("dujiao-next-timestamp", &timestamp),
        header("dujiao-next-signature", &sign),
    ];
    if !body.is_empty() {
        headers.push(header("content-type", "application/json"));
    }
    RawRequest {
        method: method.into(),
        topic: path.trim_start_matches('/').into(),
        query: query.into(),
        headers,
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    }
}

pub(crate) fn post(path: &str, body: &str) -> RawRequest {
    request("POST", &format!("/api/v1/upstream{path}"), "", body)
}

pub(crate) fn get(path: &str, query: &str) -> RawRequest {
    request("GET", &format!("/api/v1/upstream{path}"), query, "")
}

pub(crate) fn parse(request: &RawRequest) -> Result<Inbound, Refusal> {
    let adapter = adapter();
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

/// The status and body of the reply to a request that ended so.
pub(crate) fn answer(request: &RawRequest, outcome: &Outcome) -> (u16, Value) {
    let adapter = adapter();
    let verified = Verified::new(request, adapter.verify(request, NOW).unwrap());
    let inbound = adapter.parse(&verified).map_err(|refusal| refusal.to_string()).unwrap();
    let reply = adapter.answer(&verified, &inbound, outcome);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

pub(crate) fn key(code: &str, pin: Option<&str>) -> CardKey {
    let secret = |text: &str| Secret::new(text.to_owned());
    CardKey { code: secret(code), pin: pin.map(secret), expires_on: None }
}

pub(crate) fn line(quantity: i64, keys: Vec<CardKey>) -> LineView {
    LineView {
        item: "1".into(),
        sku: "vip-30".parse().unwrap(),
        name: "会员30天".into(),
        quantity: Quantity::try_from(quantity).unwrap(),
        amount: Money::new(1980, Currency::CNY),
        keys,
    }
}

pub(crate) fn order_id() -> OrderId {
    OrderId::from_uuid(uuid::Uuid::from_u128(0x0198_c1a0_0000_7000_8000_0000_0000_0001))
}

/// The memo of the sample order.
pub(crate) fn memo() -> Option<String> {
    match parse(&post("/orders", CREATE)).ok()?.ask {
        channel::Ask::Order(order) => order.memo,
        _ => None,
    }
}

/// The order id that the sample order gets.
pub(crate) fn number() -> String {
    match parse(&post("/orders", CREATE)).map(|inbound| inbound.ask) {
        Ok(channel::Ask::Order(order)) => order.external_no,
        _ => String::new(),
    }
}

pub(crate) fn order(state: OrderState, lines: Vec<LineView>, memo: Option<String>) -> Outcome {
    Outcome::Order(Box::new(OrderView {
        order: order_id(),
        external_no: number(),
        memo,
        state,
        total: Money::new(1980, Currency::CNY),
        lines,
        placed_at: NOW,
        ended_at: Some(NOW.plus_secs(1)),
    }))
}

pub(crate) fn offer(item: &str, price: Option<i64>, available: u64) -> Offer {
    Offer {
        item: item.into(),
        sku: "vip-30".parse().unwrap(),
        name: "会员30天".into(),
        price: price.map(|fen| Money::new(fen, Currency::CNY)),
        available,
        on_sale: price.is_some(),
    }
}
