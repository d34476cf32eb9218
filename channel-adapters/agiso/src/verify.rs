//! Who speaks: MD5 between two copies of the app's secret, over names and values without separators, and the clock.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign};
use vocabulary::{Secret, Timestamp};

use crate::settings::Settings;

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The signature of a call of ours: its fields sorted by name, case-sensitively.
pub(crate) fn signature(settings: &Settings, fields: &[(&str, &str)]) -> String {
    md5_hex(canonical(settings, fields).expose().as_bytes())
}

/// What a signature is made over.
pub(crate) fn canonical(settings: &Settings, fields: &[(&str, &str)]) -> Secret<String> {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let text: String = fields.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let text = Secret::new(text);
    let secret = settings.app_secret.expose();
    Secret::new(format!("{secret}{}{secret}", text.expose()))
}

/// What a push carries: the text of its form field `json`, and the time of its query.
fn pushed(request: &RawRequest) -> Result<(String, String), Refusal> {
    let json = json(request)?;
    let query = request.query_pairs()?;
    let timestamp = query.into_iter().find(|(name, _)| name == "timestamp").map(|(_, value)| value);
    Ok((json, timestamp.ok_or(Refusal::new(Step::Time, "missing_timestamp", "timestamp"))?))
}

/// The push itself, after form-decoding.
pub(crate) fn json(request: &RawRequest) -> Result<String, Refusal> {
    let json = request.form()?.into_iter().find(|(name, _)| name == "json").map(|(_, value)| value);
    json.ok_or(Refusal::new(Step::Format, "missing_json", "json"))
}

/// What a push's signature is made over, with the secret left out.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let (json, timestamp) = pushed(request).ok()?;
    Some(format!("***json{json}timestamp{timestamp}***"))
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::FORM, BODY_BYTES_MAX)?;
    let query = request.query_pairs()?;
    let given = query.iter().find(|(name, _)| name == "sign").map(|(_, value)| value);
    let given = given.ok_or(Refusal::new(Step::Signature, "missing_signature", "sign"))?;
    let (json, timestamp) = pushed(request)?;
    let computed = signature(settings, &[("json", &json), ("timestamp", &timestamp)]);
    // "The server ignores case" when it signs pushes.
    let proof = sign::digest_matches(&computed, &given.to_ascii_lowercase())?;
    sign::check_time(sign::unix_seconds(&timestamp)?, now, settings.tolerance_secs)?;
    Ok(proof)
}
