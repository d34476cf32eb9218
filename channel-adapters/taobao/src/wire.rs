//! Values as Taobao writes them.

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use vocabulary::{Currency, Money, Timestamp};

/// A text or a number, as it stands: trade numbers exceed what a float holds. `null` is empty.
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
    /// A number above 0 of at most 20 digits, as text.
    pub(crate) fn id(&self) -> Option<&str> {
        is_id(&self.0).then_some(self.0.as_str())
    }
    /// An amount in yuan above 0.
    pub(crate) fn yuan(&self) -> Option<Money> {
        Money::from_major_text(&self.0, Currency::CNY).ok().filter(|money| money.minor > 0)
    }
}

/// Whether a text is a number above 0, as the platform numbers trades, items and refunds.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain && !text.starts_with('0')
}

/// Reads `yyyy-MM-dd HH:mm:ss`, Beijing time, to the letter.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let (day, clock) = text.split_once(' ').filter(|_| text.len() == 19)?;
    Timestamp::parse_rfc3339(&format!("{day}T{clock}+08:00")).ok()
}

/// Writes an instant as `yyyy-MM-dd HH:mm:ss`, Beijing time.
pub(crate) fn time_text(at: Timestamp) -> String {
    let text = at.plus_secs(8 * 3_600).to_string();
    text.get(..19).unwrap_or_default().replace('T', " ")
}

/// At most 64 bytes of text, without control characters; `-` where nothing is left.
pub(crate) fn clip(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if kept.len() + c.len_utf8() > 64 {
            break;
        }
        kept.push(c);
    }
    if kept.is_empty() { "-".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_beijing_times_to_the_letter() {
        let at = Timestamp::from_secs(1_767_225_600);
        assert_eq!(time_text(at), "2026-01-01 08:00:00");
        assert_eq!(time("2026-01-01 08:00:00"), Some(at));
        for bad in ["", "2026-01-01 08:00:00000", "2026-01-01T08:00:00", "2026-13-01 08:00:00", "1767225600"]
        {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_text_is_clipped_between_characters() {
        assert_eq!(clip("a\nb"), "ab");
        assert_eq!(clip("\u{7}"), "-");
        assert!(clip(&"卡".repeat(40)).len() == 63);
    }
}
