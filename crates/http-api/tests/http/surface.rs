use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::world::World;

/// The public surface. A change here is a change that callers notice.
const SURFACE: &str = "\
get /errors
get /errors/{code}
get /healthz
get /metrics
get /readyz
get /time
post /v1/batches/{batch}/lift
post /v1/batches/{batch}/quarantine
get /v1/buyers/{id}
post /v1/buyers/{id}/link
get /v1/buyers/{id}/timeline
post /v1/buyers/{id}/unlink
get post /v1/channels
post /v1/channels/{channel}/{shop}/resume
post /v1/channels/{channel}/{shop}/suspend
post /v1/channels/{channel}/{shop}/terms
post /v1/claim
post /v1/claim/link
get /v1/events
get /v1/events/{position}
get /v1/explain/cell
post /v1/find
post /v1/history/orders
get post /v1/imported
get /v1/imported/{id}
get /v1/imported/{id}/state
post /v1/in/{channel}/explain
get post /v1/in/{channel}/{shop}
get post /v1/in/{channel}/{shop}/{topic}
get /v1/inbox
get /v1/inbox/{id}
post /v1/journeys/{key}/touches
get /v1/keys/{key}
get post /v1/listings
delete /v1/listings/{channel}/{shop}/{item}
post /v1/models/{model}/fit
get /v1/orders
get /v1/orders/{ref}
get /v1/orders/{ref}/causes
get /v1/orders/{ref}/events
get /v1/orders/{ref}/export
post /v1/orders/{ref}/hold
post /v1/orders/{ref}/note
post /v1/orders/{ref}/refund
post /v1/orders/{ref}/refuse-refund
post /v1/orders/{ref}/release
post /v1/orders/{ref}/replace
post /v1/orders/{ref}/resend
post /v1/orders/{ref}/reveal
post /v1/orders/{ref}/settle-refund
get /v1/orders/{ref}/state
get /v1/projections
post /v1/projections/{name}/rebuild
get /v1/protocols
get /v1/purchases
get /v1/skus
put /v1/skus/{sku}
get /v1/skus/{sku}/batches
post /v1/skus/{sku}/keys
get put /v1/skus/{sku}/prices
post /v1/skus/{sku}/procure
get /v1/skus/{sku}/quotas
put /v1/skus/{sku}/quotas/{channel}/{shop}
post /v1/skus/{sku}/void
get post /v1/spi/{channel}/{shop}/{action}
post /v1/sql
get /v1/stream
get /v1/subscriptions
put delete /v1/subscriptions/{name}
get /v1/subscriptions/{name}/deliveries
post /v1/subscriptions/{name}/resend
post /v1/subscriptions/{name}/rotate
get /v1/views
get /v1/views/{view}
post /v1/views/{view}/export
get /v1/views/{view}/schema
";

#[tokio::test]
async fn the_openapi_document_describes_exactly_the_public_surface() {
    let world = World::empty().await;
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let openapi = world.send(request).await.good();
    let mut found = String::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        let methods: Vec<&str> = ["get", "post", "put", "delete"]
            .into_iter()
            .filter(|method| item.get(method).is_some())
            .collect();
        found.push_str(&format!("{} {path}\n", methods.join(" ")));
        for method in methods {
            let operation = &item[method];
            assert!(operation["responses"].get("default").is_some(), "{method} {path}");
            assert!(
                operation["summary"].is_string() || operation["description"].is_string(),
                "{method} {path}"
            );
        }
    }
    assert_eq!(found, SURFACE);
}

#[tokio::test]
async fn every_reference_of_the_openapi_document_leads_somewhere() {
    let openapi = serde_json::to_value(http_api::openapi()).unwrap();
    let mut open = vec![&openapi];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.trim_start_matches('#');
                    assert!(openapi.pointer(pointer).is_some(), "{reference}");
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_answer_has_an_id_and_headers_that_keep_browsers_careful() {
    let world = World::empty().await;
    for path in ["/healthz", "/v1/orders", "/nothing", "/v1/in/generic/none"] {
        let answer = world.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn the_documentation_can_be_browsed() {
    let world = World::empty().await;
    let page = world.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("swagger-ui"));
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
}

#[tokio::test]
async fn health_tells_how_far_the_log_and_the_read_models_are() {
    let world = World::stocked(1).await;
    assert_eq!(world.get("/healthz").await.text(), "ok");
    let ready = world.get("/readyz").await.good();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["head_pos"], world.position().await);
    assert_eq!(ready["views"].as_array().unwrap().len(), 9);
    assert_eq!(world.get("/time").await.good()["unix"], 1_767_322_800);
    assert_eq!(world.get("/metrics").await.problem().0, 404);
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_explanation() {
    let world = World::empty().await;
    let problem = world.get("/v1/orders/none").await.json();
    let explained = world.get(problem["type"].as_str().unwrap()).await.good();
    assert_eq!(explained["code"], problem["code"]);
    assert_eq!(explained["title"], problem["title"]);
    let all = world.get("/errors").await.good();
    assert_eq!(all.as_array().unwrap().len(), http_api::error_catalogue().len());
}
