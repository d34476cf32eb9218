//! We buy from a shop: calls over a real socket, sent by the test.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, CallOutcome, OutboundRequest, OutboundResponse, ProcureJob, ProcureState, Procured, Unable,
};
use channel_acg_faka::PROTOCOL;
use platform::{APP_ID, APP_KEY, Upstream, client};
use serde_json::json;
use testkit::{
    Fault,
    pretend::{Pretend, clock_at},
};
use vocabulary::{Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

async fn open(cards: &[&'static str]) -> (Pretend<Upstream>, Arc<dyn Adapter>) {
    let shop = Pretend::start(Upstream::with(cards), clock_at(NOW)).await.unwrap();
    let buy = json!({ "base_url": shop.url(), "app_id": APP_ID, "app_key": APP_KEY, "contact": "10000" });
    let adapter = (PROTOCOL.connect)("acg-faka/b".parse().unwrap(), &json!({ "buy": buy }).to_string());
    (shop, adapter.unwrap())
}

fn job(our_no: &str, item: &str, quantity: u32) -> ProcureJob {
    ProcureJob {
        our_no: our_no.into(),
        item: item.into(),
        quantity,
        max_price: Money::new(2_000, Currency::CNY),
        callback_url: None,
    }
}

/// The outcome in short.
fn said(outcome: &CallOutcome<Procured>) -> String {
    match outcome {
        CallOutcome::Done(procured) => {
            let state = match &procured.state {
                ProcureState::Accepted => "accepted".to_owned(),
                ProcureState::Keys(keys) => {
                    keys.iter().map(|key| key.code.expose().as_str()).collect::<Vec<_>>().join("|")
                }
                ProcureState::Failed { code } => format!("failed {code}"),
            };
            format!("{} {} {state}", procured.our_no, procured.reference.as_deref().unwrap_or("-"))
        }
        CallOutcome::Refused { code } => format!("refused {code}"),
        CallOutcome::RetryAfter { secs, code } => format!("later {secs} {code}"),
        CallOutcome::Next { .. } => "next".to_owned(),
        CallOutcome::Unknown { code } => format!("unknown {code}"),
    }
}

async fn buy(adapter: &dyn Adapter, job: &ProcureJob) -> String {
    let procure = adapter.procure().unwrap();
    let call: OutboundRequest = procure.request(job, NOW).unwrap();
    let sent = client::send(&call).await;
    said(&procure.interpret(job, sent.as_ref().map_err(|failure| *failure)))
}

async fn ask(adapter: &dyn Adapter, job: &ProcureJob, reference: &str) -> String {
    let procure = adapter.procure().unwrap();
    let sent = client::send(&procure.ask(job, Some(reference), NOW).unwrap().unwrap()).await;
    said(&procure.interpret_ask(job, sent.as_ref().map_err(|failure| *failure)))
}

#[tokio::test]
async fn cards_come_in_the_answer() {
    let (shop, adapter) = open(&["CARD-1", "CARD-2", "line one\r\nline two", "CARD-4"]).await;
    assert_eq!(buy(&*adapter, &job("K1", "P1/月卡", 2)).await, "K1 T1 CARD-1|CARD-2");
    assert_eq!(
        buy(&*adapter, &job("K2", "P1", 1)).await,
        "K2 T2 line one\r\nline two",
        "one card is one text"
    );
    assert_eq!(buy(&*adapter, &job("K3", "P1", 2)).await, "refused code_0", "one is left");
    assert_eq!(buy(&*adapter, &job("K4", "P9", 1)).await, "refused code_0");
    assert_eq!(shop.with(|shop| (shop.trades.len(), shop.forged_calls)), (2, 0));
    for item in ["", "P 1", "P1/a&b=c", "P1&num=9"] {
        let built = adapter.procure().unwrap().request(&job("K5", item, 1), NOW).err();
        assert_eq!(built, Some(Unable("item_is_no_code")), "{item}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_unknown_for_good_and_is_neither_repeated_nor_asked_about() {
    let (shop, adapter) = open(&["CARD-1", "CARD-2", "CARD-3", "CARD-4"]).await;
    let procure = adapter.procure().unwrap();
    assert!(!procure.repeat_is_safe());
    assert!(procure.ask(&job("K1", "P1", 1), None, NOW).is_none());
    for (number, fault, outcome) in [
        ("K1", Fault::HangUpAfter, "unknown no_answer"),
        ("K2", Fault::ErrorAfter(500), "unknown http_500"),
        ("K3", Fault::ErrorAfter(503), "unknown http_503"),
        ("K4", Fault::WrongSignature, "unknown unreadable_answer"),
    ] {
        shop.next(fault);
        assert_eq!(buy(&*adapter, &job(number, "P1", 1)).await, outcome, "{fault:?}");
    }
    assert_eq!(shop.with(|shop| shop.trades.len()), 4, "every one of them was made");
    assert_eq!(
        buy(&*adapter, &job("K1", "P1", 1)).await,
        "unknown request_no_exists",
        "even if somebody repeats it"
    );
    shop.next(Fault::TooMany(9));
    assert_eq!(buy(&*adapter, &job("K9", "P1", 1)).await, "later 9 http_429");
    let away = channel::TransportFailure::NotSent;
    assert_eq!(said(&procure.interpret(&job("K9", "P1", 1), Err(away))), "later 0 not_sent");
}

#[tokio::test]
async fn a_purchase_that_is_delivered_by_hand_is_asked_about_by_the_shops_number() {
    let (shop, adapter) = open(&["CARD-1"]).await;
    shop.with(|shop| shop.by_hand = true);
    let job = job("K1", "P1", 1);
    assert_eq!(buy(&*adapter, &job).await, "K1 T1 accepted");
    assert_eq!(ask(&*adapter, &job, "T1").await, "K1 - accepted");
    shop.with(|shop| shop.trades.insert("K1".into(), "CARD-1".into()));
    assert_eq!(ask(&*adapter, &job, "T1").await, "K1 - CARD-1");
    assert_eq!(ask(&*adapter, &job, "T2").await, "unknown code_0");
    shop.next(Fault::HangUpAfter);
    assert_eq!(ask(&*adapter, &job, "T1").await, "unknown no_answer");
}

#[tokio::test]
async fn answers_that_say_nothing_are_unknown_and_those_of_a_firewall_are_a_no() {
    let (_shop, adapter) = open(&[]).await;
    let read = |status, body: &str| {
        let body = body.as_bytes().to_vec();
        let response = OutboundResponse { status, headers: Vec::new(), retry_after: None, body };
        said(&adapter.procure().unwrap().interpret(&job("K1", "P1", 1), Ok(&response)))
    };
    for body in ["", "{}", "[]", "<html>", r#"{"code":"x"}"#] {
        assert_eq!(read(200, body), "unknown unreadable_answer", "{body}");
    }
    assert_eq!(read(200, r#"{"code":200,"msg":"success"}"#), "unknown no_data");
    assert_eq!(read(200, r#"{"code":0,"msg":"余额不足"}"#), "refused code_0");
    assert_eq!(read(200, r#"{"code":0,"msg":"请求ID已存在"}"#), "unknown request_no_exists");
    for status in [301, 403, 404] {
        assert_eq!(read(status, "<html>"), format!("refused http_{status}"));
    }
    assert_eq!(read(408, ""), "unknown http_408");
}
