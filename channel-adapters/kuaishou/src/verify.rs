//! Who speaks. A push is encrypted with a key that only Kuaishou and we have; the e-ticket interface, whose signature
//! no document shows, is called at an address with a secret in it.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Proof, RawRequest, Refusal, Step, cipher, sign::digest_matches, strict_json};
use serde::Deserialize;

use crate::settings::Settings;

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// "16 zero bytes."
const IV: [u8; 16] = [0; 16];
/// One answer for all that may be wrong with a cipher text, so that nobody learns at which step it failed.
const BAD: Refusal =
    Refusal::new(Step::Signature, "bad_signature", "the message does not decrypt to one of ours");

/// What a request is, by the path behind the shop's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Push,
    /// The secret, then what is asked for: `send`, `query` or `destroy`.
    Eticket(&'a str, &'a str),
}

pub(crate) fn route(topic: &str) -> Option<Route<'_>> {
    if topic.is_empty() {
        return Some(Route::Push);
    }
    let (secret, what) = topic.strip_prefix("eticket/")?.split_once('/')?;
    matches!(what, "send" | "query" | "destroy").then_some(Route::Eticket(secret, what))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    app_key: String,
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest) -> Result<Proof, Refusal> {
    check_framing(request)?;
    match route(&request.topic) {
        Some(Route::Push) => {
            let plain = decrypt(settings, &request.body)?;
            let named: Named = strict_json::from_slice(&plain).map_err(|_| BAD)?;
            digest_matches(&settings.app_key, &named.app_key)
        }
        Some(Route::Eticket(given, _)) => {
            let secret = settings.eticket_secret.as_ref().ok_or(BAD)?;
            digest_matches(secret.expose(), given)
        }
        None => Err(Refusal::new(Step::Signature, "unknown_address", "path")),
    }
}

/// The plain text of a push: the body is Base64 of AES-128-CBC.
pub(crate) fn decrypt(settings: &Settings, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let sealed = STANDARD.decode(body).map_err(|_| BAD)?;
    let padded = cipher::aes_cbc_decrypt(settings.message_key.expose(), &IV, &sealed).ok_or(BAD)?;
    cipher::unpad(&padded, 16).map(<[u8]>::to_vec).ok_or(BAD)
}

fn check_framing(request: &RawRequest) -> Result<(), Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "method"));
    }
    Ok(())
}
