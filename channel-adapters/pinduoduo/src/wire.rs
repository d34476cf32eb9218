//! Values as Pinduoduo writes them.

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use vocabulary::{Currency, Money, Timestamp};

/// A text or a number, as it stands: the platform writes numbers and amounts either way, and none of them may pass
/// through a float. `null` is empty.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(de::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self(text.to_owned())),
            _ if text == "null" => Ok(Self::default()),
            _ => Err(de::Error::custom("neither text nor number")),
        }
    }
}

impl Text {
    /// A number above 0 of at most 19 digits, as text.
    pub(crate) fn id(&self) -> Option<&str> {
        is_id(&self.0).then_some(self.0.as_str())
    }
    /// An amount in yuan.
    pub(crate) fn yuan(&self) -> Option<Money> {
        Money::from_major_text(&self.0, Currency::CNY).ok()
    }
}

/// Whether a text is a number above 0, as the platform numbers goods and refunds.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain && !text.starts_with('0') && text.parse::<i64>().is_ok()
}

/// 1 to 64 letters, digits or `-`.
pub(crate) fn is_order_sn(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `yyyy-MM-dd HH:mm:ss` Beijing time, or Unix seconds.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    if let Ok(at) = channel::sign::unix_seconds(text) {
        return Some(at);
    }
    let (day, clock) = text.split_once(' ')?;
    Timestamp::parse_rfc3339(&format!("{day}T{clock}+08:00")).ok()
}

/// At most 64 characters, none of them a control character; `-` where nothing is left.
pub(crate) fn clip(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    let short = match kept.char_indices().find(|(at, c)| at + c.len_utf8() > 64) {
        Some((at, _)) => kept[..at].to_owned(),
        None => kept,
    };
    if short.is_empty() { "-".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_read_as_they_stand() {
        let read = |text: &str| serde_json::from_str::<Text>(text).map(|text| text.0).ok();
        assert_eq!(read("12.50"), Some("12.50".to_owned()));
        assert_eq!(read("9007199254740993"), Some("9007199254740993".to_owned()));
        assert_eq!(read("\"12.5\""), Some("12.5".to_owned()));
        assert_eq!(read("null"), Some(String::new()));
        assert_eq!((read("true"), read("[1]")), (None, None));
        assert_eq!(Text("1e3".into()).yuan(), None);
        assert_eq!(Text("12.5".into()).yuan().map(|money| money.minor), Some(1250));
    }

    #[test]
    fn both_ways_of_writing_a_time_are_understood() {
        let secs = |text: &str| time(text).map(Timestamp::secs);
        assert_eq!(secs("2026-01-01 08:00:00"), Some(1_767_225_600));
        assert_eq!(secs("1767225600"), Some(1_767_225_600));
        assert_eq!((secs(""), secs("0"), secs("2026-01-01")), (None, None, None));
    }
}
