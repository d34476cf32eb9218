//! What the tests of this adapter share: an adapter, signed forms, orders to answer with.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use channel::{
    Adapter, Inbound, LineView, Offer, OrderState, OrderView, Outcome, RawRequest, Refusal, Verified,
    legacy_sign::md5_hex,
};
use channel_acg_faka::PROTOCOL;
use serde_json::Value;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
/// The key of the example settings.
pub(crate) const APP_KEY: &str = "ExampleAppKey0123456789";
/// The sample order, without credentials and signature.
pub(crate) const TRADE: &[(&str, &str)] = &[
    ("shared_code", "P1"),
    ("contact", "trace-1"),
    ("num", "2"),
    ("card_id", "0"),
    ("device", "0"),
    ("password", ""),
    ("request_no", "order-001"),
];

pub(crate) fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("acg-faka/main".parse().unwrap(), settings).unwrap()
}

pub(crate) fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

/// The source's rule, written a second time.
pub(crate) fn sign(fields: &[(&str, &str)], key: &str) -> String {
    let mut fields = fields.to_vec();
    fields.retain(|(name, value)| *name != "sign" && (name.contains('[') || !value.is_empty()));
    fields.sort_by_key(|(name, _)| name.split('[').next().unwrap_or_default());
    let text: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    md5_hex(format!("{}&key={key}", text.join("&")).as_bytes())
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect::<Vec<_>>()
        .join("&")
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

/// A form with the example's credentials, signed.
pub(crate) fn signed(topic: &str, fields: &[(&str, &str)]) -> RawRequest {
    let mut fields = fields.to_vec();
    fields.extend([("app_id", "1001"), ("app_key", APP_KEY)]);
    let digest = sign(&fields, APP_KEY);
    fields.push(("sign", &digest));
    request(topic, &form(&fields))
}

pub(crate) fn parse(topic: &str, fields: &[(&str, &str)]) -> Result<Inbound, Refusal> {
    let (adapter, request) = (adapter(), signed(topic, fields));
    let proof = adapter.verify(&request, NOW)?;
    adapter.parse(&Verified::new(&request, proof))
}

/// The reply to a form that ended so.
pub(crate) fn answer(topic: &str, fields: &[(&str, &str)], outcome: &Outcome) -> Value {
    let (adapter, request) = (adapter(), signed(topic, fields));
    let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
    let inbound = adapter.parse(&verified).map_err(|refusal| refusal.to_string()).unwrap();
    let reply = adapter.answer(&verified, &inbound, outcome);
    assert_eq!(reply.status, 200);
    serde_json::from_slice(&reply.body).unwrap()
}

pub(crate) fn key(code: &str, pin: Option<&str>) -> CardKey {
    let secret = |text: &str| Secret::new(text.to_owned());
    CardKey { code: secret(code), pin: pin.map(secret), expires_on: None }
}

pub(crate) fn order_id() -> OrderId {
    "order-0198c1a0000070008000000000000001".parse().unwrap()
}

pub(crate) fn order(state: OrderState, quantity: i64, keys: Vec<CardKey>) -> Outcome {
    let total = Money::new(1980, Currency::CNY);
    let line = LineView {
        item: "P1".into(),
        sku: "vip-30".parse().unwrap(),
        name: "会员30天".into(),
        quantity: Quantity::try_from(quantity).unwrap(),
        amount: total,
        keys,
    };
    Outcome::Order(Box::new(OrderView {
        order: order_id(),
        external_no: "order-001".into(),
        memo: None,
        state,
        total,
        lines: vec![line],
        placed_at: NOW,
        ended_at: None,
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
