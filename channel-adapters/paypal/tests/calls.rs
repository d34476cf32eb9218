//! Events and calls: what is made of each event, what is sent, and what is made of each answer.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, CallOutcome, OutboundRequest, OutboundResponse, PaymentJob, PaymentReport, RefundJob, Unable,
    Verified,
};
use channel_conformance::ask_text;
use channel_paypal::PROTOCOL;
use platform::{NOW, PayPal};
use serde_json::{Value, json};
use testkit::pretend::{Call, Platform};
use vocabulary::{Currency, Money, Timestamp};

const HOST: &str = "https://api-m.paypal.com";

fn connect(settings: &Value) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("paypal/main".parse().unwrap(), &settings.to_string()).unwrap()
}

fn adapter() -> Arc<dyn Adapter> {
    connect(&platform::settings(HOST))
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn answer(paypal: &mut PayPal, request: &OutboundRequest) -> OutboundResponse {
    let call = Call {
        method: request.method.to_owned(),
        path: request.url.strip_prefix(HOST).unwrap().to_owned(),
        query: Vec::new(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        now: NOW,
    };
    let answer = paypal.answer(&call, false);
    OutboundResponse {
        status: answer.status,
        headers: Vec::new(),
        retry_after: None,
        body: answer.body.into(),
    }
}

fn payment() -> PaymentJob {
    PaymentJob { external_no: "CK-1".into(), txn: "CAP1".into(), amount: yuan(2_888) }
}

fn refund(number: &str, minor: i64) -> RefundJob {
    RefundJob {
        external_no: "CK-1".into(),
        txn: Some("CAP1".into()),
        refund: number.into(),
        amount: yuan(minor),
        total: yuan(2_888),
        reason: "out of stock".into(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    }
}

fn ask(body: &Value) -> String {
    let request = platform::request(&platform::event(&body.to_string()));
    let proof = adapter().verify(&request, NOW).unwrap();
    ask_text(&adapter().parse(&Verified::new(&request, proof)).unwrap().ask)
}

#[test]
fn only_a_completed_capture_is_a_payment_and_it_is_asked_about_first() {
    let event =
        |kind: &str, resource: Value| json!({ "id": "WH-1", "event_type": kind, "resource": resource });
    let capture = |status: &str| {
        json!({ "id": "CAP1", "status": status, "custom_id": "CK-1",
            "amount": { "currency_code": "CNY", "value": "28.88" } })
    };
    let completed = "PAYMENT.CAPTURE.COMPLETED";
    assert!(ask(&event(completed, capture("COMPLETED"))).ends_with("check first true"));
    assert_eq!(ask(&event(completed, capture("PENDING"))), "unmapped \"a completed capture that is not\"");
    let mut bare = capture("COMPLETED");
    bare.as_object_mut().unwrap().remove("custom_id");
    assert_eq!(ask(&event(completed, bare)), "unmapped \"capture without custom_id\"");
    for kind in ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.DENIED"] {
        assert_eq!(ask(&event(kind, capture("COMPLETED"))), "nothing", "{kind}");
    }
    let refunded = |custom_id: &str| json!({ "id": "R", "status": "COMPLETED", "custom_id": custom_id });
    assert_eq!(ask(&event("PAYMENT.CAPTURE.REFUNDED", refunded("CK-1|R-1"))), "nothing");
    let by_hand = ask(&event("PAYMENT.CAPTURE.REFUNDED", refunded("CK-1")));
    assert_eq!(by_hand, "unmapped \"PAYMENT.CAPTURE.REFUNDED\"");
    for kind in ["PAYMENT.CAPTURE.REVERSED", "CUSTOMER.DISPUTE.CREATED", "PAYMENT.SALE.COMPLETED"] {
        let foreign = json!({ "amount": { "total": "20.00", "currency": "USD" } });
        assert_eq!(ask(&event(kind, foreign)), format!("unmapped {kind:?}"));
    }
}

#[test]
fn a_capture_is_believed_only_where_paypal_shows_it_for_this_order() {
    let adapter = adapter();
    let check = adapter.check_payment().unwrap();
    let report = |change: fn(&mut platform::Capture)| {
        let mut paypal = PayPal::default();
        paypal.capture("CAP1", "CK-1", "28.88");
        change(paypal.captures.get_mut("CAP1").unwrap());
        check.interpret(&payment(), Ok(&answer(&mut paypal, &check.request(&payment(), NOW).unwrap())))
    };
    let done = |paid, minor| {
        CallOutcome::Done(PaymentReport { paid, amount: Some(yuan(minor)), txn: Some("CAP1".into()) })
    };
    assert_eq!(report(|_| {}), done(true, 2_888));
    assert_eq!(report(|capture| capture.value = "0.01".into()), done(true, 1));
    for status in ["PENDING", "DECLINED", "REFUNDED", "PARTIALLY_REFUNDED", "FAILED"] {
        let mut paypal = PayPal::default();
        paypal.capture("CAP1", "CK-1", "28.88");
        paypal.captures.get_mut("CAP1").unwrap().status = status;
        let response = answer(&mut paypal, &check.request(&payment(), NOW).unwrap());
        assert_eq!(check.interpret(&payment(), Ok(&response)), done(false, 2_888), "{status}");
    }
    let foreign = CallOutcome::Refused { code: "capture_of_another_order".into() };
    assert_eq!(report(|capture| capture.custom_id = "CK-2".into()), foreign);
    let missing = answer(&mut PayPal::default(), &check.request(&payment(), NOW).unwrap());
    let code = "INVALID_RESOURCE_ID".to_owned();
    assert_eq!(check.interpret(&payment(), Ok(&missing)), CallOutcome::Refused { code });
    let bad = PaymentJob { txn: "../x".into(), ..payment() };
    assert_eq!(check.request(&bad, NOW).err(), Some(Unable("bad_capture_id")));
}

#[test]
fn a_refund_is_known_by_its_request_id_and_one_that_is_pending_is_asked_for_again() {
    let adapter = adapter();
    let back = adapter.refund().unwrap();
    assert!(back.repeat_is_safe());
    let mut paypal = PayPal::default();
    paypal.capture("CAP1", "CK-1", "28.88");
    let make = |paypal: &mut PayPal, number: &str, minor| {
        let job = refund(number, minor);
        let response = answer(paypal, &back.request(&job, NOW).unwrap());
        back.interpret(&job, Ok(&response))
    };
    for number in ["R-1", "R-1", "R-2"] {
        assert_eq!(make(&mut paypal, number, 1_000), CallOutcome::Done(()));
    }
    let values: Vec<&String> = paypal.captures["CAP1"].refunds.values().collect();
    assert_eq!(values, ["10.00", "10.00"]);
    let code = "REFUND_AMOUNT_EXCEEDED".to_owned();
    assert_eq!(make(&mut paypal, "R-3", 1_000), CallOutcome::Refused { code });
    paypal.refund_status = "PENDING";
    let pending = make(&mut paypal, "R-4", 888);
    assert!(matches!(pending, CallOutcome::RetryAfter { secs: 3_600, .. }));
    paypal.refund_status = "COMPLETED";
    assert_eq!(make(&mut paypal, "R-4", 888), CallOutcome::Done(()));
    assert_eq!(make(&mut paypal, "R-5", 888), CallOutcome::Done(()), "all of it is with the buyer");
    let long = RefundJob { external_no: "x".repeat(127), ..refund("R-1", 1) };
    assert_eq!(back.request(&long, NOW).err(), Some(Unable("numbers_are_too_long")));
    let unpaid = RefundJob { txn: None, ..refund("R-1", 1) };
    assert_eq!(back.request(&unpaid, NOW).err(), Some(Unable("no_capture_to_refund")));
}

#[test]
fn a_token_is_fetched_early_and_the_new_settings_connect_and_work() {
    let mut bare = platform::settings(HOST);
    for name in ["access_token", "access_token_ends_at"] {
        bare.as_object_mut().unwrap().remove(name);
    }
    let (first, mut paypal) = (connect(&bare), PayPal::default());
    paypal.capture("CAP1", "CK-1", "28.88");
    let renew = first.renew().unwrap();
    assert_eq!(renew.due_at(), Some(Timestamp::from_secs(0)), "at once");
    let check = first.check_payment().unwrap();
    let turned_down = answer(&mut paypal, &check.request(&payment(), NOW).unwrap());
    assert!(matches!(
        check.interpret(&payment(), Ok(&turned_down)),
        CallOutcome::RetryAfter { secs: 60, .. }
    ));
    assert_eq!(paypal.forged_calls, 1);

    let response = answer(&mut paypal, &renew.request(NOW).unwrap());
    let CallOutcome::Done(settings) = renew.interpret(Ok(&response), NOW) else { panic!("a token") };
    let second: Value = serde_json::from_str(settings.expose()).unwrap();
    assert_eq!(second["access_token"], platform::TOKEN);
    assert_eq!(second["certificates"], bare["certificates"]);
    let second = connect(&second);
    assert_eq!(second.renew().unwrap().due_at(), Some(NOW.plus_secs(32_400 - 600)));
    let check = second.check_payment().unwrap();
    let shown = answer(&mut paypal, &check.request(&payment(), NOW).unwrap());
    assert!(matches!(check.interpret(&payment(), Ok(&shown)), CallOutcome::Done(report) if report.paid));

    let wrong =
        OutboundResponse { status: 401, headers: Vec::new(), retry_after: None, body: b"{}".to_vec() };
    assert!(matches!(renew.interpret(Ok(&wrong), NOW), CallOutcome::Refused { code } if code == "http_401"));
    let empty = r#"{"access_token":"","expires_in":1}"#;
    let empty = OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body: empty.into() };
    assert!(
        matches!(renew.interpret(Ok(&empty), NOW), CallOutcome::Unknown { code } if code == "unusable_token")
    );
}
