//! A pretend event type whose shape changed twice, read through a chain of steps as a released type would be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Upcaster, Upcasters, shipped};
use crate::{
    DecodeError, Fact, FactType,
    fact::decode_with,
    order::{OrderHeld, OrderNoted},
};

/// Version 1 had `who` and `place`; version 2 renamed `who` to `courier`; version 3 split `place` in two.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct ParcelSent {
    courier: String,
    city: String,
    street: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl FactType for ParcelSent {
    const TYPE: &'static str = "ParcelSent";
    const VERSION: u16 = 3;
}

const GOLDEN_V1: &str = r#"{"who":"SF","place":"Shanghai, Nanjing Road 1"}"#;
const GOLDEN_V2: &str = r#"{"courier":"SF","place":"Shanghai, Nanjing Road 1"}"#;
const GOLDEN_V3: &str = r#"{"courier":"SF","city":"Shanghai","street":"Nanjing Road 1"}"#;

fn rename_who(mut payload: Value) -> Value {
    if let Some(fields) = payload.as_object_mut()
        && let Some(who) = fields.remove("who")
    {
        fields.insert("courier".to_owned(), who);
    }
    payload
}

fn split_place(mut payload: Value) -> Value {
    if let Some(fields) = payload.as_object_mut()
        && let Some(Value::String(place)) = fields.remove("place")
    {
        let (city, street) = place.split_once(", ").unwrap_or((&place, ""));
        fields.insert("city".to_owned(), json!(city));
        fields.insert("street".to_owned(), json!(street));
    }
    payload
}

const RENAME: Upcaster = Upcaster { type_name: "ParcelSent", from: 1, lift: rename_who };
const SPLIT: Upcaster = Upcaster { type_name: "ParcelSent", from: 2, lift: split_place };

fn steps() -> Upcasters {
    Upcasters(vec![RENAME, SPLIT])
}

fn sent() -> ParcelSent {
    ParcelSent {
        courier: "SF".to_owned(),
        city: "Shanghai".to_owned(),
        street: "Nanjing Road 1".to_owned(),
        note: None,
    }
}

/// Appends a letter to the payload, so that the payload tells which steps ran and in which order.
fn mark(letter: &'static str) -> impl Fn(Value) -> Value {
    move |payload| json!(format!("{}{letter}", payload.as_str().unwrap_or_default()))
}

#[test]
fn every_released_shape_reads_as_todays_type() {
    for (version, golden) in [(1, GOLDEN_V1), (2, GOLDEN_V2), (3, GOLDEN_V3)] {
        let read: ParcelSent = decode_with(&steps(), version, golden).unwrap();
        assert_eq!(read, sent(), "version {version}");
    }
    assert_eq!(serde_json::to_string(&sent()).unwrap(), GOLDEN_V3);
}

#[test]
fn a_renamed_and_a_split_field_are_lifted_one_step_at_a_time() {
    let value = |text| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(steps().lift("ParcelSent", 1, 2, value(GOLDEN_V1)), value(GOLDEN_V2));
    assert_eq!(steps().lift("ParcelSent", 2, 3, value(GOLDEN_V2)), value(GOLDEN_V3));
    assert_eq!(steps().lift("ParcelSent", 1, 3, value(GOLDEN_V1)), value(GOLDEN_V3));
}

#[test]
fn steps_run_in_the_order_of_versions_however_they_are_listed() {
    let step = |from, lift| Upcaster { type_name: "T", from, lift };
    let listed = Upcasters(vec![
        step(3, |p| mark("c")(p)),
        step(1, |p| mark("a")(p)),
        Upcaster { type_name: "Other", from: 2, lift: |p| mark("x")(p) },
        step(2, |p| mark("b")(p)),
    ]);
    assert_eq!(listed.lift("T", 1, 4, json!("")), json!("abc"));
    assert_eq!(listed.lift("T", 2, 4, json!("")), json!("bc"));
    assert_eq!(listed.lift("T", 1, 3, json!("")), json!("ab"));
    assert_eq!(listed.lift("T", 4, 4, json!("")), json!(""), "the newest version needs no step");
}

#[test]
fn a_version_without_a_step_changes_nothing() {
    let without_rename = Upcasters(vec![SPLIT]);
    let read: ParcelSent = decode_with(&without_rename, 1, GOLDEN_V2).unwrap();
    assert_eq!(read, sent(), "a version whose only difference was an optional field passes through");
    assert_eq!(Upcasters(Vec::new()).lift("T", 1, 9, json!({"a": 1})), json!({"a": 1}));
}

#[test]
fn a_lifted_payload_that_lacks_a_required_field_is_malformed() {
    for (version, payload) in [(1, GOLDEN_V2), (1, r#"{"who":"SF"}"#), (2, GOLDEN_V1), (1, "[]"), (1, "{")] {
        let steps = if payload == GOLDEN_V2 { Upcasters(vec![RENAME]) } else { steps() };
        let read = decode_with::<ParcelSent>(&steps, version, payload);
        assert!(
            matches!(&read, Err(DecodeError::Malformed { type_name, .. }) if type_name == "ParcelSent"),
            "{payload}: {read:?}"
        );
    }
}

#[test]
fn a_version_from_the_future_or_zero_is_refused() {
    for found in [0, 4, u16::MAX] {
        let read = decode_with::<ParcelSent>(&steps(), found, GOLDEN_V3);
        assert!(
            matches!(&read, Err(DecodeError::NewerVersion { found: f, known: 3, .. }) if *f == found),
            "{read:?}"
        );
    }
    for found in [0, 99] {
        let read = Fact::decode("OrderPlaced", found, "{}");
        assert!(
            matches!(&read, Err(DecodeError::NewerVersion { type_name, found: f, known: 1 })
                if type_name == "OrderPlaced" && *f == found),
            "{read:?}"
        );
    }
}

#[test]
fn an_unknown_type_is_refused_by_name() {
    for name in ["ParcelSent", "orderplaced", ""] {
        let read = Fact::decode(name, 1, "{}");
        assert!(matches!(&read, Err(DecodeError::UnknownType(unknown)) if unknown == name), "{read:?}");
    }
}

#[test]
fn a_malformed_payload_is_refused_with_its_type_and_cause() {
    for payload in
        ["", "{", "null", "[]", "{}", r#"{"reason":7}"#, r#"{"reason":null}"#, r#"{"reason":"a"} b"#]
    {
        let read = Fact::decode("OrderHeld", 1, payload);
        assert!(
            matches!(&read, Err(DecodeError::Malformed { type_name, .. }) if type_name == "OrderHeld"),
            "{payload}: {read:?}"
        );
    }
    let error = Fact::decode("OrderHeld", 1, "{}").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("missing field `reason`"), "{cause}");
}

#[test]
fn a_value_outside_its_types_bounds_is_malformed() {
    let placed = |account: &str, quantity: i64| {
        json!({
            "order": "order-0198c1c0a0007000800000000000002a", "account": account, "external_no": "1",
            "lines": [{"sku": "steam-50", "quantity": quantity, "amount": {"minor": 1, "currency": "CNY"}}],
            "total": {"minor": 1, "currency": "CNY"}, "delivery": "reply",
        })
        .to_string()
    };
    assert!(Fact::decode("OrderPlaced", 1, &placed("taobao/main", 1)).is_ok());
    for bad in [placed("taobao", 1), placed("taobao/main", 0), placed("taobao/main", 10_001)] {
        let read = Fact::decode("OrderPlaced", 1, &bad);
        assert!(matches!(read, Err(DecodeError::Malformed { .. })), "{bad}");
    }
}

#[test]
fn a_field_this_build_does_not_know_is_ignored() {
    let read = Fact::decode("OrderHeld", 1, r#"{"new":{"deep":[1]},"reason":"look","newer":null}"#).unwrap();
    assert_eq!(read, OrderHeld { reason: "look".to_owned() }.into());
    let lifted: ParcelSent =
        decode_with(&steps(), 1, r#"{"who":"SF","place":"Shanghai, Nanjing Road 1","weight":3}"#).unwrap();
    assert_eq!(lifted, sent());
}

#[test]
fn the_order_of_fields_in_a_payload_does_not_matter() {
    let payload = r#"{"street":"Nanjing Road 1","city":"Shanghai","courier":"SF"}"#;
    assert_eq!(decode_with::<ParcelSent>(&steps(), 3, payload).unwrap(), sent());
}

#[test]
fn a_payload_at_the_newest_version_passes_no_step() {
    let spoil = Upcaster { type_name: "OrderNoted", from: 1, lift: |_| Value::Null };
    let read: OrderNoted = decode_with(&Upcasters(vec![spoil]), 1, r#"{"text":"called back"}"#).unwrap();
    assert_eq!(read, OrderNoted { text: "called back".to_owned() });
}

#[test]
fn every_shipped_step_leads_to_a_version_of_a_known_type_and_only_one_starts_there() {
    let catalogue = Fact::catalogue();
    for (at, step) in shipped().0.iter().enumerate() {
        let known = catalogue.iter().any(|(name, newest, _)| *name == step.type_name && step.from < *newest);
        assert!(known && step.from > 0, "{} from {}", step.type_name, step.from);
        let earlier = &shipped().0[..at];
        assert!(!earlier.iter().any(|other| other.type_name == step.type_name && other.from == step.from));
    }
}
