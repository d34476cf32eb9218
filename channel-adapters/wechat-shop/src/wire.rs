//! Shapes that pushes and answers share.

use channel::{Refusal, Step};
use serde::Deserialize;

/// A number of WeChat's: 19 digits, written as a JSON number or as text. Never read through a float.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    /// The digits: 1 to 32, not all of them 0; `None` where it is something else.
    pub(crate) fn digits(&self) -> Option<String> {
        let text = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        };
        is_digits(&text).then_some(text)
    }
}

/// 1 to 32 digits, not all of them 0.
pub(crate) fn is_digits(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b != b'0')
}

pub(crate) const fn invalid(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

/// What every event has.
#[derive(Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "Event")]
    pub(crate) event: String,
    #[serde(rename = "CreateTime")]
    pub(crate) created: i64,
}

impl Event {
    /// The event's name, if it looks like one.
    pub(crate) fn kind(&self) -> Result<String, Refusal> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if (1..=64).contains(&self.event.len()) && self.event.bytes().all(plain) {
            return Ok(self.event.clone());
        }
        Err(invalid("Event"))
    }
    /// When it happened, in Unix seconds that make a date.
    pub(crate) fn at(&self) -> Result<vocabulary::Timestamp, Refusal> {
        if (1..=253_402_300_799).contains(&self.created) {
            return Ok(vocabulary::Timestamp::from_secs(self.created));
        }
        Err(invalid("CreateTime"))
    }
}
