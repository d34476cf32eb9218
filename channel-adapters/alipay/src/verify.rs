//! Whether a notification or an answer comes from Alipay.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Proof, RawRequest, Refusal, Step, sign::rsa_sha256_matches};

use crate::{
    canonical::{Pair, canonical, is_ambiguous, value},
    settings::Merchant,
};

/// What takes no part in the signature of a notification.
const OWN: &[&str] = &["sign", "sign_type"];

fn bad(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Signature, code, detail)
}

/// The fields of a notification.
pub(crate) fn fields(request: &RawRequest) -> Result<Vec<Pair>, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "not POST"));
    }
    request.form()
}

/// Checks that a notification comes from Alipay. It carries no time that could be too old: a repeat comes for a day.
pub(crate) fn verify(merchant: &Merchant, request: &RawRequest) -> Result<Proof, Refusal> {
    let pairs = fields(request)?;
    let sign = value(&pairs, "sign");
    if sign.is_empty() {
        return Err(bad("missing_sign", "sign"));
    }
    // `RSA` stands for SHA-1.
    if value(&pairs, "sign_type") != "RSA2" {
        return Err(bad("unsupported_signature_type", "sign_type"));
    }
    if is_ambiguous(&pairs) {
        return Err(bad("ambiguous_value", "a value reads as a field"));
    }
    signed_by_alipay(merchant, canonical(&pairs, OWN).as_bytes(), sign)
}

/// Checks a signature of Alipay's, in base64.
pub(crate) fn signed_by_alipay(merchant: &Merchant, text: &[u8], sign: &str) -> Result<Proof, Refusal> {
    let signature = STANDARD.decode(sign).map_err(|_| bad("bad_signature", "sign is not base64"))?;
    rsa_sha256_matches(&merchant.alipay_key, text, &signature)
}

/// What a notification's signature is made over.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    Some(canonical(&fields(request).ok()?, OWN))
}
