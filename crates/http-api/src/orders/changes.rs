//! What is different between two states of an order, field by field.

use serde::Serialize;
use serde_json::Value;

/// A field that changed.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Change {
    /// Where, as a JSON pointer.
    pub(crate) path: String,
    /// What it was; null where there was nothing.
    pub(crate) from: Value,
    /// What it is; null where there is nothing.
    pub(crate) to: Value,
}

/// The changes from one value to another.
pub(crate) fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let mut all = Vec::new();
    compare(&mut all, String::new(), from, to);
    all
}

fn compare(all: &mut Vec<Change>, path: String, from: &Value, to: &Value) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let step = name.replace('~', "~0").replace('/', "~1");
                let side =
                    |side: &serde_json::Map<String, Value>| side.get(name).cloned().unwrap_or_default();
                compare(all, format!("{path}/{step}"), &side(old), &side(new));
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (n, (old, new)) in old.iter().zip(new).enumerate() {
                compare(all, format!("{path}/{n}"), old, new);
            }
        }
        _ if from == to => {}
        _ => all.push(Change { path, from: from.clone(), to: to.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_name_the_deepest_field_that_differs() {
        let from = json!({ "a": 1, "b": { "c": [1, 2], "d/e": "x" }, "gone": true });
        let to = json!({ "a": 1, "b": { "c": [1, 3], "d/e": "y" }, "new": [] });
        let change = |path: &str, from: Value, to: Value| Change { path: path.into(), from, to };
        assert_eq!(
            changes(&from, &to),
            [
                change("/b/c/1", json!(2), json!(3)),
                change("/b/d~1e", json!("x"), json!("y")),
                change("/gone", json!(true), Value::Null),
                change("/new", Value::Null, json!([])),
            ]
        );
        assert_eq!(changes(&to, &to), []);
    }
}
