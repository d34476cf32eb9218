//! Calls and what is made of their answers: what the end-to-end tests do not reach.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{Adapter, CallOutcome, OutboundResponse, PaymentJob, PaymentReport, RefundJob, Unable};
use platform::{FOREIGN, OLD_SERIAL, OLDER, PLATFORM, SERIAL, signature_of};
use serde_json::{Value, json};
use testkit::wechat_pay::WechatPay;
use vocabulary::{Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn adapter() -> Arc<dyn Adapter> {
    let settings = platform::settings("https://pay.example", false).to_string();
    (channel_wechat_pay::PROTOCOL.connect)("wechat-pay/shop-1".parse().unwrap(), &settings).unwrap()
}

fn signed_by(pem: &str, serial: &str, body: &Value) -> OutboundResponse {
    let body = body.to_string().into_bytes();
    let headers = [
        ("wechatpay-serial", serial.to_owned()),
        ("wechatpay-timestamp", "1767322800".to_owned()),
        ("wechatpay-nonce", "abc".to_owned()),
        ("wechatpay-signature", signature_of(pem, "1767322800", "abc", &body)),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    OutboundResponse { status: 200, headers, retry_after: None, body }
}

fn signed(body: &Value) -> OutboundResponse {
    signed_by(PLATFORM, SERIAL, body)
}

fn failure(status: u16, code: &str) -> OutboundResponse {
    let body = json!({ "code": code, "message": "no" }).to_string().into_bytes();
    OutboundResponse { status, headers: Vec::new(), retry_after: None, body }
}

fn job() -> RefundJob {
    RefundJob {
        external_no: "A-1".into(),
        txn: None,
        refund: "R-1".into(),
        amount: Money::new(1_000, Currency::CNY),
        total: Money::new(2_888, Currency::CNY),
        reason: "卡密售罄".into(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    }
}

fn refund(status: &str) -> Value {
    json!({ "out_refund_no": "R-1", "out_trade_no": "A-1", "status": status,
        "amount": { "refund": 1_000, "total": 2_888, "currency": "CNY" } })
}

fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.into() }
}

#[test]
fn a_refund_says_what_is_to_be_paid_back_and_of_what() {
    let adapter = adapter();
    let request = |job: &RefundJob| adapter.refund().unwrap().request(job, NOW);
    let body: Value = serde_json::from_slice(&request(&job()).unwrap().body).unwrap();
    let expected = json!({ "out_trade_no": "A-1", "out_refund_no": "R-1", "reason": "卡密售罄",
        "notify_url": "https://shop.example/in/wechat-pay/pay",
        "amount": { "refund": 1_000, "total": 2_888, "currency": "CNY" } });
    assert_eq!(body, expected);
    let dollars = RefundJob { amount: Money::new(1, Currency::USD), ..job() };
    assert_eq!(request(&dollars).err(), Some(Unable("amount_is_not_yuan")));
    let number = RefundJob { refund: "R 1".into(), ..job() };
    assert_eq!(request(&number).err(), Some(Unable("refund_number_not_allowed")));
}

#[test]
fn an_answer_counts_only_with_the_platforms_signature() {
    let adapter = adapter();
    let read = |response: &OutboundResponse| adapter.refund().unwrap().interpret(&job(), Ok(response));
    let body = refund("SUCCESS");
    assert_eq!(read(&signed(&body)), CallOutcome::Done(()));
    assert_eq!(read(&signed_by(OLDER, OLD_SERIAL, &body)), CallOutcome::Done(()));
    assert_eq!(read(&signed_by(FOREIGN, SERIAL, &body)), unknown("bad_answer_signature"));
    assert_eq!(read(&signed_by(PLATFORM, OLD_SERIAL, &body)), unknown("bad_answer_signature"));
    let mut tampered = signed(&body);
    tampered.body = refund("SUCCESS").to_string().replace("1000", "1001").into_bytes();
    assert_eq!(read(&tampered), unknown("bad_answer_signature"));
    let mut twice = signed(&body);
    twice.headers.push(("wechatpay-nonce".into(), "abc".into()));
    assert_eq!(read(&twice), unknown("bad_answer_signature"));
    for missing in 0..4 {
        let mut bare = signed(&body);
        bare.headers.remove(missing);
        assert_eq!(read(&bare), unknown("bad_answer_signature"));
    }
}

#[test]
fn an_accepted_refund_is_not_a_paid_one() {
    let adapter = adapter();
    let read = |body: &Value| adapter.refund().unwrap().interpret(&job(), Ok(&signed(body)));
    assert_eq!(read(&refund("PROCESSING")), unknown("refund_processing"));
    assert_eq!(read(&refund("ABNORMAL")), unknown("refund_abnormal"));
    assert_eq!(read(&refund("CLOSED")), CallOutcome::Refused { code: "refund_closed".into() });
    for (field, value) in [("out_refund_no", json!("R-2")), ("out_trade_no", json!("A-2"))] {
        let mut other = refund("SUCCESS");
        other[field] = value;
        assert_eq!(read(&other), unknown("answer_about_another_refund"));
    }
    let mut less = refund("SUCCESS");
    less["amount"]["refund"] = json!(999);
    assert_eq!(read(&less), unknown("answer_about_another_refund"));
}

#[test]
fn a_refund_that_was_asked_about_may_not_be_there() {
    let adapter = adapter();
    let asked = |response: &OutboundResponse| adapter.refund().unwrap().interpret_ask(&job(), Ok(response));
    let call = adapter.refund().unwrap().ask(&job(), NOW).unwrap().unwrap();
    assert_eq!(
        (call.method, call.url.as_str()),
        ("GET", "https://pay.example/v3/refund/domestic/refunds/R-1")
    );
    assert_eq!(asked(&signed(&refund("SUCCESS"))), CallOutcome::Done(true));
    assert_eq!(asked(&failure(404, "RESOURCE_NOT_EXISTS")), CallOutcome::Done(false));
    assert_eq!(asked(&signed(&refund("PROCESSING"))), unknown("refund_processing"));
    assert!(matches!(asked(&failure(404, "MCH_NOT_EXISTS")), CallOutcome::Refused { .. }));
}

#[test]
fn errors_are_for_good_unless_their_code_says_otherwise() {
    let adapter = adapter();
    let read = |response: &OutboundResponse| adapter.refund().unwrap().interpret(&job(), Ok(response));
    assert_eq!(read(&failure(403, "NOT_ENOUGH")), CallOutcome::Refused { code: "NOT_ENOUGH".into() });
    assert_eq!(read(&failure(400, "not a code")), CallOutcome::Refused { code: "http_400".into() });
    assert!(matches!(read(&failure(403, "FREQUENCY_LIMITED")), CallOutcome::RetryAfter { secs: 60, .. }));
    assert_eq!(read(&failure(400, "SYSTEM_ERROR")), unknown("SYSTEM_ERROR"));
    assert!(matches!(read(&failure(500, "SYSTEM_ERROR")), CallOutcome::Unknown { .. }));
}

#[test]
fn a_payment_is_confirmed_by_the_order_it_is_of() {
    let adapter = adapter();
    let mut books = WechatPay::test();
    books.pay("A-1", 2_888);
    let amount = Money::new(2_888, Currency::CNY);
    let job = PaymentJob { external_no: "A-1".into(), txn: books.payments["A-1"].txn.clone(), amount };
    let read = |body: &Value| adapter.check_payment().unwrap().interpret(&job, Ok(&signed(body)));
    let report = |paid| PaymentReport { paid, amount: Some(amount), txn: Some(job.txn.clone()) };
    let of_state = |state: &str| {
        let mut body = books.transaction("A-1");
        body["trade_state"] = json!(state);
        body
    };
    assert_eq!(read(&of_state("SUCCESS")), CallOutcome::Done(report(true)));
    assert_eq!(read(&of_state("CLOSED")), CallOutcome::Done(report(false)));
    for state in ["REFUND", "zz"] {
        assert_eq!(read(&of_state(state)), unknown("state_does_not_tell"), "{state}");
    }
    for (field, value) in [("mchid", "1"), ("appid", "wx0"), ("out_trade_no", "A-2")] {
        let mut other = of_state("SUCCESS");
        other[field] = json!(value);
        assert_eq!(read(&other), unknown("answer_about_another_order"), "{field}");
    }
    let call = adapter.check_payment().unwrap().request(&job, NOW).unwrap();
    assert_eq!(call.url, "https://pay.example/v3/pay/transactions/out-trade-no/A-1?mchid=1900009191");
}
