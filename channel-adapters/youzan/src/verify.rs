//! Who speaks: an MD5 over the body (header `Event-Sign`), or over the field `msg` alone (field `sign`).
//!
//! Where only `msg` is signed, nothing else of the body may mean anything.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign, strict_json};
use serde::Deserialize;
use serde_json::value::RawValue;
use vocabulary::Secret;

use crate::{settings::Settings, wire::Text};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The envelope of a push.
#[derive(Deserialize)]
pub(crate) struct Push {
    pub(crate) msg: Box<RawValue>,
    sign: Option<String>,
    #[serde(default)]
    pub(crate) client_id: Text,
    #[serde(default)]
    pub(crate) kdt_id: Text,
    #[serde(default)]
    pub(crate) test: bool,
}

impl Push {
    pub(crate) fn read(request: &RawRequest) -> Result<Self, Refusal> {
        strict_json::from_slice(&request.body)
    }
    /// `msg` where it is a text, exactly as it was sent.
    pub(crate) fn text(&self) -> Option<String> {
        serde_json::from_str(self.msg.get()).ok()
    }
}

/// Whether the signature covers the whole body.
pub(crate) fn covers_body(request: &RawRequest) -> bool {
    request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("event-sign"))
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::JSON, BODY_BYTES_MAX)?;
    if covers_body(request) {
        let given = request.header("event-sign")?.to_ascii_lowercase();
        return sign::digest_matches(&digest(settings, &request.body), &given);
    }
    let unsigned = Refusal::new(Step::Signature, "missing_signature", "sign");
    let push = Push::read(request)?;
    let (msg, given) = push.text().zip(push.sign.as_ref()).ok_or(unsigned)?;
    sign::digest_matches(&digest(settings, msg.as_bytes()), &given.to_ascii_lowercase())
}

fn digest(settings: &Settings, text: &[u8]) -> String {
    let secret = settings.client_secret.expose().as_bytes();
    let plain = Secret::new([settings.client_id.as_bytes(), text, secret].concat());
    md5_hex(plain.expose())
}

/// What is signed, with the secret left out.
pub(crate) fn signed_text(settings: &Settings, request: &RawRequest) -> Option<String> {
    let text = if covers_body(request) {
        String::from_utf8(request.body.clone()).ok()?
    } else {
        Push::read(request).ok()?.text()?
    };
    Some(format!("{}{text}***", settings.client_id))
}
