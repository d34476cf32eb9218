//! Which crate may depend on which. A new arrow needs a line here, and a reason in its commit.

use std::fs;

use toml::{Table, Value};

use crate::root;

/// What each crate of ours may use of ours. Projections and adapters are families: see [`allowed`].
const ARROWS: &[(&str, &[&str])] = &[
    ("vocabulary", &[]),
    ("events", &["vocabulary"]),
    ("domain", &["events", "vocabulary"]),
    ("channel", &["vocabulary"]),
    ("vault", &["vocabulary"]),
    ("event-log", &["events", "vocabulary"]),
    ("event-log-sqlite", &["event-log", "events", "vocabulary"]),
    ("event-relay", &["event-log", "events", "vocabulary"]),
    ("event-log-postgres", &["event-log", "events", "vocabulary"]),
    ("cluster", &["vocabulary"]),
    ("event-log-kurrentdb", &["event-log", "event-log-sqlite", "events", "vocabulary"]),
    ("projection", &["event-log", "events", "vocabulary"]),
    ("views-postgres", &["projection", "vocabulary"]),
    ("analyst", &["event-log", "events", "projection", "vocabulary"]),
    ("engine", &["channel", "domain", "event-log", "events", "vault", "vocabulary"]),
    ("verify", &["events", "vocabulary"]),
    ("partners", &["events", "vocabulary"]),
    ("models", &[]),
    ("persons", &["events", "vocabulary"]),
    ("console", &[]),
    (
        "http-api",
        &[
            "analyst",
            "channel",
            "domain",
            "engine",
            "event-log",
            "events",
            "partners",
            "projection",
            "projection-insight",
            "projection-orders",
            "projection-people",
            "projection-quotas",
            "projection-timeline",
            "vault",
            "vocabulary",
        ],
    ),
];

/// Crates for tests. They may use what they like; nobody may use them but in tests, and the binary for its demo.
const FOR_TESTS: &[&str] =
    &["channel-conformance", "channel-world", "testkit", "testkit-kurrentdb", "testkit-postgres"];

/// Libraries that only some crates may name, because everybody else must not know what they are for.
const ONLY: &[(&str, &[&str])] = &[
    ("cqrs-es", &["engine"]),
    (
        "sqlx",
        &[
            "event-log-*",
            "vault",
            "partners",
            "projection",
            "projection-*",
            "views-postgres",
            "verify",
            "analyst",
            "http-api",
        ],
    ),
    ("rusqlite", &["analyst"]),
    ("parquet", &["analyst", "kami"]),
    ("axum", &["http-api", "console", "kami"]),
    ("hyper", &["http-api"]),
    ("reqwest", &["kami"]),
    ("clap", &["kami"]),
    ("config", &["kami"]),
    ("async-nats", &["cluster", "event-relay"]),
    ("eventstore", &["event-log-kurrentdb", "verify"]),
    (
        "tokio",
        &[
            "event-log",
            "event-log-*",
            "event-relay",
            "cluster",
            "partners",
            "vault",
            "projection",
            "analyst",
            "engine",
            "http-api",
            "kami",
        ],
    ),
    ("rand", &["engine", "kami"]),
];

struct Crate {
    name: String,
    /// What it is built with, optional libraries left out.
    uses: Vec<String>,
    /// What only its tests are built with.
    tests_use: Vec<String>,
}

/// Every crate of the workspace.
fn crates() -> Vec<Crate> {
    let workspace: Table = toml::from_str(&crate::read("Cargo.toml")).unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let mut found = Vec::new();
    for member in members.iter().filter_map(Value::as_str) {
        match member.strip_suffix("/*") {
            None => found.push(manifest(member)),
            Some(folder) => {
                for entry in fs::read_dir(root().join(folder)).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    found.push(manifest(&format!("{folder}/{name}")));
                }
            }
        }
    }
    found
}

fn manifest(folder: &str) -> Crate {
    let manifest: Table = toml::from_str(&crate::read(&format!("{folder}/Cargo.toml"))).unwrap();
    let names = |section: &str| -> Vec<String> {
        let table = manifest.get(section).and_then(Value::as_table).cloned().unwrap_or_default();
        let is_optional = |value: &Value| value.get("optional").and_then(Value::as_bool).unwrap_or(false);
        table.into_iter().filter(|(_, value)| !is_optional(value)).map(|(name, _)| name).collect()
    };
    Crate {
        name: manifest["package"]["name"].as_str().unwrap().to_owned(),
        uses: names("dependencies"),
        tests_use: names("dev-dependencies"),
    }
}

/// What a crate may use of ours; nothing is said about the binary, which joins everything.
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    match ARROWS.iter().find(|(known, _)| *known == name) {
        Some((_, allowed)) => Some(allowed),
        None if name == "kami" || FOR_TESTS.contains(&name) => None,
        None if name.starts_with("projection-") => {
            Some(&["events", "models", "persons", "projection", "vocabulary"])
        }
        None if name.starts_with("channel-") => Some(&["channel", "vocabulary"]),
        None => panic!("{name} is new: say in ARROWS what it may depend on"),
    }
}

#[test]
fn arrows_between_crates_run_one_way() {
    let all = crates();
    let ours: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
    for it in &all {
        let Some(allowed) = allowed(&it.name) else { continue };
        let new: Vec<_> = it
            .uses
            .iter()
            .filter(|used| ours.contains(&used.as_str()) && !allowed.contains(&used.as_str()))
            .collect();
        assert!(new.is_empty(), "{} must not depend on {new:?}", it.name);
    }
}

#[test]
fn crates_for_tests_are_used_in_tests_and_the_demo_alone_and_nobody_uses_the_binary() {
    for it in crates() {
        let for_the_demo = |used: &str| it.name == "kami" && used == "testkit";
        let may_not = |used: &&String| FOR_TESTS.contains(&used.as_str()) && !for_the_demo(used);
        let wrong: Vec<_> = it.uses.iter().filter(may_not).collect();
        assert!(wrong.is_empty() || FOR_TESTS.contains(&it.name.as_str()), "{} uses {wrong:?}", it.name);
        assert!(!it.uses.iter().chain(&it.tests_use).any(|used| used == "kami"), "{} uses kami", it.name);
    }
}

#[test]
fn the_tests_of_an_adapter_see_no_more_than_the_adapter() {
    let ours = ["domain", "engine", "events", "event-log", "http-api", "projection", "vault"];
    let is_adapter = |it: &&Crate| it.name.starts_with("channel-") && !FOR_TESTS.contains(&it.name.as_str());
    for it in crates().iter().filter(is_adapter) {
        let wrong: Vec<_> = it.tests_use.iter().filter(|used| ours.contains(&used.as_str())).collect();
        assert!(wrong.is_empty(), "the tests of {} use {wrong:?}", it.name);
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    for it in crates().iter().filter(|it| !FOR_TESTS.contains(&it.name.as_str())) {
        for (library, crates) in ONLY {
            let may = crates.iter().any(|known| match known.strip_suffix('*') {
                Some(family) => it.name.starts_with(family),
                None => *known == it.name,
            });
            assert!(
                may || !it.uses.iter().any(|used| used == library),
                "{} must not know {library}",
                it.name
            );
        }
    }
}

#[test]
fn no_crate_has_a_name_that_says_nothing() {
    for it in crates() {
        let says_nothing = ["common", "utils", "util", "core", "types", "helpers", "shared"];
        assert!(!says_nothing.contains(&it.name.as_str()), "{}", it.name);
    }
}
