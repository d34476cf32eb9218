//! A tiny run of each scenario of `kami bench`: every figure is there, and every promise is kept. How fast it was is
//! not asked.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use serde_json::Value;

const ALL: [&str; 12] = [
    "orders_per_s",
    "p50_ms",
    "p99_ms",
    "oversold",
    "lost",
    "violations",
    "unexpected",
    "repeats_differing",
    "http_ceiling_per_s",
    "log_ceiling_per_s",
    "of_http_ceiling",
    "of_log_ceiling",
];

/// The one line of a run, with the figures of all scenarios and `more` in it.
fn bench(scenario: &str, size: &str, more: &[&str]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kami"))
        .args([
            "bench",
            scenario,
            "--seconds",
            "1",
            "--connections",
            "4",
            "--skus",
            "3",
            "--size",
            size,
            "--json",
        ])
        .env("TMPDIR", directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{complaint}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let figures: Value = serde_json::from_str(&text).unwrap();
    for name in ALL.iter().chain(more) {
        assert!(figures[name].is_number(), "{name} is missing in {text}");
    }
    for name in ["oversold", "lost", "violations", "unexpected", "repeats_differing"] {
        assert_eq!(figures[name], 0, "{text}");
    }
    assert_eq!(figures["scenario"], scenario);
    assert!(figures["machine"]["cores"].is_number(), "{text}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "the data is still there");
    figures
}

#[test]
fn steady_measures_orders_and_their_times_at_full_and_half_load() {
    let figures = bench("steady", "200", &["p99_ms_at_half_load"]);
    assert_eq!(figures["refused"], 0);
    assert!(
        figures["sold"].as_u64() > figures["orders"].as_u64(),
        "the other phases are checked, too: {figures}"
    );
}

#[test]
fn flash_sells_every_key_once_and_answers_repeats_alike() {
    let figures = bench("flash", "400", &["sold_per_s", "answers_per_s"]);
    assert_eq!(figures["sold"], 400);
    assert_eq!(figures["refused"], 200);
    assert_eq!(figures["repeats"], 257);
}

#[test]
fn import_puts_every_key_on_stock() {
    let figures = bench("import", "5000", &["import_s", "import_keys_per_s"]);
    assert_eq!(figures["import_keys"], 5_000);
}

#[test]
fn replay_rebuilds_the_read_models() {
    bench("replay", "2000", &["rebuild_events_per_s", "rebuild_s"]);
}

#[test]
fn start_comes_back_after_a_kill_and_after_a_stop() {
    let figures = bench("start", "2000", &["ready_ms_after_kill", "ready_ms_after_stop"]);
    assert!(figures["log_events"].as_u64() >= Some(2_000), "{figures}");
}

#[test]
fn a5_a7_s1_s3_read_finds_every_order_and_its_past_and_makes_the_same_read_models_anew() {
    let times = ["find_number_p95_ms", "find_id_p95_ms", "find_key_p95_ms", "find_buyer_p95_ms"];
    let sums = ["sales_month_p95_ms", "sales_sku_p95_ms", "sales_year_p95_ms", "remade_s_per_million"];
    let steps = ["order_step_p50_ms", "order_step_p95_ms", "order_step_max_ms", "order_steps"];
    let figures = bench("read", "1500", &[times, sums, steps].concat());
    assert_eq!((&figures["order_steps"], &figures["steps_missed"]), (&500.into(), &0.into()), "{figures}");
    assert!(figures["orders_in_log"].as_u64() >= Some(1_500), "{figures}");
    assert_eq!(
        (&figures["finds_missed"], &figures["digests_differing"]),
        (&0.into(), &0.into()),
        "{figures}"
    );
    assert_eq!(figures["remade_events"], figures["log_events"], "{figures}");
}

#[tokio::test]
async fn log_measures_the_log_in_postgresql_against_raw_inserts_and_by_clients_merchants_and_length() {
    let database = testkit_postgres::Database::new().await;
    let output = Command::new(env!("CARGO_BIN_EXE_kami"))
        .args(["bench", "log", "--seconds", "1", "--size", "10000", "--json", "--log", database.url()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["appended_per_s", "raw_per_s", "of_raw", "of_one_merchant", "of_empty", "of_empty_beside"] {
        assert!(figures[name].as_f64().unwrap() > 0.0, "{name}: {figures}");
    }
    for (name, steps) in [
        ("commands_per_s", &["1", "16", "64"][..]),
        ("by_merchants", &["1", "10", "100", "1000"]),
        ("by_length", &["0", "10000"]),
    ] {
        let rates = figures[name].as_object().unwrap();
        assert!(
            rates.len() == steps.len() && steps.iter().all(|step| rates[*step].as_f64() > Some(0.0)),
            "{figures}"
        );
    }
    // What it measured is a log, whose chain holds: events of kinds that no order of the domain has are not checked here.
    let mut session = database.connect().await;
    let gaps: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM kami_log.merchant m WHERE position <> (SELECT count(*) FROM kami_log.event e \
         WHERE e.merchant = m.merchant)",
    )
    .fetch_one(&mut session)
    .await
    .unwrap();
    assert_eq!(gaps, 0, "positions have no gap");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'kami_bench'")
        .fetch_one(&mut session)
        .await
        .unwrap();
    assert_eq!(left, 0, "the raw table is gone");
}
