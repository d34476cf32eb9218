//! Queries and refunds: what is sent, and what is made of each answer.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod gateway;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Adapter, CallOutcome, OutboundResponse, PaymentJob, PaymentReport, Protocol, RefundJob, sign::RsaSigner,
};
use channel_epay::{V1, V2};
use std::sync::Arc;
use vocabulary::{Currency, Money};

const ORDER: &str = "CK20260102000001";

fn connect(protocol: Protocol, settings: &str) -> Arc<dyn Adapter> {
    (protocol.connect)(format!("{}/shop-1", protocol.manifest.code).parse().unwrap(), settings).unwrap()
}

fn v1() -> Arc<dyn Adapter> {
    connect(V1, gateway::V1_SETTINGS)
}

fn v2(paid_status: &str) -> Arc<dyn Adapter> {
    let more = format!(r#","paid_status":"{paid_status}"}}"#);
    connect(
        V2,
        &gateway::v2_settings().replacen(
            r#","refunds""#,
            &format!("{},\"refunds\"", &more[..more.len() - 1]),
            1,
        ),
    )
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn payment() -> PaymentJob {
    PaymentJob { external_no: ORDER.into(), txn: "T1".into(), amount: yuan(2888) }
}

fn refund() -> RefundJob {
    RefundJob {
        external_no: ORDER.into(),
        txn: Some("T1".into()),
        refund: "rf-1".into(),
        amount: yuan(2888),
        total: yuan(2888),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
        reason: "out of stock".into(),
    }
}

fn response(body: &str) -> OutboundResponse {
    OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body: body.into() }
}

/// An answer of a V2 gateway: the fields in order, signed with the platform's key.
fn signed(fields: &[(&str, &str)]) -> OutboundResponse {
    let mut sorted = fields.to_vec();
    sorted.sort();
    let text = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let signer = RsaSigner::from_pkcs8(&STANDARD.decode(gateway::PLATFORM).unwrap()).unwrap();
    let sign = STANDARD.encode(signer.sign_sha256(text.as_bytes()).unwrap());
    let mut json: serde_json::Map<_, _> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(*value))).collect();
    json.insert("code".into(), 0.into());
    json.insert("sign".into(), sign.into());
    json.insert("sign_type".into(), "RSA".into());
    response(&serde_json::Value::Object(json).to_string())
}

fn checked(adapter: &dyn Adapter, response: &OutboundResponse) -> CallOutcome<PaymentReport> {
    adapter.check_payment().unwrap().interpret(&payment(), Ok(response))
}

fn report(paid: bool) -> CallOutcome<PaymentReport> {
    CallOutcome::Done(PaymentReport { paid, amount: Some(yuan(2888)), txn: Some("T1".into()) })
}

fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.into() }
}

#[test]
fn a_v1_query_names_the_order_and_carries_the_key() {
    let call = v1().check_payment().unwrap().request(&payment(), gateway::NOW).unwrap();
    assert_eq!(call.method, "GET");
    let key = gateway::KEY;
    assert_eq!(
        call.url,
        format!("https://pay.example/api.php?act=order&pid=1001&key={key}&out_trade_no={ORDER}")
    );
}

#[test]
fn a_v1_answer_is_believed_only_where_it_is_clear_and_about_this_order() {
    let body = |status: &str| {
        format!(
            r#"{{"code":1,"msg":"ok","trade_no":"T1","out_trade_no":"{ORDER}","pid":1001,"money":"28.88","status":{status}}}"#
        )
    };
    let read = |body: &str| checked(v1().as_ref(), &response(body));
    assert_eq!(read(&body("1")), report(true));
    assert_eq!(read(&body("\"1\"")), report(true));
    assert_eq!(read(&body("0")), report(false));
    assert_eq!(read(&body("2")), report(false));
    assert_eq!(read(&body("7")), unknown("unlisted_status"));
    assert_eq!(read(&body("1").replace("CK2026", "CK2027")), unknown("answer_about_another_order"));
    assert_eq!(read(&body("1").replace("1001", "1002")), unknown("answer_about_another_order"));
    assert_eq!(read(&body("1").replace("28.88", "many")), unknown("unreadable_answer"));
    assert_eq!(read(r#"{"code":-1,"msg":"no such order"}"#), CallOutcome::Refused { code: "code_-1".into() });
    assert_eq!(read(r#"{"code":1,"status":1,"status":0}"#), unknown("unreadable_answer"));
}

#[test]
fn a_v2_answer_must_be_signed_by_the_platform() {
    let fields = [
        ("code", "0"),
        ("money", "28.88"),
        ("out_trade_no", ORDER),
        ("status", "1"),
        ("timestamp", "1767322800"),
        ("trade_no", "T1"),
    ];
    let answer = signed(&fields);
    assert_eq!(checked(v2("1").as_ref(), &answer), report(true));
    // The same answer, where this operator's 1 means waiting.
    assert_eq!(checked(v2("2").as_ref(), &answer), report(false));
    let body = String::from_utf8(answer.body).unwrap();
    for tampered in [
        body.replace("28.88", "28.89"),
        body.replace("\"RSA\"", "\"MD5\""),
        body.replace("\"sign\":", "\"sing\":"),
    ] {
        assert_eq!(
            checked(v2("1").as_ref(), &response(&tampered)),
            unknown("bad_answer_signature"),
            "{tampered}"
        );
    }
    let no = response(r#"{"code":-3,"msg":"wrong pid"}"#);
    assert_eq!(checked(v2("1").as_ref(), &no), CallOutcome::Refused { code: "code_-3".into() });
}

#[test]
fn numbers_in_an_answer_are_signed_as_the_gateway_writes_them() {
    let fields =
        [("code", "0"), ("money", "28.5"), ("out_trade_no", ORDER), ("status", "1"), ("trade_no", "T1")];
    let body = String::from_utf8(signed(&fields).body).unwrap();
    let body = body.replace("\"28.5\"", "28.50").replace("\"status\":\"1\"", "\"status\":1");
    let CallOutcome::Done(report) = checked(v2("1").as_ref(), &response(&body)) else { panic!("{body}") };
    assert_eq!((report.paid, report.amount), (true, Some(yuan(2850))));
}

#[test]
fn a_v1_refund_is_asked_about_and_never_repeated() {
    let adapter = v1();
    let v1 = adapter.refund().unwrap();
    assert!(!v1.repeat_is_safe());
    let call = v1.request(&refund(), gateway::NOW).unwrap();
    assert_eq!(call.url, "https://pay.example/api.php?act=refund");
    let body = format!("pid=1001&trade_no=T1&money=28.88&key={}", gateway::KEY);
    assert_eq!(String::from_utf8(call.body).unwrap(), body);
    assert_eq!(v1.interpret(&refund(), Ok(&response(r#"{"code":1}"#))), CallOutcome::Done(()));

    let asked = |job: &RefundJob, status: &str| {
        let body = format!(r#"{{"code":1,"out_trade_no":"{ORDER}","money":"28.88","status":{status}}}"#);
        v1.interpret_ask(job, Ok(&response(&body)))
    };
    assert!(v1.ask(&refund(), gateway::NOW).unwrap().unwrap().url.contains("act=order"));
    assert_eq!(asked(&refund(), "2"), CallOutcome::Done(true));
    assert_eq!(asked(&refund(), "1"), CallOutcome::Done(false));
    let part = RefundJob { amount: yuan(1000), ..refund() };
    for status in ["1", "2"] {
        assert_eq!(asked(&part, status), unknown("standing_does_not_tell"));
    }
}

#[test]
fn a_v2_refund_has_a_number_and_may_be_repeated() {
    let adapter = v2("1");
    let v2 = adapter.refund().unwrap();
    assert!(v2.repeat_is_safe() && v2.ask(&refund(), gateway::NOW).is_none());
    let call = v2.request(&RefundJob { txn: None, ..refund() }, gateway::NOW).unwrap();
    let body = String::from_utf8(call.body).unwrap();
    assert!(body.contains("out_refund_no=rf-1") && body.contains(&format!("out_trade_no={ORDER}")), "{body}");
    let done = signed(&[("code", "0"), ("out_refund_no", "rf-1")]);
    assert_eq!(v2.interpret(&refund(), Ok(&done)), CallOutcome::Done(()));
    let other = signed(&[("code", "0"), ("out_refund_no", "rf-2")]);
    assert_eq!(v2.interpret(&refund(), Ok(&other)), unknown("answer_about_another_refund"));
}

#[test]
fn refunds_are_offered_only_where_the_settings_say_that_the_operator_has_them() {
    let adapter = connect(V1, &gateway::V1_SETTINGS.replace("\"refunds\":true", "\"refunds\":false"));
    assert!(adapter.refund().is_none());
    assert!(adapter.check_payment().is_some());
}
