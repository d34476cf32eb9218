//! Who speaks: HMAC-SHA-256 over time and raw body, and the clock.
//!
//! Nothing is parsed before this has passed, and no default accepts.

use channel::{
    Proof, RawRequest, Refusal, Step,
    sign::{check_time, hmac_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::settings::Settings;

/// How far a signed time may be from our clock, in seconds.
pub(crate) const TOLERANCE_SECS: i64 = 300;

/// Checks that a request comes from the platform.
pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    let bad = |detail| Refusal::new(Step::Signature, "bad_signature", detail);
    let given = hex::decode(request.header("x-signature")?).map_err(|_| bad("x-signature is not hex"))?;
    let time = request.header("x-timestamp")?;
    let content = [time.as_bytes(), b".", &request.body].concat();
    let proof = hmac_sha256_matches(&[settings.secret.expose().as_bytes()], &content, &[given])?;
    check_time(unix_seconds(time)?, now, TOLERANCE_SECS)?;
    Ok(proof)
}

/// What a request's signature is made over: shown to whoever sets the channel up.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let time = request.header("x-timestamp").ok()?;
    Some(format!("{time}.{}", std::str::from_utf8(&request.body).ok()?))
}
