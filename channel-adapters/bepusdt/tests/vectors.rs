//! Published and independently computed vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{Adapter, Ask, Inbound, OutboundResponse, Outcome, Refusal, Verified};
use channel_bepusdt::{Gateway, PROTOCOL, PayPage};
use channel_conformance::{Vector, Vectors, judge_vectors};
use serde_json::{Value, json};
use testkit::pretend::{Call, Platform};
use vocabulary::{Currency, Money};

use platform::{NOW, notification};

fn settings(token: &str) -> String {
    json!({ "base_url": "https://usdt.example/", "token": token, "confirm_by": "off" }).to_string()
}

fn connect(token: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("bepusdt/shop-1".parse().unwrap(), &settings(token)).unwrap()
}

fn judge(vector: &Vector) {
    let name = &vector.name;
    let adapter = connect(vector.text("/keys/token"));
    let request = notification(vector.text("/input/body"));
    let read = || -> Result<Inbound, Refusal> {
        let proof = adapter.verify(&request, NOW)?;
        adapter.parse(&Verified::new(&request, proof))
    };
    match read() {
        Ok(inbound) => {
            assert!(vector.accepted(), "{name}");
            let body: Value = serde_json::from_str(vector.text("/input/body")).unwrap();
            let paid = vector.value("/expected/paid").and_then(Value::as_bool).unwrap();
            match &inbound.ask {
                Ask::Payment(payment) if paid => {
                    assert_eq!(payment.external_no, body["order_id"], "{name}");
                    assert_eq!(payment.txn, body["trade_id"], "{name}");
                    let amount = body["amount"].to_string();
                    assert_eq!(Ok(payment.amount), Money::from_major_text(&amount, Currency::CNY), "{name}");
                }
                Ask::Nothing => assert!(!paid, "{name}"),
                _ => panic!("{name} was read as something else"),
            }
            let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
            let reply = adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None });
            assert_eq!(reply.body, vector.text("/expected/ack_body").as_bytes(), "{name}");
            let shown = adapter.signed_text(&request).unwrap();
            assert_eq!(shown, format!("{}***", vector.text("/expected/canonical")), "{name}");
            assert_eq!(String::from_utf8(inbound.content).unwrap(), vector.text("/expected/canonical"));
        }
        Err(refusal) => {
            assert!(!vector.accepted(), "{name}: {refusal}");
            assert_eq!(refusal.code, vector.text("/expected/reason"), "{name}");
        }
    }
}

/// What is signed of a request of ours with the vector's fields.
fn signed(vector: &Vector) {
    let name = &vector.name;
    let body = vector.text("/input/body");
    let shown = connect(vector.text("/keys/token")).signed_text(&notification(body)).unwrap();
    assert_eq!(shown, format!("{}***", vector.text("/expected/canonical")), "{name}");
    let json: Value = serde_json::from_str(body).unwrap();
    let gateway = Gateway::open(&settings(vector.text("/keys/token"))).unwrap();
    let call = gateway
        .create(&PayPage {
            order_id: json["order_id"].as_str().unwrap(),
            money: Money::from_major_text(&json["amount"].to_string(), Currency::CNY).unwrap(),
            notify_url: json["notify_url"].as_str().unwrap(),
            redirect_url: json["redirect_url"].as_str().unwrap(),
            trade_type: json["trade_type"].as_str(),
            timeout_secs: json["timeout"].as_u64().map(|secs| u32::try_from(secs).unwrap()),
        })
        .unwrap();
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(sent["signature"], vector.text("/expected/signature"), "{name}");
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/bepusdt.json"));
    vectors.scheme("epusdt-notify").into_iter().for_each(judge);
    vectors.scheme("epusdt-sign").into_iter().for_each(signed);
    vectors.assert_all_used();
}

fn page() -> PayPage<'static> {
    PayPage {
        order_id: "A-1",
        money: Money::new(2_880, Currency::CNY),
        notify_url: "https://shop.example/v1/in/bepusdt/pay",
        redirect_url: "https://shop.example/o/1?from=usdt&lang=zh",
        trade_type: None,
        timeout_secs: None,
    }
}

#[test]
fn a_trade_is_opened_at_a_gateway_that_checks_the_signature() {
    let gateway = Gateway::open(&settings(platform::TOKEN)).unwrap();
    let mut pretend = platform::Gateway::default();
    let call = gateway.create(&page()).unwrap();
    let path = call.url.strip_prefix("https://usdt.example").unwrap().to_owned();
    let (method, query, headers) = (call.method.to_owned(), Vec::new(), Vec::new());
    let answer = pretend.answer(&Call { method, path, query, headers, body: call.body, now: NOW }, false);
    assert_eq!((pretend.forged_calls, pretend.trades["A-1"].money.as_str()), (0, "28.8"));
    let response = OutboundResponse {
        status: answer.status,
        headers: Vec::new(),
        retry_after: None,
        body: answer.body.into_bytes(),
    };
    let expected = "https://usdt.example/pay/checkout-counter/b3d2477c-0001".to_owned();
    assert_eq!(gateway.created(&page(), Ok(&response)), channel::CallOutcome::Done(expected));
    let other = PayPage { order_id: "A-2", ..page() };
    assert!(!matches!(gateway.created(&other, Ok(&response)), channel::CallOutcome::Done(_)));
}

#[test]
fn a_trade_that_could_not_be_signed_or_notified_of_is_not_opened() {
    let gateway = Gateway::open(&settings(platform::TOKEN)).unwrap();
    let bad = [
        PayPage { order_id: "a&b", ..page() },
        PayPage { order_id: "", ..page() },
        PayPage { money: Money::new(2_888, Currency::USD), ..page() },
        PayPage { money: Money::new(0, Currency::CNY), ..page() },
        PayPage { money: Money::new(100_000_000, Currency::CNY), ..page() },
        PayPage { redirect_url: "https://a.example/?x=1&order_id=B", ..page() },
        PayPage { timeout_secs: Some(59), ..page() },
    ];
    for page in bad {
        assert!(gateway.create(&page).is_err(), "{page:?}");
    }
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/bepusdt.json"), &[]);
}
