//! What is different between two states of an order, field by field.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Order;

/// A field of an order that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where in an [`OrderView`](crate::OrderView), as a JSON pointer.
    pub path: Cow<'static, str>,
    /// What it was; null where there was nothing.
    pub from: Value,
    /// What it is; null where there is nothing.
    pub to: Value,
}

/// The changes from one state of an order to a later one. `first_pos`, `last_pos` and `event_count` are left out:
/// they say no more than that there was an event, and so does `recorded_at`. Told when a history is read and not kept in
/// rows: it follows from the events, and would make a rebuild a fifth dearer.
pub fn changes(before: &Order, after: &Order) -> Result<Vec<Change>, serde_json::Error> {
    let mut all = Vec::new();
    compare_field(&mut all, "/status", &before.status(), &after.status())?;
    compare_field(&mut all, "/refund_due_fen", &before.refund_due_fen(), &after.refund_due_fen())?;
    compare_field(&mut all, "/refunded_fen", &before.refunded_fen(), &after.refunded_fen())?;
    // Taken apart, so that a new field cannot be forgotten here.
    let Order {
        order: _,
        account,
        external_no,
        buyer,
        delivery,
        lines,
        currency,
        total_fen,
        paid_fen,
        loss_fen,
        refunds,
        replaced,
        is_checking,
        is_expired,
        is_cancelled,
        is_fulfilled,
        is_held,
        is_delivery_failed,
        is_past,
        reserved_until,
        backordered_until,
        placed_at,
        recorded_at: _,
        paid_at,
        delivered_at,
        refunded_at,
        closed_at,
        first_pos: _,
        last_pos: _,
        event_count: _,
    } = after;
    macro_rules! compare_fields {
        ($( $field:ident ),* $(,)?) => {
            $( compare_field(&mut all, concat!("/", stringify!($field)), &before.$field, $field)?; )*
        };
    }
    compare_fields! {
        account, external_no, buyer, delivery, lines, currency, total_fen, paid_fen, loss_fen, refunds, replaced,
        is_checking, is_expired, is_cancelled, is_fulfilled, is_held, is_delivery_failed, is_past, reserved_until,
        backordered_until, placed_at, paid_at, delivered_at, refunded_at, closed_at,
    }
    Ok(all)
}

fn compare_field<T: PartialEq + Serialize>(
    all: &mut Vec<Change>,
    path: &'static str,
    from: &T,
    to: &T,
) -> Result<(), serde_json::Error> {
    if from != to {
        compare(all, Cow::Borrowed(path), serde_json::to_value(from)?, serde_json::to_value(to)?);
    }
    Ok(())
}

fn compare(all: &mut Vec<Change>, path: Cow<'static, str>, from: Value, to: Value) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) => compare_members(all, &path, old, new),
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (n, (old, new)) in old.into_iter().zip(new).enumerate() {
                compare(all, format!("{path}/{n}").into(), old, new);
            }
        }
        (from, to) if from == to => {}
        (from, to) => all.push(Change { path, from, to }),
    }
}

fn compare_members(
    all: &mut Vec<Change>,
    path: &str,
    mut old: Map<String, Value>,
    mut new: Map<String, Value>,
) {
    let added: Vec<String> = new.keys().filter(|name| !old.contains_key(*name)).cloned().collect();
    let names: Vec<String> = old.keys().cloned().chain(added).collect();
    for name in names {
        let step = name.replace('~', "~0").replace('/', "~1");
        let (from, to) = (old.remove(&name).unwrap_or_default(), new.remove(&name).unwrap_or_default());
        compare(all, format!("{path}/{step}").into(), from, to);
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
        let change = |path: &str, from: Value, to: Value| Change { path: path.to_owned().into(), from, to };
        let between = |from: &Value, to: &Value| {
            let mut all = Vec::new();
            compare(&mut all, "".into(), from.clone(), to.clone());
            all
        };
        assert_eq!(
            between(&from, &to),
            [
                change("/b/c/1", json!(2), json!(3)),
                change("/b/d~1e", json!("x"), json!("y")),
                change("/gone", json!(true), Value::Null),
                change("/new", Value::Null, json!([])),
            ]
        );
        assert_eq!(between(&to, &to), []);
    }
}
