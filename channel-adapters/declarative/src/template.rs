//! Texts with `${names}` in them, filled in for the reply.

use channel::strict_json;
use serde::de::IgnoredAny;

use crate::recipe::Answers;

/// The names that each kind of text may hold.
const ANY: &[&str] = &["code", "reason"];
const ORDER: &[&str] =
    &["order", "our_order", "amount_yuan", "amount_fen", "placed_at", "ended_at", "count", "keys"];
const KEY: &[&str] = &["code", "pin"];

/// Fills a text in; `value` gives what stands for a name, `escape` makes it fit.
pub(crate) fn fill(text: &str, escape: fn(&str) -> String, value: impl Fn(&str) -> Filling) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { break };
        match value(name) {
            Filling::Plain(value) => out.push_str(&escape(&value)),
            Filling::Ready(value) => out.push_str(&value),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// What stands for a name.
pub(crate) enum Filling {
    /// A value, still to be escaped.
    Plain(String),
    /// A text that was put together already.
    Ready(String),
}

/// How values are written into texts of a content type.
pub(crate) fn escape_of(content_type: &str) -> fn(&str) -> String {
    if content_type.starts_with("application/json") { in_json } else { str::to_owned }
}

/// The inside of a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// Every name is known, and what is labelled JSON is JSON.
pub(crate) fn check(answers: &Answers, all: &mut Vec<String>) {
    let orders = [("keys", &answers.keys), ("pending", &answers.pending), ("closed", &answers.closed)];
    let order_texts = orders.iter().filter_map(|(name, text)| Some((*name, text.as_ref()?, ORDER)));
    let plain = [("success", &answers.success, &[][..]), ("failure", &answers.failure, ANY)];
    let json = answers.content_type.starts_with("application/json");
    for (field, text, known) in plain.into_iter().chain(order_texts) {
        unknown_names(field, text, known, all);
        let sample = fill(text, str::to_owned, |name| {
            Filling::Ready(if name == "keys" { String::new() } else { "1".to_owned() })
        });
        if json && strict_json::from_slice::<IgnoredAny>(sample.as_bytes()).is_err() {
            all.push(format!("answers.{field}: is labelled JSON and is none"));
        }
    }
    if let Some(key) = &answers.key {
        unknown_names("key.single", &key.single, &KEY[..1], all);
        unknown_names("key.pair", &key.pair, KEY, all);
    }
    if answers.keys.as_ref().is_some_and(|text| text.contains("${keys}")) != answers.key.is_some() {
        all.push("answers.keys holds ${keys} exactly where answers.key says how each is written".to_owned());
    }
    if answers.failure == answers.success && answers.failure_status == 200 {
        all.push("answers.failure: is the same as success".to_owned());
    }
    if answers.failure.contains("${code}") && !answers.codes.contains_key("default") {
        all.push("answers.codes: default is missing".to_owned());
    }
    if !(200..600).contains(&answers.failure_status) {
        all.push("answers.failure_status: 200 to 599".to_owned());
    }
}

fn unknown_names(field: &str, text: &str, known: &[&str], all: &mut Vec<String>) {
    for piece in text.split("${").skip(1) {
        let name = piece.split_once('}').map(|(name, _)| name);
        if name.is_none_or(|name| !known.contains(&name)) {
            all.push(format!("answers.{field}: ${{…}} may name {}", known.join(", ")));
        }
    }
}
