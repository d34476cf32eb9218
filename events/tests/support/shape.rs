//! Whether a stored payload has the shape of its JSON Schema, as far as our schemas go: `$ref`, `oneOf`,
//! `anyOf`, `const`, `enum`, `type`, `properties`, `required`, `items`, `minimum` and `maximum`.

use serde_json::Value;

/// What does not fit, one line each; empty when the payload fits. At the top level a property that the schema
/// does not name is an error as well, because a golden file holds what this type stores and nothing else.
pub(crate) fn misfits(schema: &Value, payload: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, payload, "$", &mut found);
    for name in payload.as_object().into_iter().flat_map(|fields| fields.keys()) {
        if schema["properties"].get(name).is_none() {
            found.push(format!("$.{name} is not in the schema"));
        }
    }
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        match root.pointer(pointer) {
            Some(definition) => check(root, definition, value, at, found),
            None => found.push(format!("{at}: {pointer} is not defined")),
        }
    }
    let fitting = |choices: &[Value]| choices.iter().filter(|choice| fits(root, choice, value)).count();
    if schema["oneOf"].as_array().is_some_and(|choices| fitting(choices) != 1) {
        found.push(format!("{at} fits not exactly one choice"));
    }
    if schema["anyOf"].as_array().is_some_and(|choices| fitting(choices) == 0) {
        found.push(format!("{at} fits no choice"));
    }
    if schema.get("const").is_some_and(|word| word != value)
        || schema["enum"].as_array().is_some_and(|words| !words.contains(value))
    {
        found.push(format!("{at} is none of the words"));
    }
    let types = schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    if schema.get("type").is_some()
        && !types.iter().any(|name| is_a(name.as_str().unwrap_or_default(), value))
    {
        found.push(format!("{at} is not of type {}", schema["type"]));
    }
    let beyond = |bound: &str, wrong: fn(f64, f64) -> bool| match (schema[bound].as_f64(), value.as_f64()) {
        (Some(bound), Some(value)) => wrong(value, bound),
        _ => false,
    };
    if beyond("minimum", |value, least| value < least) || beyond("maximum", |value, most| value > most) {
        found.push(format!("{at} is out of bounds"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at}.{name} is missing"));
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(inner) = value.get(name) {
            check(root, property, inner, &format!("{at}.{name}"), found);
        }
    }
    if let Some(items) = schema.get("items") {
        for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
            check(root, items, inner, &format!("{at}[{index}]"), found);
        }
    }
}

fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    check(root, schema, value, "", &mut found);
    found.is_empty()
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
