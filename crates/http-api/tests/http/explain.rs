use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::world::{World, paid};

const ROUTE: &str = "/v1/in/generic/explain?shop=own";

/// A request of the own site, as somebody pastes it.
async fn pasted(request: Request<Body>) -> Value {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers: Vec<(&str, &str)> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    json!({ "method": "POST", "headers": headers, "body": String::from_utf8(body.to_vec()).unwrap() })
}

fn states(told: &Value) -> Vec<String> {
    let step = |step: &Value| {
        let text = |name: &str| step[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("step"), text("state"), text("code"))
    };
    told["steps"].as_array().unwrap().iter().map(step).collect()
}

#[tokio::test]
async fn a_genuine_request_is_told_step_by_step_with_what_it_would_mean() {
    let world = World::stocked(1).await;
    let request = pasted(world.signed("/", "msg-1", &paid("A-1"))).await;
    let told = world.post(ROUTE, &request).await.good();
    assert_eq!((&told["accepted"], &told["signed"]), (&json!(true), &json!(true)));
    let passed = ["size", "signature", "time", "format", "meaning"].map(|step| format!("{step} passed -"));
    assert_eq!(states(&told), passed);
    let ask = &told["meaning"]["ask"];
    assert_eq!((&ask["order"], &ask["stage"]), (&json!("A-1"), &json!("paid")));
    assert_eq!(ask["lines"], json!([{ "item": "steam-50", "quantity": 1 }]));
    assert_eq!(ask["amount"], json!({ "minor": 2888, "currency": "CNY" }));
    assert_eq!(ask["names_a_buyer"], true);
    let text = told["signed_text"].as_str().unwrap();
    assert!(text.starts_with("msg-1.1767322800."), "{text}");
    // The signed text is the request's own; what it means tells no buyer.
    assert!(!told["meaning"].to_string().contains("u-1001"));
}

#[tokio::test]
async fn a_refused_request_is_told_with_the_step_the_code_and_the_field() {
    let world = World::stocked(1).await;
    let genuine = pasted(world.signed("/", "msg-1", &paid("A-1"))).await;
    let mut forged = genuine.clone();
    forged["body"] = paid("A-2").to_string().into();
    let told = world.post(ROUTE, &forged).await;
    assert!(!told.text().contains("whsec_") && !told.text().contains("TEST-ONLY"), "{}", told.text());
    let told = told.good();
    assert_eq!((&told["accepted"], &told["meaning"]), (&json!(false), &Value::Null));
    assert_eq!(states(&told)[1], "signature failed bad_signature");
    assert!(told["steps"][1]["detail"].is_string());

    world.advance(3_600);
    let late = world.post(ROUTE, &genuine).await.good();
    assert_eq!(states(&late)[2], "time failed stale_timestamp");
    let mut at = genuine.clone();
    at["at"] = "2026-01-02T03:01:00Z".into();
    assert_eq!(world.post(ROUTE, &at).await.good()["accepted"], true, "judged by the given instant");

    let large = json!({ "body": " ".repeat(256 * 1024 + 1) });
    assert_eq!(states(&world.post(ROUTE, &large).await.good())[0], "size failed body_unreadable");
}

#[tokio::test]
async fn explaining_changes_nothing_and_keeps_nothing() {
    let world = World::stocked(1).await;
    let (position, inbox) = (world.position().await, world.get("/v1/inbox").await.good());
    let request = pasted(world.signed("/", "msg-1", &paid("A-1"))).await;
    for _ in 0..2 {
        assert_eq!(world.post(ROUTE, &request).await.good()["accepted"], true);
    }
    assert_eq!((world.position().await, world.get("/v1/inbox").await.good()), (position, inbox));
    assert_eq!(world.buy("A-1").await.status, 200, "the message was not taken for received");
}

#[tokio::test]
async fn what_the_inbox_shows_can_be_pasted() {
    let world = World::stocked(1).await;
    world.buy("A-1").await;
    let listed = world.get("/v1/inbox?account=generic/own").await.good();
    let message = listed["messages"][0]["message"].as_str().unwrap().to_owned();
    world.advance(86_400);
    let kept = world.get(&format!("/v1/inbox/{message}")).await.good()["request"].clone();
    assert_eq!(world.post(ROUTE, &kept).await.good()["accepted"], true, "judged by when it came in");
}

#[tokio::test]
async fn a_question_that_cannot_be_asked_is_a_problem() {
    let world = World::stocked(0).await;
    let code = |answer: crate::world::Answer| answer.problem().1;
    assert_eq!(code(world.post("/v1/in/generic/explain?shop=none", &json!({})).await), "unknown_channel");
    assert_eq!(code(world.post("/v1/in/generic/explain", &json!({})).await), "invalid_parameter");
    let both = json!({ "body": "x", "body_base64": "eA==" });
    assert_eq!(code(world.post(ROUTE, &both).await), "invalid_parameter");
    assert_eq!(code(world.post(ROUTE, &json!({ "body_base64": "?" })).await), "invalid_parameter");
    assert_eq!(code(world.post(ROUTE, &json!({ "zz": 1 })).await), "invalid_body");
    let named = json!({ "account": "generic/explain", "name": "x", "currency": "CNY", "settings": {} });
    assert_eq!(code(world.post("/v1/channels", &named).await), "invalid_parameter");
}
