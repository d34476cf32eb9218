use std::sync::atomic::Ordering;

use analyst::{
    sources,
    sql::{self, Budget, SqlError},
};
use projection::testkit::merchant;
use serde_json::{Value, json};

use crate::world::{World, models, other};

#[tokio::test]
async fn a_query_sees_every_declared_view_and_the_caller_s_rows_alone() {
    let world = World::new(800).await;
    let mut filled = 0;
    for source in sources(world.views.projections()) {
        let text = format!("SELECT COUNT(*) AS n, MAX(last_pos) AS newest FROM {}", source.name);
        let answer = world.ask(&text).unwrap();
        let mut conn = world.views.reader().acquire().await.unwrap();
        let page = analyst::page(&mut conn, &merchant(), &source, &[], None, 100_000).await.unwrap();
        filled += usize::from(!page.sheet.rows.is_empty());
        assert_eq!(answer.sheet.rows[0][0], json!(page.sheet.rows.len()), "{}", source.name);
        assert_eq!(answer.head.0, world.history.len() as u64);
    }
    assert!(filled > 8, "only {filled} tables and views have rows");
    let described = world.ask("SELECT COUNT(*) FROM sys_column").unwrap();
    assert!(described.sheet.rows[0][0].as_i64().unwrap() > 100);
    let text = "SELECT name, lag_events, lag_ms, last_rebuild_s, digest FROM sys_projection ORDER BY name";
    let lag = world.ask(text).unwrap();
    let orders = lag.sheet.rows.iter().find(|row| row[0] == "orders").unwrap();
    assert_eq!(orders[..], [json!("orders"), json!(0), json!(0), Value::Null, Value::Null]);
    let mut behind = world.question(text);
    behind.log_head.0 += 5;
    assert_eq!(sql::run(&behind).unwrap().sheet.rows[0][1..3], [json!(5), json!(10_000)]);
    assert_eq!(lag.sheet.rows.len(), models().len());
}

#[tokio::test]
async fn a_query_joins_groups_and_uses_windows() {
    let world = World::new(800).await;
    let text = "WITH o AS (SELECT order_id, channel_id AS channel, state FROM fct_order)
        SELECT o.channel, COUNT(*) AS n, ROUND(AVG(l.quantity_count), 2) AS mean,
               RANK() OVER (ORDER BY COUNT(*) DESC) AS place
        FROM o JOIN fct_order_line l USING (order_id), json_each('[1]') GROUP BY o.channel ORDER BY place;";
    let answer = world.ask(text).unwrap();
    assert!(answer.sheet.rows.len() > 1);
    let kinds: Vec<projection::Kind> = answer.sheet.headings.iter().map(|heading| heading.kind).collect();
    use projection::Kind::{Int, Real, Text};
    assert_eq!(kinds, [Text, Int, Real, Int]);
    let twice = world.ask("SELECT 1 AS a, 2 AS a, x'ff' AS b, NULL").unwrap();
    let names: Vec<&str> = twice.sheet.headings.iter().map(|heading| heading.name.as_str()).collect();
    assert_eq!(names, ["a", "a_2", "b", "NULL"]);
    assert_eq!(twice.sheet.rows, [[json!(1), json!(2), json!("ff"), Value::Null]]);
    assert_eq!(
        world.ask("SELECT COUNT(*) FROM (WITH t AS (SELECT 1) SELECT 2 FROM t)").unwrap().sheet.rows[0][0],
        1
    );
}

#[tokio::test]
async fn what_is_not_shown_cannot_be_read() {
    let world = World::new(300).await;
    for text in [
        "SELECT * FROM sys_quarantine",
        "SELECT COUNT(*) FROM sys_quarantine",
        "SELECT * FROM sys_schema",
        "WITH sys_projection AS (SELECT * FROM sys_quarantine) SELECT * FROM sys_projection",
        "WITH fct_order AS (SELECT * FROM sys_schema) SELECT * FROM fct_order",
        "SELECT * FROM sqlite_master",
        "SELECT COUNT(*) FROM sqlite_schema",
        "SELECT * FROM sqlite_temp_master",
        "SELECT * FROM temp.sqlite_schema",
        "SELECT * FROM pragma_database_list",
        "SELECT COUNT(*) FROM pragma_table_list",
        "SELECT 1 FROM pragma_function_list",
        "SELECT * FROM dbstat",
        "SELECT COUNT(*) FROM dbstat",
        "WITH sys_quarantine AS (SELECT 1) SELECT COUNT(*) FROM sys_quarantine",
        "SELECT EXISTS (SELECT 1 FROM sys_schema)",
        "SELECT (SELECT MAX(sql) FROM sqlite_master)",
    ] {
        world.refused(text);
    }
    assert!(world.ask("WITH x AS (SELECT 1) DELETE FROM fct_order").is_err());
    // The table behind a view has no name that a query could know.
    for text in [
        "SELECT * FROM main.fct_order",
        "SELECT * FROM views.fct_order",
        "WITH fct_order AS (SELECT * FROM main.fct_order) SELECT * FROM fct_order",
    ] {
        assert!(matches!(world.ask(text), Err(SqlError::Failed(_))), "{text}");
    }
    let named = world.ask("SELECT DISTINCT merchant FROM fct_order");
    assert!(matches!(named, Err(SqlError::Failed(_))), "{named:?}");
}

#[tokio::test]
async fn nothing_but_one_select_is_run() {
    let world = World::new(300).await;
    for text in [
        "INSERT INTO fct_order (order_id) VALUES ('x')",
        "UPDATE fct_order SET state = 'paid'",
        "DELETE FROM fct_order",
        "DROP VIEW fct_order",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t AS SELECT 1",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE TEMP TRIGGER t INSTEAD OF DELETE ON fct_order BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.t USING fts5(a)",
        "ALTER TABLE fct_order RENAME TO x",
        "REINDEX",
        "ANALYZE",
        "VACUUM",
        "VACUUM INTO '/tmp/kami-never'",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "ATTACH '/tmp/kami-never' AS x",
        "DETACH temp",
        "PRAGMA query_only = 0",
        "PRAGMA table_info(fct_order)",
        "EXPLAIN SELECT 1",
        "EXPLAIN QUERY PLAN SELECT * FROM fct_order",
        "SELECT 1; SELECT 2",
        "SELECT 1; DELETE FROM fct_order",
        "SELECT load_extension('x')",
        "SELECT randomblob(8)",
        "SELECT random()",
        "SELECT sqlite_version()",
        "SELECT fts3_tokenizer('simple')",
        "SELECT * FROM fct_order WHERE order_id = ?",
        "",
        "-- nothing",
    ] {
        world.refused(text);
    }
    assert!(!std::path::Path::new("/tmp/kami-never").exists());
    assert!(matches!(world.ask("SELECT 1 FRM x y"), Err(SqlError::Failed(_))));
    assert!(matches!(world.ask("SELECT nothing"), Err(SqlError::Failed(_))));
    let long = format!("SELECT '{}'", "x".repeat(20_000));
    world.refused(&long);
    world.refused(&"SELECT 1;".repeat(2_000));
}

#[tokio::test]
async fn a_query_that_costs_too_much_is_stopped_by_counting() {
    let world = World::new(300).await;
    let budget = Budget { steps: 200_000, rows: 50, bytes: 10_000, ..Budget::default() };
    let bounded = |text: &str| {
        let mut question = world.question(text);
        question.budget = budget;
        sql::run(&question)
    };
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let crossed = "SELECT COUNT(*) FROM fct_order a, fct_order b, fct_order c, fct_order d";
    let sorted =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n ORDER BY -i";
    for text in [endless, crossed, sorted] {
        match bounded(text) {
            Err(SqlError::OverBudget { steps, .. }) => {
                assert!((budget.steps..=budget.steps + 2_000).contains(&steps), "{text}: {steps}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let bytes = "SELECT hex(zeroblob(9000))";
    for text in [rows, bytes] {
        assert!(matches!(bounded(text), Err(SqlError::OverBudget { .. })), "{text}");
    }
    for text in [
        "SELECT printf('%1000000000d', 1) AS a",
        "SELECT zeroblob(1000000000)",
        "SELECT length(replace(hex(zeroblob(500000)), '0', '0123456789'))",
    ] {
        match bounded(text) {
            Err(SqlError::OverBudget { .. }) => {}
            Ok(answer) => assert_eq!(answer.sheet.rows, [[Value::Null]], "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let question = world.question(endless);
    question.given_up.store(true, Ordering::Relaxed);
    assert!(matches!(sql::run(&question), Err(SqlError::OverBudget { steps: 1_000, .. })));
}

#[tokio::test]
async fn another_merchant_is_another_world() {
    let world = World::new(500).await;
    let all = "SELECT order_id FROM fct_order ORDER BY order_id";
    let ours = world.ask(all).unwrap().sheet.rows;
    let mut question = world.question(all);
    question.merchant = other();
    let theirs = sql::run(&question).unwrap().sheet.rows;
    assert!(!ours.is_empty() && !theirs.is_empty());
    assert!(ours.iter().all(|row| !theirs.contains(row)));
}
