use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/v1/skus/steam-50/procure";

fn wish() -> Value {
    json!({ "account": "acg-faka/b", "item": "P1", "quantity": 2, "reason": "low stock",
        "max_price": { "minor": 5_000, "currency": "CNY" } })
}

/// A merchant with a supplier.
async fn supplied() -> World {
    let world = World::stocked(1).await;
    let buy =
        json!({ "base_url": "https://shop.example", "app_id": "1", "app_key": "k", "contact": "10000" });
    let account =
        json!({ "account": "acg-faka/b", "name": "B", "currency": "CNY", "settings": { "buy": buy } });
    world.post("/v1/channels", &account).await.good();
    world
}

#[tokio::test]
async fn a_purchase_is_asked_for_once_however_often_it_is_sent_with_its_key() {
    let world = supplied().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "buy-1")];
    let body = wish().to_string();
    let first = world.ask("POST", PATH, &headers, body.as_bytes()).await;
    let answer = first.good();
    assert_eq!((answer["batch"].as_u64(), answer["procurement"].as_str().map(str::len)), (Some(2), Some(32)));
    let position = world.position().await;
    let again = world.ask("POST", PATH, &headers, body.as_bytes()).await;
    assert_eq!((again.body, world.position().await), (first.body, position));
    let events = world.get(&format!("/v1/events?after={}", position - 1)).await.text();
    assert!(events.contains("ProcurementRequested") && events.contains("\"max_price\""), "{events}");
}

#[tokio::test]
async fn a_wish_that_cannot_be_fulfilled_is_refused() {
    let world = supplied().await;
    let with = |name: &str, value: Value| {
        let mut wish = wish();
        wish[name] = value;
        wish
    };
    for (wish, problem) in [
        (with("account", json!("generic/own")), (422, "invalid_value")),
        (with("account", json!("generic/none")), (404, "unknown_channel")),
        (with("item", json!("")), (422, "invalid_value")),
        (with("max_price", json!({ "minor": 0, "currency": "CNY" })), (422, "invalid_value")),
        (with("quantity", json!(0)), (422, "invalid_body")),
    ] {
        let answer = world.post(PATH, &wish).await;
        assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{wish}");
    }
    let answer = world.post("/v1/skus/steam-51/procure", &wish()).await;
    assert_eq!(answer.problem(), (404, "unknown_sku".to_owned()));
}

#[tokio::test]
async fn purchases_are_listed_by_page_and_filter() {
    let world = supplied().await;
    for _ in 0..3 {
        world.post(PATH, &wish()).await.good();
    }
    let page = world.fresh("/v1/purchases?limit=2").await.good();
    let of = |page: &Value| page["purchases"].as_array().unwrap().clone();
    assert_eq!((of(&page).len(), page["purchases"][0]["batch"].as_u64()), (2, Some(4)));
    assert_eq!(page["purchases"][0]["max_price"], json!({ "minor": 5_000, "currency": "CNY" }));
    let rest = world.get(&format!("/v1/purchases?limit=2&cursor={}", page["next"])).await.good();
    assert_eq!((of(&rest).len(), rest["next"].is_null()), (1, true));
    for (query, count) in
        [("account=acg-faka%2Fb&sku=steam-50&state=requested", 3), ("state=keys", 0), ("sku=steam-51", 0)]
    {
        assert_eq!(of(&world.get(&format!("/v1/purchases?{query}")).await.good()).len(), count, "{query}");
    }
    let number = of(&rest)[0]["purchase"].as_str().unwrap().to_owned();
    let one = world.get(&format!("/v1/purchases?purchase={number}")).await.good();
    assert_eq!(of(&one), of(&rest));
    let unknown = world.get("/v1/purchases?state=lost").await.problem();
    assert_eq!(unknown, (422, "invalid_parameter".to_owned()));
}
