//! What webhooks, read orders and listed orders mean.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Inbound, OutboundRequest, OutboundResponse, RawRequest, Refusal,
    Shortage, Verified, Window,
};
use channel_conformance::ask_text;
use channel_woocommerce::PROTOCOL;
use platform::Shop;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Call, Platform},
};
use vocabulary::{Currency, DeliveryMethod, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn adapter_with(completed_orders: bool) -> Arc<dyn Adapter> {
    let settings = PROTOCOL
        .example_settings
        .replace("\"completed_orders\": false", &format!("\"completed_orders\": {completed_orders}"));
    (PROTOCOL.connect)("woocommerce/main".parse().unwrap(), &settings).unwrap()
}

fn adapter() -> Arc<dyn Adapter> {
    adapter_with(false)
}

fn parse_with(adapter: &dyn Adapter, signed: &Signed) -> Result<Inbound, Refusal> {
    let header = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone().into_bytes());
    let request = RawRequest {
        method: signed.method.into(),
        topic: String::new(),
        query: String::new(),
        headers: signed.headers.iter().map(header).collect(),
        body: signed.body.clone(),
        received_at: NOW,
    };
    let proof = adapter.verify(&request, NOW)?;
    adapter.parse(&Verified::new(&request, proof))
}

fn parse(signed: &Signed) -> Result<Inbound, Refusal> {
    parse_with(adapter().as_ref(), signed)
}

fn body(more: &Value) -> String {
    let mut body = json!({ "id": 7, "status": "processing", "currency": "CNY", "total": "57.76",
        "date_paid": "2026-01-02T11:00:05", "date_modified_gmt": "2026-01-02T03:00:05", "transaction_id": "",
        "payment_method": "alipay", "billing": { "email": "a@example.com" },
        "line_items": [{ "product_id": 93, "variation_id": 5, "quantity": 2 }], "refunds": [] });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn ask(more: &Value) -> String {
    ask_text(&parse(&platform::signed("order.updated", &body(more))).unwrap().ask)
}

#[test]
fn a_paid_order_is_ours_at_the_shops_price() {
    let inbound = parse(&platform::signed("order.updated", &body(&json!({})))).unwrap();
    assert_eq!(inbound.id.as_deref(), Some("order:7:paid"));
    assert_eq!(inbound.occurred_at.map(|at| at.secs()), Some(1_767_322_805));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(5_776, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Backorder, DeliveryMethod::Api));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("93/5", 2));
    assert_eq!(order.stage, channel::Stage::Paid { txn: "7".into() });
    assert_eq!(order.buyer.unwrap().reference.expose(), "a@example.com");
}

#[test]
fn every_state_has_its_meaning_whatever_the_topic_says() {
    let refund = |reason: &str| json!([{ "id": 9, "reason": reason, "total": "-57.76" }]);
    for (more, starts) in [
        (json!({ "status": "pending" }), "nothing"),
        (json!({ "status": "on-hold" }), "nothing"),
        (json!({ "status": "failed" }), "nothing"),
        (json!({ "date_paid": null }), "nothing"),
        (json!({ "payment_method": "cod" }), "nothing"),
        (json!({ "status": "completed" }), "nothing"),
        (json!({ "status": "cancelled", "date_paid": null }), "nothing"),
        (json!({ "status": "cancelled" }), "cancel \"7\""),
        (json!({ "status": "refunded", "refunds": refund("") }), "refund settled \"7\" \"9\""),
        (json!({ "status": "refunded", "refunds": refund("x [kami R-1]") }), "refund settled \"7\" \"R-1\""),
        (json!({ "refunds": refund("") }), "batch [id Some(\"order:7:paid\")"),
        (json!({ "status": "shipped" }), "unmapped \"status shipped\""),
        (json!({ "total": "0.00" }), "unmapped \"order for nothing\""),
    ] {
        assert!(ask(&more).starts_with(starts), "{more}: {}", ask(&more));
    }
    let done = platform::signed("order.updated", &body(&json!({ "status": "completed" })));
    let inbound = parse_with(adapter_with(true).as_ref(), &done).unwrap();
    assert!(matches!(inbound.ask, Ask::Order(_)), "the shop's products complete by themselves");
}

#[test]
fn a_custom_topic_hints_and_a_deletion_waits_for_a_person() {
    let ask = |body: &str| ask_text(&parse(&platform::signed("any", body)).unwrap().ask);
    assert_eq!(ask(r#"{"action":"woocommerce_order_status_processing","arg":7}"#), "read back \"7\"");
    assert!(ask(r#"{"action":"woocommerce_add_to_cart","arg":7}"#).starts_with("unmapped"));
    assert!(ask(r#"{"id":7}"#).starts_with("unmapped"));
    assert!(ask(r#"{"id":7,"name":"a product","status":"publish"}"#).starts_with("unmapped"));
}

/// What a shop answers to a call.
fn answer(shop: &mut Shop, request: &OutboundRequest) -> OutboundResponse {
    let path = request.url.split_once("example").unwrap().1;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pair = |part: &str| part.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
    let call = Call {
        method: request.method.to_owned(),
        path: path.to_owned(),
        query: query.split('&').filter_map(pair).collect(),
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

#[test]
fn an_order_that_is_read_back_or_listed_is_the_same_message_as_the_webhook() {
    let (adapter, mut shop) = (adapter(), Shop::default());
    shop.pay(7, 2, "57.76");
    shop.orders.get_mut(&7).unwrap().modified = 5;
    let pushed = parse(&shop.webhook(7)).unwrap();
    let of = |inbound: &Inbound| (inbound.id.clone(), inbound.content.clone());
    let back = adapter.read_back().unwrap();
    let request = back.request("7", NOW).unwrap();
    let CallOutcome::Done(read) = back.interpret("7", Ok(&answer(&mut shop, &request))) else {
        panic!("it is read")
    };
    assert!(read.len() == 1 && of(&read[0]) == of(&pushed));
    assert!(matches!(back.interpret("8", Ok(&answer(&mut shop, &request))), CallOutcome::Refused { .. }));
    let request = back.request("8", NOW).unwrap();
    let missing = back.interpret("8", Ok(&answer(&mut shop, &request)));
    assert!(matches!(missing, CallOutcome::Refused { code } if code == "rest_no_route"));
    assert!(back.request("7/notes", NOW).is_err());

    let polls = adapter.polls();
    let window = Window { since: NOW, until: NOW.plus_secs(300), cursor: None };
    let request = polls[0].request(&window, NOW).unwrap();
    assert!(
        request.url.contains("?modified_after=2026-01-02T02:59:59&dates_are_gmt=true&"),
        "{}",
        request.url
    );
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&answer(&mut shop, &request)), NOW) else {
        panic!("a page")
    };
    assert!(page.messages.len() == 1 && of(&page.messages[0]) == of(&pushed) && page.next.is_none());
}

#[test]
fn a_long_list_has_pages_and_an_order_that_cannot_be_read_hides_no_other() {
    let (adapter, mut shop) = (adapter(), Shop::default());
    for id in 1..=60 {
        shop.pay(id, 1, "28.88");
    }
    shop.orders.get_mut(&60).unwrap().total = "much".to_owned();
    let polls = adapter.polls();
    let mut window = Window { since: NOW, until: NOW.plus_secs(300), cursor: None };
    let mut seen = Vec::new();
    loop {
        let request = polls[0].request(&window, NOW).unwrap();
        let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&answer(&mut shop, &request)), NOW)
        else {
            panic!("a page")
        };
        seen.extend(page.messages.iter().map(|message| ask_text(&message.ask)));
        window.cursor = page.next;
        if window.cursor.is_none() {
            break;
        }
    }
    let unmapped = seen.iter().filter(|ask| ask.starts_with("unmapped")).count();
    assert_eq!((seen.len(), unmapped), (60, 1));
}
