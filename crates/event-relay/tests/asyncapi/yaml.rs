//! JSON values as YAML that people can read: blocks for maps and lists, every text in double quotes.

use serde_json::Value;

/// A value as a YAML document.
pub(crate) fn written(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                text.push_str(&format!("{indent}{}:", key(name)));
                behind(value, depth + 1, text);
            }
        }
        Value::Array(list) => {
            for value in list {
                text.push_str(&format!("{indent}-"));
                behind(value, depth + 1, text);
            }
        }
        scalar => text.push_str(&format!("{indent}{scalar}\n")),
    }
}

/// What stands behind a colon or a dash: on the same line where it is a scalar, else below and deeper.
fn behind(value: &Value, depth: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        block(value, depth, text);
    } else {
        text.push_str(&format!(" {value}\n"));
    }
}

/// Names are plain where YAML takes them for nothing else.
fn key(name: &str) -> String {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if is_plain { name.to_owned() } else { Value::from(name).to_string() }
}
