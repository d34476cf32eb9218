//! A field that may be a text or a number.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

/// A text, or a number whose digits are kept as they were written, never as a float. `null` reads as empty.
#[derive(Default, Clone, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(D::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self(text.to_owned())),
            Some(b'n') => Ok(Self::default()),
            _ => Err(D::Error::custom("neither text nor number")),
        }
    }
}
