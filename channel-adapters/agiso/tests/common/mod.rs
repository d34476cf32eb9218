//! What the tests of this adapter share: an adapter and signed pushes.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use channel::{Adapter, Inbound, LineView, RawRequest, Refusal, Verified, legacy_sign::md5_hex};
use channel_agiso::PROTOCOL;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_602);
/// The secret of the example settings.
pub(crate) const SECRET: &str = "agisoSecret0123456789abcdef00001";
/// A JD game-card order.
pub(crate) const ORDER: &str = r#"{"PlatformShopId":12356,"CustomerId":14156143,"OrderId":203632092,"OrderType":2,"Pin":"张三","BuyNum":2,"SkuId":100012345678,"BrandId":1001,"UserIp":"127.0.0.1","TotalPrice":19.90,"FacePrice":10.0,"GameAccount":"","CreateTime":"2026-01-01 08:00:01"}"#;

pub(crate) fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("agiso/main".parse().unwrap(), settings).unwrap()
}

pub(crate) fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

/// The document's rule for pushes, written a second time.
pub(crate) fn sign(json: &str, timestamp: &str, secret: &str) -> String {
    md5_hex(format!("{secret}json{json}timestamp{timestamp}{secret}").as_bytes())
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

pub(crate) fn push_at(json: &str, timestamp: &str, sign: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: format!("fromPlatform=AldsJd&timestamp={timestamp}&aopic=8&sign={sign}"),
        headers: vec![("content-type".into(), b"application/x-www-form-urlencoded".to_vec())],
        body: format!("json={}", encoded(json)).into_bytes(),
        received_at: NOW,
    }
}

/// A push, signed as Agiso signs with the example's secret.
pub(crate) fn push(json: &str) -> RawRequest {
    let timestamp = NOW.secs().to_string();
    push_at(json, &timestamp, &sign(json, &timestamp, SECRET))
}

pub(crate) fn parse(json: &str) -> Result<Inbound, Refusal> {
    let (adapter, request) = (adapter(), push(json));
    let proof = adapter.verify(&request, NOW)?;
    adapter.parse(&Verified::new(&request, proof))
}

pub(crate) fn key(code: &str, pin: Option<&str>) -> CardKey {
    let secret = |text: &str| Secret::new(text.to_owned());
    CardKey { code: secret(code), pin: pin.map(secret), expires_on: None }
}

pub(crate) fn line(quantity: i64, keys: Vec<CardKey>) -> LineView {
    LineView {
        item: "100012345678".into(),
        sku: "vip-30".parse().unwrap(),
        name: "会员30天".into(),
        quantity: Quantity::try_from(quantity).unwrap(),
        amount: Money::new(1990, Currency::CNY),
        keys,
    }
}

pub(crate) fn order_id() -> OrderId {
    "order-0198c1a0000070008000000000000001".parse().unwrap()
}
