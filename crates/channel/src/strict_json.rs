//! JSON read strictly: UTF-8, at most [`DEPTH_MAX`] levels, and no object that names a key twice.
//!
//! Two readers that resolve a repeated key differently see two different messages under one signature, so a body
//! that repeats one, known or unknown, is refused as a whole. Unknown fields are accepted: channels add some.

use std::{collections::HashSet, fmt};

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::{Refusal, SettingsError, Step};

/// How many arrays and objects may be open at once.
pub const DEPTH_MAX: u32 = 32;

/// Reads a body. Text that is not such JSON is refused at [`Step::Format`]; JSON that is not a `T` (a field is
/// missing or of another type) at [`Step::Meaning`].
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Plain { room: DEPTH_MAX }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|_| Refusal::new(Step::Format, "malformed_json", "not plain JSON"))?;
    serde_json::from_slice(bytes)
        .map_err(|_| Refusal::new(Step::Meaning, "wrong_fields", "a field is missing or of another type"))
}

/// Reads an account's settings. Errors name fields and places, never values: those may be secret.
pub fn settings<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    let problem = |text: String| SettingsError(vec![text]);
    from_slice::<de::IgnoredAny>(text.as_bytes())
        .map_err(|_| problem("not plain JSON, or a key is repeated".into()))?;
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("missing field") || text.starts_with("unknown field") {
            return problem(text);
        }
        problem(format!("wrong type at line {} column {}", error.line(), error.column()))
    })
}

/// Walks a value without keeping it.
#[derive(Clone, Copy)]
struct Plain {
    room: u32,
}

impl Plain {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        let room = self.room.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { room })
    }
}

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plain JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(de::Error::custom("a key is repeated"));
            }
            entries.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Item {
        sku: String,
        quantity: i64,
    }

    fn read(text: &str) -> Result<Item, &'static str> {
        from_slice(text.as_bytes()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn unknown_fields_are_accepted_and_known_ones_read() {
        let item = read(r#" {"sku":"a","quantity":2,"more":{"x":[1,2.5,null,true,"y"]}} "#);
        assert_eq!(item, Ok(Item { sku: "a".into(), quantity: 2 }));
    }

    #[test]
    fn a_repeated_key_is_refused_at_any_level_and_however_it_is_written() {
        for text in [
            r#"{"sku":"a","sku":"a","quantity":1}"#,
            r#"{"sku":"a","quantity":1,"x":1,"x":2}"#,
            r#"{"sku":"a","quantity":1,"x":[{"y":{"z":1,"\u007a":1}}]}"#,
        ] {
            assert_eq!(read(text), Err("malformed_json"), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(from_slice::<de::IgnoredAny>(nested(32).as_bytes()).is_ok());
        for levels in [33, 10_000] {
            assert!(from_slice::<de::IgnoredAny>(nested(levels).as_bytes()).is_err(), "{levels}");
        }
    }

    #[test]
    fn broken_text_is_a_format_refusal_and_wrong_fields_a_meaning_refusal() {
        let bad_utf8: &[u8] = b"{\"sku\":\"\xc0\xaf\",\"quantity\":1}";
        for bytes in
            [&b""[..], b"\xef\xbb\xbf{}", b"{}x", b"{", bad_utf8, b"{\"sku\":\"a\0\",\"quantity\":1}"]
        {
            assert_eq!(from_slice::<Item>(bytes).map_err(|r| r.step), Err(Step::Format));
        }
        for text in ["{}", "[]", "1", r#"{"sku":"a","quantity":"1"}"#, r#"{"sku":"a","quantity":1.0}"#] {
            assert_eq!(from_slice::<Item>(text.as_bytes()).map_err(|r| r.step), Err(Step::Meaning), "{text}");
        }
    }

    #[test]
    fn a_settings_error_names_no_value() {
        let error = settings::<Item>(r#"{"sku":"a","quantity":"whsec_hidden"}"#).unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
        let error = settings::<Item>(r#"{"sku":"a"}"#).unwrap_err();
        assert!(error.to_string().contains("quantity"), "{error}");
    }
}
