//! Small pieces that several messages of Douyin share.

use std::fmt;

use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer, de};
use vocabulary::Timestamp;

/// Seconds that Beijing is ahead of UTC.
const BEIJING_SECS: i64 = 8 * 3_600;
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// An id that some interfaces write as a number near 5·10^18 and others as text: 1 to 20 digits, not all zero.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) String);

impl Id {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        (digits && text.bytes().any(|b| b != b'0')).then(|| Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Id::read(text).ok_or_else(|| E::custom("not an id"))
            }
        }
        reader.deserialize_any(Visitor)
    }
}

/// `yyyy-MM-dd HH:mm:ss` in Beijing.
pub(crate) fn read_beijing(text: &str) -> Option<Timestamp> {
    let local = NaiveDateTime::parse_from_str(text, FORMAT).ok().filter(|_| text.len() == 19)?;
    let secs = local.and_utc().timestamp().checked_sub(BEIJING_SECS)?;
    (secs > 0).then(|| Timestamp::from_secs(secs))
}

/// The reverse of [`read_beijing`].
pub(crate) fn beijing(at: Timestamp) -> String {
    at.plus_secs(BEIJING_SECS).to_utc().format(FORMAT).to_string()
}

/// At most 64 characters, none of them a control character.
pub(crate) fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_every_digit_however_they_are_written() {
        let read = |text| serde_json::from_str::<Id>(text).ok().map(|id| id.0);
        assert_eq!(read("4837328765348566675").as_deref(), Some("4837328765348566675"));
        assert_eq!(read("\"4837328765348566675\"").as_deref(), Some("4837328765348566675"));
        for bad in ["0", "-1", "1.5", "\"\"", "\"a\"", "\"123456789012345678901\"", "null", "1e3"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn beijing_times_are_eight_hours_ahead() {
        let at = Timestamp::from_secs(1_767_225_600);
        assert_eq!(beijing(at), "2026-01-01 08:00:00");
        assert_eq!(read_beijing("2026-01-01 08:00:00"), Some(at));
        for bad in ["2026-01-01 8:00:00", "2026-01-01", "2026-13-01 08:00:00", "1970-01-01 08:00:00"] {
            assert_eq!(read_beijing(bad), None, "{bad}");
        }
    }
}
