//! The parts that JD's requests and ours are made of: Beijing time, cards under AES and Base64, numbers as text
//! or not.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::cipher;
use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;
use vocabulary::Timestamp;

const BEIJING_SECS: i64 = 8 * 3600;
const FORMAT: &str = "%Y%m%d%H%M%S";

/// An instant as `yyyyMMddHHmmss` in Beijing.
pub(crate) fn beijing_text(at: Timestamp) -> String {
    at.plus_secs(BEIJING_SECS).to_utc().format(FORMAT).to_string()
}

/// Reads `yyyyMMddHHmmss` in Beijing: fourteen digits that are a date and a time.
pub(crate) fn beijing_time(text: &str) -> Option<Timestamp> {
    if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let local = NaiveDateTime::parse_from_str(text, FORMAT).ok()?;
    Some(Timestamp::from_secs(local.and_utc().timestamp()).plus_secs(-BEIJING_SECS))
}

/// AES-256/ECB with PKCS#7 padding, then Base64 on one line: what JD signs is the text as it is sent, and its own
/// document shows a digest that counts line breaks. `None` where the key is not 32 bytes.
pub(crate) fn sealed(key: &[u8], plain: &[u8]) -> Option<String> {
    Some(STANDARD.encode(cipher::aes_ecb_encrypt(key, &cipher::pad(plain, 16))?))
}

/// A field that JD sends as text or as a number; its characters are kept as they were written.
#[derive(Default)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_time_reads_back_as_it_was_written() {
        let at = Timestamp::from_secs(1_767_225_600);
        assert_eq!(beijing_text(at), "20260101080000");
        assert_eq!(beijing_time("20260101080000"), Some(at));
        for bad in
            ["", "2026010108000", "20260101080000 ", "20261301080000", "20260101256000", "+0260101080000"]
        {
            assert_eq!(beijing_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_word_keeps_a_number_as_it_was_written() {
        let read = |text: &str| serde_json::from_str::<Word>(text).ok().map(|w| w.0);
        assert_eq!(read("9.90").as_deref(), Some("9.90"));
        assert_eq!(read("\"9.90\"").as_deref(), Some("9.90"));
        assert_eq!(read("1e309").as_deref(), Some("1e309"));
        assert_eq!(read("null").as_deref(), Some(""));
        for bad in ["true", "[]", "{}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
