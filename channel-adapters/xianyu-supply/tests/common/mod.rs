//! What the tests of this adapter share: an adapter, signed calls, orders to answer with.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;

use channel::{
    Adapter, Inbound, LineView, OrderState, OrderView, Outcome, RawRequest, Refusal, Verified,
    legacy_sign::md5_hex,
};
use channel_xianyu_supply::PROTOCOL;
use serde_json::Value;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
pub(crate) const ORDER_NO: &str = "1929063817978999932";
pub(crate) const CREATE: &str = r#"{"order_no":"1929063817978999932","goods_no":"VIP-30","buy_quantity":1,"max_amount":1500,"notify_url":"https://open.goofish.pro/api/open/callback/virtual/order/notify/abcd","biz_order_no":"4012345678901234567","product_id":441160510721413,"product_sku":0,"item_id":709548670377}"#;
pub(crate) const REFUND: &str = r#"{"order_no":"1929063817978999932","order_type":2,"out_order_no":"x","biz_order_no":"4012345678901234567","refund_type":1,"refund_amount":1200,"refund_reason":"不想要了","refund_scene":"expire_refund","TIME":1767225500,"notify_url":"https://open.goofish.pro/api/open/callback/virtual/refund/notify/abcd"}"#;

pub(crate) fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

pub(crate) fn connect(settings: &str) -> Arc<dyn Adapter> {
    let account = "xianyu-supply/main".parse().expect("an account");
    (PROTOCOL.connect)(account, settings).expect("usable settings")
}

/// A call, signed as goofish signs with the example's credentials.
pub(crate) fn call(topic: &str, body: &str) -> RawRequest {
    let plain = format!(
        "510000000000001,supAppSecret0123456789abcdefABCD,{},{},2333,mchSecret0123456789abcdefghijklm",
        md5_hex(body.as_bytes()),
        NOW.secs()
    );
    request(topic, &format!("mch_id=2333&timestamp={}&sign={}", NOW.secs(), md5_hex(plain.as_bytes())), body)
}

pub(crate) fn request(topic: &str, query: &str, body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: topic.into(),
        query: query.into(),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    }
}

pub(crate) fn parse(adapter: &dyn Adapter, request: &RawRequest) -> Result<Inbound, Refusal> {
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

/// The reply to a call that ended so.
pub(crate) fn answer(topic: &str, body: &str, outcome: &Outcome) -> Value {
    let (adapter, request) = (adapter(), call(topic, body));
    let verified = Verified::new(&request, adapter.verify(&request, NOW).expect("signed"));
    let inbound = adapter.parse(&verified).map_err(|refusal| refusal.to_string()).expect("parsed");
    let reply = adapter.answer(&verified, &inbound, outcome);
    assert_eq!((reply.status, reply.content_type.as_str()), (200, "application/json"));
    serde_json::from_slice(&reply.body).expect("JSON")
}

pub(crate) fn pair(code: &str, pin: Option<&str>) -> CardKey {
    let secret = |text: &str| Secret::new(text.to_owned());
    CardKey { code: secret(code), pin: pin.map(secret), expires_on: None }
}

pub(crate) fn line(quantity: i64, keys: Vec<CardKey>) -> LineView {
    LineView {
        item: "ITEM-1".into(),
        sku: "vip-30".parse().expect("a SKU"),
        name: "会员30天".into(),
        quantity: Quantity::try_from(quantity).expect("a quantity"),
        amount: Money::new(1200 * quantity, Currency::CNY),
        keys,
    }
}

pub(crate) fn order_id() -> OrderId {
    OrderId::from_uuid(uuid::Uuid::from_u128(0x0198_c1a0_0000_7000_8000_0000_0000_0001))
}

pub(crate) fn view(state: OrderState, lines: Vec<LineView>) -> OrderView {
    OrderView {
        order: order_id(),
        external_no: ORDER_NO.into(),
        memo: None,
        state,
        total: Money::new(1200, Currency::CNY),
        lines,
        placed_at: NOW,
        ended_at: Some(NOW.plus_secs(1)),
    }
}

pub(crate) fn order(state: OrderState, lines: Vec<LineView>) -> Outcome {
    Outcome::Order(Box::new(view(state, lines)))
}
