//! The dashboards that are shipped ask for what there is.

use std::collections::BTreeMap;

use event_log::{Append, EventLog, InboxRow, Verdict};
use events::{journey::*, policy::*, price::PriceSet};
use projection::testkit::{MemoryLog, Story, merchant};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Row};
use vocabulary::{Account, BusinessDay, Currency, Money, Position, Sku, StreamId};

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

/// A busy shop with journeys, models that said something, and messages that came in.
async fn world() -> World {
    let mut story = Story::new(7);
    let stream = |name: &str| name.parse::<StreamId>().unwrap();
    let (sku, account): (Sku, Account) = ("steam-50".parse().unwrap(), "taobao/main".parse().unwrap());
    // A list price that nobody keeps to.
    let price = PriceSet {
        sku: sku.clone(),
        account: None,
        unit_price: Money::new(4_500, Currency::CNY),
        valid_from: story.scribe.now,
        valid_until: None,
        reason: "list".into(),
    };
    story.scribe.record(sku.price_stream(), None, price);
    while story.scribe.events.len() < 900 {
        story.go_on();
    }
    let scribe = &mut story.scribe;
    let journey = stream("journey-1");
    let touch = TouchRecorded {
        journey: journey.clone(),
        kind: TouchKind::View,
        account: "xiaohongshu/notes".parse().unwrap(),
        source: "search".into(),
        content: Some("note-1".into()),
        format: Some("note".into()),
        campaign: None,
        buyer: None,
    };
    scribe.record(journey, None, touch);
    let today = scribe.now.business_day(BusinessDay::SHANGHAI_OFFSET).to_string();
    let days = vec![ForecastDay { day: today, mean: 2.0, quantiles: [1.0, 1.0, 2.0, 3.0, 4.0, 5.0] }];
    let fit_pos = Position(scribe.events.len() as u64);
    let forecast = ForecastIssued {
        sku: sku.clone(),
        account: account.clone(),
        origin: "2025-12-31".into(),
        model_version: 1,
        fit_pos,
        censored_hours: 0,
        days,
    };
    scribe.record(stream("policy-forecast"), None, forecast);
    let lost = SalesLost {
        sku,
        account,
        from: scribe.now.plus_secs(-60),
        until: scribe.now,
        cause: "out_of_stock".into(),
        model_version: 1,
        fit_pos,
        refused_units: 1,
        substituted_units: 0,
        expected_units: 1.5,
        quantiles: [0.0, 1.0, 3.0],
        margin: None,
    };
    scribe.record(stream("policy-lost_sales"), None, lost);
    let fitted =
        ModelFitted { model: "attribution".into(), version: 1, fit_pos, rows: 1, params: BTreeMap::new() };
    scribe.record(stream("policy-attribution"), None, fitted);
    World::of(story.scribe.events).await
}

/// Counts messages of the shop, as if they had come in when its last event was recorded.
async fn receive_messages(world: &World) {
    let last = world.history.last().unwrap();
    let log = MemoryLog::holding(world.history.clone());
    let epoch = log.claim(&merchant()).await.unwrap().epoch;
    let message = |name: &str, verdict, positions| InboxRow {
        message: format!("msg-{name}").parse().unwrap(),
        account: "taobao/main".parse().unwrap(),
        dedupe_key: None,
        content_hash: [0; 32],
        verdict,
        reason: String::new(),
        sealed_request: Vec::new(),
        sealed_answer: Vec::new(),
        positions,
        received_at: last.recorded_at.plus_secs(-1),
    };
    let inbox = vec![
        message("1", Verdict::Accepted, Some((last.position, last.position))),
        message("2", Verdict::Refused, None),
    ];
    let part = Append {
        merchant: merchant(),
        epoch,
        expected_position: last.position,
        events: Vec::new(),
        inbox,
        numbers: Vec::new(),
    };
    log.append(&[part]).await.unwrap();
    world.views.tally(&log, &merchant(), None).await.unwrap();
}

/// The views that people watch over time have a panel each.
const WATCHED: [&str; 16] = [
    "ops_quota",
    "ops_key_pool",
    "mart_sales_hour",
    "mart_funnel",
    "mart_cohort",
    "mart_content",
    "mart_channel_value",
    "mart_attribution",
    "mart_after_sale",
    "mart_quota_use",
    "mart_stockout",
    "fct_price_change",
    "fct_price_mismatch",
    "mart_webhook_health",
    "fct_forecast",
    "sys_projection",
];

#[test]
fn every_view_that_is_watched_has_a_panel() {
    let queries: Vec<String> = dashboards()
        .iter()
        .flat_map(|(_, dashboard)| dashboard["panels"].as_array().unwrap().clone())
        .map(|panel| panel["targets"][0]["queryText"].as_str().unwrap().to_owned())
        .collect();
    for view in WATCHED {
        assert!(queries.iter().any(|query| query.contains(&format!("FROM {view} "))), "{view} has no panel");
    }
}

#[tokio::test]
async fn every_panel_of_every_dashboard_gives_rows() {
    let world = world().await;
    receive_messages(&world).await;
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
    assert!(panels >= 28, "{panels}");
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
