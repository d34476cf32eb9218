//! Each message beside what it must be read as, and each ending beside the reply that tells of it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{
    Adapter, Ask, DeliveryJob, IdentifierKind, LineView, OrderState, OrderView, Outcome, Rejected, Reply,
    Verified,
};
use channel_conformance::ask_text;
use channel_generic::PROTOCOL;
use std::sync::Arc;
use vocabulary::{CardKey, Currency, Money, Quantity, Reason, Secret, Timestamp};

mod partner;

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("generic/shop-1".parse().unwrap(), settings).unwrap()
}

fn adapter() -> Arc<dyn Adapter> {
    connect(&partner::subject().settings)
}

/// What a body is read as, or the refused field.
fn read(adapter: &dyn Adapter, body: &str) -> Result<String, &'static str> {
    let request = partner::sign(&partner::post("msg_1", body), partner::SECRET).unwrap();
    let proof = adapter.verify(&request, partner::NOW).unwrap();
    let inbound = adapter.parse(&Verified::new(&request, proof)).map_err(|refusal| refusal.detail)?;
    Ok(format!("{:?} {:?} {}", inbound.kind, inbound.id, ask_text(&inbound.ask)))
}

#[test]
fn every_message_is_read_as_the_text_beside_it_says() {
    let mut seen = String::new();
    for case in partner::subject().cases {
        let body = String::from_utf8(case.request.body).unwrap();
        seen.push_str(&format!("{}: {}\n", case.name, read(adapter().as_ref(), &body).unwrap()));
    }
    assert_eq!(seen, include_str!("../fixtures/expected.txt"), "\n{seen}");
}

#[test]
fn wrong_fields_are_refused_by_name() {
    let paid = |data: &str| format!(r#"{{"type":"order.paid","data":{data}}}"#);
    let table = [
        (r#"{}"#, "external_order_id"),
        (r#"{"external_order_id":""}"#, "external_order_id"),
        (r#"{"external_order_id":"a b"}"#, "external_order_id"),
        (r#"{"external_order_id":"a"}"#, "sku and quantity, or lines"),
        (r#"{"external_order_id":"a","sku":"s","quantity":0}"#, "quantity"),
        (r#"{"external_order_id":"a","lines":[]}"#, "sku and quantity, or lines"),
        (r#"{"external_order_id":"a","sku":"s","quantity":1,"lines":[]}"#, "sku and quantity, or lines"),
        (r#"{"external_order_id":"a","sku":"s","quantity":1}"#, "amount_minor"),
        (r#"{"external_order_id":"a","sku":"s","quantity":1,"amount_minor":1}"#, "currency"),
        (r#"{"external_order_id":"a","sku":"s","quantity":1,"amount_minor":1,"currency":"cny"}"#, "currency"),
        (r#"{"external_order_id":"a","sku":"s","quantity":1,"currency":"CNY"}"#, "amount_minor"),
        (
            r#"{"external_order_id":"a","sku":"s","quantity":1,"amount_minor":1,"currency":"CNY","txn":""}"#,
            "txn",
        ),
        (
            r#"{"external_order_id":"a","sku":"s","quantity":1,"amount_minor":1,"currency":"CNY","occurred_at":"now"}"#,
            "occurred_at",
        ),
    ];
    for (data, field) in table {
        assert_eq!(read(adapter().as_ref(), &paid(data)), Err(field), "{data}");
    }
    assert_eq!(read(adapter().as_ref(), r#"{"type":"order paid"}"#), Err("type"));
    assert_eq!(read(adapter().as_ref(), r#"{"type":"order.query","data":{}}"#), Err("external_order_id"));
}

/// What a buyer's details are read as.
fn identifiers(buyer: &str) -> Vec<(IdentifierKind, String, bool)> {
    let body = format!(
        r#"{{"type":"order.paid","data":{{"external_order_id":"a","sku":"s","quantity":1,"amount_minor":1,
            "currency":"CNY","buyer_ref":"u-1","buyer":{buyer}}}}}"#
    );
    let request = partner::sign(&partner::post("msg_1", &body), partner::SECRET).unwrap();
    let adapter = adapter();
    let proof = adapter.verify(&request, partner::NOW).unwrap();
    let Ask::Order(order) = adapter.parse(&Verified::new(&request, proof)).unwrap().ask else {
        panic!("an order")
    };
    let told = adapter.identifiers(order.buyer.as_ref().unwrap());
    told.into_iter().map(|one| (one.kind, one.value.expose().clone(), one.verified)).collect()
}

#[test]
fn a_phone_is_verified_only_where_the_partner_says_so() {
    use IdentifierKind::{Device, Email, Phone, UnionId};
    assert_eq!(identifiers(r#"{"name":"Li"}"#), []);
    assert_eq!(identifiers(r#"{"phone":"13800138000"}"#), [(Phone, "13800138000".into(), false)]);
    let all = r#"{"phone":"1","phone_verified":true,"union_id":"u","email":"e@x.cn","device":"d"}"#;
    let wanted = [(Phone, "1", true), (UnionId, "u", true), (Email, "e@x.cn", false), (Device, "d", false)];
    assert_eq!(identifiers(all), wanted.map(|(kind, value, verified)| (kind, value.to_owned(), verified)));
}

#[test]
fn an_unknown_event_is_kept_under_its_name() {
    let seen = read(adapter().as_ref(), r#"{"type":"invoice.printed"}"#).unwrap();
    assert_eq!(seen, r#"Notice Some("msg_1") unmapped "invoice.printed""#);
}

fn reply(outcome: &Outcome) -> (u16, String) {
    let adapter = adapter();
    let request = partner::sign(&partner::post("msg_1", r#"{"type":"ping"}"#), partner::SECRET).unwrap();
    let verified = Verified::new(&request, adapter.verify(&request, partner::NOW).unwrap());
    let inbound = adapter.parse(&verified).unwrap();
    let Reply { status, body, .. } = adapter.answer(&verified, &inbound, outcome);
    (status, String::from_utf8(body).unwrap())
}

fn line(keys: Vec<CardKey>) -> LineView {
    LineView {
        item: "ITEM-1".into(),
        sku: "steam-50".parse().unwrap(),
        name: "Steam 50 元卡".into(),
        quantity: Quantity::ONE,
        amount: Money::new(2888, Currency::CNY),
        keys,
    }
}

fn order(keys: Vec<CardKey>) -> Outcome {
    Outcome::Order(Box::new(OrderView {
        order: "order-0198c1a0000070008000000000000001".parse().unwrap(),
        external_no: "POS7-000123".into(),
        memo: None,
        state: if keys.is_empty() { OrderState::Processing } else { OrderState::Delivered },
        total: Money::new(2888, Currency::CNY),
        lines: vec![line(keys)],
        placed_at: partner::NOW,
        ended_at: None,
    }))
}

#[test]
fn an_order_is_answered_with_its_state_and_the_keys_that_were_released_for_the_reply() {
    let head = r#""external_order_id":"POS7-000123""#;
    let tail = r#""order_id":"order-0198c1a0000070008000000000000001","state""#;
    let (status, body) = reply(&order(Vec::new()));
    let expected =
        format!(r#"{{"amount_minor":2888,"currency":"CNY",{head},{tail}:"processing","status":"accepted"}}"#);
    assert_eq!((status, body), (200, expected));
    let key = CardKey {
        code: Secret::new("AAAA-BBBB".into()),
        pin: Some(Secret::new("1234".into())),
        expires_on: Timestamp::from_secs(1_798_675_200).to_utc().date_naive().into(),
    };
    let (status, body) = reply(&order(vec![key]));
    let keys = r#""keys":[{"code":"AAAA-BBBB","expires_on":"2026-12-31","pin":"1234","sku":"steam-50"}]"#;
    let expected = format!(
        r#"{{"amount_minor":2888,"currency":"CNY",{head},{keys},{tail}:"delivered","status":"accepted"}}"#
    );
    assert_eq!((status, body), (200, expected));
}

#[test]
fn a_business_no_is_final_and_a_reused_number_is_a_conflict() {
    let no = |reason| reply(&Outcome::Rejected(Rejected { reason, detail: "2 wanted, 1 left".into() }));
    let body = |code: &str| format!(r#"{{"code":"{code}","detail":"2 wanted, 1 left","status":"rejected"}}"#);
    assert_eq!(no(Reason::OutOfStock), (422, body("out_of_stock")));
    assert_eq!(no(Reason::OrderNumberReused), (409, body("order_number_reused")));
    assert_eq!(no(Reason::MessageIdReused), (409, body("message_id_reused")));
}

#[test]
fn the_delivery_event_names_the_order_and_no_key() {
    let adapter = adapter();
    let key = CardKey { code: Secret::new("AAAA-BBBB".into()), pin: None, expires_on: None };
    let job = DeliveryJob {
        order: "order-0198c1a0000070008000000000000001".parse().unwrap(),
        external_no: "POS7-000123".into(),
        memo: None,
        lines: vec![line(vec![key])],
        total: Money::new(2888, Currency::CNY),
        txn: None,
        idempotency_key: "d-1".into(),
        fulfilled_at: partner::NOW,
    };
    let deliver = adapter.deliver().unwrap();
    let first = deliver.request(&job, partner::NOW).unwrap();
    let retry = deliver.request(&job, partner::NOW.plus_secs(60)).unwrap();
    let body = String::from_utf8(first.body.clone()).unwrap();
    assert!(body.contains("order.delivered") && !body.contains("AAAA-BBBB"), "{body}");
    assert_eq!(first.body, retry.body);
    let header = |name: &str, call: &channel::OutboundRequest| {
        call.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(header("webhook-id", &first), header("webhook-id", &retry));
    assert_ne!(header("webhook-timestamp", &first), header("webhook-timestamp", &retry));
}
