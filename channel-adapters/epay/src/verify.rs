//! Whether a notification comes from the gateway.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Proof, RawRequest, Refusal, Step,
    sign::{check_time, digest_matches, rsa_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::{
    canonical::{Pair, is_ambiguous, value},
    settings::{Gateway, Keys},
};

/// How far a V2 time stamp may be from our clock, in seconds.
pub(crate) const TOLERANCE_SECS: i64 = 300;

/// The fields of a notification: the query of a `GET`, the form of a `POST`, never both.
pub(crate) fn fields(request: &RawRequest) -> Result<Vec<Pair>, Refusal> {
    match request.method.as_str() {
        "GET" => request.query_pairs(),
        "POST" => request.form(),
        _ => Err(Refusal::new(Step::Format, "wrong_method", "neither GET nor POST")),
    }
}

/// Checks that a notification comes from the gateway. The account says which signature it must have; the
/// message's own word for it only has to agree.
pub(crate) fn verify(gateway: &Gateway, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    let pairs = fields(request)?;
    if is_ambiguous(&pairs) {
        return Err(Refusal::new(Step::Signature, "ambiguous_value", "a value or name reads as a field"));
    }
    if let Keys::Rsa { .. } = gateway.keys {
        check_time(unix_seconds(value(&pairs, "timestamp"))?, now, TOLERANCE_SECS)?;
    }
    signed_by_gateway(gateway, &pairs)
}

/// Checks the signature of a notification or of an answer.
pub(crate) fn signed_by_gateway(gateway: &Gateway, pairs: &[Pair]) -> Result<Proof, Refusal> {
    let bad = |code, detail| Refusal::new(Step::Signature, code, detail);
    let given = value(pairs, "sign");
    if given.is_empty() {
        return Err(bad("missing_sign", "sign"));
    }
    let canonical = gateway.canonical(pairs);
    let sign_type = value(pairs, "sign_type");
    match &gateway.keys {
        Keys::Md5(_) if sign_type != "MD5" => Err(bad("unsupported_signature_type", "sign_type")),
        Keys::Md5(key) => {
            digest_matches(&Gateway::md5_of(key.expose(), &canonical), &given.to_ascii_lowercase())
        }
        Keys::Rsa { .. } if sign_type != "RSA" => Err(bad("unsupported_signature_type", "sign_type")),
        Keys::Rsa { platform, .. } => {
            let signature = STANDARD.decode(given).map_err(|_| bad("bad_signature", "sign is not base64"))?;
            rsa_sha256_matches(platform, canonical.as_bytes(), &signature)
        }
    }
}

/// What a notification's signature is made over, with the key left out.
pub(crate) fn signed_text(gateway: &Gateway, request: &RawRequest) -> Option<String> {
    let canonical = gateway.canonical(&fields(request).ok()?);
    Some(match gateway.keys {
        Keys::Md5(_) => format!("{canonical}***"),
        Keys::Rsa { .. } => canonical,
    })
}
