//! Who speaks: the signature over the encrypted message, and over the parameters of an address check.

use channel::{Ask, Inbound, Kind, Proof, RawRequest, Refusal, Step, sign::digest_matches, strict_json};
use serde::Deserialize;

use crate::{
    envelope::{joined, open, signature},
    settings::App,
};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "Encrypt")]
    encrypt: String,
}

/// The parameters that are signed, and the signature.
pub(crate) struct Params {
    pub(crate) timestamp: String,
    pub(crate) nonce: String,
    signature: String,
    echostr: String,
}

impl Params {
    /// Reads the query; the signature stands under `name`. Nothing separates the signed parts, so the two that anybody
    /// can choose are kept short and plain: they cannot swallow a block of the encrypted message.
    pub(crate) fn read(request: &RawRequest, name: &'static str) -> Result<Self, Refusal> {
        let pairs = request.query_pairs()?;
        let value = |name: &str| {
            pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let params = Self {
            timestamp: value("timestamp"),
            nonce: value("nonce"),
            signature: value(name),
            echostr: value("echostr"),
        };
        let bad = |field| Refusal::new(Step::Signature, "malformed_parameter", field);
        let digits = params.timestamp.bytes().all(|b| b.is_ascii_digit());
        if !(1..=12).contains(&params.timestamp.len()) || !digits {
            return Err(bad("timestamp"));
        }
        let plain = params.nonce.bytes().all(|b| b.is_ascii_alphanumeric());
        if !(1..=32).contains(&params.nonce.len()) || !plain {
            return Err(bad("nonce"));
        }
        if params.signature.is_empty() {
            return Err(Refusal::new(Step::Signature, "missing_sign", name));
        }
        Ok(params)
    }
}

fn sealed(request: &RawRequest) -> Result<String, Refusal> {
    strict_json::from_slice::<Push>(&request.body).map(|push| push.encrypt)
}

pub(crate) fn verify(app: &App, request: &RawRequest) -> Result<Proof, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    let (params, sealed) = match request.method.as_str() {
        "GET" => (Params::read(request, "signature")?, None),
        // The plain `signature` of a push does not cover the message, so it is not even looked at.
        "POST" => (Params::read(request, "msg_signature")?, Some(sealed(request)?)),
        _ => return Err(Refusal::new(Step::Format, "wrong_method", "method")),
    };
    let parts = [Some(params.timestamp.as_str()), Some(params.nonce.as_str()), sealed.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    digest_matches(&signature(&app.push_token, &parts), &params.signature.to_ascii_lowercase())
}

/// What the signature is made over, with the token left out.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let get = request.method == "GET";
    let params = Params::read(request, if get { "signature" } else { "msg_signature" }).ok()?;
    let sealed = if get { None } else { Some(sealed(request).ok()?) };
    let parts = [Some(params.timestamp.as_str()), Some(params.nonce.as_str()), sealed.as_deref()];
    Some(joined("***", &parts.into_iter().flatten().collect::<Vec<_>>()))
}

/// The decrypted message of a push that was verified.
pub(crate) fn message(app: &App, request: &RawRequest) -> Result<Vec<u8>, Refusal> {
    open(app.aes_key.expose(), &app.appid, &sealed(request)?)
}

/// The check that WeChat makes when the address is entered.
pub(crate) fn address_check(request: &RawRequest) -> Result<Inbound, Refusal> {
    echo(request).ok_or(Refusal::new(Step::Meaning, "invalid_field", "echostr"))?;
    Ok(Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask: Ask::Nothing })
}

/// What an address check wants back. It is not signed, so nothing but plain characters is echoed.
pub(crate) fn echo(request: &RawRequest) -> Option<String> {
    let echostr = Params::read(request, "signature").ok()?.echostr;
    let plain = echostr.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    ((1..=64).contains(&echostr.len()) && plain).then_some(echostr)
}
