//! Forms and queries, read and written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Names and values, decoded.
pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn read(text: &str) -> Pairs {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

pub(crate) fn write<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encode = |text| utf8_percent_encode(text, ENCODED);
    let parts: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    parts.join("&")
}

/// The value of a name; empty where it is missing.
pub(crate) fn get<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
}

/// The text most platforms sign: fields that have a value, but for the signature's own, sorted, `k=v` joined by `&`.
pub(crate) fn sorted(pairs: &Pairs, own: &[&str]) -> String {
    let mut fields: Vec<_> =
        pairs.iter().filter(|(name, value)| !value.is_empty() && !own.contains(&name.as_str())).collect();
    fields.sort();
    let parts: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join("&")
}
