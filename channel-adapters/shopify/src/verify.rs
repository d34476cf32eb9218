//! Whether a webhook comes from the shop: an HMAC over the raw body under the app's client secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Proof, RawRequest, Refusal, Step, sign::hmac_sha256_matches};

use crate::settings::Settings;

/// The value of a header, under the one name it was sent with: the newer deliveries leave out the `x-`.
fn header<'r>(request: &'r RawRequest, old: &'static str, new: &'static str) -> Result<&'r str, Refusal> {
    match (request.header(old), request.header(new)) {
        (found, Err(missing)) | (Err(missing), found) if missing.code == "missing_header" => found,
        (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
        (Ok(_), Ok(_)) => Err(Refusal::new(Step::Signature, "repeated_header", old)),
    }
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest) -> Result<Proof, Refusal> {
    if request.body.is_empty() {
        return Err(Refusal::new(Step::Signature, "empty_body", "body"));
    }
    let hmac = header(request, "x-shopify-hmac-sha256", "shopify-hmac-sha256")?;
    // The official library demands these too, though the HMAC does not cover them and we believe none of them.
    header(request, "x-shopify-topic", "shopify-topic")?;
    header(request, "x-shopify-api-version", "shopify-api-version")?;
    header(request, "x-shopify-webhook-id", "shopify-webhook-id")?;
    let given = STANDARD
        .decode(hmac)
        .map_err(|_| Refusal::new(Step::Signature, "bad_signature", "the HMAC is not base64"))?;
    let keys: Vec<&[u8]> = settings.client_secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
    hmac_sha256_matches(&keys, &request.body, &[given])
}

/// The app's secret is the same for every shop that installed it, so the shop must be the account's too.
pub(crate) fn check_shop(settings: &Settings, request: &RawRequest) -> Result<(), Refusal> {
    let shop = header(request, "x-shopify-shop-domain", "shopify-shop-domain")?;
    if shop.eq_ignore_ascii_case(&settings.shop) {
        return Ok(());
    }
    Err(Refusal::new(Step::Meaning, "shop_mismatch", "x-shopify-shop-domain"))
}
