//! Who speaks: the four-part MD5 signature of the ERP open platform (five parts for partner apps), and the
//! clock.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign};
use vocabulary::{Secret, Timestamp};

use crate::settings::Settings;

/// "Valid for 5 minutes", says the document.
pub(crate) const TOLERANCE_SECS: i64 = 300;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The signature of a body: over its raw bytes, the time stamp as it is written and the app's credentials.
pub(crate) fn signature(settings: &Settings, body: &[u8], timestamp: &str) -> String {
    let plain = Secret::new(plain(settings, body, timestamp, settings.app_secret.expose()));
    md5_hex(plain.expose().as_bytes())
}

/// What a push's signature is made over, with the secret left out.
pub(crate) fn signed_text(settings: &Settings, request: &RawRequest) -> Option<String> {
    let query = request.query_pairs().ok()?;
    let (_, timestamp) = query.iter().find(|(name, _)| name == "timestamp")?;
    Some(plain(settings, &request.body, timestamp, "***"))
}

fn plain(settings: &Settings, body: &[u8], timestamp: &str, secret: &str) -> String {
    let seller = settings.seller_id.map(|id| format!("{id},")).unwrap_or_default();
    format!("{},{},{timestamp},{seller}{secret}", settings.app_key, md5_hex(body))
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::JSON, BODY_BYTES_MAX)?;
    let query = request.query_pairs()?;
    let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let given = value("sign").ok_or(Refusal::new(Step::Signature, "missing_signature", "sign"))?;
    if value("appid") != Some(settings.app_key.to_string().as_str()) {
        return Err(Refusal::new(Step::Signature, "unknown_app", "appid"));
    }
    // A partner's push names the seller; one that names another is not for this shop.
    if let (Some(named), Some(ours)) = (value("seller_id"), settings.seller_id)
        && named != ours.to_string()
    {
        return Err(Refusal::new(Step::Signature, "unknown_seller", "seller_id"));
    }
    let timestamp = value("timestamp").ok_or(Refusal::new(Step::Time, "missing_timestamp", "timestamp"))?;
    let signed_at = sign::unix_seconds(timestamp)?;
    let proof =
        sign::digest_matches(&signature(settings, &request.body, timestamp), &given.to_ascii_lowercase())?;
    sign::check_time(signed_at, now, TOLERANCE_SECS)?;
    Ok(proof)
}
