//! Who speaks: HMAC-SHA-256 over everything that matters, under the shop's secret.

use channel::{
    Proof, RawRequest, Refusal, Step,
    sign::{check_time, hmac_sha256, hmac_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::settings::Settings;

/// How far a signed time may be from ours, in seconds.
pub(crate) const TOLERANCE_SECS: i64 = 300;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The two ways a message can go. The way is signed, so that none can be sent back to its sender.
pub(crate) const TO_MERCHANT: &str = "kami-sandbox-1 to-merchant";
pub(crate) const TO_MARKETPLACE: &str = "kami-sandbox-1 to-marketplace";

/// What is signed, a line each, and the body's bytes behind them. No line can hold a line end, so the text can be
/// read in one way only.
pub(crate) struct Signed<'a> {
    pub(crate) way: &'static str,
    pub(crate) topic: &'a str,
    pub(crate) shop: &'a str,
    pub(crate) message: &'a str,
    pub(crate) sent_at: &'a str,
    pub(crate) body: &'a [u8],
}

impl Signed<'_> {
    fn content(&self) -> Vec<u8> {
        let head = [self.way, "POST", self.topic, self.shop, self.message, self.sent_at, ""].join("\n");
        [head.as_bytes(), self.body].concat()
    }

    /// The signature in lower-case hex.
    pub(crate) fn signature(&self, secret: &str) -> String {
        hex::encode(hmac_sha256(secret.as_bytes(), &self.content()))
    }
}

/// Checks that a request comes from the marketplace and is meant for this shop.
pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    check_framing(request)?;
    let shop = request.header("x-sandbox-shop")?;
    if shop != settings.shop {
        return Err(Refusal::new(Step::Signature, "unknown_shop", "x-sandbox-shop"));
    }
    let message = message_id(request)?;
    let sent_at = request.header("x-sandbox-timestamp")?;
    check_time(unix_seconds(sent_at)?, now, TOLERANCE_SECS)?;
    let given = hex::decode(request.header("x-sandbox-signature")?)
        .map_err(|_| Refusal::new(Step::Signature, "malformed_header", "x-sandbox-signature"))?;
    let topic = request.topic.as_str();
    let signed = Signed { way: TO_MERCHANT, topic, shop, message, sent_at, body: &request.body };
    let secrets = [Some(&settings.secret), settings.older_secret.as_ref()];
    let keys: Vec<&[u8]> = secrets.into_iter().flatten().map(|key| key.expose().as_bytes()).collect();
    hmac_sha256_matches(&keys, &signed.content(), &[given])
}

/// What a request's signature is made over, as text. No secret is part of it.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let signed = Signed {
        way: TO_MERCHANT,
        topic: &request.topic,
        shop: request.header("x-sandbox-shop").ok()?,
        message: request.header("x-sandbox-message").ok()?,
        sent_at: request.header("x-sandbox-timestamp").ok()?,
        body: &request.body,
    };
    String::from_utf8(signed.content()).ok()
}

/// The message's id: 1 to 64 letters, digits, `-`, `_`, `.` or `:`.
pub(crate) fn message_id(request: &RawRequest) -> Result<&str, Refusal> {
    let id = request.header("x-sandbox-message")?;
    if is_reference(id) { Ok(id) } else { Err(bad_header("x-sandbox-message")) }
}

/// A number of the marketplace's: 1 to 64 letters, digits, `-`, `_`, `.` or `:`.
pub(crate) fn is_reference(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn bad_header(name: &'static str) -> Refusal {
    Refusal::new(Step::Signature, "malformed_header", name)
}

/// What the signature does not cover must not matter, so there is one method, no query, and topics are words.
fn check_framing(request: &RawRequest) -> Result<(), Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if request.method != "POST" || !request.query.is_empty() {
        return Err(Refusal::new(Step::Format, "wrong_address", "only POST, without a query"));
    }
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=64).contains(&request.topic.len()) && request.topic.bytes().all(word) {
        return Ok(());
    }
    Err(Refusal::new(Step::Format, "wrong_address", "the topic is no word"))
}
