//! Events on NATS, and a worker that keeps read models from them alone. The server, the node and the worker are
//! processes that can be killed.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;
use testkit::nats::NatsServer;

use crate::kami::{Kami, binary, paid, run};

fn server() -> NatsServer {
    NatsServer::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

fn publishing(data: &Path, url: &str) -> Kami {
    Kami::start_with(data, "127.0.0.1:0".parse().unwrap(), &[("KAMI_NATS_URL", url)])
}

async fn sell(kami: &Kami, orders: std::ops::Range<usize>) {
    for n in orders {
        let body = paid(&format!("A-{n}"), 1, 2888).to_string();
        let (status, _) = kami.send("generic/own", &format!("m-{n}"), &body).await.unwrap();
        assert_eq!(status, 200);
    }
}

/// Runs a worker until its read models contain a position.
fn work(url: &str, data: &Path, until: u64, more: &[&str]) -> Value {
    let until = until.to_string();
    let arguments = [
        "worker",
        "projections",
        "--nats",
        url,
        "--data",
        data.to_str().unwrap(),
        "--until",
        &until,
        "--json",
    ];
    let output = run(&[&arguments[..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Starts a worker without an end, and kills it as soon as it follows.
fn work_and_be_killed(url: &str, data: &Path) {
    let mut child = binary()
        .args(["worker", "projections", "--nats", url, "--data", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(first.starts_with("Events of main on 127.0.0.1:"), "{first}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A figure of the node, once it is what is wanted.
async fn figure_is(kami: &Kami, line: &str) {
    for _ in 0..100_000 {
        let answer = kami.client.get(kami.url("/metrics")).send().await.unwrap();
        if answer.text().await.unwrap().lines().any(|found| found == line) {
            return;
        }
    }
    panic!("the figures never said {line}");
}

fn holds(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        fs::read(path).unwrap().windows(text.len()).any(|found| found == text)
    })
}

#[tokio::test]
async fn a_worker_keeps_the_same_read_models_from_nats_alone_through_kills_of_everybody() {
    let mut server = server();
    let (dir, apart) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let kami = publishing(dir.path(), &server.url());
    kami.set_up(&["generic/own"], 60).await;
    sell(&kami, 0..15).await;
    work_and_be_killed(&server.url(), apart.path());
    let early = kami.position().await;
    assert_eq!(work(&server.url(), apart.path(), early, &[])["head_pos"].as_u64(), Some(early));

    // The bus is away: selling goes on.
    server.kill();
    sell(&kami, 15..30).await;
    server.restart().unwrap();
    sell(&kami, 30..40).await;
    let mut kami = kami;
    kami.kill();
    drop(kami);

    // A new node begins while the bus is away, which then comes back empty.
    server.kill();
    server.erase().unwrap();
    let kami = publishing(dir.path(), &server.url());
    sell(&kami, 40..45).await;
    server.restart().unwrap();
    sell(&kami, 45..50).await;
    let head = kami.position().await;
    let database = testkit_postgres::Database::new().await;
    let worker = work(&server.url(), apart.path(), head, &["--views", database.url()]);
    assert_eq!(worker["digests_in_postgres"], worker["digests"]);
    figure_is(&kami, &format!("kami_nats_position {head}")).await;
    figure_is(&kami, "kami_nats_lag_events 0").await;
    figure_is(&kami, "kami_nats_ok 1").await;
    assert!(kami.stop());

    let output = run(&["rebuild", "--data", dir.path().to_str().unwrap(), "--json"]);
    let mut node: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Messages are not on the bus.
    assert!(node["digests"].as_object_mut().unwrap().remove("inbox").is_some());
    assert_eq!(worker["digests"], node["digests"]);
    assert!(worker["digests"].as_object().is_some_and(|all| all.len() >= 4));

    // No key ever was on the bus; what was there can be found.
    server.kill();
    assert!(holds(&server.store(), b"OrderDelivered"));
    assert!(!holds(&server.store(), b"KEY-0"));
}

#[tokio::test]
async fn a_node_whose_stream_is_of_another_log_sells_on_and_says_so() {
    let server = server();
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (dir, ok) in dirs.iter().zip(["kami_nats_ok 1", "kami_nats_ok 0"]) {
        let kami = publishing(dir.path(), &server.url());
        kami.set_up(&["generic/own"], 3).await;
        sell(&kami, 0..1).await;
        if ok.ends_with('1') {
            figure_is(&kami, &format!("kami_nats_position {}", kami.position().await)).await;
        }
        figure_is(&kami, ok).await;
        sell(&kami, 1..2).await;
        assert!(kami.stop());
    }
}

fn refused(output: &Output, part: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(part), "{part} is missing in: {text}");
}

#[test]
fn a_worker_without_a_server_or_with_a_bad_address_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    refused(&run(&["worker", "projections", "--data", data]), "name the NATS server");
    let bad = ["worker", "projections", "--data", data, "--nats", "http://kami:s3cret@bus"];
    let output = run(&bad);
    refused(&output, "is not an address such as nats://");
    let missing = binary()
        .args(["worker", "projections", "--data", data, "--nats", "nats://127.0.0.1:1"])
        .env("KAMI_NATS_CREDENTIALS_FILE", dir.path().join("none.creds"))
        .output()
        .unwrap();
    refused(&missing, "NATS credentials cannot be read");
}
