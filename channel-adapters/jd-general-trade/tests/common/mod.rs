//! What the tests of this adapter share: an adapter, signed forms, orders to answer with.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use channel::{
    Adapter, Inbound, LineView, OrderState, OrderView, Outcome, RawRequest, Refusal, Verified,
    legacy_sign::md5_hex,
};
use channel_jd_general_trade::PROTOCOL;
use serde_json::Value;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

/// 2026-01-01 08:00:00 in Beijing.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
/// The signing key of the example settings.
pub(crate) const KEY: &str = "12345678901234567890123456789012";
/// The card key of the example settings.
pub(crate) const CARD_KEY: &str = "abcdefghijklmnopqrstuvwxyz012345";
/// The sample order, without its signature.
pub(crate) const ORDER: &[(&str, &str)] = &[
    ("signType", "MD5"),
    ("timestamp", "20260101080000"),
    ("jdOrderNo", "260101000001"),
    ("payTime", "20260101075958"),
    ("notifyUrl", "https://vtpnotify.jd.com/vtp"),
    ("quantity", "2"),
    ("wareNo", "VIP-30"),
    ("totalPrice", "1980"),
    ("vendorId", "1201"),
    ("produceAccount", ""),
];
/// The sample query, without its signature.
pub(crate) const QUERY: &[(&str, &str)] =
    &[("signType", "MD5"), ("timestamp", "20260101080000"), ("jdOrderNo", "260101000001")];

pub(crate) fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("jd-general-trade/main".parse().unwrap(), settings).unwrap()
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

/// The document's rule, written a second time.
pub(crate) fn sign(fields: &[(&str, &str)], key: &str) -> String {
    let mut fields = fields.to_vec();
    fields.retain(|(name, value)| *name != "sign" && *name != "signType" && !value.is_empty());
    fields.sort_unstable();
    let text: String = fields.iter().map(|(name, value)| format!("{name}{value}")).collect();
    md5_hex(format!("{text}{key}").as_bytes())
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        text.bytes()
            .map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// A form, signed as JD signs with the example's key.
pub(crate) fn signed(topic: &str, fields: &[(&str, &str)]) -> RawRequest {
    let digest = sign(fields, KEY);
    let mut fields = fields.to_vec();
    fields.push(("sign", &digest));
    request(topic, &form(&fields))
}

/// The sample order with other values.
pub(crate) fn order_with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = ORDER.to_vec();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

pub(crate) fn parse_with(adapter: &dyn Adapter, request: &RawRequest) -> Result<Inbound, Refusal> {
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

pub(crate) fn parse(topic: &str, fields: &[(&str, &str)]) -> Result<Inbound, Refusal> {
    parse_with(&*adapter(), &signed(topic, fields))
}

/// The reply to a form that ended so.
pub(crate) fn answer(topic: &str, fields: &[(&str, &str)], outcome: &Outcome) -> Value {
    let (adapter, request) = (adapter(), signed(topic, fields));
    let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
    let inbound = adapter.parse(&verified).map_err(|refusal| refusal.to_string()).unwrap();
    let reply = adapter.answer(&verified, &inbound, outcome);
    assert_eq!((reply.status, reply.content_type.as_str()), (200, "application/json"));
    serde_json::from_slice(&reply.body).unwrap()
}

pub(crate) fn key(code: &str, pin: Option<&str>) -> CardKey {
    let secret = |text: &str| Secret::new(text.to_owned());
    CardKey { code: secret(code), pin: pin.map(secret), expires_on: None }
}

pub(crate) fn line(quantity: i64, keys: Vec<CardKey>) -> LineView {
    LineView {
        item: "VIP-30".into(),
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

pub(crate) fn order(state: OrderState, lines: Vec<LineView>) -> Outcome {
    Outcome::Order(Box::new(OrderView {
        order: order_id(),
        external_no: "260101000001".into(),
        memo: Some("https://vtpnotify.jd.com/vtp".into()),
        state,
        total: Money::new(1980, Currency::CNY),
        lines,
        placed_at: NOW,
        ended_at: None,
    }))
}
