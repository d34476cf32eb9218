//! `kami demo`, run as people run it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// Runs a demo that ends when it is built.
fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kami"))
        .args(["demo", "--exit", "--json"])
        .args(arguments)
        .env_remove("KAMI_CONFIG")
        .output()
        .unwrap()
}

/// The one line of JSON that a demo ends with.
fn summary(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_whole_story_keeps_every_promise() {
    let output = demo(&[]);
    let found = summary(&output);
    assert_eq!(found["violations"], serde_json::json!([]));
    assert!(output.status.success());
    assert!((1_000..=2_000).contains(&found["orders"].as_u64().unwrap()), "{}", found["orders"]);
    // Somebody bought everywhere.
    for place in [
        "generic/own",
        "generic/pos",
        "generic/wechat",
        "taobao/main",
        "jd-game-card/main",
        "pinduoduo/main",
        "douyin/main",
        "xiaohongshu/main",
        "kuaishou/main",
        "xianyu-supply/main",
    ] {
        let orders = &found["orders_by_account"][place];
        assert!(orders.as_u64().unwrap_or(0) >= 30, "{place}: {orders}");
    }
    // What the story tells did happen.
    for (kind, at_least) in [
        ("ChannelSuspended", 1),
        ("ChannelResumed", 1),
        ("KeysQuarantined", 1),
        ("KeyReplaced", 3),
        ("OrderBackordered", 5),
        ("ReservationExpired", 10),
        ("OrderCancelled", 5),
        ("RefundRequested", 5),
        ("RefundRefused", 1),
        ("RefundSettled", 5),
        ("StockPushSettled", 1_000),
        ("ReadBackSettled", 300),
        ("DeliveryAttempted", 300),
        ("RefundAttempted", 10),
        ("PriceSet", 60),
        ("ChannelTermsSet", 10),
        ("QuotaSet", 6),
    ] {
        assert!(
            found["event_types"][kind].as_u64().unwrap_or(0) >= at_least,
            "{kind}: {}",
            found["event_types"]
        );
    }
    // Platforms broke off calls, answered with errors and asked for patience; it cost repeats and nothing else.
    let settled = |kind: &str| found["event_types"][kind].as_u64().unwrap_or(0);
    let once = [
        "PaymentCheckSettled",
        "ReadBackSettled",
        "StockPushSettled",
        "DeliveryAttempted",
        "RefundAttempted",
    ];
    let once = once.map(settled).iter().sum::<u64>();
    assert!(found["calls"].as_u64().unwrap() > once + 30, "{found}");
    for what in ["repeats", "forgeries", "lost"] {
        assert!(found[what].as_u64().unwrap() > 0, "{what}");
    }
}

#[test]
fn a_seed_always_gives_the_same_log_and_another_seed_another() {
    let hash = |seed: &str| {
        let output = demo(&["--days", "7", "--seed", seed]);
        assert!(output.status.success());
        summary(&output)["log_hash"].as_str().unwrap().to_owned()
    };
    let (first, again, other) = (hash("11"), hash("11"), hash("12"));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn it_only_begins_in_an_empty_directory_and_leaves_one_that_can_be_checked() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("world");
    let path = data.to_str().unwrap();
    assert!(demo(&["--days", "1", "--data", path]).status.success());
    let again = demo(&["--days", "1", "--data", path]);
    assert!(!again.status.success() && again.stdout.is_empty(), "a second time it must refuse");
    assert!(kami(&data, &["verify"]).status.success());
}

/// The summary is the last that is said before the world is served: a signal that comes then finds nothing that serves.
#[test]
fn told_to_stop_between_building_and_serving_it_stops() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kami"))
        .args(["demo", "--days", "1", "--json", "--listen", "127.0.0.1:0"])
        .env_remove("KAMI_CONFIG")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut said, mut summary) = (BufReader::new(child.stdout.take().unwrap()), String::new());
    said.read_line(&mut summary).unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "{summary}");
}

fn kami(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kami")).arg("--data").arg(data).args(arguments).output().unwrap()
}
