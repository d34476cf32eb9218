//! Whether an event comes from Stripe.

use channel::{
    Proof, RawRequest, Refusal, Step,
    sign::{check_time, hmac_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::settings::Stripe;

/// How far the signed time may be from our clock, in seconds. Stripe's libraries allow any future; we do not.
pub(crate) const TOLERANCE_SECS: i64 = 300;
const HEADER: &str = "stripe-signature";

/// What the header says: `t=…,v1=…[,v1=…][,v0=…]`.
struct Signature<'a> {
    time: &'a str,
    /// One for each secret that the endpoint has now.
    tags: Vec<Vec<u8>>,
}

impl<'a> Signature<'a> {
    fn read(header: &'a str) -> Result<Self, Refusal> {
        let malformed = Refusal::new(Step::Signature, "malformed_header", HEADER);
        let (mut time, mut tags) = (None, Vec::new());
        for item in header.split(',') {
            match item.split_once('=').ok_or(malformed.clone())? {
                ("t", text) if time.is_none() => time = Some(text),
                ("t", _) => return Err(malformed),
                ("v1", text) => {
                    let tag = hex::decode(text).ok().filter(|tag| tag.len() == 32);
                    tags.push(tag.ok_or(malformed.clone())?);
                }
                // Other schemes prove nothing: Stripe sends a made-up `v0` in test mode.
                _ => {}
            }
        }
        let time = time.ok_or(Refusal::new(Step::Signature, "missing_timestamp", HEADER))?;
        if tags.is_empty() {
            return Err(Refusal::new(Step::Signature, "no_v1_signature", HEADER));
        }
        Ok(Self { time, tags })
    }
}

/// Checks that an event comes from Stripe: HMAC-SHA-256 over `time.body`, under the whole text of a secret.
pub(crate) fn verify(stripe: &Stripe, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "not POST"));
    }
    let signature = Signature::read(request.header(HEADER)?)?;
    let keys: Vec<&[u8]> = stripe.webhook_secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
    let content = [signature.time.as_bytes(), b".", &request.body].concat();
    let proof = hmac_sha256_matches(&keys, &content, &signature.tags)?;
    check_time(unix_seconds(signature.time)?, now, TOLERANCE_SECS)?;
    Ok(proof)
}

/// What an event's signature is made over.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let signature = Signature::read(request.header(HEADER).ok()?).ok()?;
    Some(format!("{}.{}", signature.time, std::str::from_utf8(&request.body).ok()?))
}
