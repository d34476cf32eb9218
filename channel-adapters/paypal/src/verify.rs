//! Whether a webhook comes from PayPal: an RSA signature over the transmission's id and time, our webhook's id, and
//! a CRC-32 of the raw body.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Proof, RawRequest, Refusal, Step, sign::rsa_sha256_matches};
use vocabulary::Timestamp;

use crate::{
    crc32::crc32,
    settings::{Settings, is_paypals},
};

const fn bad(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Signature, code, detail)
}

/// The certificates are those of the settings, so neither a chain nor an address of the message's own is followed.
pub(crate) fn verify(settings: &Settings, request: &RawRequest) -> Result<Proof, Refusal> {
    if request.header("paypal-auth-algo")? != "SHA256withRSA" {
        return Err(bad("unsupported_algo", "paypal-auth-algo"));
    }
    let url = request.header("paypal-cert-url")?;
    if !is_paypals(url, settings.sandbox) {
        return Err(bad("untrusted_cert_url", "paypal-cert-url"));
    }
    let key = settings.certificates.get(url).ok_or(bad("unknown_certificate", "paypal-cert-url"))?;
    let signature = STANDARD
        .decode(request.header("paypal-transmission-sig")?)
        .map_err(|_| bad("bad_signature", "the signature is not base64"))?;
    rsa_sha256_matches(key, signed_text(settings, request)?.as_bytes(), &signature)
}

/// What is signed. The two parts that the sender chooses are held to their form: with a `|` in one of them, another
/// message would have the same text.
pub(crate) fn signed_text(settings: &Settings, request: &RawRequest) -> Result<String, Refusal> {
    let id = request.header("paypal-transmission-id")?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !plain || !(1..=64).contains(&id.len()) {
        return Err(bad("malformed_header", "paypal-transmission-id"));
    }
    let time = request.header("paypal-transmission-time")?;
    Timestamp::parse_rfc3339(time).map_err(|_| bad("malformed_header", "paypal-transmission-time"))?;
    Ok(format!("{id}|{time}|{}|{}", settings.webhook_id, crc32(&request.body)))
}
