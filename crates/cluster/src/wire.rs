//! What nodes send each other: a head in JSON and bytes behind it.
//!
//! Nodes of different builds talk to each other while a new one is rolled out. So a head's fields are never given
//! another meaning; a reader skips those that it does not know, and a field that was added later has a default.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::MerchantId;

/// The newest form of requests that this build writes and reads. A form that older builds cannot act upon has a higher
/// number, and is sent to nobody who does not announce it.
pub const PROTOCOL: i32 = 1;

/// What is readable of a request before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// The form of what is sealed.
    pub protocol: i32,
    /// Whose request; says which key opens it.
    pub merchant: MerchantId,
    /// Drawn anew for each request; bound into what is sealed.
    pub id: String,
}

/// A request's head.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHead {
    /// The node that took it in.
    pub from: String,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// Names and values in their order; see [`latin`].
    pub headers: Vec<(String, String)>,
    /// The other end of the connection it came over.
    #[serde(default)]
    pub peer: Option<IpAddr>,
}

/// An answer's head.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerHead {
    /// The status.
    pub status: u16,
    /// Names and values in their order; see [`latin`].
    pub headers: Vec<(String, String)>,
}

/// One message of an answer. What was sealed is cut into as many as it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// 0, 1, 2, …
    pub number: u32,
    /// Whether it is the last.
    pub last: bool,
    /// The node does not serve the merchant, or cannot read the request: nothing was done with it.
    #[serde(default)]
    pub not_mine: bool,
}

/// The bytes are no head with something behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of another node is not readable")]
pub struct Garbled;

/// A head and what follows it, as one message.
pub fn write(head: &impl Serialize, rest: &[u8]) -> Result<Vec<u8>, Garbled> {
    let head = serde_json::to_vec(head).map_err(|_| Garbled)?;
    let length = u32::try_from(head.len()).map_err(|_| Garbled)?;
    Ok([&length.to_be_bytes(), &head[..], rest].concat())
}

/// A message's head and what follows it.
pub fn read<T: DeserializeOwned>(message: &Bytes) -> Result<(T, Bytes), Garbled> {
    let (length, _) = message.split_first_chunk::<4>().ok_or(Garbled)?;
    let end = 4_usize.checked_add(u32::from_be_bytes(*length) as usize).ok_or(Garbled)?;
    let head = message.get(4..end).ok_or(Garbled)?;
    Ok((serde_json::from_slice(head).map_err(|_| Garbled)?, message.slice(end..)))
}

/// A header's value as a text: each byte becomes the character with its number, so that any bytes come through.
pub fn latin(value: &[u8]) -> String {
    value.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of a text that [`latin`] made.
pub fn bytes_of(text: &str) -> Result<Vec<u8>, Garbled> {
    text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| Garbled)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_and_any_bytes_come_through() {
        let head = AnswerHead { status: 200, headers: vec![("x".to_owned(), latin(b"\xff\x00 caf\xe9"))] };
        let message = Bytes::from(write(&head, b"\x00body").unwrap());
        let (again, rest) = read::<AnswerHead>(&message).unwrap();
        assert!(again == head && rest == b"\x00body"[..]);
        assert_eq!(bytes_of(&again.headers[0].1).unwrap(), b"\xff\x00 caf\xe9");
    }

    #[test]
    fn a_newer_nodes_fields_are_skipped_and_an_older_nodes_are_filled_in() {
        let newer = serde_json::json!({
            "from": "a", "method": "GET", "target": "/", "headers": [], "peer": null, "priority": "high",
        });
        let (head, _) = read::<RequestHead>(&Bytes::from(write(&newer, b"").unwrap())).unwrap();
        assert_eq!(head.from, "a");
        let older = serde_json::json!({ "number": 0, "last": true });
        let (part, _) = read::<Part>(&Bytes::from(write(&older, b"").unwrap())).unwrap();
        assert!(!part.not_mine);
    }

    #[test]
    fn what_is_cut_off_or_no_head_is_refused() {
        let whole = write(&Part { number: 0, last: true, not_mine: false }, b"").unwrap();
        for end in 0..whole.len() {
            assert!(read::<Part>(&Bytes::copy_from_slice(&whole[..end])).is_err());
        }
        assert!(read::<Part>(&Bytes::from_static(&[0xff; 64])).is_err());
        assert!(bytes_of("€").is_err());
    }
}
