//! What lies in `infra/` fits the binary: commands, settings, ports, paths and figures are those there are, and the
//! servers that can be started here are started with what is shipped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod compose;
mod doctor;
mod image;
mod kubernetes;
mod nats;
mod postgres;
mod program;
mod prometheus;
mod systemd;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn infra(path: &str) -> PathBuf {
    root().join("infra").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(infra(path)).unwrap_or_else(|error| panic!("infra/{path}: {error}"))
}

/// Every document of a YAML text.
fn yaml(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    let merged = |document| {
        let mut value = serde_yaml_ng::Value::deserialize(document).unwrap();
        value.apply_merge().unwrap();
        serde_json::to_value(value).unwrap()
    };
    documents.map(merged).collect()
}

/// Every file below `infra/` whose name ends so.
fn files(ending: &str) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![infra("")]);
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn every_yaml_file_can_be_read() {
    let found = files(".yaml");
    assert!(found.len() >= 8, "{found:?}");
    for path in found {
        let documents = yaml(&fs::read_to_string(&path).unwrap());
        assert!(documents.iter().all(Value::is_object), "{}", path.display());
    }
}
