//! The part of a request that carries its facts: the body, or the query string where there is no body.

use channel::RawRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use serde_json::Value;

/// Everything but letters, digits and `-_.` is percent-encoded in forms and queries.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A name and a value, decoded.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Which part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Body,
    Query,
}

impl Place {
    /// Where a request carries its facts.
    pub(crate) fn of(request: &RawRequest) -> Self {
        if request.body.is_empty() { Self::Query } else { Self::Body }
    }
    /// The part's bytes.
    pub(crate) fn bytes(self, request: &RawRequest) -> &[u8] {
        match self {
            Self::Body => &request.body,
            Self::Query => request.query.as_bytes(),
        }
    }
    /// Replaces the part. Bytes that no address can hold are percent-encoded, as any sender would have to.
    pub(crate) fn put(self, request: &mut RawRequest, bytes: Vec<u8>) {
        match self {
            Self::Body => request.body = bytes,
            Self::Query => {
                let text: Vec<String> = bytes.iter().map(|byte| address_byte(*byte)).collect();
                request.query = text.concat();
            }
        }
    }
}

fn address_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// The request with other bytes in its carrier.
pub(crate) fn with(request: &RawRequest, bytes: Vec<u8>) -> RawRequest {
    let mut changed = request.clone();
    Place::of(request).put(&mut changed, bytes);
    changed
}

/// The carrier's bytes.
pub(crate) fn bytes(request: &RawRequest) -> &[u8] {
    Place::of(request).bytes(request)
}

/// Whether the body is JSON.
pub(crate) fn is_json(request: &RawRequest) -> bool {
    let first = request.body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}

/// Reads JSON.
pub(crate) fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// The decoded pairs of a form or query, in order.
pub(crate) fn pairs(raw: &[u8]) -> Vec<Pair> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).collect::<Vec<u8>>()
    };
    raw.split(|byte| *byte == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            (decode(&part[..at]), decode(part.get(at + 1..).unwrap_or_default()))
        })
        .collect()
}

/// Writes pairs as a form or query.
pub(crate) fn join(pairs: &[Pair]) -> Vec<u8> {
    let encode = |bytes: &[u8]| percent_encode(bytes, FORM).to_string();
    let parts: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    parts.join("&").into_bytes()
}
