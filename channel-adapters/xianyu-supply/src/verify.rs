//! Who speaks: the six-part MD5 signature of the virtual supply interface, and the clock.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign};
use vocabulary::{Secret, Timestamp};

use crate::{inbound::Topic, settings::Settings};

/// "Valid for 5 minutes", says the document.
pub(crate) const TOLERANCE_SECS: i64 = 300;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The signature of a body: over the raw bytes, the time stamp as it is written and the four credentials.
pub(crate) fn signature(settings: &Settings, body: &[u8], timestamp: &str) -> String {
    let secrets = (settings.app_secret.expose().as_str(), settings.mch_secret.expose().as_str());
    let plain = Secret::new(plain(settings, body, timestamp, secrets));
    md5_hex(plain.expose().as_bytes())
}

/// What a call's signature is made over, with the secrets left out.
pub(crate) fn signed_text(settings: &Settings, request: &RawRequest) -> Option<String> {
    let query = request.query_pairs().ok()?;
    let (_, timestamp) = query.iter().find(|(name, _)| name == "timestamp")?;
    Some(plain(settings, &request.body, timestamp, ("***", "***")))
}

fn plain(settings: &Settings, body: &[u8], timestamp: &str, secrets: (&str, &str)) -> String {
    let (app_id, mch_id) = (settings.app_id, &settings.mch_id);
    format!("{app_id},{},{},{timestamp},{mch_id},{}", secrets.0, md5_hex(body), secrets.1)
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    check_framing(request)?;
    let query = request.query_pairs()?;
    let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let (mch_id, timestamp, given) = (value("mch_id"), value("timestamp"), value("sign"));
    // The one call that the document allows unsigned. As soon as it carries any part of a signature, all must
    // hold.
    if Topic::of(request) == Topic::OpenInfo && mch_id.is_none() && timestamp.is_none() && given.is_none() {
        return Ok(Proof::unsigned_query());
    }
    let given = given.ok_or(Refusal::new(Step::Signature, "missing_signature", "sign"))?;
    if mch_id != Some(settings.mch_id.as_str()) {
        return Err(Refusal::new(Step::Signature, "unknown_merchant", "mch_id"));
    }
    // goofish does not send it, but if it is there it must be ours.
    if value("app_id").is_some_and(|id| id != settings.app_id.to_string()) {
        return Err(Refusal::new(Step::Signature, "unknown_merchant", "app_id"));
    }
    let timestamp = timestamp.ok_or(Refusal::new(Step::Time, "missing_timestamp", "timestamp"))?;
    let signed_at = sign::unix_seconds(timestamp)?;
    let given = given.to_ascii_lowercase();
    let matches = |body: &[u8]| sign::digest_matches(&signature(settings, body, timestamp), &given);
    // The document lets an empty body be signed as nothing or as `{}`.
    let proof = match matches(&request.body) {
        Err(_) if request.body.is_empty() => matches(b"{}")?,
        other => other?,
    };
    sign::check_time(signed_at, now, TOLERANCE_SECS)?;
    Ok(proof)
}

fn check_framing(request: &RawRequest) -> Result<(), Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "method"));
    }
    if !request.body.is_empty() {
        request.check_content_type(RawRequest::JSON)?;
    }
    Ok(())
}
