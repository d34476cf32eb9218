use serde_json::json;

use crate::world::{World, settings};

async fn put_with_key(
    world: &World,
    path: &str,
    key: &str,
    body: &serde_json::Value,
) -> crate::world::Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let method = if path.starts_with("/v1/skus") { "PUT" } else { "POST" };
    world.ask(method, path, &headers, body.to_string().as_bytes()).await
}

#[tokio::test]
async fn a_repeat_gets_the_stored_answer_byte_for_byte() {
    let world = World::empty().await;
    let sku = json!({ "name": "Steam 50", "family": "steam" });
    let first = put_with_key(&world, "/v1/skus/steam-50", "k-1", &sku).await;
    first.good();
    let position = world.position().await;
    let renamed = json!({ "name": "Steam fifty", "family": "steam" });
    put_with_key(&world, "/v1/skus/steam-50", "k-2", &renamed).await.good();
    let again = put_with_key(&world, "/v1/skus/steam-50", "k-1", &sku).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(world.position().await, position + 1, "the repeat changed nothing back");
}

#[tokio::test]
async fn a_rejection_is_repeated_as_well() {
    let world = World::empty().await;
    let map = json!({ "account": "generic/own", "item": "i", "sku": "steam-50" });
    let first = put_with_key(&world, "/v1/listings", "k-1", &map).await;
    assert_eq!(first.problem(), (404, "unknown_sku".to_owned()));
    let again = put_with_key(&world, "/v1/listings", "k-1", &map).await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_same_key_with_another_request_is_a_conflict_without_effect() {
    let world = World::empty().await;
    let sku = json!({ "name": "Steam 50", "family": "steam" });
    put_with_key(&world, "/v1/skus/steam-50", "k-1", &sku).await.good();
    let position = world.position().await;
    let other = json!({ "name": "Other", "family": "steam" });
    let answer = put_with_key(&world, "/v1/skus/steam-50", "k-1", &other).await;
    assert_eq!(answer.problem(), (409, "message_id_reused".to_owned()));
    let elsewhere = put_with_key(&world, "/v1/skus/steam-51", "k-1", &sku).await;
    assert_eq!(elsewhere.problem(), (409, "message_id_reused".to_owned()));
    assert_eq!(world.position().await, position);
}

#[tokio::test]
async fn an_old_repeat_does_not_bring_old_settings_back() {
    let world = World::stocked(1).await;
    let with = |name: &str, reserve: u32| {
        let mut settings = settings();
        settings["reserve_secs"] = json!(reserve);
        json!({ "account": "generic/own", "name": name, "currency": "CNY", "settings": settings })
    };
    let first = put_with_key(&world, "/v1/channels", "k-1", &with("One", 100)).await;
    first.good();
    put_with_key(&world, "/v1/channels", "k-2", &with("Two", 200)).await.good();
    let position = world.position().await;
    let again = put_with_key(&world, "/v1/channels", "k-1", &with("One", 100)).await;
    assert_eq!(again.body, first.body);
    let conflict = put_with_key(&world, "/v1/channels", "k-1", &with("Three", 300)).await;
    assert_eq!(conflict.problem(), (409, "message_id_reused".to_owned()));
    assert_eq!(world.position().await, position);
    let kept = world.vault.settings(&world.merchant).await.unwrap();
    assert!(kept.iter().any(|(_, settings)| settings.expose().contains("200")));
}

#[tokio::test]
async fn the_secrets_of_an_account_are_not_kept_with_the_request() {
    let world = World::empty().await;
    let body = json!({ "account": "generic/own", "name": "n", "currency": "CNY", "settings": settings() });
    put_with_key(&world, "/v1/channels", "k-1", &body).await.good();
    let listed = world.get("/v1/inbox?account=api/lin-tao").await.good();
    let message = listed["messages"][0]["message"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/v1/inbox/{message}")).await.good();
    assert!(shown["request"]["body"].as_str().unwrap().starts_with("sha256:"));
}

#[tokio::test]
async fn a_repeated_import_gets_the_first_summary() {
    let world = World::stocked(0).await;
    let headers = [("content-type", "text/plain"), ("idempotency-key", "file-1")];
    let path = "/v1/skus/steam-50/keys";
    let first = world.ask("POST", path, &headers, b"AAA-1\nAAA-2\n").await;
    assert_eq!(first.good()["stored"], 2);
    let position = world.position().await;
    let again = world.ask("POST", path, &headers, b"AAA-1\nAAA-2\n").await;
    assert_eq!(again.body, first.body);
    let other = world.ask("POST", path, &headers, b"AAA-3\n").await;
    assert_eq!(other.problem(), (409, "message_id_reused".to_owned()));
    assert_eq!(world.position().await, position);
}
