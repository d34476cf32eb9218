//! Each message beside what it must be read as, each call beside its bytes, each answer beside its outcome.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod shop;

use std::sync::Arc;

use channel::{
    Adapter, CallOutcome, DeliveryJob, LineView, OutboundRequest, OutboundResponse, PaymentJob, RefundJob,
    StockJob, Verified,
};
use channel_conformance::ask_text;
use channel_sandbox::PROTOCOL;
use vocabulary::{CardKey, Currency, Money, Quantity, Secret};

fn adapter() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("sandbox/main".parse().unwrap(), &shop::subject().settings).unwrap()
}

fn read(topic: &str, body: &str) -> Result<String, &'static str> {
    let request = shop::sign(&shop::post(topic, "msg-1", body), shop::SECRET).unwrap();
    let adapter = adapter();
    let proof = adapter.verify(&request, shop::NOW).unwrap();
    let inbound = adapter.parse(&Verified::new(&request, proof)).map_err(|refusal| refusal.detail)?;
    Ok(format!("{:?} {:?} {}", inbound.kind, inbound.id, ask_text(&inbound.ask)))
}

#[test]
fn every_message_is_read_as_the_text_beside_it_says() {
    let mut seen = String::new();
    for (topic, body) in shop::MESSAGES {
        seen.push_str(&format!("{topic}: {}\n", read(topic, body).unwrap()));
    }
    assert_eq!(seen, include_str!("../fixtures/expected.txt"), "\n{seen}");
}

#[test]
fn wrong_fields_are_refused_by_name() {
    let order = |more: &str| {
        format!(
            r#"{{"order":"A","lines":[{{"item":"s","quantity":1}}],"amount_minor":1,"currency":"CNY"{more}}}"#
        )
    };
    let table = [
        ("order-paid", order(""), "payment"),
        ("order-paid", order(r#","payment":"a b""#), "payment"),
        ("order-placed", order(r#","at":"today""#), "at"),
        ("order-placed", order("").replace("\"A\"", "\"\""), "order"),
        ("order-placed", order("").replace("\"quantity\":1", "\"quantity\":0"), "quantity"),
        ("order-placed", order("").replace("\"amount_minor\":1", "\"amount_minor\":0"), "amount_minor"),
        ("order-placed", order("").replace("CNY", "cny"), "currency"),
        ("purchase", order("").replace(r#"[{"item":"s","quantity":1}]"#, "[]"), "lines"),
        ("order-cancelled", r#"{"order":"A","reason":""}"#.to_owned(), "reason"),
        ("stock", r#"{"item":""}"#.to_owned(), "item"),
    ];
    for (topic, body, field) in table {
        let body =
            if topic == "purchase" { body.replace("\"order\"", "\"payment\":\"p\",\"order\"") } else { body };
        assert_eq!(read(topic, &body), Err(field), "{body}");
    }
}

#[test]
fn an_unknown_topic_is_kept_under_its_name() {
    assert_eq!(read("review-written", "{}").unwrap(), r#"Notice Some("msg-1") unmapped "review-written""#);
}

fn job() -> DeliveryJob {
    let key = |code: &str, pin: Option<&str>| CardKey {
        code: Secret::new(code.to_owned()),
        pin: pin.map(|pin| Secret::new(pin.to_owned())),
        expires_on: None,
    };
    DeliveryJob {
        order: "order-0198c1a0000070008000000000000001".parse().unwrap(),
        external_no: "MK-1002".into(),
        memo: None,
        txn: None,
        lines: vec![LineView {
            item: "ITEM-1".into(),
            sku: "steam-50".parse().unwrap(),
            name: "Steam 50".into(),
            quantity: Quantity::try_from(2).unwrap(),
            amount: Money::new(5776, Currency::CNY),
            keys: vec![key("AAAA", None), key("BBBB", Some("12"))],
        }],
        total: Money::new(5776, Currency::CNY),
        idempotency_key: "order-1-1".into(),
        fulfilled_at: shop::NOW,
    }
}

fn header(call: &OutboundRequest, name: &str) -> String {
    call.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap()
}

#[test]
fn a_call_is_signed_as_the_readme_says() {
    let job = StockJob { item: "steam-50".into(), available: 7, figure: 42 };
    let call = adapter().push_stock().unwrap().request(&job, shop::NOW).unwrap();
    assert_eq!(call.url, "https://market.example/api/stock");
    assert_eq!(call.body, br#"{"available":7,"figure":42,"item":"steam-50"}"#);
    // Computed with the text of the README and OpenSSL.
    let expected = include_str!("../fixtures/stock-call.signature.txt").trim();
    assert_eq!(header(&call, "x-sandbox-signature"), expected);
}

#[test]
fn a_delivery_keeps_its_number_and_bytes_on_every_retry() {
    let (adapter, job) = (adapter(), job());
    let deliver = adapter.deliver().unwrap();
    let first = deliver.request(&job, shop::NOW).unwrap();
    let retry = deliver.request(&job, shop::NOW.plus_secs(60)).unwrap();
    assert_eq!(first.body, retry.body);
    assert_eq!(header(&first, "x-sandbox-message"), header(&retry, "x-sandbox-message"));
    assert_ne!(header(&first, "x-sandbox-signature"), header(&retry, "x-sandbox-signature"));
    let mut short = self::job();
    short.lines[0].keys.pop();
    assert!(deliver.request(&short, shop::NOW).is_err(), "half of the keys are never sent");
}

fn answered<T>(read: impl Fn(&OutboundResponse) -> CallOutcome<T>, body: &str) -> CallOutcome<T> {
    read(&OutboundResponse {
        status: 200,
        headers: Vec::new(),
        retry_after: None,
        body: body.as_bytes().to_vec(),
    })
}

#[test]
fn answers_count_only_for_what_was_asked() {
    let (adapter, job) = (adapter(), job());
    let deliver = adapter.deliver().unwrap();
    let done = |body: &str| answered(|r| deliver.interpret(&job, Ok(r)), body);
    assert_eq!(done(r#"{"result":"done","delivery":"order-1-1"}"#), CallOutcome::Done(()));
    assert!(matches!(done(r#"{"result":"done","delivery":"order-2-1"}"#), CallOutcome::Unknown { .. }));
    assert!(matches!(done(r#"{"result":"unclear","code":"internal"}"#), CallOutcome::Unknown { .. }));
    let later = CallOutcome::RetryAfter { secs: 9, code: "busy".into() };
    assert_eq!(done(r#"{"result":"later","code":"busy","seconds":9}"#), later);
    let asked = |body: &str| answered(|r| deliver.interpret_ask(&job, Ok(r)), body);
    let body = r#"{"result":"done","delivery":"order-1-1","delivered":"#;
    assert_eq!(asked(&format!("{body}true}}")), CallOutcome::Done(true));
    assert_eq!(asked(&format!("{body}false}}")), CallOutcome::Done(false));
    let refund = adapter.refund().unwrap();
    let back = RefundJob {
        external_no: "MK-1002".into(),
        txn: None,
        refund: "RF-1".into(),
        amount: Money::new(1, Currency::CNY),
        total: Money::new(1, Currency::CNY),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
        reason: "x".into(),
    };
    let told = |body: &str| answered(|r| refund.interpret_ask(&back, Ok(r)), body);
    assert_eq!(told(r#"{"result":"done","refund":"RF-1","paid_back":true}"#), CallOutcome::Done(true));
    assert!(matches!(
        told(r#"{"result":"done","refund":"RF-2","paid_back":true}"#),
        CallOutcome::Unknown { .. }
    ));
}

#[test]
fn a_payment_is_paid_only_for_its_own_order_and_with_its_amount() {
    let adapter = adapter();
    let check = adapter.check_payment().unwrap();
    let job =
        PaymentJob { external_no: "MK-1".into(), txn: "P-1".into(), amount: Money::new(5, Currency::CNY) };
    let paid = |body: &str| match answered(|r| check.interpret(&job, Ok(r)), body) {
        CallOutcome::Done(report) => Some(report.paid),
        _ => None,
    };
    let body = |order: &str, paid: bool| {
        format!(
            r#"{{"result":"done","payment":"P-1","order":"{order}","paid":{paid},"amount_minor":5,"currency":"CNY"}}"#
        )
    };
    assert_eq!(paid(&body("MK-1", true)), Some(true));
    assert_eq!(paid(&body("MK-1", false)), Some(false));
    assert_eq!(paid(&body("MK-2", true)), Some(false));
    assert_eq!(paid(r#"{"result":"done","payment":"P-1","paid":true}"#), Some(false));
    assert_eq!(paid(&body("MK-1", true).replace("P-1", "P-2")), None);
}

#[test]
fn an_order_that_is_read_back_tells_of_its_refunds_first() {
    let adapter = adapter();
    let read = adapter.read_back().unwrap();
    let body = |status: &str| {
        format!(
            r#"{{"result":"done","order":"MK-1","status":"{status}","payment":"P-1","amount_minor":5,"currency":"CNY",
            "lines":[{{"item":"s","quantity":1}}],
            "refunds":[{{"refund":"R-1","status":"settled","amount_minor":5,"currency":"CNY"}}]}}"#
        )
    };
    let asks = |number: &str, body: &str| match answered(|r| read.interpret(number, Ok(r)), body) {
        CallOutcome::Done(messages) => messages.iter().map(|m| ask_text(&m.ask)).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let seen = asks("MK-1", &body("paid"));
    assert!(seen[0].starts_with("refund settled") && seen[1].starts_with("order \"MK-1\""), "{seen:?}");
    assert_eq!(asks("MK-1", &body("placed"))[1], "nothing");
    assert_eq!(asks("MK-1", &body("lost"))[1], "unmapped \"status lost\"");
    assert!(asks("MK-2", &body("paid")).is_empty(), "an answer about another order counts for nothing");
}
