//! Calls to Agiso, and how its answers are read.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{
    CallOutcome, DeliveryJob, OutboundResponse, ProcureJob, ProcureState, TransportFailure, Unable,
};
use channel_conformance::Vectors;
use common::{NOW, adapter, key, line, order_id};
use vocabulary::{CardKey, Currency, Money, Timestamp};

fn job(number: &str, quantity: i64, keys: Vec<CardKey>) -> DeliveryJob {
    DeliveryJob {
        order: order_id(),
        external_no: number.into(),
        memo: None,
        lines: vec![line(quantity, keys)],
        total: Money::new(1990, Currency::CNY),
        txn: None,
        idempotency_key: "d1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn a_delivery_is_the_documents_call_with_the_vectors_signature() {
    let vectors = Vectors::read(include_str!("../fixtures/agiso.json"));
    let vector = vectors.scheme("agiso-api-md5").into_iter().find(|v| v.name == "api-card-send").unwrap();
    let params = "/input/params";
    let now = Timestamp::from_secs(vector.text(&format!("{params}/timestamp")).parse().unwrap());
    let adapter = adapter();
    let tid = vector.text(&format!("{params}/tid"));
    let job = job(tid, 1, vec![key("NO-1", Some("ABCD-EFGH-0001"))]);
    let call = adapter.deliver().unwrap().request(&job, now).unwrap();
    assert_eq!(call.url, format!("https://gw-api.agiso.com{}", vector.text("/input/path")));
    let body = String::from_utf8(call.body).unwrap();
    assert!(body.ends_with(&format!("&sign={}", vector.text("/expected/sign"))), "{body}");
    assert!(call.headers.contains(&("authorization".into(), "Bearer example-token-of-the-shop".into())));
    assert!(call.headers.contains(&("apiversion".into(), "1".into())));
}

#[test]
fn what_cannot_be_right_is_not_sent() {
    let adapter = adapter();
    let why = |job: &DeliveryJob| adapter.deliver().unwrap().request(job, NOW).err();
    assert_eq!(why(&job("1", 1, Vec::new())), Some(Unable("nothing_to_hand_over")));
    assert_eq!(why(&job("1", 2, vec![key("A", None)])), Some(Unable("keys_are_incomplete")));
    assert_eq!(why(&job("1", 1, vec![key("卡密", None)])), Some(Unable("key_outside_limits")));
    assert_eq!(why(&job("A1", 1, vec![key("A", None)])), Some(Unable("order_is_no_game_card_order")));
    assert!(!adapter.deliver().unwrap().repeat_is_safe() && adapter.refund().is_none());
}

fn response(status: u16, body: &str) -> OutboundResponse {
    OutboundResponse { status, headers: Vec::new(), retry_after: None, body: body.as_bytes().to_vec() }
}

#[test]
fn answers_are_read_in_any_case_and_allow_retry_decides() {
    let adapter = adapter();
    let job = job("1", 1, vec![key("A", None)]);
    let read = |status, body: &str| adapter.deliver().unwrap().interpret(&job, Ok(&response(status, body)));
    let refused = |code: &str| CallOutcome::Refused { code: code.into() };
    let later = |code: &str| CallOutcome::RetryAfter { secs: 0, code: code.into() };
    let unknown = |code: &str| CallOutcome::Unknown { code: code.into() };
    assert_eq!(read(200, r#"{"IsSuccess":true,"Data":null,"Error_Code":0}"#), CallOutcome::Done(()));
    assert_eq!(read(200, r#"{"isSuccess":true,"error_Code":0}"#), CallOutcome::Done(()));
    assert_eq!(read(200, r#"{"IsSuccess":false,"Error_Code":26,"AllowRetry":true}"#), later("26"));
    assert_eq!(read(200, r#"{"IsSuccess":false,"Error_Code":26,"AllowRetry":false}"#), refused("26"));
    assert_eq!(read(200, r#"{"isSuccess":false,"error_Code":2,"allowRetry":null}"#), later("2"));
    assert_eq!(read(200, r#"{"IsSuccess":false,"Error_Code":13}"#), unknown("13"));
    assert_eq!(read(200, r#"{"IsSuccess":false,"Error_Code":4}"#), refused("4"));
    assert_eq!(read(200, r#"{"IsSuccess":false}"#), refused("none"));
    for body in
        ["", "{}", "[]", "<html>", r#"{"IsSuccess":"true"}"#, r#"{"IsSuccess":true,"isSuccess":false}"#]
    {
        assert_eq!(read(200, body), unknown("unreadable_answer"), "{body}");
    }
    assert_eq!(read(404, ""), refused("http_404"));
    assert_eq!(read(502, ""), unknown("http_502"));
    let lost = adapter.deliver().unwrap().interpret(&job, Err(TransportFailure::NoAnswer));
    assert_eq!(lost, unknown("no_answer"));
}

#[test]
fn keys_are_taken_out_of_the_warehouse_and_none_that_came_is_dropped() {
    let adapter = adapter();
    let procure = adapter.procure().unwrap();
    let job = |item: &str| ProcureJob {
        our_no: "K1".into(),
        item: item.into(),
        quantity: 2,
        max_price: Money::new(0, Currency::CNY),
        callback_url: None,
    };
    let vectors = Vectors::read(include_str!("../fixtures/agiso.json"));
    let vector =
        vectors.scheme("agiso-api-md5").into_iter().find(|v| v.name == "api-sort-case-sensitive").unwrap();
    let now = Timestamp::from_secs(vector.text("/input/params/timestamp").parse().unwrap());
    let call = procure.request(&job("730"), now).unwrap();
    let body = String::from_utf8(call.body).unwrap();
    assert!(
        call.url.ends_with(vector.text("/input/path")) && body.contains(vector.text("/expected/sign")),
        "{body}"
    );
    assert_eq!(procure.request(&job("x"), now).err(), Some(Unable("item_is_no_cpk_id")));
    assert!(!procure.repeat_is_safe() && procure.ask(&job("730"), None, now).is_none());
    let read = |body: &str| match procure.interpret(&job("730"), Ok(&response(200, body))) {
        CallOutcome::Done(procured) => match procured.state {
            ProcureState::Keys(keys) => {
                let shown = keys.iter().map(|key| {
                    let pin = key.pin.as_ref().map_or("-", |pin| pin.expose().as_str());
                    let day = key.expires_on.map(|day| day.to_string()).unwrap_or_default();
                    format!("{} {pin} {day}", key.code.expose())
                });
                shown.collect::<Vec<_>>().join(", ")
            }
            _ => "no keys".to_owned(),
        },
        CallOutcome::Unknown { code } => format!("unknown {code}"),
        _ => "other".to_owned(),
    };
    let cards = r#"{"IsSuccess":true,"Data":{"CardPwdArr":[{"c":"NO-1","p":"PW-1","d":"2028-12-01 00:00:00"},{"c":"","p":"PW-2","d":""}]}}"#;
    assert_eq!(read(cards), "NO-1 PW-1 2028-12-01, PW-2 - ");
    for body in [r#"{"IsSuccess":true}"#, r#"{"IsSuccess":true,"Data":{"CardPwdArr":[]}}"#] {
        assert_eq!(read(body), "unknown no_cards", "{body}");
    }
}
