//! What is made of each answer to the question whether a payment is real.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use channel::{Adapter, CallOutcome, OutboundResponse, PaymentJob, PaymentReport};
use channel_bepusdt::PROTOCOL;
use serde_json::json;
use vocabulary::{Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn connect(confirm_by: &str) -> Arc<dyn Adapter> {
    let settings = json!({ "base_url": "https://usdt.example/", "token": "t", "confirm_by": confirm_by });
    (PROTOCOL.connect)("bepusdt/shop-1".parse().unwrap(), &settings.to_string()).unwrap()
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn job() -> PaymentJob {
    PaymentJob { external_no: "A-1".into(), txn: "T-1".into(), amount: yuan(2888) }
}

fn read(confirm_by: &str, body: &str) -> CallOutcome<PaymentReport> {
    let response =
        OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body: body.into() };
    connect(confirm_by).check_payment().unwrap().interpret(&job(), Ok(&response))
}

fn report(paid: bool, amount: Option<Money>) -> CallOutcome<PaymentReport> {
    CallOutcome::Done(PaymentReport { paid, amount, txn: Some("T-1".into()) })
}

fn unknown(code: &str) -> CallOutcome<PaymentReport> {
    CallOutcome::Unknown { code: code.into() }
}

#[test]
fn a_present_gateway_tells_the_order_and_its_money() {
    let call = connect("pay_info").check_payment().unwrap().request(&job(), NOW).unwrap();
    assert_eq!((call.method, call.url.as_str()), ("POST", "https://usdt.example/api/v1/pay/info"));
    assert_eq!(String::from_utf8(call.body).unwrap(), r#"{"trade_id":"T-1"}"#);
    let body = r#"{"status_code":200,"message":"success","data":{"trade_id":"T-1","order_id":"A-1",
        "money":"28.88","fiat":"CNY","status":2,"network":[]},"request_id":""}"#;
    assert_eq!(read("pay_info", body), report(true, Some(yuan(2888))));
    assert_eq!(read("pay_info", &body.replace("\"28.88\"", "28.88")), report(true, Some(yuan(2888))));
    for status in ["1", "3", "4", "5", "6"] {
        let body = body.replace(":2,", &format!(":{status},"));
        assert_eq!(read("pay_info", &body), report(false, Some(yuan(2888))), "{status}");
    }
    assert_eq!(read("pay_info", &body.replace(":2,", ":9,")), unknown("unlisted_status"));
    for (from, to, code) in [
        ("\"A-1\"", "\"A-2\"", "answer_about_another_trade"),
        ("\"T-1\"", "\"T-2\"", "answer_about_another_trade"),
        ("\"order_id\"", "\"order\"", "answer_about_another_trade"),
        ("\"CNY\"", "\"USD\"", "answer_in_another_currency"),
        ("28.88", "1e+06", "unreadable_answer"),
    ] {
        assert_eq!(read("pay_info", &body.replace(from, to)), unknown(code), "{to}");
    }
}

#[test]
fn an_older_gateway_tells_the_trade_alone() {
    let call = connect("check_status").check_payment().unwrap().request(&job(), NOW).unwrap();
    assert_eq!((call.method, call.url.as_str()), ("GET", "https://usdt.example/pay/check-status/T-1"));
    let enveloped = r#"{"status_code":200,"message":"success","data":{"trade_id":"T-1","status":2}}"#;
    assert_eq!(read("check_status", enveloped), report(true, None));
    assert_eq!(read("check_status", r#"{"trade_id":"T-1","status":1}"#), report(false, None));
    assert_eq!(
        read("check_status", r#"{"trade_id":"T-2","status":2}"#),
        unknown("answer_about_another_trade")
    );
    assert_eq!(read("check_status", r#"{"status":2}"#), unknown("answer_about_another_trade"));
    let gone = r#"{"status_code":10008,"message":"no such order"}"#;
    assert_eq!(read("check_status", gone), CallOutcome::Refused { code: "code_10008".into() });
    assert_eq!(read("check_status", r#"{"status_code":400,"message":"busy"}"#), unknown("code_400"));
}

#[test]
fn a_gateway_is_asked_only_where_the_settings_say_so() {
    assert!(connect("off").check_payment().is_none());
    let plain = PaymentJob { txn: "../admin".into(), ..job() };
    assert!(connect("check_status").check_payment().unwrap().request(&plain, NOW).is_err());
}
