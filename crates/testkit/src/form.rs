//! Forms and queries, read and written, and how amounts and times stand in them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use vocabulary::Timestamp;

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

/// `28.88` for 2888 fen.
pub(crate) fn yuan_of(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// 2888 for `28.88`; `None` where it is no amount above nought.
pub(crate) fn fen_of(yuan: &str) -> Option<i64> {
    let (whole, fraction) = yuan.split_once('.').unwrap_or((yuan, ""));
    if fraction.len() > 2 {
        return None;
    }
    let fen = format!("{whole}{fraction:0<2}").parse().ok()?;
    (fen > 0).then_some(fen)
}

/// Beijing's time as most platforms write it: `2026-01-02 11:00:00`.
pub(crate) fn beijing(at: Timestamp) -> String {
    at.plus_secs(8 * 3_600).to_string().chars().take(19).collect::<String>().replace('T', " ")
}
