//! How bytes are written where requests and replies are kept as JSON: as the text they nearly always are, otherwise in
//! base64. A list of numbers, as which they were written before, is read too.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return serializer.serialize_str(text);
    }
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("base64", &STANDARD.encode(bytes))?;
    map.end()
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_any(Bytes)
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, {\"base64\": text} or a list of bytes")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Vec<u8>, E> {
        Ok(text.into_bytes())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        let (name, text): (String, String) =
            map.next_entry()?.ok_or_else(|| A::Error::custom("the bytes are missing"))?;
        if name != "base64" {
            return Err(A::Error::custom("the bytes are in no known encoding"));
        }
        STANDARD.decode(text).map_err(|_| A::Error::custom("the bytes are not base64"))
    }
}

/// The same for the values of headers.
pub(crate) mod headers {
    use super::{Serialize, SerializeSeq, Serializer};
    use serde::{Deserialize, Deserializer};

    struct Stored<'a>(&'a [u8]);
    impl Serialize for Stored<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, serializer)
        }
    }

    struct Read(Vec<u8>);
    impl<'de> Deserialize<'de> for Read {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(Self)
        }
    }

    pub(crate) fn serialize<S: Serializer>(
        headers: &[(String, Vec<u8>)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(headers.len()))?;
        for (name, value) in headers {
            list.serialize_element(&(name, Stored(value)))?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, Vec<u8>)>, D::Error> {
        let headers = Vec::<(String, Read)>::deserialize(deserializer)?;
        Ok(headers.into_iter().map(|(name, value)| (name, value.0)).collect())
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Timestamp;

    use crate::{RawRequest, Reply};

    fn request(body: &[u8]) -> RawRequest {
        RawRequest {
            method: "POST".into(),
            topic: "orders".into(),
            query: String::new(),
            headers: vec![("x-a".into(), b"plain".to_vec()), ("x-b".into(), vec![0xff, 0])],
            body: body.to_vec(),
            received_at: Timestamp::from_secs(1_767_322_800),
        }
    }

    #[test]
    fn a_request_is_read_back_byte_for_byte_whatever_its_body() {
        for body in [&b""[..], b"{\"a\":1}", "充值卡".as_bytes(), &[0xc4, 0xfa, 0xff], b"\0\r\n\""] {
            let kept = serde_json::to_vec(&request(body)).unwrap();
            let read: RawRequest = serde_json::from_slice(&kept).unwrap();
            assert!(read == request(body), "{body:?}");
        }
        let text = serde_json::to_string(&request(b"plain")).unwrap();
        assert!(text.contains(r#""body":"plain""#), "{text}");
        assert!(text.contains(r#"["x-a","plain"],["x-b",{"base64":"/wA="}]"#), "{text}");
    }

    #[test]
    fn what_was_kept_as_lists_of_numbers_is_read() {
        let old = r#"{"status":200,"content_type":"text/plain","retry_after":null,"body":[111,107]}"#;
        let reply: Reply = serde_json::from_str(old).unwrap();
        assert_eq!(reply.body, b"ok");
        let odd = old.replace("[111,107]", r#"{"hex":"00"}"#);
        assert!(serde_json::from_str::<Reply>(&odd).is_err());
        let odd = old.replace("[111,107]", "[300]");
        assert!(serde_json::from_str::<Reply>(&odd).is_err());
    }
}
