//! We buy from a shop: calls over a real socket, sent by the test, and its callback.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, Ask, CallOutcome, OutboundRequest, ProcureJob, ProcureState, Procured, RawRequest, Verified,
};
use channel_dujiao_next::PROTOCOL;
use platform::{KEY, SECRET, Upstream, client, reports};
use serde_json::json;
use testkit::{
    Fault,
    pretend::{Pretend, clock_at},
};
use vocabulary::{Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

async fn open(stock: u64, wallet: u64) -> (Pretend<Upstream>, Arc<dyn Adapter>) {
    let shop = Pretend::start(Upstream::new(stock, wallet), clock_at(NOW)).await.unwrap();
    let buy = json!({ "base_url": shop.url(), "api_key": KEY, "api_secret": SECRET });
    let settings = json!({ "buy": buy }).to_string();
    (shop, (PROTOCOL.connect)("dujiao-next/b".parse().unwrap(), &settings).unwrap())
}

fn job(our_no: &str, item: &str, quantity: u32) -> ProcureJob {
    ProcureJob {
        our_no: our_no.into(),
        item: item.into(),
        quantity,
        max_price: Money::new(2_000, Currency::CNY),
        callback_url: Some("https://kami.example/v1/in/dujiao-next/b".into()),
    }
}

async fn send(request: OutboundRequest) -> Result<channel::OutboundResponse, channel::TransportFailure> {
    client::send(&request).await
}

async fn buy(adapter: &dyn Adapter, job: &ProcureJob) -> CallOutcome<Procured> {
    let procure = adapter.procure().unwrap();
    let sent = send(procure.request(job, NOW).unwrap()).await;
    procure.interpret(job, sent.as_ref().map_err(|failure| *failure))
}

async fn ask(adapter: &dyn Adapter, job: &ProcureJob, reference: &str) -> CallOutcome<Procured> {
    let procure = adapter.procure().unwrap();
    let sent = send(procure.ask(job, Some(reference), NOW).unwrap().unwrap()).await;
    procure.interpret_ask(job, sent.as_ref().map_err(|failure| *failure))
}

/// The outcome in short.
fn said(outcome: &CallOutcome<Procured>) -> String {
    match outcome {
        CallOutcome::Done(procured) => {
            let state = match &procured.state {
                ProcureState::Accepted => "accepted".to_owned(),
                ProcureState::Keys(keys) => {
                    keys.iter().map(|key| key.code.expose().as_str()).collect::<Vec<_>>().join(" ")
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

#[tokio::test]
async fn a_purchase_is_made_once_however_often_it_is_sent() {
    let (shop, adapter) = open(5, 100).await;
    let job = job("K1", "7", 2);
    assert!(adapter.procure().unwrap().repeat_is_safe());
    for (fault, outcome) in [
        (Fault::HangUpBefore, "unknown no_answer"),
        (Fault::HangUpAfter, "unknown no_answer"),
        (Fault::ErrorAfter(500), "unknown http_500"),
        (Fault::TooMany(9), "later 9 http_429"),
        (Fault::WrongSignature, "unknown unreadable_answer"),
    ] {
        shop.next(fault);
        assert_eq!(said(&buy(&*adapter, &job).await), outcome, "{fault:?}");
    }
    assert_eq!(said(&buy(&*adapter, &job).await), "K1 100 accepted");
    let (sales, stock, url) =
        shop.with(|shop| (shop.sales.len(), shop.stock, shop.sales["K1"].callback_url.clone()));
    assert_eq!((sales, stock), (1, 3));
    assert_eq!(url, "https://kami.example/v1/in/dujiao-next/b/api/v1/upstream/callback");
    assert_eq!(shop.with(|shop| shop.forged_calls), 0);
}

#[tokio::test]
async fn a_purchase_is_asked_about_until_its_cards_are_there() {
    let (shop, adapter) = open(5, 100).await;
    let job = job("K1", "7", 2);
    assert!(adapter.procure().unwrap().ask(&job, None, NOW).is_none(), "the repeated order is the question");
    buy(&*adapter, &job).await;
    assert_eq!(said(&ask(&*adapter, &job, "100").await), "K1 100 accepted");
    shop.with(|shop| shop.sales.get_mut("K1").unwrap().status = "delivered");
    shop.next(Fault::HangUpAfter);
    assert_eq!(said(&ask(&*adapter, &job, "100").await), "unknown no_answer");
    assert_eq!(said(&ask(&*adapter, &job, "100").await), "K1 100 CARD-100-0 CARD-100-1");
    assert_eq!(
        said(&buy(&*adapter, &job).await),
        "K1 100 accepted",
        "an order is answered without its cards"
    );
    assert_eq!(said(&ask(&*adapter, &job, "999").await), "refused order_not_found");
    shop.with(|shop| shop.sales.get_mut("K1").unwrap().quantity = 3);
    assert_eq!(said(&ask(&*adapter, &job, "100").await), "unknown keys_do_not_match_the_quantity");
    for (status, outcome) in [("canceled", "K1 100 failed canceled"), ("refunded", "unknown unlisted_status")]
    {
        shop.with(|shop| shop.sales.get_mut("K1").unwrap().status = status);
        assert_eq!(said(&ask(&*adapter, &job, "100").await), outcome);
    }
}

#[tokio::test]
async fn a_shop_that_cannot_sell_says_so_and_nothing_is_bought() {
    let (shop, adapter) = open(1, 2).await;
    assert_eq!(said(&buy(&*adapter, &job("K1", "7", 2)).await), "later 600 insufficient_stock");
    assert_eq!(said(&buy(&*adapter, &job("K2", "7", 3)).await), "later 600 insufficient_balance");
    assert_eq!(said(&buy(&*adapter, &job("K3", "8", 1)).await), "refused sku_unavailable");
    let unnamed = adapter.procure().unwrap().request(&job("K4", "vip", 1), NOW).err();
    assert_eq!(unnamed, Some(channel::Unable("item_is_no_sku_id")));
    assert!(shop.with(|shop| shop.sales.is_empty()));
    let read = |status, body: &str| {
        let body = body.as_bytes().to_vec();
        let response = channel::OutboundResponse { status, headers: Vec::new(), retry_after: None, body };
        said(&adapter.procure().unwrap().interpret(&job("K1", "7", 1), Ok(&response)))
    };
    let unpaid =
        r#"{"ok":false,"order_id":9,"order_no":"D","status":"canceled","error_code":"payment_failed"}"#;
    assert_eq!(read(200, unpaid), "refused payment_failed");
    assert_eq!(read(401, r#"{"ok":false,"error_code":"invalid_api_key"}"#), "refused invalid_api_key");
    assert_eq!(read(403, "<html>"), "unknown unreadable_answer");
    assert_eq!(read(200, "{}"), "unknown unreadable_answer");
}

#[tokio::test]
async fn the_shops_callback_brings_the_cards() {
    let (shop, adapter) = open(5, 100).await;
    buy(&*adapter, &job("K1", "7", 2)).await;
    let signed = shop.with(|shop| {
        let sale = shop.sales.get_mut("K1").unwrap();
        sale.status = "delivered";
        reports("K1", sale, NOW)
    });
    let headers = signed.headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
    let request = RawRequest {
        method: signed.method.into(),
        topic: signed.topic,
        query: signed.query,
        headers,
        body: signed.body,
        received_at: NOW,
    };
    let proof = adapter.verify(&request, NOW).unwrap();
    let verified = Verified::new(&request, proof);
    let inbound = adapter.parse(&verified).map_err(|refusal| refusal.to_string()).unwrap();
    let Ask::Procured(procured) = inbound.ask else { panic!("a purchase") };
    assert_eq!(said(&CallOutcome::Done(procured)), "K1 100 CARD-100-0 CARD-100-1");
}
