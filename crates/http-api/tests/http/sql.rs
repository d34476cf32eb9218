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

async fn ask(world: &World, query: &str) -> crate::world::Answer {
    world.post("/v1/sql", &json!({ "query": query })).await
}

/// The queries on record, oldest first.
async fn runs(world: &World) -> Vec<Value> {
    let log = world.get("/v1/events?limit=1000").await.good();
    let events = log["events"].as_array().unwrap().iter();
    events.filter(|event| event["type"] == "QueryRun").cloned().collect()
}

#[tokio::test]
async fn a_query_is_answered_in_every_format_and_says_what_it_is_of() {
    let world = sold(2).await;
    let head = world.position().await;
    let query =
        "SELECT channel_id, COUNT(*) AS orders, SUM(paid_fen) AS paid_fen FROM fct_order GROUP BY channel_id";
    let answer = ask(&world, query).await;
    assert_eq!(
        answer.good()["rows"],
        json!([{ "channel_id": "generic/own", "orders": 2, "paid_fen": 5776 }])
    );
    assert_eq!(answer.header("x-as-of-pos"), head.to_string());
    assert_eq!(answer.header("x-content-digest").len(), 64);
    for (format, begins) in
        [("csv", "channel_id,orders,paid_fen\n"), ("ndjson", "{\"channel_id\""), ("parquet", "PAR1")]
    {
        let answer = world.post("/v1/sql", &json!({ "query": query, "format": format })).await;
        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
        assert!(answer.text().starts_with(begins), "{format}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_query_is_asked_as_of_any_moment() {
    let world = sold(2).await;
    let then = world.position().await;
    world.advance(60);
    world.post("/v1/orders/A-1/hold", &json!({ "reason": "odd" })).await.good();
    world.fresh("/v1/skus").await.good();
    let query = "SELECT state, COUNT(*) AS n FROM fct_order GROUP BY state ORDER BY state";
    let now = ask(&world, query).await.good();
    let past = json!({ "query": query, "as_of": then.to_string(), "format": "csv" });
    let first = world.post("/v1/sql", &past).await;
    assert_ne!(first.text(), now.to_string());
    assert_eq!(first.header("x-as-of-pos"), then.to_string());
    assert_eq!(world.post("/v1/sql", &past).await.body, first.body, "the same bytes twice");
    let none = json!({ "query": query, "effective": "2026-01-01T00:00:00Z" });
    assert_eq!(world.post("/v1/sql", &none).await.good()["rows"], json!([]));
}

#[tokio::test]
async fn every_query_is_on_record_without_its_literals_whatever_came_of_it() {
    let world = sold(1).await;
    ask(&world, "SELECT order_id FROM fct_order WHERE platform_order_no = '13800138000'").await.good();
    let refused = ask(&world, "DELETE FROM fct_order WHERE order_id = '13800138000'").await;
    assert_eq!(refused.problem(), (403, "sql_refused".to_owned()));
    let failed = ask(&world, "SELECT p13800138000 FROM fct_order").await;
    assert_eq!(failed.problem(), (422, "sql_error".to_owned()));
    assert!(!failed.text().contains("13800138000"), "{}", failed.text());
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    assert_eq!(ask(&world, endless).await.problem(), (422, "sql_over_budget".to_owned()));
    let runs = runs(&world).await;
    let ends: Vec<&str> = runs.iter().map(|run| run["payload"]["end"].as_str().unwrap()).collect();
    assert_eq!(ends, ["done", "refused", "failed", "over_budget"]);
    assert!(runs.iter().all(|run| run["stream"] == "staff-lin-tao"));
    assert_eq!(runs[0]["payload"]["text"], "SELECT order_id FROM fct_order WHERE platform_order_no = ?");
    assert_eq!(runs[0]["payload"]["rows"], 0);
    assert_eq!(runs[0]["payload"]["digest"].as_str().unwrap().len(), 64);
    assert!(!json!(runs).to_string().contains("13800138000"));
}

#[tokio::test]
async fn a_query_wants_a_token_and_a_body_of_its_shape() {
    let world = World::empty().await;
    let request = axum::http::Request::post("/v1/sql").header("content-type", "application/json");
    let body = json!({ "query": "SELECT 1" }).to_string();
    let answer = world.send(request.body(axum::body::Body::from(body)).unwrap()).await;
    assert_eq!(answer.problem(), (401, "unauthorized".to_owned()));
    assert_eq!(world.post("/v1/sql", &json!({ "sql": "SELECT 1" })).await.problem().0, 422);
    let long = json!({ "query": format!("SELECT '{}'", "x".repeat(30_000)) });
    assert_eq!(world.post("/v1/sql", &long).await.problem(), (403, "sql_refused".to_owned()));
}
