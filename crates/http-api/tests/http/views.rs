use serde_json::{Value, json};

use crate::world::World;

async fn sold(orders: usize) -> World {
    let world = World::stocked(orders).await;
    for n in 1..=orders {
        world.buy(&format!("A-{n}")).await.good();
    }
    world.fresh("/v1/skus").await.good();
    world
}

#[tokio::test]
async fn the_catalogue_explains_every_table_and_every_one_can_be_read() {
    let world = sold(2).await;
    let catalogue = world.get("/v1/views").await.good();
    let views = catalogue["views"].as_array().unwrap();
    assert!(views.len() >= 10);
    for view in views {
        let name = view["name"].as_str().unwrap();
        for format in ["json", "ndjson", "csv"] {
            let answer = world.get(&format!("/v1/views/{name}?format={format}")).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(answer.header("x-as-of-pos"), world.position().await.to_string(), "{name}");
            assert_eq!(answer.header("x-lag-events"), "0", "{name}");
            assert_eq!(answer.header("x-content-digest").len(), 64, "{name}");
            assert!(!answer.text().contains("KEY-"), "{name}");
        }
    }
}

#[tokio::test]
async fn rows_come_in_pages_that_join_without_a_gap() {
    let world = sold(5).await;
    for view in
        ["fct_order", "fct_order_line", "fct_order_event", "mart_sales_day", "ops_key_pool", "fct_decision"]
    {
        let whole = world.get(&format!("/v1/views/{view}")).await.good();
        let mut rows: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = world.get(&format!("/v1/views/{view}?limit=2{cursor}")).await.good();
            rows.extend(page["rows"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(json!(rows), whole["rows"], "{view}");
    }
}

#[tokio::test]
async fn the_same_moment_gives_the_same_bytes_whatever_happens_later() {
    let world = sold(2).await;
    let position = world.position().await;
    let path = format!("/v1/views/fct_order?format=csv&as_of={position}");
    let now = world.get("/v1/views/fct_order?format=csv").await;
    let then = world.get(&path).await;
    assert_eq!(then.body, now.body);
    world.advance(60);
    world.post("/v1/orders/A-1/hold", &json!({ "reason": "odd" })).await.good();
    let later = world.fresh("/v1/views/fct_order?format=csv").await;
    assert_ne!(later.body, now.body);
    let again = world.get(&path).await;
    assert_eq!(again.body, now.body);
    assert_eq!(again.header("x-as-of-pos"), position.to_string());
    let by_time = world.get("/v1/views/fct_order?format=csv&as_of=2026-01-02T03:00:30Z").await;
    assert_eq!(by_time.body, now.body);
    assert_eq!(world.get("/v1/views/fct_order?as_of=0").await.good()["rows"], json!([]));
}

#[tokio::test]
async fn a2_every_view_as_of_a_position_is_the_same_bytes_for_ever() {
    let world = sold(3).await;
    let position = world.position().await;
    let catalogue = world.get("/v1/views").await.good();
    let names: Vec<&str> =
        catalogue["views"].as_array().unwrap().iter().map(|view| view["name"].as_str().unwrap()).collect();
    let mut then = Vec::new();
    for name in &names {
        then.push(world.get(&format!("/v1/views/{name}?format=csv")).await);
    }
    world.advance(3_600);
    world.post("/v1/orders/A-1/hold", &json!({ "reason": "odd" })).await.good();
    world.buy("A-4").await;
    world.fresh("/v1/views/fct_order").await.good();
    for (name, then) in names.iter().zip(then) {
        let again = world.get(&format!("/v1/views/{name}?format=csv&as_of={position}")).await;
        assert_eq!(again.text(), then.text(), "{name}");
        assert_eq!(again.header("x-content-digest"), then.header("x-content-digest"), "{name}");
    }
}

#[tokio::test]
async fn csv_has_a_header_and_is_safe_in_a_spreadsheet() {
    let world = World::stocked(0).await;
    world.put("/v1/skus/evil", &json!({ "name": "=HYPERLINK(\"x\")", "family": "a,b" })).await.good();
    let csv = world.fresh("/v1/views/dim_sku?format=csv").await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    let mut lines = csv.text().lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
    assert!(lines.next().unwrap().starts_with("sku_id,name,family,"));
    assert!(lines.next().unwrap().starts_with("evil,\"'=HYPERLINK(\"\"x\"\")\",\"a,b\","));
}
