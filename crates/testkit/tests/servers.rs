//! The pretend servers over real sockets: they act once, remember, misbehave when told to, and believe no forgery.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::{
    Fault,
    accounts::{EpayAccount, WebhookSecret},
    drive::{self, Signed},
    epay::{Epay, PaymentStatus},
    goofish::Goofish,
    jd_card::JdCard,
    partner::Partner,
    pretend::{Platform, Pretend, clock_at},
};
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

async fn start<P: Platform>(platform: P) -> Pretend<P> {
    Pretend::start(platform, clock_at(NOW)).await.unwrap()
}

fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap()
}

/// The status and the body; `None` where there is no answer.
async fn post(url: &str, headers: &[(&'static str, String)], body: Vec<u8>) -> Option<(u16, Value)> {
    let mut request = client().post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let bytes = response.bytes().await.ok()?;
    Some((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

async fn send(url: &str, signed: &Signed) -> Option<(u16, Value)> {
    post(&signed.url(url), &signed.headers, signed.body.clone()).await
}

async fn refund(gateway: &Pretend<Epay>, trade_no: &str, key: &str) -> Option<Value> {
    let body = format!("pid=1001&key={key}&trade_no={trade_no}&money=10");
    let url = format!("{}/api.php?act=refund", gateway.url());
    post(&url, &[], body.into_bytes()).await.map(|(_, body)| body)
}

#[tokio::test]
async fn a_refund_that_was_not_answered_was_paid_all_the_same() {
    let gateway = start(Epay::test()).await;
    let payment = gateway.with(|epay| epay.pay("A-1", 2_888));
    let key = EpayAccount::test().key.expose().clone();
    gateway.next(Fault::HangUpAfter);
    assert_eq!(refund(&gateway, &payment.trade_no, &key).await, None);
    assert_eq!(gateway.with(|epay| epay.payments["A-1"].refunded()), 1_000);
    gateway.next(Fault::HangUpBefore);
    assert_eq!(refund(&gateway, &payment.trade_no, &key).await, None);
    assert_eq!(gateway.with(|epay| epay.payments["A-1"].refunded()), 1_000);
    // V1 has no numbers: a repeat pays again, and a third would exceed the payment.
    assert_eq!(refund(&gateway, &payment.trade_no, &key).await.unwrap()["code"], 1);
    assert_eq!(refund(&gateway, &payment.trade_no, &key).await.unwrap()["code"], -1);
    assert_eq!(refund(&gateway, &payment.trade_no, "wrong").await.unwrap()["code"], -3);
    assert_eq!(gateway.with(|epay| (epay.payments["A-1"].refunded(), epay.forged_calls)), (2_000, 1));
    assert_eq!(gateway.with(|epay| epay.payments["A-1"].status), PaymentStatus::Paid);
}

#[tokio::test]
async fn faults_come_in_the_order_they_were_asked_for() {
    let gateway = start(Epay::test()).await;
    for fault in [Fault::ErrorBefore(503), Fault::TooMany(7), Fault::ErrorAfter(500)] {
        gateway.next(fault);
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(post(&format!("{}/api.php?act=order", gateway.url()), &[], Vec::new()).await.unwrap().0);
    }
    assert_eq!((seen, gateway.faults_left()), (vec![503, 429, 500, 200], 0));
}

#[tokio::test]
async fn a_partner_counts_repeats_and_believes_only_its_secret() {
    let partner = start(Partner::test()).await;
    let event = json!({ "type": "stock.changed", "data": { "available": 3 } });
    let signed = drive::generic_event(&WebhookSecret::test_outbound(), "stock_1", &event, NOW);
    for _ in 0..2 {
        assert_eq!(send(&partner.url(), &signed).await.unwrap().0, 200);
    }
    let forged = drive::generic_event(&WebhookSecret::test_inbound(), "stock_2", &event, NOW);
    let stale = drive::generic_event(&WebhookSecret::test_outbound(), "stock_3", &event, NOW.plus_secs(-301));
    for refused in [forged, stale] {
        assert_eq!(send(&partner.url(), &refused).await.unwrap().0, 401);
    }
    let events = partner.with(|partner| partner.of_kind("stock.changed"));
    assert_eq!((events.len(), events[0].times, partner.with(|p| p.forged_calls)), (1, 2, 2));
}

#[tokio::test]
async fn unsigned_calls_are_turned_away_by_goofish_and_jd() {
    let goofish = start(Goofish::test()).await;
    let answer =
        post(&format!("{}/api/open/order/detail", goofish.url()), &[], b"{}".to_vec()).await.unwrap();
    assert_eq!((answer.1["code"].as_i64(), goofish.with(|g| g.forged_calls)), (Some(401), 1));
    let jd = start(JdCard::test()).await;
    let answer =
        post(&format!("{}/api/cardApi.action", jd.url()), &[], b"customerId=14156143".to_vec()).await;
    assert_eq!((answer.unwrap().1["retCode"].as_str(), jd.with(|j| j.forged_calls)), (Some("106"), 1));
}
