//! What is due to whom, and that it is sent and signed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use events::{
    Fact, RecordedEvent,
    order::{OrderCancelled, OrderNoted, OrderPlaced, PaymentConfirmed},
    policy::{SubscriptionEnded, SubscriptionSet},
};
use vocabulary::{Currency, DeliveryMethod, Money, OrderId, Position, Secret, StreamVersion, Timestamp};

use crate::{
    Answer, Outcome, Partners, PartnersError, Post, PostFailure, Secrets, State, Webhook, new_secret,
    send_for_ever,
};

const ONE: &str = "order-0198c1f0a7e07b3a9d1c2e4f5a6b7c8d";
const OTHER: &str = "order-0198c1f0a7e07b3a9d1c2e4f5a6b7c8e";

/// A log that grows by what a test says.
struct Log {
    partners: Partners,
    next: u64,
    _folder: tempfile::TempDir,
}

impl Log {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let partners =
            Partners::open(&folder.path().join("partners.db"), &"main".parse().unwrap()).await.unwrap();
        Self { partners, next: 1, _folder: folder }
    }

    async fn with(subscriptions: &[(&str, &[&str])]) -> Self {
        let mut log = Self::new().await;
        for (name, types) in subscriptions {
            log.happens("policy-subscription", set(name, types)).await;
        }
        log
    }

    async fn happens(&mut self, stream: &str, fact: Fact) -> u64 {
        let event = event(self.next, stream, &fact);
        self.partners.take(&[event]).await.unwrap();
        self.next += 1;
        self.next - 1
    }

    async fn due(&self, name: &str, now: Timestamp) -> Vec<u64> {
        let due = self.partners.due(name, now, 100).await.unwrap();
        due.into_iter().map(|due| due.position.0).collect()
    }

    async fn settle(&self, name: &str, position: u64, outcome: Outcome, now: Timestamp) -> bool {
        let due = self.partners.due(name, now, 100).await.unwrap();
        let due = due.into_iter().find(|due| due.position.0 == position).unwrap();
        self.partners.settle(&due, &outcome, now).await.unwrap()
    }
}

fn event(position: u64, stream: &str, fact: &Fact) -> RecordedEvent {
    RecordedEvent {
        merchant: "main".parse().unwrap(),
        position: Position(position),
        stream: stream.parse().unwrap(),
        version: StreamVersion(0),
        type_name: fact.type_name().to_owned(),
        schema_version: fact.schema_version(),
        payload: fact.to_json(),
        metadata: "{}".to_owned(),
        occurred_at: at(0),
        recorded_at: at(0),
        hash: [7; 32],
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_767_322_800 + secs)
}

fn set(name: &str, types: &[&str]) -> Fact {
    let event_types = types.iter().map(|text| (*text).to_owned()).collect();
    let url = format!("https://{name}.example/hook");
    SubscriptionSet { subscription: name.into(), url, event_types, secrets_digest: String::new() }.into()
}

fn ended(name: &str) -> Fact {
    SubscriptionEnded { subscription: name.into(), reason: "over".into() }.into()
}

fn paid() -> Fact {
    let through = "generic/own".parse().unwrap();
    PaymentConfirmed { txn: "T-SECRET".into(), through, amount: Money::new(2_888, Currency::CNY) }.into()
}

fn cancelled() -> Fact {
    OrderCancelled { reason: "buyer".into(), channel_refunds: false }.into()
}

fn failed() -> Outcome {
    Outcome::Failed { why: "down".into(), retry_after: None }
}

#[tokio::test]
async fn a_subscription_hears_of_what_it_wants_from_its_beginning_on() {
    let mut log = Log::new().await;
    log.happens(ONE, paid()).await;
    log.happens("policy-subscription-all", set("all", &[])).await;
    log.happens("policy-subscription-some", set("some", &["order.cancelled", "price.changed"])).await;
    log.happens(ONE, paid()).await;
    log.happens(OTHER, cancelled()).await;
    log.happens(OTHER, OrderNoted { text: "of nobody's business".into() }.into()).await;
    assert_eq!(log.due("all", at(0)).await, [4, 5]);
    assert_eq!(log.due("some", at(0)).await, [5]);
    log.happens("policy-subscription-all", ended("all")).await;
    assert!(log.due("all", at(0)).await.is_empty());
    assert_eq!(log.partners.subscriptions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_taken_in_together_is_told_as_if_it_came_one_by_one() {
    let log = Log::new().await;
    let facts = [
        (ONE, paid()),
        ("policy-subscription-first", set("first", &[])),
        (OTHER, paid()),
        ("policy-subscription-second", set("second", &[])),
        ("policy-subscription-first", ended("first")),
        (ONE, cancelled()),
        ("policy-subscription-second", ended("second")),
        ("policy-subscription-third", set("third", &[])),
        (OTHER, cancelled()),
    ];
    let events = (1..).zip(&facts).map(|(position, (stream, fact))| event(position, stream, fact));
    assert_eq!(log.partners.take(&events.collect::<Vec<_>>()).await.unwrap(), Position(9));
    assert!(log.due("first", at(0)).await.is_empty());
    assert!(log.due("second", at(0)).await.is_empty());
    assert_eq!(log.due("third", at(0)).await, [9]);
}

#[tokio::test]
async fn an_order_is_told_in_order_and_keeps_no_other_order_waiting() {
    let mut log = Log::with(&[("erp", &[])]).await;
    let (first, second) = (log.happens(ONE, paid()).await, log.happens(ONE, cancelled()).await);
    let other = log.happens(OTHER, paid()).await;
    assert_eq!(log.due("erp", at(0)).await, [first, other]);
    assert!(!log.settle("erp", first, failed(), at(0)).await);
    assert_eq!(log.due("erp", at(1)).await, [other], "the second waits for the first");
    assert_eq!(log.due("erp", at(6)).await, [first, other]);
    log.settle("erp", first, Outcome::Taken, at(6)).await;
    assert_eq!(log.due("erp", at(6)).await, [second, other]);
    assert_eq!(log.partners.subscriptions().await.unwrap()[0].taken, 1);
}

#[tokio::test]
async fn what_was_tried_ten_times_in_three_days_is_put_aside_and_sent_again_on_demand() {
    let mut log = Log::with(&[("erp", &[])]).await;
    let (first, second) = (log.happens(ONE, paid()).await, log.happens(ONE, cancelled()).await);
    let (mut now, mut tries) = (at(0), 0);
    while log.due("erp", now).await == [first] {
        tries += 1;
        if log.settle("erp", first, failed(), now).await {
            break;
        }
        now = log.partners.next_at("erp").await.unwrap().unwrap();
    }
    assert_eq!(tries, 10);
    assert!(now.secs() - at(0).secs() > 3 * 86_400);
    assert_eq!(log.due("erp", now).await, [second], "the next is told all the same");
    let dead = log.partners.deliveries("erp", State::Dead, 10).await.unwrap();
    assert_eq!((dead[0].position, dead[0].tries, dead[0].last_error.as_str()), (first, 10, "down"));
    assert_eq!(log.partners.resend("erp", Some(Position(second))).await.unwrap(), 0, "that one is not dead");
    assert_eq!(log.partners.resend("erp", None).await.unwrap(), 1);
    assert_eq!(log.due("erp", now).await, [first]);
}

#[tokio::test]
async fn a_partner_who_is_gone_gets_nothing_until_the_subscription_is_set_again() {
    let mut log = Log::with(&[("erp", &[])]).await;
    let first = log.happens(ONE, paid()).await;
    log.settle("erp", first, Outcome::Gone, at(0)).await;
    let later = log.happens(OTHER, paid()).await;
    assert!(log.due("erp", at(1_000_000)).await.is_empty());
    assert_eq!(log.partners.subscriptions().await.unwrap()[0].stopped.as_deref(), Some("gone"));
    log.happens("policy-subscription-erp", set("erp", &[])).await;
    assert_eq!(log.due("erp", at(0)).await, [first, later], "nothing was lost");
}

#[tokio::test]
async fn events_that_come_twice_change_nothing_and_a_gap_is_refused() {
    let mut log = Log::with(&[("erp", &[])]).await;
    let first = log.happens(ONE, paid()).await;
    log.settle("erp", first, Outcome::Taken, at(0)).await;
    let again = event(first, ONE, &paid());
    assert_eq!(log.partners.take(&[again]).await.unwrap(), Position(first));
    assert!(log.due("erp", at(0)).await.is_empty());
    let far = log.partners.take(&[event(first + 2, ONE, &paid())]).await;
    assert!(matches!(far, Err(PartnersError::Gap { found: Position(4), wanted: Position(3) })), "{far:?}");
    assert_eq!(log.partners.place().await.unwrap(), (Position(first), [7; 32]));
    log.partners.forget().await.unwrap();
    assert_eq!(log.partners.place().await.unwrap(), (Position(0), [0; 32]));
    assert!(log.partners.subscriptions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_body_names_things_by_id_and_holds_no_person_no_key_and_no_free_text() {
    let mut log = Log::with(&[("erp", &[])]).await;
    let placed = OrderPlaced {
        order: ONE.parse::<OrderId>().unwrap(),
        account: "generic/own".parse().unwrap(),
        external_no: "A-1001".into(),
        lines: Vec::new(),
        total: Money::new(2_888, Currency::CNY),
        buyer: Some("buyer-0198c1f0a7e07b3a9d1c2e4f5a6b7c8f".parse().unwrap()),
        delivery: DeliveryMethod::Reply,
        memo: Some("PRIVATE WORDS".into()),
    };
    log.happens(ONE, placed.into()).await;
    let placed = log.partners.due("erp", at(0), 1).await.unwrap().remove(0);
    log.settle("erp", placed.position.0, Outcome::Taken, at(0)).await;
    log.happens(ONE, paid()).await;
    let paid = log.partners.due("erp", at(0), 1).await.unwrap().remove(0);
    for due in [&placed, &paid] {
        assert!(!due.id.contains('.') && due.id.starts_with("kami-main-"), "{}", due.id);
        let body: serde_json::Value = serde_json::from_str(&due.body).unwrap();
        assert_eq!(body["data"]["order"], ONE);
        assert_eq!(body["data"]["position"], due.position.0);
        for hidden in ["buyer", "PRIVATE", "memo", "T-SECRET", "fingerprint"] {
            assert!(!due.body.contains(hidden), "{hidden}: {}", due.body);
        }
    }
    assert_eq!(placed.body.matches("A-1001").count(), 1);
}

/// A partner who takes everything, and remembers it.
#[derive(Default)]
struct Partner {
    got: Mutex<Vec<Webhook>>,
}

#[async_trait]
impl Post for Partner {
    async fn post(&self, webhook: &Webhook) -> Result<Answer, PostFailure> {
        self.got.lock().unwrap().push(webhook.clone());
        Ok(Answer { status: 204, retry_after: None })
    }
}

struct Known(Secret<String>);

#[async_trait]
impl Secrets for Known {
    async fn of(&self, _: &str) -> Result<Vec<Secret<String>>, PostFailure> {
        Ok(vec![Secret::new(self.0.expose().clone())])
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

#[tokio::test]
async fn what_is_due_is_sent_and_verifies_with_the_published_library() {
    let mut log = Log::with(&[("erp", &[]), ("pos", &["order.cancelled"])]).await;
    let (partner, secret) = (Arc::new(Partner::default()), new_secret().unwrap());
    let hook = standardwebhooks::Webhook::new(secret.expose()).unwrap();
    let sending = send_for_ever(log.partners.clone(), partner.clone(), Arc::new(Known(secret)), now, false);
    let sending = tokio::spawn(sending);
    log.happens(ONE, paid()).await;
    log.happens(OTHER, cancelled()).await;
    let taken = || async {
        let found = log.partners.subscriptions().await.unwrap();
        found.iter().map(|one| one.taken).collect::<Vec<_>>()
    };
    while taken().await != [2, 1] {
        tokio::task::yield_now().await;
    }
    sending.abort();
    let got = partner.got.lock().unwrap();
    assert_eq!(got.len(), 3);
    for webhook in got.iter() {
        let header = |name: &str| {
            let found = webhook.headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        let at = header("webhook-timestamp").parse().unwrap();
        let signed = hook.sign(&header("webhook-id"), at, webhook.body.as_bytes()).unwrap();
        assert_eq!(header("webhook-signature"), signed);
    }
}
