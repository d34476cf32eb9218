//! The text that is signed: the fields of a flat JSON object, numbers as they are written.

use std::collections::BTreeMap;

use channel::{Refusal, Step, legacy_sign::md5_hex, strict_json};
use serde_json::value::RawValue;
use vocabulary::Secret;

/// The names that mean something to us or to the gateway.
const KNOWN: &[&str] = &[
    "actual_amount",
    "address",
    "amount",
    "block_transaction_id",
    "currency",
    "name",
    "network",
    "notify_url",
    "order_id",
    "rate",
    "receive_address",
    "redirect_url",
    "signature",
    "status",
    "timeout",
    "token",
    "trade_id",
    "trade_type",
];

/// A field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A string, or `true` and `false`, which are signed by these words.
    Text(String),
    /// A number, as it is written.
    Number(String),
}

/// How numbers are written into the signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// As in the JSON.
    AsSent,
    /// As Go's `%v` prints a float: shortest digits, with an exponent from a million on and below a ten-thousandth.
    AsGo,
}

/// The fields of a message that are signed, by name. Null, lists and objects take no part, and nothing is read from
/// them.
#[derive(Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, Scalar>);

impl Fields {
    /// Reads a JSON object.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let raw: BTreeMap<String, Box<RawValue>> = strict_json::from_slice(body)?;
        let mut fields = Self::default();
        for (name, value) in raw {
            if let Some(value) = scalar(value.get())? {
                fields.0.insert(name, value);
            }
        }
        Ok(fields)
    }

    /// Adds a field.
    pub(crate) fn put(&mut self, name: &str, value: Scalar) {
        self.0.insert(name.to_owned(), value);
    }

    /// The text of a field, string or number; empty where it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Scalar::Text(text) | Scalar::Number(text)) => text,
            None => "",
        }
    }

    /// The signed text: all fields but the signature and the empty ones, sorted, nothing encoded.
    pub(crate) fn canonical(&self, numbers: Numbers) -> String {
        let part = |(name, value): (&String, &Scalar)| {
            let text = match value {
                Scalar::Number(text) if numbers == Numbers::AsGo => go_float(text),
                Scalar::Text(text) | Scalar::Number(text) => text.clone(),
            };
            (name != "signature" && !text.is_empty()).then(|| format!("{name}={text}"))
        };
        self.0.iter().filter_map(part).collect::<Vec<_>>().join("&")
    }

    /// The signature: MD5 of the signed text and the token.
    pub(crate) fn signature(&self, numbers: Numbers, token: &Secret<String>) -> String {
        let text = Secret::new(format!("{}{}", self.canonical(numbers), token.expose()));
        md5_hex(text.expose().as_bytes())
    }

    /// Whether a name or value holds what reads as the border to a known field. The signed text does not encode `&`
    /// and `=`, so two messages would share a signature; the one that swallowed a field is refused.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_known = |piece: &str| piece.split_once('=').is_some_and(|(name, _)| KNOWN.contains(&name));
        self.0.iter().any(|(name, value)| {
            let (Scalar::Text(text) | Scalar::Number(text)) = value;
            !name.bytes().all(plain) || text.split('&').skip(1).any(is_known)
        })
    }

    /// The fields as JSON, numbers as they were put in.
    pub(crate) fn to_json(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let field = |(name, value): (&String, &Scalar)| match value {
            Scalar::Text(text) => format!("{}:{}", quoted(name), quoted(text)),
            Scalar::Number(text) => format!("{}:{text}", quoted(name)),
        };
        format!("{{{}}}", self.0.iter().map(field).collect::<Vec<_>>().join(","))
    }
}

/// A value that is signed; `None` for null, lists and objects.
pub(crate) fn scalar(json: &str) -> Result<Option<Scalar>, Refusal> {
    Ok(match json.as_bytes().first() {
        Some(b'"') => {
            let text = serde_json::from_str(json)
                .map_err(|_| Refusal::new(Step::Format, "malformed_json", "a text"))?;
            Some(Scalar::Text(text))
        }
        Some(b't' | b'f') => Some(Scalar::Text(json.to_owned())),
        Some(b'-' | b'0'..=b'9') => Some(Scalar::Number(json.to_owned())),
        _ => None,
    })
}

/// A number as Go's `%v` prints it. Worked out on the digits: up to fifteen of them a float prints what was written.
/// Anything else is left as it is.
fn go_float(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0');
    if !digits.bytes().all(|b| b.is_ascii_digit()) || significant.len() > 15 {
        return text.to_owned();
    }
    if significant.is_empty() {
        return "0".to_owned();
    }
    let leading = digits.len() - digits.trim_start_matches('0').len();
    // Where the point stands, counted from the first digit that is not 0.
    let Ok(point) = i32::try_from(whole.len()).and_then(|w| i32::try_from(leading).map(|l| w - l)) else {
        return text.to_owned();
    };
    let exponent = point - 1;
    if (-4..6).contains(&exponent) {
        return plain(significant, point);
    }
    let (first, rest) = significant.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{dot}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

/// Digits with the point where it belongs.
fn plain(significant: &str, point: i32) -> String {
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let length = i32::try_from(significant.len()).unwrap_or(i32::MAX);
    if point <= 0 {
        return format!("0.{}{significant}", zeros(-point));
    }
    if point >= length {
        return format!("{significant}{}", zeros(point - length));
    }
    let (whole, fraction) = significant.split_at(usize::try_from(point).unwrap_or(0));
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rewritten_as_go_prints_floats() {
        let table = [
            ("1000000", "1e+06"),
            ("1234567.89", "1.23456789e+06"),
            ("123456.5", "123456.5"),
            ("999999", "999999"),
            ("100.0", "100"),
            ("15.6250", "15.625"),
            ("28.88", "28.88"),
            ("2", "2"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("0.0000123", "1.23e-05"),
            ("0", "0"),
            ("0.00", "0"),
            ("100000000000", "1e+11"),
            ("1e3", "1e3"),
            ("-1", "-1"),
            ("1234567890123456", "1234567890123456"),
        ];
        for (sent, printed) in table {
            assert_eq!(go_float(sent), printed, "{sent}");
        }
    }

    #[test]
    fn a_value_or_name_that_swallowed_a_field_is_ambiguous() {
        let fields = |json: &str| Fields::read(json.as_bytes()).unwrap();
        for json in [
            r#"{"actual_amount":"4.01&amount=28.88"}"#,
            r#"{"token":"x&trade_id="}"#,
            r#"{"actual_amount=4.01&amount":28.88}"#,
        ] {
            assert!(fields(json).is_ambiguous(), "{json}");
        }
        for json in [r#"{"token":"T&C"}"#, r#"{"redirect_url":"https://a/?x=1&y=2"}"#, r#"{"x":null}"#] {
            assert!(!fields(json).is_ambiguous(), "{json}");
        }
    }
}
