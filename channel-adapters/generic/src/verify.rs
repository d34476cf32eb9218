//! Standard Webhooks: three headers, one content, HMAC-SHA-256 (`v1`) or Ed25519 (`v1a`).

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Proof, RawRequest, Refusal, Step,
    sign::{check_time, ed25519_matches, hmac_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::{TOLERANCE_SECS, settings::Settings};

/// The most signatures one header may carry; a sender that rotates needs two.
const SIGNATURES_MAX: usize = 8;

/// Checks that a request comes from the partner.
pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    let id = message_id(request)?;
    let sent_at = request.header("webhook-timestamp")?;
    check_time(unix_seconds(sent_at)?, now, TOLERANCE_SECS)?;
    let given = signatures(request.header("webhook-signature")?)?;
    let content = signed_content(id, sent_at, &request.body);
    let keys: Vec<&[u8]> = settings.secrets.iter().map(|key| key.expose().as_slice()).collect();
    let mut found = hmac_sha256_matches(&keys, &content, &given.hmacs);
    for key in &settings.public_keys {
        for signature in &given.ed25519s {
            found = found.or_else(|_| ed25519_matches(key, &content, signature));
        }
    }
    found
}

/// The message's id. It holds no `.`, so that id, time and body cannot be shifted into each other.
pub(crate) fn message_id(request: &RawRequest) -> Result<&str, Refusal> {
    let id = request.header("webhook-id")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    if (1..=128).contains(&id.len()) && id.bytes().all(plain) {
        return Ok(id);
    }
    Err(Refusal::new(Step::Signature, "malformed_header", "webhook-id"))
}

/// What is signed: `id.time.body`, the body's bytes as they came.
pub(crate) fn signed_content(id: &str, sent_at: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", sent_at.as_bytes(), b".", body].concat()
}

/// The signed content as text, to show to people. No secret is part of it.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let sent_at = request.header("webhook-timestamp").ok()?;
    String::from_utf8(signed_content(message_id(request).ok()?, sent_at, &request.body)).ok()
}

/// The signatures of a header, decoded.
#[derive(Default)]
struct Signatures {
    hmacs: Vec<Vec<u8>>,
    ed25519s: Vec<Vec<u8>>,
}

/// The `v1` and `v1a` signatures of a header; items of other versions are skipped, as the standard says.
fn signatures(header: &str) -> Result<Signatures, Refusal> {
    let malformed = Refusal::new(Step::Signature, "malformed_header", "webhook-signature");
    let mut found = Signatures::default();
    for (at, item) in header.split(' ').enumerate() {
        let (version, text) =
            item.split_once(',').filter(|_| at < SIGNATURES_MAX).ok_or_else(|| malformed.clone())?;
        let list = match version {
            "v1" => &mut found.hmacs,
            "v1a" => &mut found.ed25519s,
            _ => continue,
        };
        list.push(STANDARD.decode(text).map_err(|_| malformed.clone())?);
    }
    Ok(found)
}
