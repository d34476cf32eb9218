//! Calls and what is made of their answers: what the end-to-end tests do not reach.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, Ask, CallOutcome, OutboundResponse, PaymentJob, PaymentReport, RawRequest, RefundJob, Unable,
};
use platform::{ALIPAY, FOREIGN, signed};
use serde_json::{Value, json};
use vocabulary::{Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const REFUND: &str = "alipay.trade.refund";
const QUERY: &str = "alipay.trade.fastpay.refund.query";

fn adapter_with(more: &[(&str, &str)]) -> Arc<dyn Adapter> {
    let mut settings = platform::settings("https://pay.example", false);
    for (name, value) in more {
        settings[name] = json!(value);
    }
    (channel_alipay::PROTOCOL.connect)("alipay/shop-1".parse().unwrap(), &settings.to_string()).unwrap()
}

fn adapter() -> Arc<dyn Adapter> {
    adapter_with(&[])
}

fn response(body: String) -> OutboundResponse {
    OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body: body.into_bytes() }
}

fn job() -> RefundJob {
    RefundJob {
        external_no: "A-1".into(),
        txn: Some("T-1".into()),
        refund: "R-1".into(),
        amount: Money::new(1_000, Currency::CNY),
        total: Money::new(2_888, Currency::CNY),
        reason: "卡密售罄".into(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    }
}

fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.into() }
}

/// The fields of a call's form.
fn fields(body: Vec<u8>) -> Vec<(String, String)> {
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body,
        received_at: NOW,
    };
    request.form().unwrap()
}

#[test]
fn a_call_names_its_method_the_chinese_time_and_the_certificates_if_there_are_any() {
    let sent = |adapter: &dyn Adapter| {
        let call = adapter.refund().unwrap().request(&job(), NOW).unwrap();
        assert_eq!(call.url, "https://pay.example/gateway.do?charset=utf-8");
        fields(call.body)
    };
    let plain = sent(adapter().as_ref());
    let field = |name: &str| plain.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    assert_eq!((field("method"), field("timestamp")), (Some(REFUND), Some("2026-01-02 11:00:00")));
    let content: Value = serde_json::from_str(field("biz_content").unwrap()).unwrap();
    let expected = json!({ "out_trade_no": "A-1", "refund_amount": "10.00", "out_request_no": "R-1",
        "refund_reason": "卡密售罄" });
    assert_eq!((content, field("app_cert_sn")), (expected, None));
    let certified = adapter_with(&[("app_cert_sn", "ab01"), ("alipay_root_cert_sn", "02cd_03ef")]);
    assert!(sent(certified.as_ref()).contains(&("alipay_root_cert_sn".into(), "02cd_03ef".into())));
    let dollars = RefundJob { amount: Money::new(1, Currency::USD), ..job() };
    assert_eq!(adapter().refund().unwrap().request(&dollars, NOW).err(), Some(Unable("amount_is_not_yuan")));
}

#[test]
fn an_answer_is_checked_over_its_text_as_it_stands() {
    let adapter = adapter();
    let read = |body: String| adapter.refund().unwrap().interpret(&job(), Ok(&response(body)));
    // Spaces, escapes and the order of fields are Alipay's own.
    let text = r#"{ "out_trade_no":"A\u002d1", "fund_change":"Y","refund_detail":"a\/b" ,"code":"10000" }"#;
    let good = signed(REFUND, text, ALIPAY);
    assert_eq!(read(good.clone()), CallOutcome::Done(()));
    assert_eq!(read(good.replacen('{', "{ \"alipay_cert_sn\":\"x\", ", 1)), CallOutcome::Done(()));
    for tampered in [
        signed(REFUND, text, FOREIGN),
        good.replace(" ,\"code", ",\"code"),
        good.replace("a\\/b", "a/b"),
        good.replace("\"sign\"", "\"sing\""),
    ] {
        assert_eq!(read(tampered.clone()), unknown("bad_answer_signature"), "{tampered}");
    }
    assert_eq!(read(signed(QUERY, text, ALIPAY)), unknown("unreadable_answer"));
    assert_eq!(read(good.replace("trade_refund_response", "error_response")), unknown("unreadable_answer"));
    let twice = good.replacen('{', &format!("{{\"alipay_trade_refund_response\":{text},"), 1);
    assert_eq!(read(twice), unknown("unreadable_answer"));
}

#[test]
fn a_refund_is_done_when_money_moved_and_asked_about_when_it_did_not() {
    let adapter = adapter();
    let read = |response: &Value| {
        let body = signed(REFUND, &response.to_string(), ALIPAY);
        adapter.refund().unwrap().interpret(&job(), Ok(&self::response(body)))
    };
    let accepted = |change: &str| json!({ "code": "10000", "out_trade_no": "A-1", "fund_change": change });
    assert_eq!(read(&accepted("Y")), CallOutcome::Done(()));
    assert_eq!(read(&accepted("N")), unknown("fund_not_changed"));
    let mut other = accepted("Y");
    other["out_trade_no"] = json!("A-2");
    assert_eq!(read(&other), unknown("answer_about_another_refund"));
    let no = |code: &str, sub_code: &str| json!({ "code": code, "sub_code": sub_code });
    let refused = |code: &str| CallOutcome::Refused { code: code.into() };
    assert_eq!(read(&no("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH")), refused("ACQ.SELLER_BALANCE_NOT_ENOUGH"));
    assert_eq!(read(&no("40006", "not a code")), refused("40006"));
    for (code, sub_code) in
        [("20000", "isp.unknow-error"), ("40004", "ACQ.SYSTEM_ERROR"), ("40004", "aop.ACQ.SYSTEM_ERROR")]
    {
        assert_eq!(read(&no(code, sub_code)), unknown(sub_code));
    }
    let unsigned = json!({ "error_response": { "code": "40002", "sub_code": "isv.invalid-app-id" } });
    let read = adapter.refund().unwrap().interpret(&job(), Ok(&response(unsigned.to_string())));
    assert_eq!(read, refused("isv.invalid-app-id"));
}

#[test]
fn a_refund_that_is_asked_about_was_paid_only_if_its_status_says_so() {
    let adapter = adapter();
    let found = json!({ "code": "10000", "out_trade_no": "A-1", "out_request_no": "R-1", "refund_amount": "10.00",
        "refund_status": "REFUND_SUCCESS" });
    let asked = |change: &dyn Fn(&mut Value)| {
        let mut found = found.clone();
        change(&mut found);
        let body = response(signed(QUERY, &found.to_string(), ALIPAY));
        let read_back = adapter.read_back().unwrap().interpret("A-1/R-1", Ok(&body));
        (adapter.refund().unwrap().interpret_ask(&job(), Ok(&body)), read_back)
    };
    let (paid, read_back) = asked(&|_| {});
    assert_eq!(paid, CallOutcome::Done(true));
    let CallOutcome::Done(messages) = read_back else { panic!("it was found") };
    let Ask::RefundSettled(refund) = &messages[0].ask else { panic!("it was settled") };
    assert_eq!((refund.refund.as_str(), refund.amount), ("R-1", Some(Money::new(1_000, Currency::CNY))));
    let (none, read_back) = asked(&|found| *found = json!({ "code": "10000" }));
    assert_eq!(none, CallOutcome::Done(false));
    assert!(matches!(read_back, CallOutcome::RetryAfter { .. }));
    assert_eq!(
        asked(&|found| found["refund_amount"] = json!("9.99")).0,
        unknown("answer_about_another_refund")
    );
    assert_eq!(
        asked(&|found| found["out_request_no"] = json!("R-2")).0,
        unknown("answer_about_another_refund")
    );
    assert_eq!(asked(&|found| found["refund_status"] = json!("zz")).0, unknown("unlisted_status"));
    assert_eq!(asked(&|found| found["out_request_no"] = Value::Null).0, unknown("unreadable_answer"));
}

#[test]
fn a_payment_is_confirmed_by_the_trade_it_is_of() {
    let adapter = adapter();
    let amount = Money::new(2_888, Currency::CNY);
    let job = PaymentJob { external_no: "A-1".into(), txn: "T-1".into(), amount };
    let read = |response: &Value| {
        let body = signed("alipay.trade.query", &response.to_string(), ALIPAY);
        adapter.check_payment().unwrap().interpret(&job, Ok(&self::response(body)))
    };
    let trade = |status: &str| {
        json!({ "code": "10000", "out_trade_no": "A-1", "trade_no": "T-1",
        "trade_status": status, "total_amount": "28.88" })
    };
    let paid = PaymentReport { paid: true, amount: Some(amount), txn: Some("T-1".into()) };
    let unpaid = PaymentReport { paid: false, amount: None, txn: None };
    assert_eq!(read(&trade("TRADE_SUCCESS")), CallOutcome::Done(paid));
    assert_eq!(read(&trade("TRADE_CLOSED")), CallOutcome::Done(unpaid.clone()));
    assert_eq!(read(&trade("zz")), unknown("unlisted_status"));
    let nowhere = json!({ "code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST" });
    assert_eq!(read(&nowhere), CallOutcome::Done(unpaid));
    let mut other = trade("TRADE_SUCCESS");
    other["out_trade_no"] = json!("A-2");
    assert_eq!(read(&other), unknown("answer_about_another_order"));
}
