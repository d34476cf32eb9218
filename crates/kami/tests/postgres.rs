//! Kami on PostgreSQL, run as people run it. The log is the same as in a file, and moves there and back.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use projection::Projection;
use serde_json::Value;
use testkit_postgres::Database;
use views_postgres::Mirror;

fn kami(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kami"));
    command.args(arguments).env_remove("KAMI_CONFIG");
    for setting in ["KAMI_LOG_URL", "KAMI_VAULT_URL", "KAMI_VIEWS_URL"] {
        command.env_remove(setting);
    }
    command.output().unwrap()
}

/// What a command says as JSON.
fn told(arguments: &[&str]) -> Value {
    let output = kami(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_seed_gives_the_same_log_in_postgresql_as_in_a_file_and_it_moves_there_and_back() {
    let (database, dir) = (Database::new().await, tempfile::tempdir().unwrap());
    let (world, file, back) = (dir.path().join("world"), dir.path().join("file"), dir.path().join("back"));
    let demo = ["demo", "--days", "2", "--seed", "11", "--exit", "--json"];
    let in_file = told(&[&demo[..], &["--data", text(&file)]].concat());
    let in_postgres = told(&[&demo[..], &["--data", text(&world), "--log", database.url()]].concat());
    assert_eq!(in_postgres["log_hash"], in_file["log_hash"]);
    assert_eq!(in_postgres["violations"], serde_json::json!([]));
    assert!(!world.join("log.db").exists() && file.join("log.db").exists());

    // The checker and the readers find it there.
    let place = ["--data", text(&world), "--log", database.url()];
    let report = told(&[&place[..], &["verify", "--json"]].concat());
    assert_eq!(report["merchants"][0]["head_hash"], in_file["log_hash"]);
    let shown = told(&[&place[..], &["events", "show", "5", "--json"]].concat());
    assert_eq!(shown["position"], 5);

    // From PostgreSQL to a file beside the same vault, and from a file to PostgreSQL.
    let moved = told(&["migrate-log", "--from", database.url(), "--to", text(&back), "--json"]);
    assert_eq!(moved["merchants"][0]["head_hash"], in_file["log_hash"]);
    for kept in ["vault.db", "kek"] {
        std::fs::copy(world.join(kept), back.join(kept)).unwrap();
    }
    assert!(kami(&["--data", text(&back), "verify"]).status.success());
    let other = Database::new().await;
    told(&["migrate-log", "--from", text(&file), "--to", other.url(), "--json"]);
    let again = told(&["migrate-log", "--from", text(&file), "--to", other.url(), "--json"]);
    assert_eq!(again["merchants"][0]["found"], in_file["events"]);
    let place = ["--data", text(&world), "--log", other.url()];
    assert!(kami(&[&place[..], &["verify"]].concat()).status.success());
}

#[tokio::test]
async fn the_checker_finds_what_was_changed_in_postgresql() {
    let (database, dir) = (Database::new().await, tempfile::tempdir().unwrap());
    told(&["--data", text(dir.path()), "--log", database.url(), "demo", "--days", "1", "--exit", "--json"]);
    for (change, invariant) in [
        ("UPDATE kami_log.event SET payload = payload || ' ' WHERE position = 5", "I3"),
        ("DELETE FROM kami_log.event WHERE position = 9", "I1"),
        ("DELETE FROM kami_log.number WHERE number = (SELECT min(number) FROM kami_log.number)", "I7"),
        ("UPDATE kami_log.merchant SET position = position + 1", "I1"),
        ("UPDATE kami_log.event SET schema_version = -1 WHERE position = 12", "I2"),
    ] {
        let copy = database.copy().await;
        copy.run(change).await;
        let output = kami(&["--data", text(dir.path()), "--log", copy.url(), "verify", "--json"]);
        assert!(!output.status.success(), "{change}: nothing was found");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = report["violations"].as_array().unwrap().iter();
        let found: Vec<_> = found.filter_map(|violation| violation["invariant"].as_str()).collect();
        assert!(found.contains(&invariant), "{change}: {found:?}");
    }
}

#[tokio::test]
async fn a_vault_with_keys_is_not_served_with_an_empty_log() {
    let (database, dir) = (Database::new().await, tempfile::tempdir().unwrap());
    let data = text(dir.path());
    told(&["--data", data, "demo", "--days", "1", "--exit", "--json"]);
    let serve = ["--data", data, "--log", database.url(), "serve", "--listen", "127.0.0.1:0"];
    let refused = kami(&serve);
    assert!(!refused.status.success());
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("holds a log.db"), "{why}");

    std::fs::rename(dir.path().join("log.db"), dir.path().join("log.db.moved")).unwrap();
    let settings = dir.path().join("kami.toml");
    std::fs::write(&settings, "merchant = \"demo\"\n").unwrap();
    let refused = kami(&[&["--config", text(&settings)], &serve[..]].concat());
    assert!(!refused.status.success());
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("the vault holds its keys"), "{why}");
}

#[tokio::test]
async fn a_world_with_log_and_vault_in_one_database_is_checked_and_moves_to_files_and_back() {
    let (database, dir) = (Database::new().await, tempfile::tempdir().unwrap());
    let (world, file) = (dir.path().join("world"), dir.path().join("file"));
    let place = ["--data", text(&world), "--log", database.url(), "--vault", "log"];
    let demo = ["demo", "--days", "1", "--seed", "5", "--exit", "--json"];
    let told_there = told(&[&place[..], &demo[..]].concat());
    assert_eq!(told_there["violations"], serde_json::json!([]));
    assert!(!world.join("vault.db").exists() && !world.join("log.db").exists());
    assert_eq!(told_there["log_hash"], told(&[&["--data", text(&file)], &demo[..]].concat())["log_hash"]);

    // The checker looks into it: a key that the log knows is missed.
    let verify = [&place[..], &["verify", "--json"]].concat();
    assert_eq!(told(&verify)["ok"], true);
    let copy = database.copy().await;
    copy.run("DELETE FROM kami_vault.card_key WHERE place = 3").await;
    let place_of_copy = ["--data", text(&world), "--log", copy.url(), "--vault", "log"];
    let output = kami(&[&place_of_copy[..], &["verify", "--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["violations"][0]["invariant"], "vault", "{report}");

    let (there, back) = (database.url(), text(&world));
    let migrate = |from, to| told(&["--data", back, "migrate-vault", "--from", from, "--to", to, "--json"]);
    let moved = migrate(there, back);
    assert_eq!(moved["found"], false);
    assert_eq!(migrate(there, back)["rows"], moved["rows"]);
    assert_eq!(migrate(back, there)["found"], true);
    // Two vaults in one directory's settings are one too many.
    let refused = kami(&[&place[..], &["find", "A-1"]].concat());
    let served = kami(&[&place[..], &["serve", "--listen", "127.0.0.1:0"]].concat());
    assert!(!served.status.success() && String::from_utf8_lossy(&served.stderr).contains("migrate-vault"));
    assert!(!refused.status.success());
    let from_files = ["--data", back, "--log", database.url(), "verify", "--json"];
    assert_eq!(told(&from_files)["ok"], true);
}

/// The read models of the demo's small world.
fn projections() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(projection_journeys::Journeys),
        Arc::new(projection_quotas::Quotas),
        Arc::new(projection_insight::Insight),
        Arc::new(projection_sales::Sales),
        Arc::new(projection_people::People),
        Arc::new(projection_timeline::Timeline),
        Arc::new(projection_orders::Orders),
        Arc::new(projection_marts::Marts),
    ]
}

#[tokio::test]
async fn every_table_and_view_of_the_demo_shows_the_same_cells_in_postgresql() {
    let (database, dir) = (Database::new().await, tempfile::tempdir().unwrap());
    told(&["--data", text(dir.path()), "demo", "--days", "3", "--exit", "--json"]);
    let (path, merchant) = (dir.path().join("views.db"), "demo".parse().unwrap());
    let mut mirror = Mirror::open(database.url(), &path, projections(), &merchant).await.unwrap();
    assert!(mirror.ship().await.unwrap().rows > 1_000);
    let views = projection::Views::open(&path, projections()).await.unwrap();
    for projection in projections() {
        let (here, there) = (views.digest(projection.name(), &merchant), mirror.digest(projection.name()));
        assert_eq!(here.await.unwrap(), there.await.unwrap(), "{}", projection.name());
    }
    let compared = views_postgres::testkit::compare(&path, database.url(), &projections()).await.unwrap();
    assert_eq!(compared.differences, Vec::<String>::new());
    assert!(compared.cells > 20_000, "{} cells are no comparison", compared.cells);
}
