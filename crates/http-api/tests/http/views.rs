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
        for format in ["json", "ndjson", "csv", "parquet"] {
            let answer = world.get(&format!("/v1/views/{name}?format={format}")).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(answer.header("x-as-of-pos"), world.position().await.to_string(), "{name}");
            assert_eq!(answer.header("x-lag-events"), "0", "{name}");
            assert_eq!(answer.header("x-content-digest").len(), 64, "{name}");
            assert!(answer.header("x-projector-version").contains('/'), "{name}");
            assert!(!answer.text().contains("KEY-"), "{name}");
        }
        let schema = world.get(&format!("/v1/views/{name}/schema")).await.good();
        assert_eq!(schema["columns"], view["columns"]);
        assert_eq!(schema["lag_events"], 0);
        assert!(!schema["grain"].as_array().unwrap().is_empty(), "{name}");
        assert!(schema["select"].is_string() || name != "mart_sales_day");
        let units = schema["columns"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|column| column["name"].as_str().unwrap().ends_with("_fen"));
        assert!(units.into_iter().all(|column| column["unit"].is_string()), "{name}");
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
async fn a2_the_same_moment_gives_the_same_file_in_every_format() {
    let world = sold(3).await;
    let position = world.position().await;
    let catalogue = world.get("/v1/views").await.good();
    for view in catalogue["views"].as_array().unwrap() {
        for format in ["csv", "parquet", "json", "ndjson"] {
            let path =
                format!("/v1/views/{}?format={format}&as_of={position}", view["name"].as_str().unwrap());
            let first = world.get(&path).await;
            world.advance(1);
            world.post("/v1/orders/A-1/note", &json!({ "text": "seen" })).await.good();
            let second = world.get(&path).await;
            assert_eq!(first.body, second.body, "{path}");
            assert_eq!(first.header("x-content-digest"), second.header("x-content-digest"), "{path}");
            assert_eq!(first.header("x-as-of-pos"), position.to_string());
        }
    }
}

#[tokio::test]
async fn rows_are_filtered_by_declared_columns() {
    let world = sold(3).await;
    let rows = |answer: Value| answer["rows"].as_array().unwrap().len();
    let count = async |query: &str| rows(world.get(&format!("/v1/views/{query}")).await.good());
    assert_eq!(count("fct_order?filter=platform_order_no:eq:A-2").await, 1);
    assert_eq!(
        count("fct_order?filter=channel_id:eq:generic/own&filter=platform_order_no:in:A-1,A-3").await,
        2
    );
    assert_eq!(count("fct_order?filter=channel_id:eq:generic%2Fown&limit=2").await, 2);
    assert_eq!(count("fct_order?filter=channel_id:ne:generic/own").await, 0);
    assert_eq!(count("fct_order?filter=occurred_at:ge:2026-01-02T10:59:59%2B08:00").await, 3);
    assert_eq!(count("fct_order?filter=occurred_at:gt:2026-01-02T02:59:59Z").await, 0);
    assert_eq!(count("mart_sales_day?filter=business_date:eq:2026-01-02").await, 1);
    for query in [
        "filter=nothing:eq:1",
        "filter=channel",
        "filter=channel:near:x",
        "filter=paid_at:eq:noon",
        "where=1",
    ] {
        let answer = world.get(&format!("/v1/views/fct_order?{query}")).await;
        assert_eq!(answer.problem(), (422, "invalid_parameter".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn rows_are_also_told_as_the_world_was() {
    let world = World::stocked(2).await;
    world.buy("A-1").await.good();
    world.advance(3_600);
    // Told an hour late: it happened at 02:59:59.
    world.buy("A-2").await.good();
    let position = world.position().await;
    let then = format!("/v1/views/fct_order_event?effective=2026-01-02T02:59:59Z&as_of={position}");
    let answer = world.get(&then).await;
    assert_eq!(answer.header("x-as-of-pos"), position.to_string());
    let rows = answer.good()["rows"].as_array().unwrap().clone();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["occurred_at"].as_str().unwrap() <= "2026-01-02T02:59:59.000000Z"));
    assert!(rows.iter().any(|row| row["recorded_at"].as_str().unwrap() > "2026-01-02T03:30:00"));
    let before = world.get("/v1/views/fct_order_event?effective=2026-01-01T00:00:00Z").await.good();
    assert_eq!(before["rows"], json!([]));
    let wrong = world.get("/v1/views/fct_order?effective=5").await;
    assert_eq!(wrong.problem(), (422, "invalid_parameter".to_owned()));
}

#[tokio::test]
async fn rows_that_lag_behind_a_wanted_position_say_so() {
    let world = sold(1).await;
    let behind = world.get("/v1/views/fct_order?min_pos=999999").await;
    assert_eq!(behind.problem(), (409, "behind".to_owned()));
    assert!(behind.json()["detail"].as_str().unwrap().contains("lack 0 events"));
}

#[tokio::test]
async fn nothing_is_written_at_a_moment_of_the_past() {
    let world = sold(1).await;
    let position = world.position().await;
    for path in ["/v1/orders/A-1/note", "/v1/orders/A-1/hold", "/v1/skus/steam-50/void"] {
        let answer = world.post(&format!("{path}?as_of=3"), &json!({ "text": "x", "reason": "x" })).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.text());
    }
    assert_eq!(world.position().await, position);
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

#[tokio::test]
async fn the_health_of_webhooks_counts_what_came_in_and_can_be_asked_of_the_past() {
    let world = sold(2).await;
    let noon = world.engine.now().to_string();
    world.advance(600);
    let mut forged = world.signed("/v1/in/generic/own", "msg-9", &crate::world::paid("A-9"));
    *forged.body_mut() = axum::body::Body::from("{}");
    assert_eq!(world.send(forged).await.status, 401);
    let health = async |question: &str| {
        let answer = world.get(&format!("/v1/views/mart_webhook_health{question}")).await.good();
        let told = |row: &Value| {
            let part = |name: &str| row[name].as_i64().unwrap();
            (part("received"), part("verified"), part("failed"), row["silence_s"].as_i64())
        };
        answer["rows"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(health("").await, [(2, 2, 0, None), (1, 0, 1, Some(600))]);
    assert_eq!(health(&format!("?as_of={noon}")).await, [(2, 2, 0, None)]);
    assert_eq!(health("?filter=failed:gt:0").await, [(1, 0, 1, Some(600))]);
    let query = "SELECT SUM(received) AS received, MAX(handle_lag_ms) AS lag FROM mart_webhook_health";
    let answer = world.post("/v1/sql", &json!({ "query": query })).await.good();
    assert_eq!(answer["rows"], json!([{ "received": 3, "lag": 0.0 }]));
    let file = world.post("/v1/views/mart_webhook_health/export", &json!({ "format": "csv" })).await;
    assert_eq!(file.header("x-rows"), "2", "{}", file.text());
}
