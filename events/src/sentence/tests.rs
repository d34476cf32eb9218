use serde_json::{Value, json};

use super::sentence;
use crate::Fact;

/// A payload made from the type's own JSON Schema: every required field, and the optional ones where `full`.
fn sample(schema: &Value, definitions: &Value, field: &str, full: bool) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return sample(&definitions[name], definitions, field, full);
    }
    if let Some(options) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        return sample(&options[usize::from(full).min(options.len() - 1)], definitions, field, full);
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(word) = schema["enum"].as_array().and_then(|words| words.first()) {
        return word.clone();
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str()).unwrap_or("string");
    match kind {
        "object" => {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let kept = properties.iter().filter(|(name, _)| full || required.contains(&name.as_str()));
            kept.map(|(name, schema)| (name.clone(), sample(schema, definitions, name, full))).collect()
        }
        "array" => {
            let length = schema["minItems"].as_u64().unwrap_or(1).max(1);
            (0..length).map(|_| sample(&schema["items"], definitions, field, full)).collect()
        }
        "integer" => json!(2),
        "number" => json!(2.5),
        "boolean" => json!(full),
        "null" => Value::Null,
        _ => json!(text(field)),
    }
}

/// A text that the field's own parser accepts.
fn text(field: &str) -> &'static str {
    match field {
        "account" | "through" | "orders_of" => "taobao/main",
        "order" | "orders" => "order-0198c1c0a0007000800000000000002a",
        "currency" => "CNY",
        "keys" | "old" | "new" => "b3-17",
        "from" | "until" | "sell_until" | "valid_from" | "valid_until" => "2026-01-02T03:00:00.000000Z",
        "buyer" => "buyer-5f3a",
        "journey" => "journey-7f3k2m",
        "sku" => "steam-50",
        _ => "expired",
    }
}

#[test]
fn every_event_type_has_a_sentence_in_both_languages() {
    for (name, version, schema) in Fact::catalogue() {
        let schema = schema.to_value();
        for full in [false, true] {
            let payload = sample(&schema, &schema["$defs"], "", full);
            let fact = Fact::decode(name, version, &payload.to_string())
                .unwrap_or_else(|e| panic!("{name}: {e:?} in {payload}"));
            let said = sentence(&fact);
            assert!(
                said.en.len() > 5 && said.en.is_ascii() || said.en.contains(['“', '¥', '…', '×']),
                "{name}: {}",
                said.en
            );
            assert!(said.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{name}: {}", said.zh);
            for text in [&said.en, &said.zh] {
                assert!(!text.contains("  ") && !text.trim().is_empty(), "{name}: {text}");
            }
        }
    }
}

#[test]
fn sentences_are_specific() {
    let order = "order-0198c1c0a0007000800000000000002a";
    let said = |name: &str, payload: Value| {
        let said = sentence(&Fact::decode(name, 1, &payload.to_string()).unwrap());
        (said.en, said.zh)
    };
    let placed = json!({
        "order": order, "account": "taobao/main", "external_no": "T-1", "delivery": "reply",
        "lines": [{"sku": "steam-50", "quantity": 2, "amount": {"minor": 2888, "currency": "CNY"}}],
        "total": {"minor": 2888, "currency": "CNY"},
    });
    assert_eq!(
        said("OrderPlaced", placed),
        (
            "Order T-1 was placed on taobao/main: 2 × steam-50, ¥28.88 in all.".into(),
            "taobao/main 下单 T-1:2 × steam-50,共 ¥28.88。".into()
        )
    );
    let allocated = json!({
        "order": order, "line": 0, "account": "taobao/main", "chosen": "stock",
        "keys": ["b1-0", "b1-1", "b1-2", "b1-3"],
    });
    assert_eq!(
        said("KeysAllocated", allocated),
        (
            "4 keys (b1-0, b1-1, b1-2, …) were bound to line 1 (oldest in stock).".into(),
            "为第 1 行分配卡密 b1-0、b1-1、b1-2 等 4 张（库存中最早入库）。".into()
        )
    );
    let due =
        json!({"refund": "R-1", "amount": {"minor": 100, "currency": "JPY"}, "reason": "paid_after_cancel"});
    assert_eq!(
        said("RefundDue", due).0,
        "JP¥100 is owed back to the buyer and a person must see to it (R-1): paid after the order was cancelled."
    );
}
