//! Partners are told of events by signed webhooks, whatever happens to them or to us.

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use serde_json::{Value, json};
use testkit::nats::NatsServer;

use crate::{
    kami::{Kami, binary, paid},
    receiver::{Got, Receiver},
};

const OWN: &str = "generic/own";
/// What an order that is paid at once makes public.
const TOLD: [&str; 3] = ["order.created", "order.paid", "order.delivered"];

fn start(data: &Path, settings: &[(&str, &str)]) -> Kami {
    let settings = [&[("KAMI_PARTNERS__ALLOW_PRIVATE", "true")], settings].concat();
    Kami::start_with(data, "127.0.0.1:0".parse().unwrap(), &settings)
}

/// Subscribes, and gives the secret.
async fn subscribe(kami: &Kami, name: &str, url: &str, types: &[&str]) -> String {
    let wanted = json!({ "url": url, "event_types": types });
    let answer = kami.api("PUT", &format!("/v1/subscriptions/{name}"), wanted).await;
    answer["secret"].as_str().unwrap().to_owned()
}

async fn sell(kami: &Kami, orders: std::ops::Range<usize>) {
    for n in orders {
        let number = format!("W-{n}");
        let (status, _) = kami.send(OWN, &number, &paid(&number, 1, 2888).to_string()).await.unwrap();
        assert_eq!(status, 200);
    }
}

fn verifies(secret: &str, got: &Got) -> bool {
    standardwebhooks::Webhook::new(secret).unwrap().verify(got.body.as_bytes(), &got.headers).is_ok()
}

/// Each order's messages came in order, and each order's are all there.
fn check_order(taken: &[Got], orders: usize) {
    let mut by_order: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for got in taken.iter().map(Got::json).filter(|body| body["data"]["order"].is_string()) {
        by_order.entry(got["data"]["order"].as_str().unwrap().to_owned()).or_default().push(got);
    }
    assert_eq!(by_order.len(), orders);
    for (order, told) in by_order {
        let positions: Vec<u64> =
            told.iter().map(|body| body["data"]["position"].as_u64().unwrap()).collect();
        assert!(positions.is_sorted(), "{order}: {positions:?}");
        let types: Vec<&str> = told.iter().map(|body| body["type"].as_str().unwrap()).collect();
        assert!(TOLD.iter().all(|wanted| types.contains(wanted)), "{order}: {types:?}");
    }
}

#[tokio::test]
async fn a_partner_is_told_what_it_wants_signed_by_its_secret_also_while_that_is_rotated() {
    let (dir, mut receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let kami = start(dir.path(), &[]);
    kami.set_up(&[OWN], 10).await;
    let secret = subscribe(&kami, "erp", &receiver.url, &TOLD).await;
    sell(&kami, 0..3).await;
    let taken = receiver.took(9).await;
    check_order(&taken, 3);
    for got in &taken {
        assert!(verifies(&secret, got), "{got:?}");
        assert!(TOLD.contains(&got.event_type().as_str()));
        assert!(!got.body.contains("KEY-") && !got.body.contains("buyer"), "{}", got.body);
        let mut forged = got.clone();
        forged.body.push(' ');
        assert!(!verifies(&secret, &forged));
    }
    let ids: HashSet<String> = taken.iter().map(|got| got.signed()["webhook-id"].to_string()).collect();
    assert_eq!(ids.len(), 9);

    let rotated = kami.api("POST", "/v1/subscriptions/erp/rotate", json!({})).await;
    let fresh = rotated["secret"].as_str().unwrap();
    sell(&kami, 3..4).await;
    let taken = receiver.took(12).await;
    assert!(taken[9..].iter().all(|got| verifies(&secret, got) && verifies(fresh, got)));

    // Setting it again shows no secret and changes none; ending it ends it.
    let again = kami.api("PUT", "/v1/subscriptions/erp", json!({ "url": receiver.url })).await;
    assert_eq!(again["secret"], Value::Null);
    let listed = kami.api("GET", "/v1/subscriptions", Value::Null).await;
    assert_eq!(listed["subscriptions"][0]["taken"], 12);
    let ended =
        kami.api("DELETE", "/v1/subscriptions/erp", json!({ "reason": "the contract is over" })).await;
    let path = format!("/v1/subscriptions?min_pos={}", ended["last_pos"]);
    assert_eq!(kami.api("GET", &path, Value::Null).await["subscriptions"], json!([]));
    sell(&kami, 4..5).await;
    assert!(kami.stop());
    assert_eq!(receiver.taken().len(), 12);
}

#[tokio::test]
async fn a_repeated_wish_with_a_key_gets_the_same_secret_and_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let kami = start(dir.path(), &[]);
    let token = std::fs::read_to_string(dir.path().join("admin.token")).unwrap();
    let put = || async {
        let request = kami.client.put(kami.url("/v1/subscriptions/erp")).bearer_auth(token.trim());
        let request = request.header("idempotency-key", "one").json(&json!({ "url": "http://127.0.0.1:9/" }));
        request.send().await.unwrap().text().await.unwrap()
    };
    let first = put().await;
    assert!(first.contains("whsec_"), "{first}");
    assert_eq!(put().await, first);
    assert!(kami.stop());
}

#[tokio::test]
async fn a_partner_who_was_away_is_told_everything_in_order_also_after_a_kill() {
    let (dir, mut receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let mut kami = start(dir.path(), &[]);
    kami.set_up(&[OWN], 10).await;
    let secret = subscribe(&kami, "erp", &receiver.url, &[]).await;
    receiver.answers(503);
    sell(&kami, 0..4).await;
    receiver.called(4).await;
    kami.kill();
    drop(kami);
    assert!(receiver.taken().is_empty());
    let mut kami = start(dir.path(), &[]);
    let waiting = kami.api("GET", "/v1/subscriptions/erp/deliveries?state=waiting", Value::Null).await;
    assert!(waiting["deliveries"].as_array().unwrap().len() >= 12, "{waiting}");
    receiver.answers(204);
    let taken = receiver.took(12).await;
    check_order(&taken, 4);
    assert!(taken.iter().all(|got| verifies(&secret, got)));

    // Killed while it sends: what was taken may come again, and nothing is left out.
    sell(&kami, 4..8).await;
    kami.kill();
    drop(kami);
    let kami = start(dir.path(), &[]);
    check_order(&receiver.took(24).await, 8);
    assert!(kami.stop());
}

#[tokio::test]
async fn what_is_due_is_made_again_from_the_log_when_it_is_lost() {
    let (dir, mut receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let kami = start(dir.path(), &[]);
    kami.set_up(&[OWN], 10).await;
    subscribe(&kami, "erp", &receiver.url, &TOLD).await;
    sell(&kami, 0..2).await;
    let before = receiver.took(6).await;
    assert!(kami.stop());
    for file in ["partners.db", "partners.db-wal", "partners.db-shm"] {
        // The last two go when it is closed in good order.
        let _gone = std::fs::remove_file(dir.path().join(file));
    }
    let kami = start(dir.path(), &[]);
    receiver.called(12).await;
    let ids = |all: &[Got]| all.iter().map(|got| got.id.clone()).collect::<HashSet<_>>();
    assert_eq!(ids(&receiver.taken()), ids(&before), "repeats have the same ids");
    assert!(kami.stop());
}

#[tokio::test]
async fn machines_behind_ours_are_no_partners() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    for url in [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
    ] {
        let (status, answer) = kami.try_api("PUT", "/v1/subscriptions/erp", json!({ "url": url })).await;
        assert_eq!((status, answer["code"].as_str()), (422, Some("invalid_parameter")), "{url}: {answer}");
    }
    let unknown = json!({ "url": "https://partner.example/", "event_types": ["order.exploded"] });
    assert_eq!(kami.try_api("PUT", "/v1/subscriptions/erp", unknown).await.0, 422);
    for path in ["/v1/subscriptions/none/rotate", "/v1/subscriptions/none/resend"] {
        assert_eq!(kami.try_api("POST", path, json!({})).await.0, 404, "{path}");
    }
    assert!(kami.stop());
}

/// A worker that tells partners, once it follows.
fn worker(url: &str, data: &Path, place: &Path) -> Child {
    let mut child = binary()
        .args(["worker", "partners", "--nats", url, "--data", data.to_str().unwrap()])
        .args(["--place", place.to_str().unwrap()])
        .env("KAMI_PARTNERS__ALLOW_PRIVATE", "true")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(first.starts_with("Partners of main are told"), "{first}");
    child
}

#[tokio::test]
async fn with_nats_a_worker_tells_partners_and_goes_on_after_a_kill_and_the_node_does_not() {
    let nats = NatsServer::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let (dir, mut receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let (data, place) = (dir.path().join("data"), dir.path().join("place"));
    let url = nats.url();
    let kami = start(&data, &[("KAMI_NATS_URL", &url)]);
    kami.set_up(&[OWN], 10).await;
    let secret = subscribe(&kami, "erp", &receiver.url, &TOLD).await;
    sell(&kami, 0..2).await;
    let waiting = kami.api("GET", "/v1/subscriptions/erp/deliveries?state=waiting", Value::Null).await;
    assert!(waiting["deliveries"].as_array().unwrap().iter().all(|one| one["tries"] == 0), "{waiting}");
    assert!(receiver.taken().is_empty(), "the node sends nothing");
    for orders in [2..4, 4..6] {
        let mut child = worker(&url, &data, &place);
        sell(&kami, orders.clone()).await;
        let taken = receiver.took(3 * orders.end).await;
        check_order(&taken, orders.end);
        assert!(taken.iter().all(|got| verifies(&secret, got)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kami.stop());
}
