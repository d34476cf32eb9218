//! Signature vectors from a fixture file, with a check that every one of them is used.

use std::{cell::RefCell, collections::BTreeSet};

use channel::{Protocol, vectors};
use serde_json::Value;

/// Judges every vector of a fixture file's text by the schemes that the protocols list, as `kami channel test` does.
/// Panics with those that failed, and where a scheme is neither theirs nor one of `others`.
pub fn judge_vectors(protocols: &[Protocol], text: &str, others: &[&str]) {
    let Ok(Value::Array(list)) = serde_json::from_str::<Value>(text) else {
        panic!("the fixture is no JSON list")
    };
    let (mut judged, mut failed) = (0, Vec::new());
    for json in &list {
        let vector = vectors::Vector::new(json);
        let schemes = protocols.iter().flat_map(|of| of.schemes.iter().map(move |scheme| (of, scheme)));
        let mut known = schemes.filter(|(_, scheme)| scheme.name == vector.scheme()).peekable();
        if known.peek().is_none() && !others.contains(&vector.scheme()) {
            failed.push(format!("{}: no protocol lists its scheme {}", vector.name(), vector.scheme()));
        }
        for (protocol, scheme) in known {
            let Ok(settings) = serde_json::from_str(protocol.example_settings) else {
                panic!("the example of {} is no JSON", protocol.manifest.code)
            };
            judged += 1;
            if let Err(why) = scheme.judge(protocol, &settings, &vector) {
                failed.push(format!("{}, {}: {why}", protocol.manifest.code, vector.name()));
            }
        }
    }
    assert!(
        judged > 0 && failed.is_empty(),
        "{judged} judged, {} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// A fixture file: a list of `{name, scheme, keys, input, expected, …}`.
pub struct Vectors {
    all: Vec<Vector>,
    used: RefCell<BTreeSet<String>>,
}

/// One vector.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Its name, unique in the file.
    pub name: String,
    json: Value,
}

impl Vectors {
    /// Reads a fixture file's text; panics where it is not such a list.
    pub fn read(text: &str) -> Self {
        let Ok(Value::Array(list)) = serde_json::from_str(text) else {
            panic!("the fixture is no JSON list")
        };
        let all: Vec<Vector> = list
            .into_iter()
            .map(|json| Vector { name: json["name"].as_str().unwrap_or_default().to_owned(), json })
            .collect();
        let names: BTreeSet<&str> = all.iter().map(|vector| vector.name.as_str()).collect();
        assert!(names.len() == all.len() && !names.contains(""), "vector names are empty or repeated");
        Self { all, used: RefCell::default() }
    }

    /// The vectors of a scheme, which count as used; panics where there is none.
    pub fn scheme(&self, scheme: &str) -> Vec<&Vector> {
        let found: Vec<&Vector> = self.all.iter().filter(|vector| vector.json["scheme"] == *scheme).collect();
        assert!(!found.is_empty(), "no vector of scheme {scheme}");
        self.used.borrow_mut().extend(found.iter().map(|vector| vector.name.clone()));
        found
    }

    /// Panics with the names of the vectors that no test used.
    pub fn assert_all_used(&self) {
        let used = self.used.borrow();
        let unused: Vec<&str> =
            self.all.iter().map(|vector| vector.name.as_str()).filter(|name| !used.contains(*name)).collect();
        assert!(unused.is_empty(), "vectors without a test: {unused:?}");
    }
}

impl Vector {
    /// The value at a JSON pointer (`/input/body`), if there is one.
    pub fn value(&self, pointer: &str) -> Option<&Value> {
        self.json.pointer(pointer)
    }
    /// The text at a JSON pointer; panics where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        match self.value(pointer).and_then(Value::as_str) {
            Some(text) => text,
            None => panic!("vector {} has no text at {pointer}", self.name),
        }
    }
    /// The integer at a JSON pointer; panics where there is none.
    pub fn integer(&self, pointer: &str) -> i64 {
        match self.value(pointer).and_then(Value::as_i64) {
            Some(number) => number,
            None => panic!("vector {} has no integer at {pointer}", self.name),
        }
    }
    /// The names and texts of the object at a JSON pointer; panics where there is none.
    pub fn texts(&self, pointer: &str) -> Vec<(String, String)> {
        let Some(Value::Object(map)) = self.value(pointer) else {
            panic!("vector {} has no object at {pointer}", self.name)
        };
        map.iter()
            .filter_map(|(name, value)| value.as_str().map(|text| (name.clone(), text.to_owned())))
            .collect()
    }
    /// Whether `/expected/accept` is true; panics where it is missing.
    pub fn accepted(&self) -> bool {
        match self.value("/expected/accept").and_then(Value::as_bool) {
            Some(accept) => accept,
            None => panic!("vector {} does not say whether it is accepted", self.name),
        }
    }
}
