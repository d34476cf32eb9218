use std::time::Duration;

use axum::{body::Body, http::Request};
use bytes::Bytes;
use futures::stream;
use http_api::Limits;
use serde_json::json;

use crate::world::{World, settings};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[tokio::test]
async fn bad_requests_are_told_apart_by_code() {
    let world = World::stocked(1).await;
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        // addresses and parameters
        ("GET", "/v1/nothing", "", 404, "not_found"),
        ("GET", "/nothing", "", 404, "not_found"),
        ("PATCH", "/v1/skus/steam-50", "", 405, "method_not_allowed"),
        ("GET", "/v1/find", "", 405, "method_not_allowed"),
        ("GET", "/v1/orders?limit=many", "", 422, "invalid_parameter"),
        ("GET", "/v1/orders?colour=red", "", 422, "invalid_parameter"),
        ("GET", "/v1/orders?status=odd", "", 422, "invalid_parameter"),
        ("GET", "/v1/orders/none", "", 404, "unknown_order"),
        ("GET", "/v1/orders/order-0198c1c0a0007000800000000000002a", "", 404, "unknown_order"),
        ("GET", "/v1/orders/generic%2Fown:none", "", 404, "unknown_order"),
        ("GET", "/v1/orders/none/state?at=noon", "", 422, "invalid_parameter"),
        ("GET", "/v1/orders?min_pos=999999999", "", 409, "behind"),
        ("GET", "/v1/skus/no%20sku/quotas", "", 422, "invalid_parameter"),
        ("GET", "/v1/skus/none/quotas", "", 404, "unknown_sku"),
        ("GET", "/v1/skus/none/prices", "", 404, "unknown_sku"),
        ("GET", "/v1/keys/none", "", 422, "invalid_parameter"),
        ("GET", "/v1/keys/b1-7", "", 404, "unknown_key"),
        ("GET", "/v1/listings?account=generic/none", "", 404, "unknown_channel"),
        ("GET", "/v1/views/sqlite_master", "", 404, "unknown_view"),
        ("GET", "/v1/views/fct_order?cursor=x", "", 422, "invalid_parameter"),
        ("GET", "/v1/inbox/msg-none", "", 404, "unknown_message"),
        ("GET", "/v1/inbox?verdict=odd", "", 422, "invalid_parameter"),
        // bodies
        ("POST", "/v1/find", "{", 400, "malformed_json"),
        ("POST", "/v1/find", r#"{"text":"a","text":"b"}"#, 400, "malformed_json"),
        ("POST", "/v1/find", r#"{"text":"a","x":1}"#, 422, "invalid_body"),
        ("POST", "/v1/find", r#"{"text":7}"#, 422, "invalid_body"),
        ("POST", "/v1/find", "", 422, "invalid_body"),
        ("POST", "/v1/find", r#"{"text":"  "}"#, 422, "invalid_value"),
        ("PUT", "/v1/skus/x", r#"{"name":"","family":"f"}"#, 422, "invalid_value"),
        ("PUT", "/v1/skus/x", r#"{"name":"n","family":"f","key_kind":{"kind":"odd"}}"#, 422, "invalid_body"),
        ("PUT", "/v1/skus/steam-50", r#"{"name":"n","family":"other"}"#, 409, "already_exists"),
        ("PUT", "/v1/skus/none/quotas/generic/own", r#"{"floor":1,"reason":"r"}"#, 404, "unknown_sku"),
        (
            "PUT",
            "/v1/skus/steam-50/quotas/generic/none",
            r#"{"floor":1,"reason":"r"}"#,
            404,
            "unknown_channel",
        ),
        ("PUT", "/v1/skus/steam-50/quotas/generic/own", r#"{"floor":-1,"reason":"r"}"#, 422, "invalid_body"),
        (
            "PUT",
            "/v1/skus/steam-50/quotas/generic/own",
            r#"{"floor":2,"cap":1,"reason":"r"}"#,
            422,
            "invalid_value",
        ),
        (
            "PUT",
            "/v1/skus/steam-50/prices",
            r#"{"unit_price":{"minor":1.5,"currency":"CNY"},"reason":"r"}"#,
            422,
            "invalid_body",
        ),
        (
            "PUT",
            "/v1/skus/steam-50/prices",
            r#"{"unit_price":{"minor":1,"currency":"XXX"},"reason":"r"}"#,
            422,
            "invalid_body",
        ),
        ("POST", "/v1/listings", r#"{"account":"generic/own","item":"i","sku":"none"}"#, 404, "unknown_sku"),
        (
            "POST",
            "/v1/channels",
            r#"{"account":"none/own","name":"n","currency":"CNY","settings":{}}"#,
            404,
            "unknown_protocol",
        ),
        (
            "POST",
            "/v1/channels",
            r#"{"account":"generic/two","name":"n","currency":"CNY","settings":{}}"#,
            422,
            "invalid_settings",
        ),
        ("POST", "/v1/channels/generic/none/suspend", r#"{"reason":"r"}"#, 404, "unknown_channel"),
        ("POST", "/v1/batches/b9/quarantine", r#"{"reason":"r"}"#, 404, "unknown_key"),
        ("POST", "/v1/batches/x/quarantine", r#"{"reason":"r"}"#, 422, "invalid_parameter"),
        ("POST", "/v1/orders/none/note", r#"{"text":"call 13800000000"}"#, 422, "private_text"),
        ("POST", "/v1/orders/none/note", r#"{"text":"was key-00000 good?"}"#, 422, "private_text"),
        ("POST", "/v1/orders/none/note", r#"{"text":""}"#, 422, "invalid_value"),
        ("POST", "/v1/orders/none/resend", "", 404, "unknown_order"),
        ("POST", "/v1/skus/none/keys", "A", 415, "unsupported_media_type"),
    ];
    for (method, path, body, status, code) in cases {
        let answer = world.ask(method, path, JSON, body.as_bytes()).await;
        assert_eq!(
            answer.problem(),
            (*status, (*code).to_owned()),
            "{method} {path} {body}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_body_must_be_json_and_not_too_large() {
    let world = World::empty().await;
    let text = [("content-type", "text/plain")];
    let answer = world.ask("POST", "/v1/find", &text, br#"{"text":"a"}"#).await;
    assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
    let large = json!({ "text": "a".repeat(300 * 1024) });
    assert_eq!(world.post("/v1/find", &large).await.problem(), (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn an_error_never_repeats_a_value_of_the_request() {
    let world = World::stocked(1).await;
    let mut secret = settings();
    secret["secrets"][0] = json!("whsec_not-base64-but-secret");
    let connect =
        json!({ "account": "generic/two", "name": "n", "currency": "CNY", "settings": secret }).to_string();
    for (path, body) in [
        ("/v1/find", r#"{"text":["KEY-00000"]}"#),
        ("/v1/orders/x/replace", r#"{"key":"KEY-00000","reason":"r","cost_owner":"us"}"#),
        ("/v1/orders/x/replace", r#"{"key":"b1-0","reason":"r","cost_owner":"KEY-00000"}"#),
        ("/v1/orders/x/note", r#"{"text":"KEY-00000 does not work"}"#),
        ("/v1/channels", connect.as_str()),
    ] {
        let answer = world.ask("POST", path, JSON, body.as_bytes()).await;
        assert!(answer.status.is_client_error(), "{path}");
        assert!(
            !answer.text().contains("KEY-00000") && !answer.text().contains("but-secret"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn an_idempotency_key_must_be_one_short_visible_text() {
    let world = World::empty().await;
    let long = "k".repeat(129);
    for key in ["", "a b", long.as_str()] {
        let headers = [("idempotency-key", key)];
        let answer = world.ask("POST", "/v1/channels/generic/own/suspend", &headers, b"").await;
        assert_eq!(answer.problem(), (422, "invalid_parameter".to_owned()), "{key}");
    }
}

#[tokio::test]
async fn an_engine_that_has_stopped_asks_to_come_again() {
    let world = World::stocked(1).await;
    world.engine.stop().await.unwrap();
    let answer = world.put("/v1/skus/x", &json!({ "name": "n", "family": "f" })).await;
    assert_eq!(answer.problem(), (503, "stopped".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    let answer = world.buy("A-1").await;
    assert_eq!(answer.problem(), (503, "stopped".to_owned()));
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let world = World::bounded(Limits { timeout: Duration::from_millis(30), ..Limits::default() }).await;
    // The set-up itself may take longer than the bound, and is asked for again.
    while !world.put("/v1/skus/steam-50", &json!({ "name": "n", "family": "f" })).await.status.is_success() {}
    let stalled = |path: &str, content_type: &str| {
        Request::post(path)
            .header("authorization", format!("Bearer {}", world.token()))
            .header("content-type", content_type)
            .body(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()))
            .unwrap()
    };
    let answer = world.send(stalled("/v1/find", "application/json")).await;
    assert_eq!(answer.problem(), (503, "timeout".to_owned()));
    let answer = world.send(stalled("/v1/skus/steam-50/keys", "text/plain")).await;
    assert_eq!(answer.problem(), (400, "interrupted".to_owned()));
}
