use std::{cell::RefCell, io};

use axum::{body::Body, http::Request};
use event_log::EventLog;
use serde_json::json;
use vocabulary::Position;

use crate::{
    identity::{buy, buyer_of},
    world::World,
};

const PHONE: &str = "13877776666";
const OPEN_ID: &str = "oCanaryOpenId7";
const UNION_ID: &str = "uCanaryUnionId7";
const EMAIL: &str = "canary@example.cn";
const DEVICE: &str = "canary-device-7";
const KEY: &str = "KEY-00000";
const ADDRESS: &str = "198.51.100.77";

/// Every spelling that must not be found anywhere.
const PLANTED: [&str; 7] = [PHONE, OPEN_ID, UNION_ID, EMAIL, DEVICE, KEY, ADDRESS];

thread_local! {
    /// The log lines of this thread, while a test wants them.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes log lines where their thread wants them.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.iter_mut().for_each(|lines| lines.extend_from_slice(bytes)));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn check(place: &str, text: &str) {
    let lower = text.to_lowercase();
    for planted in PLANTED {
        assert!(!lower.contains(&planted.to_lowercase()), "{place} holds {planted}");
    }
}

/// Searches, claims, links and mistakes with all that was planted; the texts of all answers.
async fn use_everything(world: &World, order: &str) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for text in PLANTED.into_iter().chain(["6666 2026-01-02", "6666"]) {
        let answer = world.post("/v1/find", &json!({ "text": text })).await;
        said.push((format!("find {}", said.len()), answer.text()));
    }
    let claims = [
        json!({ "order_no": "C-1", "proof": { "phone_last4": "6666" } }),
        json!({ "order_no": "C-1", "proof": { "phone_last4": PHONE } }),
        json!({ "order_no": "C-1", "proof": { "card_key": KEY } }),
        json!({ "order_no": KEY, "channel": OPEN_ID, "proof": { "card_key": EMAIL } }),
        json!({ "order_no": "C-1", "proof": { KEY: PHONE } }),
        json!({ "order_no": "C-1", "proof": { "card_key": [KEY] } }),
    ];
    for body in claims {
        let request = Request::post("/v1/claim").header("content-type", "application/json");
        let request = request.header("x-forwarded-for", ADDRESS).body(Body::from(body.to_string())).unwrap();
        said.push(("claim".to_owned(), world.send(request).await.text()));
    }
    for (key, member) in [(KEY, OPEN_ID), (PHONE, OPEN_ID), (KEY, "u-2")] {
        let body =
            json!({ "order_no": "C-1", "card_key": key, "account": "generic/own", "buyer_ref": member });
        said.push(("claim/link".to_owned(), world.post("/v1/claim/link", &body).await.text()));
    }
    let buyer = buyer_of(world, order).await;
    for (deed, body) in [
        ("link", json!({ "to": buyer, "reason": format!("wrote from {EMAIL}") })),
        ("link", json!({ "to": OPEN_ID, "reason": "x" })),
        ("unlink", json!({ "edge": 1, "reason": format!("called from {PHONE}") })),
    ] {
        let answer = world.post(&format!("/v1/buyers/{buyer}/{deed}"), &body).await;
        said.push((deed.to_owned(), answer.text()));
    }
    for path in ["", "/timeline", "/timeline?person=false"] {
        said.push((path.to_owned(), world.fresh(&format!("/v1/buyers/{buyer}{path}")).await.text()));
    }
    said.push(("history".to_owned(), world.fresh(&format!("/v1/orders/{order}/events")).await.text()));
    said
}

#[tokio::test]
async fn what_was_planted_is_in_no_view_event_log_line_answer_or_file() {
    // For all threads: one of a single thread misses what another thread came across first.
    tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(|| Lines).init();
    LINES.set(Some(Vec::new()));
    let world = World::stocked(3).await;
    let details = json!({ "phone": PHONE, "phone_verified": true, "email": EMAIL, "union_id": UNION_ID,
                          "device": DEVICE });
    let order = buy(&world, "generic/own", "C-1", OPEN_ID, &details).await;
    world.fresh("/v1/channels").await.good();
    let said = use_everything(&world, &order).await;
    for (what, text) in &said {
        check(what, text);
    }
    assert!(
        said.iter().filter(|(what, text)| what.starts_with("find") && text.contains(&order)).count() >= 7
    );

    let events = world.log.read_log(&world.merchant, Position(0), 10_000).await.unwrap();
    let types: Vec<&str> = events.iter().map(|event| event.type_name.as_str()).collect();
    for wanted in ["IdentityLinked", "SearchRun", "ClaimAttempted"] {
        assert!(types.contains(&wanted), "{types:?}");
    }
    for event in &events {
        check(&event.type_name, &event.payload);
        check(&event.type_name, &event.metadata);
        check(&event.type_name, event.stream.as_str());
    }
    let views = world.get("/v1/views").await.good();
    for view in views["views"].as_array().unwrap() {
        let name = view["name"].as_str().unwrap();
        check(name, &world.fresh(&format!("/v1/views/{name}?limit=10000")).await.text());
    }
    let logged = String::from_utf8(LINES.take().unwrap()).unwrap();
    assert!(logged.contains("answered"), "no line was captured");
    check("a log line", &logged);
    for (name, bytes) in world.files() {
        check(&name, &String::from_utf8_lossy(&bytes));
    }
}
