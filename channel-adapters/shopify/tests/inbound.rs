//! What webhooks and read orders mean.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Inbound, OutboundResponse, RawRequest, Refusal, Shortage, Step,
    Verified, Window,
};
use channel_shopify::PROTOCOL;
use platform::Shop;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Call, Platform},
};
use vocabulary::{Currency, DeliveryMethod, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn adapter() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("shopify/main".parse().unwrap(), PROTOCOL.example_settings).unwrap()
}

fn parse(signed: &Signed) -> Result<Inbound, Refusal> {
    let header = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone().into_bytes());
    let request = RawRequest {
        method: signed.method.into(),
        topic: String::new(),
        query: String::new(),
        headers: signed.headers.iter().map(header).collect(),
        body: signed.body.clone(),
        received_at: NOW,
    };
    let proof = adapter().verify(&request, NOW)?;
    adapter().parse(&Verified::new(&request, proof))
}

fn body(more: &Value) -> Value {
    let mut body = json!({ "id": 7, "financial_status": "paid", "currency": "CNY", "total_price": "57.76",
        "email": "a@example.com", "updated_at": "2026-01-02T03:00:00Z",
        "line_items": [{ "variant_id": 808950810, "quantity": 2 }] });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn told(more: &Value) -> Result<Inbound, Refusal> {
    parse(&platform::webhook("orders/updated", &body(more).to_string()))
}

fn ask(more: &Value) -> String {
    channel_conformance::ask_text(&told(more).unwrap().ask)
}

#[test]
fn a_paid_order_is_ours_at_the_shops_price() {
    let inbound = told(&json!({})).unwrap();
    assert_eq!(inbound.id.as_deref(), Some("order:7:paid"));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(5_776, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Backorder, DeliveryMethod::Api));
    assert_eq!(order.buyer.unwrap().reference.expose(), "a@example.com");
}

#[test]
fn without_a_metafield_for_them_the_buyer_fetches_the_keys() {
    let settings = PROTOCOL.example_settings.replace("\"kami.keys\"", "null");
    let adapter = (PROTOCOL.connect)("shopify/main".parse().unwrap(), &settings).unwrap();
    assert!(adapter.deliver().is_none() && adapter.push_stock().is_some());
}

#[test]
fn every_state_has_its_meaning_whatever_the_topic_says() {
    let at = json!("2026-01-02T04:00:00Z");
    let refund = json!([{ "id": 9, "order_id": 7, "note": null, "created_at": at,
        "transactions": [{ "kind": "refund", "status": "success", "amount": "57.76", "currency": "CNY" }] }]);
    for (more, starts) in [
        (json!({ "financial_status": "pending" }), "nothing"),
        (json!({ "financial_status": "authorized" }), "nothing"),
        (json!({ "financial_status": "voided" }), "nothing"),
        (json!({ "financial_status": "refunded" }), "nothing"),
        (json!({ "financial_status": "refunded", "refunds": refund }), "refund settled \"7\" \"9\""),
        (
            json!({ "financial_status": "partially_refunded", "refunds": refund }),
            "batch [id Some(\"order:7:paid\")",
        ),
        (json!({ "financial_status": "pending", "cancelled_at": at }), "cancel \"7\""),
        (json!({ "cancelled_at": at, "cancel_reason": "fraud" }), "cancel \"7\" because \"fraud\""),
        (json!({ "financial_status": "partially_refunded", "cancelled_at": at }), "unmapped"),
        (json!({ "fulfillment_status": "fulfilled" }), "nothing"),
        (json!({ "financial_status": "new_word" }), "unmapped \"financial_status new_word\""),
        (
            json!({ "line_items": [{ "variant_id": null, "quantity": 1 }] }),
            "unmapped \"line without a variant\"",
        ),
        (json!({ "total_price": "0.00" }), "unmapped \"order for nothing\""),
    ] {
        assert!(ask(&more).starts_with(starts), "{more}: {}", ask(&more));
    }
}

#[test]
fn a_test_order_and_another_shops_order_are_refused() {
    let refusal = told(&json!({ "test": true })).err().unwrap();
    assert_eq!((refusal.step, refusal.code), (Step::Meaning, "test_order"));
    let mut foreign = platform::webhook("orders/paid", &body(&json!({})).to_string());
    foreign.headers.retain(|(name, _)| *name != "x-shopify-shop-domain");
    foreign.headers.push(("x-shopify-shop-domain", "other-shop.myshopify.com".to_owned()));
    let refusal = parse(&foreign).err().unwrap();
    assert_eq!((refusal.step, refusal.code), (Step::Meaning, "shop_mismatch"));
}

#[test]
fn a_refund_of_ours_keeps_our_number_and_one_that_is_pending_waits_for_a_person() {
    let refund = |note: &str, status: &str, amount: &str| {
        let body = json!({ "id": 9, "order_id": 7, "note": note, "refund_line_items": [],
            "transactions": [{ "kind": "refund", "status": status, "amount": amount, "currency": "CNY" }] });
        channel_conformance::ask_text(
            &parse(&platform::webhook("refunds/create", &body.to_string())).unwrap().ask,
        )
    };
    assert!(refund("sorry [kami R-1]", "success", "1.00").starts_with("refund settled \"7\" \"R-1\""));
    assert!(refund("sorry", "success", "1.00").starts_with("refund settled \"7\" \"9\""));
    assert_eq!(refund("", "pending", "1.00"), "unmapped \"refund pending\"");
    assert_eq!(refund("", "success", "0.00"), "nothing");
}

/// What a shop answers to a call.
fn answer(shop: &mut Shop, request: &channel::OutboundRequest) -> OutboundResponse {
    let call = Call {
        method: request.method.to_owned(),
        path: request.url.split_once(".com").unwrap().1.to_owned(),
        query: Vec::new(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        now: NOW,
    };
    let answer = shop.answer(&call, false);
    OutboundResponse {
        status: answer.status,
        headers: Vec::new(),
        retry_after: None,
        body: answer.body.into(),
    }
}

fn read(shop: &mut Shop, number: &str) -> CallOutcome<Vec<Inbound>> {
    let adapter = adapter();
    let back = adapter.read_back().unwrap();
    let request = back.request(number, NOW).unwrap();
    back.interpret(number, Ok(&answer(shop, &request)))
}

#[test]
fn an_order_that_is_read_back_is_the_same_message_as_the_webhook() {
    let mut shop = Shop::default();
    shop.pay(7, 2, "57.76");
    let pushed = parse(&shop.order_webhook("orders/paid", 7)).unwrap();
    let CallOutcome::Done(read_back) = read(&mut shop, "7") else { panic!("it is read") };
    let of = |inbound: &Inbound| (inbound.id.clone(), inbound.content.clone());
    assert!(read_back.len() == 1 && of(&read_back[0]) == of(&pushed));
    assert_eq!(channel_conformance::ask_text(&read_back[0].ask), channel_conformance::ask_text(&pushed.ask));

    shop.pay_back(7, "57.76", "");
    let pushed = parse(&shop.refund_webhook(7)).unwrap();
    let CallOutcome::Done(read_back) = read(&mut shop, "7") else { panic!("it is read") };
    assert!(read_back.len() == 1 && of(&read_back[0]) == of(&pushed));
    assert!(matches!(read(&mut shop, "8"), CallOutcome::Refused { code } if code == "no_such_order"));
    assert!(adapter().read_back().unwrap().request("#1001", NOW).is_err());
}

#[test]
fn orders_that_changed_are_listed_and_each_is_read_back() {
    let mut shop = Shop::default();
    shop.pay(7, 1, "28.88");
    shop.pay(8, 1, "28.88");
    let adapter = adapter();
    let polls = adapter.polls();
    let window = Window { since: NOW, until: NOW.plus_secs(300), cursor: None };
    let request = polls[0].request(&window, NOW).unwrap();
    let text = String::from_utf8(request.body.clone()).unwrap();
    let bounds = "updated_at:>='2026-01-02T03:00:00.000000Z' AND updated_at:<'2026-01-02T03:05:00.000000Z'";
    assert!(text.contains(bounds), "{text}");
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&answer(&mut shop, &request)), NOW) else {
        panic!("a page")
    };
    let numbers: Vec<String> =
        page.messages.iter().map(|message| channel_conformance::ask_text(&message.ask)).collect();
    assert_eq!(numbers, ["read back \"7\"", "read back \"8\""]);
    assert!(page.next.is_none() && page.confirm.is_none());
}
