//! Kami on KurrentDB, run as people run it. The log is the same as in a file, and moves there and back. On a stub of the
//! server, unless `KAMI_TEST_KURRENTDB` names one.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "running/kami.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod running;

use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Output},
};

use running::{Kami, paid};
use serde_json::{Value, json};
use testkit_kurrentdb::{Fault, Place, Server};
use testkit_postgres::Database;

async fn kami(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kami"));
    command.args(arguments).env_remove("KAMI_CONFIG").env_remove("KAMI_LOG_URL");
    // The stub answers from this process.
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What a command says as JSON.
async fn told(arguments: &[&str]) -> Value {
    let output = kami(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_gives_the_same_log_in_kurrentdb_as_in_a_file_and_it_moves_there_and_back() {
    let (place, dir) = (Place::new().await, tempfile::tempdir().unwrap());
    let (world, file, back) = (dir.path().join("world"), dir.path().join("file"), dir.path().join("back"));
    let demo = ["demo", "--days", "2", "--seed", "11", "--exit", "--json"];
    let in_file = told(&[&demo[..], &["--data", text(&file)]].concat()).await;
    let in_kurrent = told(&[&demo[..], &["--data", text(&world), "--log", place.url()]].concat()).await;
    assert_eq!(in_kurrent["log_hash"], in_file["log_hash"]);
    assert_eq!(in_kurrent["violations"], json!([]));
    assert!(!world.join("log.db").exists() && file.join("log.db").exists());

    // The checker and the readers find it there, with the index and without.
    let at = ["--data", text(&world), "--log", place.url()];
    let report = told(&[&at[..], &["verify", "--json"]].concat()).await;
    assert_eq!(report["merchants"][0]["head_hash"], in_file["log_hash"]);
    let shown = told(&[&at[..], &["events", "show", "5", "--json"]].concat()).await;
    assert_eq!(shown["position"], 5);
    std::fs::remove_dir_all(world.join("kurrentdb-index")).unwrap();
    assert_eq!(told(&[&at[..], &["events", "show", "5", "--json"]].concat()).await, shown);

    // From KurrentDB to a file beside the same vault, and from a file to KurrentDB.
    let moved = told(&["migrate-log", "--from", place.url(), "--to", text(&back), "--json"]).await;
    assert_eq!(moved["merchants"][0]["head_hash"], in_file["log_hash"]);
    for kept in ["vault.db", "kek"] {
        std::fs::copy(world.join(kept), back.join(kept)).unwrap();
    }
    assert!(kami(&["--data", text(&back), "verify"]).await.status.success());
    let other = Place::new().await;
    told(&["migrate-log", "--from", text(&file), "--to", other.url(), "--json"]).await;
    let again = told(&["migrate-log", "--from", text(&file), "--to", other.url(), "--json"]).await;
    assert_eq!(again["merchants"][0]["found"], in_file["events"]);
    let at = ["--data", text(&world), "--log", other.url()];
    assert!(kami(&[&at[..], &["verify"]].concat()).await.status.success());
}

/// Each table of a log in PostgreSQL, every row and byte of it, and how many rows there are. Of the head only what a copy
/// keeps: the epoch may rise.
async fn rows(database: &Database) -> Vec<(String, i64)> {
    let mut connection = database.connect().await;
    let mut all = Vec::new();
    for question in [
        "SELECT coalesce(md5(string_agg(t::text, E'\\n' ORDER BY position)), ''), count(*) FROM kami_log.event t",
        "SELECT coalesce(md5(string_agg(t::text, E'\\n' ORDER BY message)), ''), count(*) FROM kami_log.inbox t",
        "SELECT coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), ''), count(*) FROM kami_log.number t",
        "SELECT md5(string_agg((merchant, position, hash, recorded_at)::text, E'\\n')), count(*) FROM kami_log.merchant",
    ] {
        all.push(sqlx::query_as::<_, (String, i64)>(question).fetch_one(&mut connection).await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_moves_from_postgresql_to_kurrentdb_and_back_is_the_same_to_the_last_byte() {
    let (first, middle, last) = (Database::new().await, Place::new().await, Database::new().await);
    let dir = tempfile::tempdir().unwrap();
    let (data, demo) = (text(dir.path()), ["demo", "--days", "2", "--seed", "12", "--exit", "--json"]);
    let built = told(&[&["--data", data, "--log", first.url()], &demo[..]].concat()).await;
    let there = told(&["migrate-log", "--from", first.url(), "--to", middle.url(), "--json"]).await;
    let back = told(&["migrate-log", "--from", middle.url(), "--to", last.url(), "--json"]).await;
    for moved in [&there, &back] {
        let moved = &moved["merchants"][0];
        assert_eq!((&moved["head_hash"], &moved["events"]), (&built["log_hash"], &built["events"]));
        assert_eq!(moved["found"], 0);
    }
    assert_eq!(there["merchants"], back["merchants"], "messages and numbers as well");
    let (before, after) = (rows(&first).await, rows(&last).await);
    assert_eq!(before, after);
    assert!(before.iter().all(|(_, count)| *count > 0), "every table holds something: {before:?}");
    let report = told(&["--data", data, "--log", last.url(), "verify", "--json"]).await;
    assert_eq!(
        (&report["violations"], &report["merchants"][0]["head_hash"]),
        (&json!([]), &built["log_hash"])
    );
    // And the comparison would see a difference.
    last.run("UPDATE kami_log.inbox SET reason = reason || '.' WHERE message = (SELECT max(message) FROM kami_log.inbox)")
        .await;
    assert_ne!(rows(&last).await, before);
}

/// What somebody with access to the server could do to the records of a stream.
type Change = (&'static str, fn(&Server, &str), &'static str);

const CHANGES: [Change; 4] = [
    (
        "another text of a fact",
        |server, stream| alter(server, stream, "PriceSet", |text| text.replacen('{', "{ ", 1)),
        "I3",
    ),
    ("fewer records at the end", |server, stream| server.lose(stream, server.len(stream) - 1), "I17"),
    (
        "a step of another epoch",
        |server, stream| {
            alter(server, stream, "KamiStep", |text| text.replacen("\"epoch\":1", "\"epoch\":9", 1));
        },
        "I5",
    ),
    (
        "a record that is none",
        |server, stream| alter(server, stream, "KamiMessage", |_| "{}".to_owned()),
        "store",
    ),
];

fn alter(server: &Server, stream: &str, kind: &str, change: impl Fn(String) -> String) {
    let types = server.types(stream);
    let at = types.iter().position(|it| it == kind).unwrap_or_else(|| panic!("no {kind} in {types:?}"));
    server.alter(stream, at, |data| change(String::from_utf8(data.to_vec()).unwrap()).into_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_finds_what_was_changed_in_kurrentdb() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    told(&["--data", text(dir.path()), "--log", &server.url(), "demo", "--days", "1", "--exit", "--json"])
        .await;
    for (change, make, invariant) in CHANGES {
        let copy = server.copy().await;
        make(&copy, "kami-log-demo");
        let output = kami(&["--data", text(dir.path()), "--log", &copy.url(), "verify", "--json"]).await;
        assert!(!output.status.success(), "{change}: nothing was found");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = report["violations"].as_array().unwrap().iter();
        let found: Vec<_> = found.filter_map(|violation| violation["invariant"].as_str()).collect();
        assert!(found.contains(&invariant), "{change}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_its_end_is_not_served() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let (url, data) = (server.url(), text(dir.path()));
    told(&["--data", data, "--log", &url, "demo", "--days", "1", "--exit", "--json"]).await;
    server.lose("kami-log-demo", server.len("kami-log-demo") - 1);
    let settings = dir.path().join("kami.toml");
    std::fs::write(&settings, "merchant = \"demo\"\n").unwrap();
    let serve = ["--data", data, "--log", &url, "serve", "--listen", "127.0.0.1:0"];
    let refused = kami(&[&["--config", text(&settings)], &serve[..]].concat()).await;
    assert!(!refused.status.success());
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("restored from a backup"), "{why}");
}

fn serving(data: &Path, url: &str) -> Kami {
    Kami::start_with(data, "127.0.0.1:0".parse().unwrap(), &[("KAMI_LOG_URL", url)])
}

/// What an order is answered, sent for the first time or once more.
async fn order(kami: &Kami, n: usize) -> (u16, Vec<u8>) {
    let body = paid(&format!("A-{n}"), 1, 2888).to_string();
    kami.send("generic/own", &format!("m-{n}"), &body).await.unwrap()
}

/// The line to the server breaks around appends, the process is killed, its index is lost; and each key is sold once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_are_paid_and_delivered_on_kurrentdb_through_broken_lines_and_a_kill() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let url = server.url();
    let mut kami = serving(dir.path(), &url);
    kami.set_up(&["generic/own"], 5).await;
    let faults = [
        None,
        Some(Fault::CutAfter),
        Some(Fault::CutBefore),
        Some(Fault::StoredLate),
        Some(Fault::Unavailable),
    ];
    let mut answers = Vec::new();
    for (n, fault) in faults.into_iter().enumerate() {
        if let Some(fault) = fault {
            server.next_append("kami-log-main", fault);
        }
        answers.push(order(&kami, n).await);
        assert_eq!(server.planned(), 0, "{fault:?} did not happen");
    }
    let mut sold = HashSet::new();
    for (status, body) in &answers {
        let answer: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(*status, 200, "{answer}");
        assert!(sold.insert(answer["keys"][0]["code"].as_str().unwrap().to_owned()), "a key was sold twice");
    }
    let (status, none) = order(&kami, 5).await;
    assert_eq!(status, 422, "{}", String::from_utf8_lossy(&none));

    kami.kill();
    std::fs::remove_dir_all(dir.path().join("kurrentdb-index")).unwrap();
    let kami = serving(dir.path(), &url);
    for (n, first) in answers.iter().enumerate() {
        assert_eq!(order(&kami, n).await, *first, "order {n} is answered in two ways");
    }
    assert!(kami.stop());
    let report = told(&["--data", text(dir.path()), "--log", &url, "verify", "--json"]).await;
    assert_eq!(report["violations"], json!([]));
}
