//! JSON as Douyin signs it: keys sorted at every level, no white space, numbers digit for digit as they came.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Whether `<`, `>` and `&` are written as `\u003c`, `\u003e` and `\u0026`. Our own calls never are; messages to us
/// come either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Html {
    Escaped,
    Plain,
}

/// The sorted form; `None` for text that is no JSON. Depth is the caller's to bound.
pub(crate) fn sorted(json: &str, html: Html) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    write(serde_json::from_str::<&RawValue>(json).ok()?, html, &mut out)?;
    Some(out)
}

fn write(raw: &RawValue, html: Html, out: &mut String) -> Option<()> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(name, html, out);
                out.push(':');
                write(value, html, out)?;
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, html, out)?;
            }
            out.push(']');
        }
        b'"' => write_text(&serde_json::from_str::<String>(text).ok()?, html, out),
        _ => out.push_str(text),
    }
    Some(())
}

/// A string as the official Go SDK writes it.
fn write_text(text: &str, html: Html, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' if html == Html::Escaped => escape(c, out),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => escape(c, out),
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn escape(c: char, out: &mut String) {
    out.push_str(&format!("\\u{:04x}", u32::from(c)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_level_and_numbers_keep_their_digits() {
        let text = r#" {"b":[{"z":1,"y":2.50}],"a":4837328765348566675,"é":"/\u4e2d\u2028<\u0007"} "#;
        assert_eq!(
            sorted(text, Html::Plain).as_deref(),
            Some("{\"a\":4837328765348566675,\"b\":[{\"y\":2.50,\"z\":1}],\"é\":\"/中\\u2028<\\u0007\"}")
        );
        assert_eq!(sorted("\"a<b>&c\"", Html::Escaped).as_deref(), Some("\"a\\u003cb\\u003e\\u0026c\""));
        assert_eq!(sorted("{\"a\":", Html::Plain), None);
    }
}
