//! The call-back with the result of an order.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{CallOutcome, DeliveryJob, OutboundResponse, TransportFailure, Unable};
use common::{KEY, NOW, adapter, key, line, order_id, request, sign};
use vocabulary::{CardKey, Currency, Money};

fn job(quantity: i64, keys: Vec<CardKey>, memo: Option<&str>) -> DeliveryJob {
    DeliveryJob {
        order: order_id(),
        external_no: "260101000001".into(),
        memo: memo.map(str::to_owned),
        lines: vec![line(quantity, keys)],
        total: Money::new(1980, Currency::CNY),
        txn: None,
        idempotency_key: "d1".into(),
        fulfilled_at: NOW,
    }
}

const ADDRESS: Option<&str> = Some("https://vtpnotify.jd.com/vtp");

#[test]
fn a_result_is_signed_and_goes_to_the_address_of_the_order() {
    let adapter = adapter();
    let deliver = adapter.deliver().unwrap();
    let call = deliver.request(&job(1, vec![key("A+/=&", None)], ADDRESS), NOW).unwrap();
    assert_eq!((call.method, call.url.as_str()), ("POST", "https://vtpnotify.jd.com/vtp/produce/result"));
    let form = request("", std::str::from_utf8(&call.body).unwrap()).form().unwrap();
    let value = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(value("sign"), Some(sign(&fields, KEY).as_str()));
    assert_eq!((value("produceStatus"), value("quantity")), (Some("1"), Some("1")));
    assert_eq!((value("jdOrderNo"), value("vendorId")), (Some("260101000001"), Some("1201")));
    assert_eq!((value("timestamp"), value("signType")), (Some("20260101080000"), None));
    let none = deliver.request(&job(2, Vec::new(), ADDRESS), NOW).unwrap();
    let none = String::from_utf8(none.body).unwrap();
    assert!(none.contains("produceStatus=2&quantity=2&") && !none.contains("product="), "{none}");
}

#[test]
fn a_result_that_cannot_be_right_is_not_sent() {
    let adapter = adapter();
    let why = |job: &DeliveryJob| adapter.deliver().unwrap().request(job, NOW).err();
    assert_eq!(why(&job(2, vec![key("A", None)], ADDRESS)), Some(Unable("keys_are_incomplete")));
    assert_eq!(why(&job(1, vec![key(&"A".repeat(128), None)], ADDRESS)), Some(Unable("key_outside_limits")));
    for address in [None, Some("https://evil.example/"), Some("http://vtpnotify.jd.com/vtp")] {
        assert_eq!(why(&job(1, vec![key("A", None)], address)), Some(Unable("no_address_to_call")));
    }
}

#[test]
fn responses_are_read_without_wishful_thinking() {
    let adapter = adapter();
    let deliver = adapter.deliver().unwrap();
    let job = job(1, vec![key("A", None)], ADDRESS);
    let read = |status, body: &str| {
        let body = body.as_bytes().to_vec();
        deliver
            .interpret(&job, Ok(&OutboundResponse { status, headers: Vec::new(), retry_after: None, body }))
    };
    let refused = |code: &str| CallOutcome::Refused { code: code.into() };
    let unknown = |code: &str| CallOutcome::Unknown { code: code.into() };
    assert_eq!(read(200, r#"{"code":"0","message":"成功"}"#), CallOutcome::Done(()));
    assert_eq!(read(200, r#"{"code":0}"#), CallOutcome::Done(()));
    let later = CallOutcome::RetryAfter { secs: 0, code: "500".into() };
    assert_eq!(read(200, r#"{"code":"500"}"#), later);
    for code in ["2", "3", "10", "11", "12", "13", "19", "00", ""] {
        assert_eq!(read(200, &format!(r#"{{"code":"{code}"}}"#)), refused(code));
    }
    assert_eq!(read(404, ""), refused("http_404"));
    assert_eq!(read(502, ""), unknown("http_502"));
    for body in ["", "{}", "<html>", r#"{"code":[]}"#] {
        assert_eq!(read(200, body), unknown("unreadable_answer"), "{body}");
    }
    assert_eq!(deliver.interpret(&job, Err(TransportFailure::NoAnswer)), unknown("no_answer"));
    assert!(deliver.repeat_is_safe());
}
