//! The tools for whoever connects or writes a channel: explain, record and replay, vectors, a new adapter.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::kami::{Kami, SECRET, paid, run};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn fixture(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../channel-adapters");
    root.join(path).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_an_account_received_is_explained_recorded_and_judged_again() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(&dir.path().join("data"));
    kami.set_up(&["generic/own"], 3).await;
    kami.send("generic/own", "msg-1", &paid("A-1", 1, 2888).to_string()).await.unwrap();
    let forged = kami.client.post(kami.url("/v1/in/generic/own")).body("{}").send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 401);

    let (data, server) = (kami.data.to_str().unwrap().to_owned(), kami.url(""));
    let of_server = ["--data", &data, "--server", &server];
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (settings, calls) = (file("settings.json"), file("calls.json"));
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    fs::write(&settings, json!({ "secrets": [secret], "return_keys": true }).to_string()).unwrap();
    let test = ["channel", "test", "generic"];
    let record = [&test[..], &["--account", "generic/own", "--record", &calls], &of_server].concat();
    let recorded = run(&record);
    assert!(recorded.status.success(), "{}", text(&recorded));
    assert!(!run(&record).status.success(), "a recording is not written over");
    assert_eq!(fs::metadata(&calls).unwrap().permissions().mode() & 0o777, 0o600);
    let mut recording: Value = serde_json::from_str(&fs::read_to_string(&calls).unwrap()).unwrap();
    assert!(!recording.to_string().contains("KEY-0"), "answers are not recorded");

    let replay = [&test[..], &["--settings", &settings, "--replay", &calls]].concat();
    let replayed = run(&replay);
    assert!(replayed.status.success(), "{}", text(&replayed));
    assert!(text(&replayed).contains("2 passed, 0 failed, 0 skipped"), "{}", text(&replayed));

    // The first that came is the order. Its request can be pasted, and judged long after.
    let one = file("one.json");
    fs::write(&one, recording["requests"][0].to_string()).unwrap();
    let explain = ["channel", "explain", &one, "--account", "generic/own"];
    let told = run(&[&explain[..], &of_server].concat());
    assert!(told.status.success(), "{}", text(&told));
    assert!(text(&told).contains("signature  passed") && text(&told).contains("\"A-1\""), "{}", text(&told));
    let late = run(&[&explain[..], &["--at", "2020-01-01T00:00:00Z"], &of_server].concat());
    assert!(text(&late).contains("time       failed  stale_timestamp"), "{}", text(&late));

    let request = &mut recording["requests"][0]["request"];
    request["body"] = request["body"].as_str().unwrap().replace("A-1", "A-2").into();
    fs::write(&calls, recording.to_string()).unwrap();
    let replayed = run(&replay);
    assert_eq!(replayed.status.code(), Some(1), "{}", text(&replayed));
    assert!(text(&replayed).contains("was accepted, is signature:bad_signature"), "{}", text(&replayed));
}

#[test]
fn vectors_are_judged_by_the_protocols_adapter() {
    let vectors = fixture("epay/fixtures/epay.json");
    let good = run(&["channel", "test", "epay-v1", "--vectors", &vectors]);
    assert!(good.status.success(), "{}", text(&good));
    assert!(text(&good).contains("11 passed, 0 failed, 4 skipped"), "{}", text(&good));
    let named = ["--vectors", &vectors, "--scheme", "epay-v2-notify"];
    let other = run(&[&["channel", "test", "epay-v1"], &named[..]].concat());
    assert_eq!(other.status.code(), Some(1), "another protocol's vectors: {}", text(&other));

    let dir = tempfile::tempdir().unwrap();
    let changed = dir.path().join("changed.json");
    let text_of = fs::read_to_string(&vectors).unwrap();
    fs::write(&changed, text_of.replace("out_trade_no=CK2026", "out_trade_no=CK2027")).unwrap();
    let bad = run(&["channel", "test", "epay-v1", "--vectors", changed.to_str().unwrap(), "--json"]);
    assert_eq!(bad.status.code(), Some(1), "{}", text(&bad));
    let verdicts: Vec<Value> = serde_json::from_slice(&bad.stdout).unwrap();
    assert!(verdicts.iter().any(|one| one["verdict"] == "failed"), "{verdicts:?}");
}

/// Stands in the workspace, where the vectors lie with the adapters.
#[test]
fn every_vector_that_lies_with_the_adapters_passes_without_settings() {
    let listed = run(&["channel", "list", "--json"]);
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let codes: Vec<&str> = listed.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.len() > 25, "{codes:?}");
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut passed = 0;
    // Of epay both versions at once.
    for code in codes.into_iter().chain(["epay"]) {
        let mut kami = std::process::Command::new(env!("CARGO_BIN_EXE_kami"));
        let judged = kami.args(["channel", "test", code, "--json"]).current_dir(&workspace).output().unwrap();
        let verdicts: Vec<Value> = serde_json::from_slice(&judged.stdout).unwrap_or_default();
        let others: Vec<&Value> = verdicts.iter().filter(|one| one["verdict"] != "passed").collect();
        assert!(judged.status.success() && others.is_empty(), "{code}: {others:?} {}", text(&judged));
        passed += verdicts.len();
    }
    assert!(passed > 240, "{passed}");
}

#[test]
fn vectors_that_nobody_can_judge_and_protocols_that_are_not_there_fail() {
    let vectors = fixture("epay/fixtures/epay.json");
    let none = run(&["channel", "test", "generic", "--vectors", &vectors]);
    assert!(!none.status.success() && text(&none).contains("it is for epay-v1"), "{}", text(&none));
    let strange = fixture("dujiao-next/fixtures/supply.json");
    let skipped = run(&["channel", "test", "dujiao-next", "--vectors", &strange]);
    assert!(skipped.status.success(), "{}", text(&skipped));
    for told in ["4 passed, 0 failed, 8 skipped", "no protocol of this build speaks it"] {
        assert!(text(&skipped).contains(told), "{}", text(&skipped));
    }
    let unknown = run(&["channel", "test", "acme", "--vectors", &vectors]);
    assert!(
        !unknown.status.success() && text(&unknown).contains("acme is no protocol"),
        "{}",
        text(&unknown)
    );
}

#[test]
fn a_new_adapter_is_written_with_the_two_lines_that_join_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("channel-adapters")).unwrap();
    let new = ["channel", "new", "acme-shop", "--dir", dir.path().to_str().unwrap()];
    let made = run(&new);
    assert!(made.status.success(), "{}", text(&made));
    for line in [
        "channel-acme-shop = { path = \"../../channel-adapters/acme-shop\" }",
        "channel_acme_shop::PROTOCOL,",
    ] {
        assert!(text(&made).contains(line), "{}", text(&made));
    }
    assert!(dir.path().join("channel-adapters/acme-shop/src/lib.rs").is_file());
    assert!(!run(&new).status.success(), "it is there already");
}
