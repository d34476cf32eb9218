//! PostgreSQL with the settings that are shipped, and with others.

use serde_json::Value;
use testkit_postgres::Server;

use crate::{program, read};

/// The settings of `kami.conf`, in order.
fn shipped() -> Vec<(String, String)> {
    let text = read("postgres/kami.conf");
    let lines =
        text.lines().map(|line| line.split('#').next().unwrap().trim()).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
            (name.trim().to_owned(), value.trim().to_owned())
        })
        .collect()
}

/// What `kami doctor` finds with the log in a database.
fn doctor(url: &str) -> Value {
    let data = tempfile::tempdir().unwrap();
    let output = program::kami()
        .args(["doctor", "--json", "--data", data.path().to_str().unwrap(), "--log", url])
        .env("KAMI_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// What is said of PostgreSQL, with its level.
fn of_postgres(told: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = told["findings"].as_array().unwrap().iter().filter(|found| found["what"] == "PostgreSQL");
    found.map(|found| (text(&found["level"]), text(&found["detail"]))).collect()
}

#[tokio::test]
async fn a_server_with_the_shipped_settings_starts_and_the_doctor_has_nothing_to_say() {
    let settings = shipped();
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = Server::start(&settings);
    let database = server.database().await;
    // The schema is made by the first start; the doctor makes nothing.
    let demo = tempfile::tempdir().unwrap();
    let place = ["--data", demo.path().to_str().unwrap(), "--log", database.url()];
    program::printed(&[&["demo", "--days", "1", "--exit", "--json"], &place[..]].concat());
    let told = doctor(database.url());
    let found = of_postgres(&told);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "ok", "{found:?}");
    let clocks = told["findings"].as_array().unwrap().iter().filter(|found| found["what"] == "clock");
    assert!(clocks.clone().count() == 2 && clocks.clone().all(|found| found["level"] == "ok"), "{told}");
    // A log without the vault that it belongs to is no installation.
    let log = told["findings"].as_array().unwrap().iter().find(|found| found["what"] == "log").unwrap();
    assert!(log["detail"].as_str().unwrap().contains("no vault.db"), "{log}");
}

#[tokio::test]
async fn the_doctor_names_every_setting_that_could_lose_data() {
    let unsafe_ones = [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("data_sync_retry", "on"),
    ];
    for (name, _) in unsafe_ones {
        assert!(shipped().iter().any(|(shipped, _)| shipped == name), "kami.conf says nothing of {name}");
    }
    let server = Server::start(&unsafe_ones);
    let told = doctor(server.database().await.url());
    assert_eq!(told["ok"], false);
    let found = of_postgres(&told);
    for (name, value) in unsafe_ones {
        let said = format!("{name} is {value}, it must be ");
        assert!(
            found.iter().any(|(level, text)| level == "fail" && text.starts_with(&said)),
            "{name}: {found:?}"
        );
    }
    assert_eq!(found.len(), unsafe_ones.len());
}
