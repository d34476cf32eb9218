//! Who speaks: an MD5 over the path, the query, the app and the time, but not over the body.

use channel::{
    Proof, RawRequest, Refusal, Step,
    legacy_sign::md5_hex,
    sign::{check_time, digest_matches, unix_seconds},
};
use vocabulary::{Secret, Timestamp};

use crate::settings::Settings;

/// No document names one. Ten minutes leave room for the one repeat, which comes after five.
pub(crate) const TOLERANCE_SECS: i64 = 600;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Names that the signed text takes from headers: a query must not bring them too.
const RESERVED: [&str; 3] = ["app-key", "timestamp", "sign"];

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::JSON, BODY_BYTES_MAX)?;
    let given = request.header("sign")?;
    if request.header("app-key")? != settings.app_id {
        return Err(Refusal::new(Step::Signature, "unknown_app", "app-key"));
    }
    let timestamp = request.header("timestamp").map_err(|refusal| Refusal { step: Step::Time, ..refusal })?;
    let signed_at = unix_seconds(timestamp)?;
    let secret = settings.app_secret.expose();
    let plain = Secret::new(plain(settings, request, timestamp, secret)?);
    let computed = md5_hex(plain.expose().as_bytes());
    let proof = digest_matches(&computed, &given.to_ascii_lowercase())?;
    check_time(signed_at, now, TOLERANCE_SECS)?;
    Ok(proof)
}

/// What a push's signature is made over, with the secret left out.
pub(crate) fn signed_text(settings: &Settings, request: &RawRequest) -> Option<String> {
    plain(settings, request, request.header("timestamp").ok()?, "***").ok()
}

fn plain(settings: &Settings, request: &RawRequest, at: &str, secret: &str) -> Result<String, Refusal> {
    let mut pairs = request.query_pairs()?;
    // One SDK leaves empty parameters out and the document does not speak of them. The address is ours to choose, so
    // nothing genuine is lost by taking none.
    if pairs.iter().any(|(name, value)| value.is_empty() || RESERVED.contains(&name.as_str())) {
        return Err(Refusal::new(Step::Signature, "ambiguous_query", "query"));
    }
    pairs.push(("app-key".to_owned(), settings.app_id.clone()));
    pairs.push(("timestamp".to_owned(), at.to_owned()));
    pairs.sort();
    let joined: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let slash = if request.topic.is_empty() { "" } else { "/" };
    Ok(format!("{}{slash}{}?{}{secret}", settings.push_path, request.topic, joined.join("&")))
}
