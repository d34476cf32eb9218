//! How each ending is told, and the result call-back.

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    CallOutcome, DeliveryJob, Offer, OrderState, OutboundResponse, Outcome, Refusal, Rejected, Step,
    TransportFailure, Unable,
};
use common::{NOW, ORDER, PRECHECK, QUERY, adapter, answer, key, line, order, order_id, signed};
use serde_json::{Value, json};
use vocabulary::{Currency, Money, Reason};

fn rejected(reason: Reason) -> Outcome {
    Outcome::Rejected(Rejected { reason, detail: String::new() })
}

fn code(topic: &str, body: &str, outcome: &Outcome) -> String {
    answer(topic, body, outcome).0
}

fn two_keys() -> Vec<vocabulary::CardKey> {
    let mut pair = key("DXFD-XCV-000000814", Some("193-4343-32322814"));
    pair.expires_on = Some(chrono::NaiveDate::from_ymd_opt(2028, 12, 1).expect("a day"));
    vec![pair, key("SINGLE CODE!", None)]
}

fn two_cards() -> Value {
    json!([
        {"cardno":"DXFD-XCV-000000814","cardpass":"193-4343-32322814","expiretime":"2028-12-01"},
        {"cardno":"203632092-2","cardpass":"SINGLE CODE!"}
    ])
}

#[test]
fn a_delivered_order_answers_with_all_its_cards_and_so_does_the_query() {
    let outcome = order(OrderState::Delivered, vec![line(2, two_keys())]);
    assert_eq!(
        answer("card/order", ORDER, &outcome),
        ("100".into(), Some(json!({"cardinfos": two_cards()})))
    );
    let queried = json!({"orderStatus":0,"cardinfos": two_cards()});
    assert_eq!(answer("card/query", QUERY, &outcome), ("100".into(), Some(queried)));
}

#[test]
fn every_state_has_its_words() {
    // (state, keys there, code of the order reply, order status of the query)
    let table = [
        (OrderState::AwaitingPayment, 0, "100", 1),
        (OrderState::Processing, 0, "100", 1),
        (OrderState::Processing, 2, "100", 1),
        (OrderState::Fulfilled, 0, "100", 1),
        (OrderState::Fulfilled, 2, "100", 0),
        (OrderState::Delivered, 0, "100", 1),
        (OrderState::Delivered, 1, "100", 1),
        (OrderState::Refunded, 2, "109", 2),
        (OrderState::Cancelled, 0, "109", 2),
    ];
    for (state, keys, ordered, queried) in table {
        let outcome = || order(state, vec![line(2, two_keys().into_iter().take(keys).collect())]);
        let (code, data) = answer("card/order", ORDER, &outcome());
        assert_eq!((code.as_str(), data.is_some()), (ordered, queried == 0), "{state:?} {keys}");
        let (code, data) = answer("card/query", QUERY, &outcome());
        let data = data.expect("data");
        assert_eq!((code.as_str(), &data["orderStatus"]), ("100", &json!(queried)), "{state:?} {keys}");
        assert_eq!(data.get("cardinfos").is_some(), queried == 0, "{state:?} {keys}");
    }
}

#[test]
fn cards_outside_jds_limits_are_held_back_whole() {
    let long = |n: usize| "A".repeat(n);
    let table = [
        (key(&long(200), Some("p")), true),
        (key(&long(201), Some("p")), false),
        (key("with space", Some("p")), false),
        (key("卡", Some("p")), false),
        (key("", Some("p")), false),
        (key("n", Some(&long(5000))), true),
        (key("n", Some(&long(5001))), false),
        (key("n", Some("密")), false),
        (key("n", Some("")), false),
        (key("any ASCII! text", None), true),
        (key("卡密", None), false),
        (key("tab\there", None), false),
    ];
    for (at, (card, fits)) in table.into_iter().enumerate() {
        let outcome = order(OrderState::Delivered, vec![line(2, vec![key("fine", None), card])]);
        assert_eq!(answer("card/order", ORDER, &outcome).1.is_some(), fits, "{at}");
        let status = &answer("card/query", QUERY, &outcome).1.expect("data")["orderStatus"];
        assert_eq!(status, if fits { 0 } else { 1 }, "{at}");
    }
}

#[test]
fn every_reason_has_its_code_and_a_query_ends_for_good_only_for_an_unknown_order() {
    let table = |reason| match reason {
        Reason::UnknownItem | Reason::UnknownSku | Reason::UnknownChannel => "107",
        Reason::ChannelSuspended | Reason::NoPrice | Reason::WrongState => "109",
        Reason::OutOfStock | Reason::QuotaExhausted => "110",
        Reason::UnknownOrder => "101",
        Reason::AmountMismatch | Reason::CurrencyMismatch => "111",
        Reason::InvalidQuantity | Reason::InvalidValue => "104",
        Reason::OrderNumberReused | Reason::TxnReused | Reason::MessageIdReused | Reason::AlreadyExists => {
            "102"
        }
        _ => "999",
    };
    for reason in Reason::ALL {
        assert_eq!(
            answer("card/order", ORDER, &rejected(*reason)),
            (table(*reason).into(), None),
            "{reason:?}"
        );
        assert_eq!(code("precheck", PRECHECK, &rejected(*reason)), table(*reason), "{reason:?}");
        let queried = if *reason == Reason::UnknownOrder { "101" } else { "999" };
        assert_eq!(code("card/query", QUERY, &rejected(*reason)), queried, "{reason:?}");
    }
}

#[test]
fn an_outcome_that_answers_nothing_makes_jd_ask_again() {
    for outcome in [Outcome::Accepted { order: Some(order_id()) }, Outcome::Parked] {
        for (topic, body) in [("card/order", ORDER), ("card/query", QUERY), ("precheck", PRECHECK)] {
            assert_eq!(answer(topic, body, &outcome), ("108".into(), None), "{topic}");
        }
    }
    assert_eq!(code("card/order", ORDER, &Outcome::Offers(Vec::new())), "108");
}

#[test]
fn a_pre_check_holds_stock_sale_and_price() {
    let offer = |price: Option<Money>, available, on_sale| Offer {
        item: "VIP-30".into(),
        sku: "vip-30".parse().expect("a SKU"),
        name: "会员".into(),
        price,
        available,
        on_sale,
    };
    let yuan = |fen| Some(Money::new(fen, Currency::CNY));
    let check = |offer: Offer| {
        let (code, data) = answer("precheck", PRECHECK, &Outcome::Offers(vec![offer]));
        (code, data.map(|data| data["status"].as_i64().expect("a status")))
    };
    assert_eq!(check(offer(yuan(495), 2, true)), ("100".into(), Some(0)));
    assert_eq!(check(offer(yuan(495), 1, true)), ("100".into(), Some(1)));
    assert_eq!(check(offer(yuan(495), 2, false)), ("100".into(), Some(1)));
    assert_eq!(check(offer(None, 2, true)), ("100".into(), Some(1)));
    assert_eq!(check(offer(yuan(496), 2, true)), ("111".into(), None));
    assert_eq!(check(offer(Some(Money::new(495, Currency::USD)), 2, true)), ("111".into(), None));
    assert_eq!(check(offer(yuan(i64::MAX), 2, true)), ("111".into(), None));
    assert_eq!(code("precheck", PRECHECK, &Outcome::Offers(Vec::new())), "107");
}

#[test]
fn refusals_have_their_codes_and_never_end_a_query() {
    let refuse = |topic: &str, step, code| -> String {
        let reply = adapter().refuse(&signed(topic, QUERY), &Refusal::new(step, code, ""));
        assert_eq!(reply.status, 200);
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert!(body.get("data").is_none());
        body["retCode"].as_str().expect("text").to_owned()
    };
    for (step, code, ordered, queried) in [
        (Step::Signature, "bad_signature", "106", "106"),
        (Step::Time, "stale_timestamp", "106", "106"),
        (Step::Size, "body_too_large", "104", "999"),
        (Step::Format, "malformed_json", "104", "999"),
        (Step::Meaning, "bad_parameter", "104", "999"),
        (Step::Meaning, "unsupported_order", "109", "999"),
    ] {
        assert_eq!(refuse("card/order", step, code), ordered, "{code}");
        assert_eq!(refuse("card/query", step, code), queried, "{code}");
    }
}

fn job(quantity: i64, keys: Vec<vocabulary::CardKey>) -> DeliveryJob {
    DeliveryJob {
        order: order_id(),
        external_no: "203632092".into(),
        memo: None,
        lines: vec![line(quantity, keys)],
        total: Money::new(990, Currency::CNY),
        txn: None,
        idempotency_key: "d1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn a_result_carries_all_cards_or_the_news_that_there_are_none() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    assert!(deliver.repeat_is_safe());
    let sent = |job: &DeliveryJob| -> Value {
        let request = deliver.request(job, NOW).expect("built");
        assert_eq!(
            (request.method, request.url.as_str()),
            ("POST", "https://card.jd.com/api/cardApi.action")
        );
        let body = String::from_utf8(request.body).expect("text");
        assert!(body.contains("&timestamp=20260101080000&sign="), "{body}");
        let data = body.split('&').find_map(|f| f.strip_prefix("data=")).expect("data");
        let data = data.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let bytes = STANDARD.decode(data).expect("Base64");
        let (json, _, broken) = encoding_rs::GBK.decode(&bytes);
        assert!(!broken);
        serde_json::from_str(&json).expect("JSON")
    };
    let done = json!({"orderId":"203632092","orderStatus":"0","cardinfos": two_cards()});
    assert_eq!(sent(&job(2, two_keys())), done);
    let failed =
        json!({"orderId":"203632092","orderStatus":"2","failedCode":"110","failedReason":"库存不足"});
    assert_eq!(sent(&job(2, Vec::new())), failed);
    let why = |job: &DeliveryJob| deliver.request(job, NOW).err();
    assert_eq!(why(&job(3, two_keys())), Some(Unable("keys_are_incomplete")));
    assert_eq!(why(&job(1, vec![key("卡密", None)])), Some(Unable("key_outside_limits")));
}

#[test]
fn responses_to_a_result_are_read_without_wishful_thinking() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let job = job(2, two_keys());
    let read = |status, body: &str| {
        let response = OutboundResponse {
            status,
            headers: Vec::new(),
            retry_after: None,
            body: body.as_bytes().to_vec(),
        };
        deliver.interpret(&job, Ok(&response))
    };
    let refused = |code: &str| CallOutcome::Refused { code: code.into() };
    let later = |code: &str| CallOutcome::RetryAfter { secs: 0, code: code.into() };
    let unknown = |code: &str| CallOutcome::Unknown { code: code.into() };
    assert_eq!(read(200, r#"{"retCode":"100","retMessage":"接收成功"}"#), CallOutcome::Done(()));
    assert_eq!(read(200, r#"{"retCode":100}"#), CallOutcome::Done(()));
    for code in ["105", "106", "108", "110", "999", "1000"] {
        assert_eq!(read(200, &format!(r#"{{"retCode":"{code}"}}"#)), later(code));
    }
    for code in ["101", "102", "104", "124", "125", "0", "1e2", ""] {
        assert_eq!(read(200, &format!(r#"{{"retCode":"{code}"}}"#)), refused(code));
    }
    assert_eq!(read(403, ""), refused("http_403"));
    assert_eq!(read(429, ""), later("http_429"));
    assert_eq!(read(500, ""), unknown("http_500"));
    for body in ["", "{}", "[]", "<html>", r#"{"retCode":[]}"#] {
        assert_eq!(read(200, body), unknown("unreadable_answer"), "{body}");
    }
    assert_eq!(deliver.interpret(&job, Err(TransportFailure::NoAnswer)), unknown("no_answer"));
    assert_eq!(deliver.interpret(&job, Err(TransportFailure::NotSent)), later("not_sent"));
}
