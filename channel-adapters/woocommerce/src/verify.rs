//! Whether a webhook comes from the shop: an HMAC over the raw body under the webhook's secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Proof, RawRequest, Refusal, Step, sign::hmac_sha256_matches};

use crate::settings::Settings;

pub(crate) fn verify(settings: &Settings, request: &RawRequest) -> Result<Proof, Refusal> {
    match request.header("x-wc-webhook-signature") {
        Err(missing) if missing.code == "missing_header" && is_ping(request) => Ok(Proof::unsigned_query()),
        Err(refusal) => Err(refusal),
        Ok(signature) => {
            let given = STANDARD
                .decode(signature)
                .map_err(|_| Refusal::new(Step::Signature, "bad_signature", "the signature is not base64"))?;
            hmac_sha256_matches(&[settings.secret.expose().as_bytes()], &request.body, &[given])
        }
    }
}

/// The form that a shop posts, unsigned, when a webhook is made: `webhook_id=4`.
fn is_ping(request: &RawRequest) -> bool {
    let number = request.body.strip_prefix(b"webhook_id=").unwrap_or_default();
    request.method == "POST" && (1..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}
