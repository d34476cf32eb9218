//! Who speaks: HMAC-SHA-256 over method, path, time and the body's digest, and the clock.

use channel::{
    Proof, RawRequest, Refusal, Step,
    legacy_sign::md5_hex,
    sign::{self, hmac_sha256},
};
use vocabulary::Timestamp;

use crate::{
    settings::{Credentials, Settings},
    topic::{self, Topic},
};

/// How far a signed time may be off, says the document.
pub(crate) const TOLERANCE_SECS: i64 = 60;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

pub(crate) const KEY_HEADER: &str = "dujiao-next-api-key";
pub(crate) const TIME_HEADER: &str = "dujiao-next-timestamp";
pub(crate) const SIGNATURE_HEADER: &str = "dujiao-next-signature";

/// What is signed. The query is not part of it.
fn content(method: &str, path: &str, timestamp: &str, body: &[u8]) -> String {
    format!("{method}\n{path}\n{timestamp}\n{}", md5_hex(body))
}

/// The headers that sign a call of ours.
pub(crate) fn headers(
    credentials: &Credentials,
    method: &str,
    path: &str,
    body: &[u8],
    now: Timestamp,
) -> Vec<(String, String)> {
    let timestamp = now.secs().to_string();
    let content = content(method, path, &timestamp, body);
    let tag = hmac_sha256(credentials.api_secret.expose().as_bytes(), content.as_bytes());
    vec![
        (KEY_HEADER.to_owned(), credentials.api_key.clone()),
        (TIME_HEADER.to_owned(), timestamp),
        (SIGNATURE_HEADER.to_owned(), hex::encode(tag)),
        ("content-type".to_owned(), "application/json".to_owned()),
    ]
}

/// What a request's signature is made over. The secret is no part of it.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let timestamp = request.header(TIME_HEADER).ok()?;
    Some(content(&request.method, &topic::path(request), timestamp, &request.body))
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if !request.body.is_empty() {
        request.check_content_type(RawRequest::JSON)?;
    }
    let credentials = match Topic::of(request) {
        Topic::Callback => settings.buy.as_ref().map(|buy| &buy.credentials),
        _ => settings.sell.as_ref().map(|sell| &sell.credentials),
    };
    let not_set_up = Refusal::new(Step::Signature, "not_set_up", "the account has no such direction");
    let credentials = credentials.ok_or(not_set_up)?;
    // The key names the shop and is no secret.
    if request.header(KEY_HEADER)? != credentials.api_key {
        return Err(Refusal::new(Step::Signature, "unknown_key", "dujiao-next-api-key"));
    }
    let given = request.header(SIGNATURE_HEADER)?.to_ascii_lowercase();
    let malformed = Refusal::new(Step::Signature, "malformed_header", "dujiao-next-signature");
    let given = hex::decode(given).map_err(|_| malformed)?;
    let timestamp = request.header(TIME_HEADER)?;
    let content = content(&request.method, &topic::path(request), timestamp, &request.body);
    let secret = credentials.api_secret.expose().as_bytes();
    let proof = sign::hmac_sha256_matches(&[secret], content.as_bytes(), &[given])?;
    sign::check_time(sign::unix_seconds(timestamp)?, now, TOLERANCE_SECS)?;
    Ok(proof)
}
