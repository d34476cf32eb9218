//! What analysts do at the command line and with tools of their own, beside a running Kami and without one.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::kami::{Kami, binary, paid, run};

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

async fn selling(data: &Path) -> Kami {
    let kami = Kami::start(data);
    kami.set_up(&["generic/own"], 4).await;
    for n in 1..=3 {
        let (status, _) = kami
            .send("generic/own", &format!("m-{n}"), &paid(&format!("A-{n}"), 1, 2888).to_string())
            .await
            .unwrap();
        assert_eq!(status, 200);
    }
    // The read models have them all.
    let position = kami.position().await;
    kami.api("GET", &format!("/v1/views/fct_order?min_pos={position}"), Value::Null).await;
    kami
}

#[tokio::test]
async fn exports_are_on_record_where_a_kami_runs_and_the_same_files_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let kami = selling(&data).await;
    let (url, data) = (kami.url(""), data.to_str().unwrap().to_owned());
    let position = kami.position().await.to_string();
    let export = |to: &Path, more: &[&str]| {
        let mut command = binary();
        command.args([
            "export",
            "--csv",
            to.to_str().unwrap(),
            "--data",
            &data,
            "--as-of",
            &position,
            "--json",
        ]);
        done(&command.args(more).output().unwrap())
    };
    let (online, offline) = (dir.path().join("online"), dir.path().join("offline"));
    let told: Value = serde_json::from_str(&export(&online, &["--server", &url])).unwrap();
    assert_eq!(told["recorded"], true);
    assert!(told["files"].as_array().unwrap().len() >= 10);
    let log = kami.api("GET", "/v1/events?limit=1000", Value::Null).await;
    let made = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == "ExportMade").count();
    assert_eq!(made, told["files"].as_array().unwrap().len());
    assert!(kami.stop());
    let told: Value = serde_json::from_str(&export(&offline, &[])).unwrap();
    assert_eq!(told["recorded"], false);
    assert_eq!(files(&online), files(&offline), "the same moment, the same bytes");
    let parquet = dir.path().join("parquet");
    let some = ["export", "--parquet", parquet.to_str().unwrap(), "--view", "fct_order", "--data", &data];
    assert!(done(&run(&some)).contains("3 rows"));
    assert_eq!(files(&parquet).len(), 1);
    assert!(!run(&["export", "--csv", "/nowhere/x", "--view", "none", "--data", &data]).status.success());
}

#[tokio::test]
async fn wrong_rows_are_found_and_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let kami = selling(dir.path()).await;
    let url = kami.url("");
    let data = dir.path().to_str().unwrap();
    let position = kami.position().await;
    assert!(done(&run(&["view", "diff", "order_row", "--data", data])).contains("0 rows differ"));
    let rebuilt = run(&["view", "rebuild", "order_row", "--data", data, "--server", &url, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&done(&rebuilt)).unwrap()["same"], true);
    assert!(kami.stop());
    let damage = "UPDATE order_row SET paid_fen = 1 WHERE platform_order_no = 'A-2'";
    done(&Command::new("sqlite3").args([&format!("{data}/views.db"), damage]).output().unwrap());
    let found = run(&["view", "diff", "order_row", "--data", data, "--json"]);
    assert!(!found.status.success());
    let change: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(change["columns"], json!([{ "column": "paid_fen", "before": 2888, "after": 1 }]));
    let rebuilt: Value =
        serde_json::from_str(&done(&run(&["view", "rebuild", "orders", "--data", data, "--json"]))).unwrap();
    assert_eq!(rebuilt["same"], false);
    assert!(done(&run(&["view", "diff", "order_row", "--data", data])).contains("0 rows differ"));
    let past = done(&run(&["view", "rebuild", "orders", "--as-of", &position.to_string(), "--data", data]));
    assert!(past.contains(rebuilt["after"].as_str().unwrap()), "{past}");
    assert!(done(&run(&["view", "list"])).contains("mart_sales_day"));
}

#[tokio::test]
async fn what_changed_between_two_positions_is_shown_by_column() {
    let dir = tempfile::tempdir().unwrap();
    let kami = selling(dir.path()).await;
    let before = kami.position().await;
    kami.api("POST", "/v1/orders/A-3/hold", json!({ "reason": "odd" })).await;
    let after = kami.position().await;
    assert!(kami.stop());
    let (from, to, data) = (before.to_string(), after.to_string(), dir.path().to_str().unwrap());
    let shown = done(&run(&["diff", &from, &to, "--view", "fct_order", "--data", data, "--json"]));
    assert_eq!(shown.lines().count(), 1, "{shown}");
    let change: Value = serde_json::from_str(&shown).unwrap();
    let columns: Vec<&str> = change["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["column"].as_str().unwrap())
        .collect();
    assert!(columns.contains(&"is_held") || columns.contains(&"state"), "{columns:?}");
    let nothing = done(&run(&["diff", &from, &from, "--view", "fct_order", "--data", data]));
    assert!(nothing.contains("0 rows differ"));
    let all = done(&run(&["diff", "0", &to, "--view", "fct_order", "--data", data]));
    assert!(all.contains("3 rows differ"), "{all}");
}

#[tokio::test]
async fn a3_tools_that_know_nothing_of_kami_read_every_view_while_it_runs() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let kami = selling(&data).await;
    let (url, exported) = (kami.url(""), dir.path().join("export"));
    for format in ["--csv", "--parquet"] {
        let to = exported.to_str().unwrap();
        done(&run(&["export", format, to, "--data", data.to_str().unwrap(), "--server", &url]));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/running/read_views.py");
    let views = data.join("views.db");
    let told = done(&Command::new("python3").arg(script).args([&views, &exported]).output().unwrap());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["rows"]["fct_order"], 3);
    assert!(told["instants"].as_u64().unwrap() > 10);
    match &told["duckdb"] {
        Value::Null => println!("skipped a part: DuckDB is not installed for python3"),
        rows => assert_eq!(rows, &told["rows"]),
    }
    assert!(kami.stop());
}
