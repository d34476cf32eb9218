//! The dashboards that are shipped ask for what there is.

use projection::testkit::merchant;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Row};

use crate::world::World;

fn dashboards() -> Vec<(String, Value)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/grafana/dashboards");
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (path.display().to_string(), serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn every_panel_of_every_dashboard_gives_rows() {
    let world = World::new(900).await;
    let last = world.history.last().unwrap().recorded_at.secs() * 1_000;
    let mut panels = 0;
    for (file, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let title = format!("{file}: {}", panel["title"]);
                assert_eq!(target["queryText"], target["rawQueryText"], "{title}");
                assert_eq!(target["datasource"]["uid"], "kami-views", "{title}");
                let query = target["queryText"].as_str().unwrap();
                let query = query.replace("${merchant}", merchant().as_str()).replace("$__from", "0");
                let query = query.replace("$__to", &last.to_string());
                assert!(!query.contains('$'), "{title}: {query}");
                let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(world.views.reader()).await.unwrap();
                assert!(!rows.is_empty(), "{title} gives nothing");
                let names: Vec<&str> = rows[0].columns().iter().map(|column| column.name()).collect();
                for time in target["timeColumns"].as_array().unwrap() {
                    assert!(names.contains(&time.as_str().unwrap()), "{title}");
                    assert!(rows[0].get::<i64, _>(0) > 1_000_000_000, "{title}: seconds since 1970");
                }
                panels += 1;
            }
        }
    }
    assert!(panels >= 9, "{panels}");
}

#[tokio::test]
async fn metabase_finds_every_table_and_column_described() {
    let world = World::new(50).await;
    let described: Vec<(String, String)> = sqlx::query_as("SELECT keypath, value FROM _metabase_metadata")
        .fetch_all(world.views.reader())
        .await
        .unwrap();
    for source in analyst::sources(world.views.projections()) {
        let told = |path: String| described.iter().any(|(known, value)| *known == path && !value.is_empty());
        assert!(told(format!("{}.description", source.name)));
        for column in source.columns {
            assert!(told(format!("{}.{}.description", source.name, column.name)), "{}", column.name);
        }
    }
    let is =
        |path: &str, wanted: &str| described.iter().any(|(known, value)| known == path && value == wanted);
    assert!(is("fct_order.order_id.semantic_type", "type/PK"));
    assert!(is("mart_sales_day.channel_id.semantic_type", "type/Category"));
}
