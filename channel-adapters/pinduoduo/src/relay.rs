//! Who speaks: the relay, which signs as Standard Webhooks says (`v1`, HMAC-SHA-256 over `id.time.body`).

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Proof, RawRequest, Refusal, Step,
    sign::{check_time, hmac_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::settings::Settings;

/// What Standard Webhooks proposes: five minutes.
pub(crate) const TOLERANCE_SECS: i64 = 300;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// The most signatures one header may carry.
const SIGNATURES_MAX: usize = 8;

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::JSON, BODY_BYTES_MAX)?;
    let key = settings.relay_key.as_ref().ok_or(Refusal::new(Step::Signature, "no_relay", "relay_secret"))?;
    let id = message_id(request)?;
    let sent_at = request.header("webhook-timestamp")?;
    check_time(unix_seconds(sent_at)?, now, TOLERANCE_SECS)?;
    let given = signatures(request.header("webhook-signature")?)?;
    hmac_sha256_matches(&[key.expose()], &signed_content(id, sent_at, &request.body), &given)
}

/// The signed content as text. No secret is part of it.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let sent_at = request.header("webhook-timestamp").ok()?;
    String::from_utf8(signed_content(message_id(request).ok()?, sent_at, &request.body)).ok()
}

fn signed_content(id: &str, sent_at: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", sent_at.as_bytes(), b".", body].concat()
}

/// The delivery's id. It holds no `.`, so that id, time and body cannot be shifted into each other.
fn message_id(request: &RawRequest) -> Result<&str, Refusal> {
    let id = request.header("webhook-id")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    if (1..=128).contains(&id.len()) && id.bytes().all(plain) {
        return Ok(id);
    }
    Err(Refusal::new(Step::Signature, "malformed_header", "webhook-id"))
}

/// The `v1` signatures of a header; items of other versions are skipped, as the standard says.
fn signatures(header: &str) -> Result<Vec<Vec<u8>>, Refusal> {
    const MALFORMED: Refusal = Refusal::new(Step::Signature, "malformed_header", "webhook-signature");
    let mut found = Vec::new();
    for (at, item) in header.split(' ').enumerate() {
        let (version, text) = item.split_once(',').filter(|_| at < SIGNATURES_MAX).ok_or(MALFORMED)?;
        if version == "v1" {
            found.push(STANDARD.decode(text).map_err(|_| MALFORMED)?);
        }
    }
    Ok(found)
}
