use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::world::World;

/// Every documented operation: method, path with made-up segments, and whether it is behind a token.
fn operations() -> Vec<(String, String, bool)> {
    let openapi: Value = serde_json::to_value(http_api::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        let path = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "post", "put", "delete", "patch", "head"].contains(&method.as_str()) {
                all.push((method.to_uppercase(), path.clone(), operation["security"].is_array()));
            }
        }
    }
    all
}

#[tokio::test]
async fn every_route_but_the_channels_own_and_the_buyers_claim_needs_a_token() {
    let world = World::empty().await;
    for (method, path, secured) in operations() {
        let of_channels = path.starts_with("/v1/in/") || path.starts_with("/v1/spi/");
        let of_buyers = path == "/v1/claim";
        let open = !path.starts_with("/v1/") || of_buyers || (of_channels && path != "/v1/in/x/explain");
        assert_eq!(secured, !open, "{method} {path}");
        let request = Request::builder().method(method.as_str()).uri(&path).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.status == 401, secured, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    let world = World::empty().await;
    let revoked = world.vault.issue_token("gone").await.unwrap();
    let public_id = revoked.expose().split('_').nth(1).unwrap().to_owned();
    world.vault.revoke_token(&public_id).await.unwrap();
    let good = world.token().to_owned();
    let mistyped = format!("{}0", &good[..good.len() - 1]);
    let mut bodies = Vec::new();
    for value in [
        String::new(),
        good.clone(),
        format!("Basic {good}"),
        "Bearer".to_owned(),
        "Bearer kami_0_0_0".to_owned(),
        format!("Bearer {mistyped}x"),
        format!("Bearer {}", revoked.expose()),
    ] {
        let request = Request::get("/v1/orders").header("authorization", &value).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.problem(), (401, "unauthorized".to_owned()), "{value}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        bodies.push(answer.body);
    }
    let twice = Request::get("/v1/orders")
        .header("authorization", format!("Bearer {good}"))
        .header("authorization", format!("Bearer {good}"));
    bodies.push(world.send(twice.body(Body::empty()).unwrap()).await.body);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(world.get("/v1/orders").await.status, 200);
}

#[tokio::test]
async fn a_token_is_not_kept_with_the_request_it_authorised() {
    let world = World::stocked(0).await;
    let listed = world.get("/v1/inbox").await.good();
    let message = listed["messages"][0]["message"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/v1/inbox/{message}")).await;
    assert!(!shown.text().contains("kami_"), "{}", shown.text());
    assert_eq!(shown.good()["account"], "api/lin-tao");
}
