//! The marketplace against a shop that is played here, and the adapter's calls against the marketplace.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod shop;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use channel::{
    Adapter, CallOutcome, DeliveryJob, Kind, LineView, OutboundRequest, OutboundResponse, RawRequest,
    RefundJob, StockJob, TransportFailure, Verified,
};
use channel_sandbox::{
    PROTOCOL,
    marketplace::{Marketplace, Options, Standing, Way},
};
use vocabulary::{CardKey, Currency, Money, Quantity, Secret, Timestamp};

/// A shop that takes everything, keys in the reply, and remembers how often each message came.
#[derive(Clone, Default)]
struct Shop(Arc<Mutex<HashMap<String, u32>>>);

async fn take(
    State(shop): State<Shop>,
    Path(topic): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    let request = RawRequest {
        method: "POST".into(),
        topic,
        query: String::new(),
        headers: headers.collect(),
        body: body.to_vec(),
        received_at: shop::NOW,
    };
    let adapter = adapter("https://market.example");
    let Ok(proof) = adapter.verify(&request, shop::NOW) else {
        return (StatusCode::UNAUTHORIZED, "{}".into());
    };
    let inbound =
        adapter.parse(&Verified::new(&request, proof)).map_err(|refusal| refusal.to_string()).unwrap();
    if inbound.kind != Kind::Query {
        *shop.0.lock().unwrap().entry(inbound.id.unwrap()).or_default() += 1;
    }
    let order: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let quantity = order["lines"][0]["quantity"].as_u64().unwrap_or(0);
    let key = |n| serde_json::json!({ "code": format!("{}-{n}", order["order"].as_str().unwrap()) });
    let keys: Vec<_> = (0..quantity).map(key).collect();
    (StatusCode::OK, serde_json::json!({ "result": "done", "state": "delivered", "keys": keys }).to_string())
}

impl Shop {
    async fn open(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/in/{topic}", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}/in")
    }
}

fn adapter(base_url: &str) -> Arc<dyn Adapter> {
    let settings = format!(r#"{{"shop":"shop-7","secret":"{}","base_url":"{base_url}"}}"#, shop::SECRET);
    (PROTOCOL.connect)("sandbox/main".parse().unwrap(), &settings).unwrap()
}

fn options(target: String) -> Options {
    Options { target, retry_ms: 1, clock: Arc::new(|| shop::NOW.secs()), ..Options::default() }
}

async fn send(call: &OutboundRequest) -> Result<OutboundResponse, TransportFailure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
    let mut request = client.post(&call.url).body(call.body.clone());
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(|_| TransportFailure::NoAnswer)?;
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(|_| TransportFailure::NoAnswer)?.to_vec();
    Ok(OutboundResponse { status, headers: Vec::new(), retry_after: None, body })
}

fn delivery(number: &str, order: &str, codes: &[&str]) -> DeliveryJob {
    let key = |code: &&str| CardKey { code: Secret::new((*code).to_owned()), pin: None, expires_on: None };
    DeliveryJob {
        order: "order-0198c1a0000070008000000000000001".parse().unwrap(),
        external_no: order.into(),
        memo: None,
        txn: None,
        lines: vec![LineView {
            item: "ITEM-1".into(),
            sku: "steam-50".parse().unwrap(),
            name: "Steam 50".into(),
            quantity: Quantity::try_from(codes.len() as i64).unwrap(),
            amount: Money::new(2888, Currency::CNY),
            keys: codes.iter().map(key).collect(),
        }],
        total: Money::new(2888, Currency::CNY),
        idempotency_key: number.into(),
        fulfilled_at: shop::NOW,
    }
}

async fn deliver(adapter: &dyn Adapter, job: &DeliveryJob) -> CallOutcome<()> {
    let deliver = adapter.deliver().unwrap();
    let sent = send(&deliver.request(job, shop::NOW).unwrap()).await;
    deliver.interpret(job, sent.as_ref().map_err(|failure| *failure))
}

#[tokio::test]
async fn every_message_arrives_in_spite_of_losses_and_some_arrive_twice() {
    let played = Shop::default();
    let target = played.open().await;
    let options = Options { orders: 60, duplicates: 30, reorder: 30, lose: 40, ..options(target) };
    let market = Marketplace::start(options).await.unwrap();
    market.run().await;
    let report = market.report();
    assert!(
        report.finished && report.given_up == 0 && report.lost > 0 && report.duplicates > 0,
        "{report:?}"
    );
    assert_eq!(report.orders, 60);
    assert!(report.surprises.is_empty(), "{:?}", report.surprises);
    let ledger = market.ledger();
    let purchases = ledger.orders.values().filter(|order| order.way == Way::Purchase);
    assert!(purchases.clone().all(|order| order.standing == Standing::Delivered));
    assert!(purchases.clone().all(|order| order.keys.len() == order.quantity as usize));
    let seen = played.0.lock().unwrap().clone();
    assert!(ledger.orders.keys().all(|order| seen.keys().any(|id| id.ends_with(order.as_str()))));
    assert!(seen.values().any(|times| *times > 1));
}

#[tokio::test]
async fn the_same_seed_places_the_same_orders() {
    let target = Shop::default().open().await;
    let mut books = Vec::new();
    for seed in [7, 7, 8] {
        let options = Options { orders: 20, seed, ..options(target.clone()) };
        let market = Marketplace::start(options).await.unwrap();
        market.run().await;
        books.push(market.ledger().orders);
    }
    assert_eq!(books[0], books[1]);
    assert_ne!(books[0], books[2]);
}

#[tokio::test]
async fn the_adapters_calls_are_understood_and_a_repeat_changes_nothing() {
    let target = Shop::default().open().await;
    let market = Marketplace::start(options(target)).await.unwrap();
    let adapter = adapter(&market.url());
    let order = market.place(Way::Paid, "steam-50", 2).await;
    let job = delivery("d-1", &order, &["A", "B"]);
    for _ in 0..2 {
        assert_eq!(deliver(&*adapter, &job).await, CallOutcome::Done(()));
    }
    let other = delivery("d-1", &order, &["A", "C"]);
    let differs = CallOutcome::Refused { code: "delivery_differs".into() };
    assert_eq!(deliver(&*adapter, &other).await, differs);
    let push = adapter.push_stock().unwrap();
    for (figure, available) in [(10, 5), (12, 3), (11, 4)] {
        let job = StockJob { item: "steam-50".into(), available, figure };
        let sent = send(&push.request(&job, shop::NOW).unwrap()).await;
        assert_eq!(push.interpret(&job, sent.as_ref().map_err(|f| *f)), CallOutcome::Done(()));
    }
    let ledger = market.ledger();
    assert_eq!((ledger.deliveries["d-1"].times, ledger.orders[&order].keys.len()), (2, 2));
    let stock = &ledger.stock["steam-50"];
    assert_eq!((stock.available, stock.figure, stock.times, stock.stale), (3, 12, 3, 1));
    assert!(ledger.surprises.is_empty());
}

#[tokio::test]
async fn what_was_done_and_not_answered_shows_when_it_is_asked_about() {
    let target = Shop::default().open().await;
    let options = Options { timeout_after_success: 50, error_after_success: 50, ..options(target) };
    let market = Marketplace::start(options).await.unwrap();
    let adapter = adapter(&market.url());
    let order = market.place(Way::Paid, "steam-50", 1).await;
    let job = delivery("d-1", &order, &["A"]);
    assert!(matches!(deliver(&*adapter, &job).await, CallOutcome::Unknown { .. }));
    let ask = adapter.deliver().unwrap();
    let mut told = CallOutcome::Unknown { code: String::new() };
    while matches!(told, CallOutcome::Unknown { .. }) {
        let sent = send(&ask.ask(&job, shop::NOW).unwrap().unwrap()).await;
        told = ask.interpret_ask(&job, sent.as_ref().map_err(|failure| *failure));
    }
    assert_eq!(told, CallOutcome::Done(true));
    let refund = RefundJob {
        external_no: order.clone(),
        txn: None,
        refund: "rf-1".into(),
        amount: Money::new(2888, Currency::CNY),
        total: Money::new(2888, Currency::CNY),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
        reason: "refund".into(),
    };
    let pay_back = adapter.refund().unwrap();
    let mut paid = CallOutcome::Unknown { code: String::new() };
    while matches!(paid, CallOutcome::Unknown { .. }) {
        let sent = send(&pay_back.request(&refund, shop::NOW).unwrap()).await;
        paid = pay_back.interpret(&refund, sent.as_ref().map_err(|failure| *failure));
    }
    assert_eq!(paid, CallOutcome::Done(()));
    market.quiet().await;
    assert_eq!(market.ledger().refunded(&order), 2888);
    assert_eq!(market.ledger().orders[&order].standing, Standing::Refunded);
}

#[tokio::test]
async fn a_call_with_a_wrong_signature_or_an_old_time_is_turned_away() {
    let target = Shop::default().open().await;
    let market = Marketplace::start(options(target)).await.unwrap();
    let adapter = adapter(&market.url());
    let job = StockJob { item: "steam-50".into(), available: 1, figure: 1 };
    let push = adapter.push_stock().unwrap();
    let good = push.request(&job, shop::NOW).unwrap();
    let mut bodies = good.clone();
    bodies.body[14] ^= 1;
    let mut addresses = good.clone();
    addresses.url = addresses.url.replace("stock", "refunds");
    let late = push.request(&job, Timestamp::from_secs(shop::NOW.secs() - 301)).unwrap();
    for call in [bodies, addresses, late] {
        assert_eq!(send(&call).await.map(|response| response.status), Ok(401));
    }
    assert_eq!((market.ledger().forged_calls, market.ledger().stock.len()), (3, 0));
}

#[tokio::test]
async fn one_key_for_two_orders_is_a_surprise() {
    let target = Shop::default().open().await;
    let market = Marketplace::start(options(target)).await.unwrap();
    let adapter = adapter(&market.url());
    for number in ["d-1", "d-2"] {
        let order = market.place(Way::Paid, "steam-50", 1).await;
        deliver(&*adapter, &delivery(number, &order, &["A"])).await;
    }
    assert_eq!(market.ledger().surprises.len(), 1, "{:?}", market.ledger().surprises);
}
