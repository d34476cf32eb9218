//! Calls and what is made of their answers: what the end-to-end tests do not reach.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, Ask, CallOutcome, OutboundResponse, PaymentJob, PaymentReport, RefundJob, Unable, Window,
};
use serde_json::{Value, json};
use vocabulary::{Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn adapter() -> Arc<dyn Adapter> {
    let settings = json!({ "livemode": false, "webhook_secrets": [platform::SECRET],
        "secret_key": platform::API_KEY });
    (channel_stripe::PROTOCOL.connect)("stripe/shop-1".parse().unwrap(), &settings.to_string()).unwrap()
}

fn response(status: u16, body: &Value) -> OutboundResponse {
    OutboundResponse { status, headers: Vec::new(), retry_after: None, body: body.to_string().into_bytes() }
}

fn job() -> RefundJob {
    RefundJob {
        external_no: "订单 1".into(),
        txn: Some("pi_1".into()),
        refund: "R-1".into(),
        amount: Money::new(1_000, Currency::CNY),
        total: Money::new(2_888, Currency::CNY),
        reason: "out of stock".into(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    }
}

fn refund(status: &str) -> Value {
    json!({ "id": "re_1", "object": "refund", "amount": 1_000, "currency": "cny", "status": status,
        "payment_intent": "pi_1", "metadata": { "refund": "R-1" } })
}

#[test]
fn a_refund_carries_its_number_and_a_key_of_its_own() {
    let adapter = adapter();
    let call = adapter.refund().unwrap().request(&job(), NOW).unwrap();
    let body = String::from_utf8(call.body).unwrap();
    assert!(
        body.contains("payment_intent=pi_1&amount=1000&") && body.contains("metadata%5Brefund%5D=R-1"),
        "{body}"
    );
    let key = |job: &RefundJob| {
        let call = adapter.refund().unwrap().request(job, NOW).unwrap();
        call.headers.iter().find(|(name, _)| name == "idempotency-key").unwrap().1.clone()
    };
    assert_eq!(key(&job()), key(&RefundJob { reason: "again".into(), ..job() }));
    assert_ne!(key(&job()), key(&RefundJob { refund: "R-2".into(), ..job() }));
    assert_ne!(key(&job()), key(&RefundJob { external_no: "2".into(), ..job() }));
    let nothing = RefundJob { txn: Some("cs_1".into()), ..job() };
    assert_eq!(adapter.refund().unwrap().request(&nothing, NOW).err(), Some(Unable("no_payment_to_refund")));
}

#[test]
fn only_a_refund_that_succeeded_is_done() {
    let adapter = adapter();
    let read = |body: Value| adapter.refund().unwrap().interpret(&job(), Ok(&response(200, &body)));
    assert_eq!(read(refund("succeeded")), CallOutcome::Done(()));
    for status in ["pending", "requires_action", "zz"] {
        assert!(matches!(read(refund(status)), CallOutcome::Unknown { .. }), "{status}");
    }
    assert_eq!(read(refund("failed")), CallOutcome::Refused { code: "refund_failed".into() });
    let mut other = refund("succeeded");
    other["amount"] = json!(1_001);
    assert_eq!(read(other), CallOutcome::Unknown { code: "answer_about_another_refund".into() });
}

#[test]
fn errors_are_for_good_unless_stripe_says_otherwise() {
    let adapter = adapter();
    let read = |response: &OutboundResponse| adapter.refund().unwrap().interpret(&job(), Ok(response));
    let error = |status, code: &str| response(status, &json!({ "error": { "code": code, "type": "t" } }));
    assert_eq!(
        read(&error(400, "amount_too_large")),
        CallOutcome::Refused { code: "amount_too_large".into() }
    );
    assert!(matches!(read(&error(400, "charge_already_refunded")), CallOutcome::Unknown { .. }));
    assert!(matches!(read(&error(409, "idempotency_key_in_use")), CallOutcome::RetryAfter { .. }));
    let mut again = error(400, "lock_timeout");
    again.headers.push(("stripe-should-retry".into(), "true".into()));
    assert!(matches!(read(&again), CallOutcome::RetryAfter { .. }));
    assert_eq!(read(&error(400, "Bad code")), CallOutcome::Refused { code: "http_400".into() });
}

#[test]
fn a_refund_that_is_not_listed_was_not_made_if_the_list_is_whole() {
    let adapter = adapter();
    let read = |data: Value, has_more: bool| {
        let body = json!({ "object": "list", "data": data, "has_more": has_more });
        adapter.refund().unwrap().interpret_ask(&job(), Ok(&response(200, &body)))
    };
    assert_eq!(read(json!([refund("succeeded")]), true), CallOutcome::Done(true));
    assert_eq!(read(json!([]), false), CallOutcome::Done(false));
    assert!(matches!(read(json!([]), true), CallOutcome::Unknown { .. }));
    assert!(matches!(read(json!([refund("pending")]), false), CallOutcome::Unknown { .. }));
}

#[test]
fn a_payment_is_confirmed_by_the_session_of_this_order_alone() {
    let adapter = adapter();
    let mut books = platform::Books::default();
    let intent = books.pay("A-1", 2_888, "paid");
    let amount = Money::new(2_888, Currency::CNY);
    let job = |number: &str| PaymentJob { external_no: number.into(), txn: intent.clone(), amount };
    let list = json!({ "data": [books.session(&intent, false)], "has_more": false });
    let read = |number: &str, body: &Value| {
        adapter.check_payment().unwrap().interpret(&job(number), Ok(&response(200, body)))
    };
    let paid = PaymentReport { paid: true, amount: Some(amount), txn: Some(intent.clone()) };
    assert_eq!(read("A-1", &list), CallOutcome::Done(paid));
    assert_eq!(read("A-2", &list), CallOutcome::Unknown { code: "answer_about_another_order".into() });
    let none = PaymentReport { paid: false, amount: None, txn: None };
    assert_eq!(read("A-1", &json!({ "data": [], "has_more": false })), CallOutcome::Done(none));
}

#[test]
fn more_refunds_than_an_answer_shows_are_not_guessed_at() {
    let adapter = adapter();
    let mut books = platform::Books::default();
    let intent = books.pay("A-1", 2_888, "paid");
    books.refund(&intent, 100, None);
    let read = |session: &Value| {
        let body = json!({ "data": [session], "has_more": false });
        adapter.read_back().unwrap().interpret(&intent, Ok(&response(200, &body)))
    };
    let mut session = books.session(&intent, true);
    assert!(matches!(read(&session), CallOutcome::Done(messages) if messages.len() == 2));
    session["payment_intent"]["latest_charge"]["refunds"]["has_more"] = json!(true);
    assert!(matches!(read(&session), CallOutcome::Unknown { .. }));
    session["payment_intent"]["latest_charge"] = json!("ch_1");
    assert!(matches!(read(&session), CallOutcome::Unknown { .. }));
}

#[test]
fn lost_events_are_found_page_by_page_under_the_ids_they_were_sent_with() {
    let adapter = adapter();
    let polls = adapter.polls();
    let window = Window { since: NOW, until: NOW.plus_secs(600), cursor: Some("evt_0".into()) };
    let call = polls[0].request(&window, NOW).unwrap();
    assert!(call.url.contains("created%5Bgte%5D=1767322800&created%5Blt%5D=1767323400"), "{}", call.url);
    assert!(call.url.ends_with("&starting_after=evt_0") && call.url.contains("types%5B%5D=charge.refunded"));
    let mut books = platform::Books::default();
    let intent = books.pay("A-1", 2_888, "paid");
    let paid = platform::event("evt_1", "checkout.session.completed", &books.session(&intent, false), NOW);
    let mut broken = paid.clone();
    broken["id"] = json!("evt_2");
    broken["data"]["object"]["currency"] = json!("xxx");
    let body = json!({ "object": "list", "data": [paid, broken], "has_more": true });
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&response(200, &body)), NOW) else {
        panic!()
    };
    let ids: Vec<_> = page.messages.iter().map(|message| message.id.clone().unwrap()).collect();
    assert_eq!((ids, page.next), (vec!["evt_1".to_owned(), "evt_2/unreadable".into()], Some("evt_2".into())));
    assert!(matches!(page.messages[0].ask, Ask::Payment(_)));
    assert!(matches!(page.messages[1].ask, Ask::Unmapped { .. }));
}
