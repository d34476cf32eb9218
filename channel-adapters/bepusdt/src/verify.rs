//! Whether a notification comes from the gateway.

use channel::{Proof, RawRequest, Refusal, Step, sign::digest_matches};

use crate::{
    canonical::{Fields, Numbers},
    settings::Gateway,
};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Checks a notification's signature. BEpusdt signs numbers as Go prints floats, epusdt as they are sent; they differ
/// from a million on, so the second form is tried where the first does not fit.
pub(crate) fn verify(gateway: &Gateway, request: &RawRequest) -> Result<Proof, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "method"));
    }
    let fields = Fields::read(&request.body)?;
    if fields.is_ambiguous() {
        return Err(Refusal::new(Step::Signature, "ambiguous_value", "a value reads as a field"));
    }
    let given = fields.get("signature").to_ascii_lowercase();
    if given.is_empty() {
        return Err(Refusal::new(Step::Signature, "missing_sign", "signature"));
    }
    let matches = |numbers| digest_matches(&fields.signature(numbers, &gateway.token), &given);
    matches(Numbers::AsSent).or_else(|_| matches(Numbers::AsGo))
}

/// What a notification's signature is made over, with the token left out: numbers in the form that fits the signature,
/// as they are sent where neither does.
pub(crate) fn signed_text(gateway: &Gateway, request: &RawRequest) -> Option<String> {
    let fields = Fields::read(&request.body).ok()?;
    let given = fields.get("signature").to_ascii_lowercase();
    let fits =
        |numbers: &Numbers| digest_matches(&fields.signature(*numbers, &gateway.token), &given).is_ok();
    let numbers = [Numbers::AsSent, Numbers::AsGo].into_iter().find(fits).unwrap_or(Numbers::AsSent);
    Some(format!("{}***", fields.canonical(numbers)))
}
