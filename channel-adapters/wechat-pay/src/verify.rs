//! Whether a notification or an answer comes from WeChat Pay.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    OutboundResponse, Proof, RawRequest, Refusal, Step,
    sign::{check_time, rsa_sha256_matches, unix_seconds},
};
use vocabulary::Timestamp;

use crate::settings::Merchant;

/// How far the signed time may be from our clock, in seconds: less than five minutes.
pub(crate) const TOLERANCE_SECS: i64 = 299;
const SERIAL: &str = "wechatpay-serial";
const TIMESTAMP: &str = "wechatpay-timestamp";
const NONCE: &str = "wechatpay-nonce";
const SIGNATURE: &str = "wechatpay-signature";
const TYPE: &str = "wechatpay-signature-type";
/// The one kind of signature there is; a message that does not name it has it too.
pub(crate) const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

fn bad(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Signature, code, detail)
}

/// The four headers of a signed message.
struct Signed<'a> {
    serial: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn of_request(request: &'a RawRequest) -> Result<Self, Refusal> {
        let named = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(TYPE));
        if named && request.header(TYPE)? != SCHEME {
            return Err(bad("unsupported_signature_type", TYPE));
        }
        Ok(Self {
            serial: request.header(SERIAL)?,
            timestamp: request.header(TIMESTAMP)?,
            nonce: request.header(NONCE)?,
            signature: request.header(SIGNATURE)?,
        })
    }

    fn of_response(response: &'a OutboundResponse) -> Result<Self, Refusal> {
        let header = |name: &'static str| {
            let mut values = response.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Ok(value.as_str()),
                (None, _) => Err(bad("missing_header", name)),
                (Some(_), Some(_)) => Err(bad("repeated_header", name)),
            }
        };
        Ok(Self {
            serial: header(SERIAL)?,
            timestamp: header(TIMESTAMP)?,
            nonce: header(NONCE)?,
            signature: header(SIGNATURE)?,
        })
    }

    /// Time, nonce and body, each with a line feed behind it.
    fn text(&self, body: &[u8]) -> Vec<u8> {
        [self.timestamp.as_bytes(), b"\n", self.nonce.as_bytes(), b"\n", body, b"\n"].concat()
    }

    fn check(&self, merchant: &Merchant, body: &[u8]) -> Result<Proof, Refusal> {
        let plain =
            |text: &str| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        // A line feed in here would move the border between nonce and body.
        if !plain(self.timestamp) || !plain(self.nonce) {
            return Err(bad("malformed_header", NONCE));
        }
        let key = merchant.platform_key(self.serial).ok_or(bad("unknown_serial", SERIAL))?;
        let signature =
            STANDARD.decode(self.signature).map_err(|_| bad("bad_signature", "signature is not base64"))?;
        rsa_sha256_matches(key, &self.text(body), &signature)
    }
}

/// Checks that a notification comes from WeChat Pay. Its probes with a wrong signature (`WECHATPAY/SIGNTEST/…`) fail
/// here like any other.
pub(crate) fn verify(merchant: &Merchant, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "not POST"));
    }
    let signed = Signed::of_request(request)?;
    let proof = signed.check(merchant, &request.body)?;
    check_time(unix_seconds(signed.timestamp)?, now, TOLERANCE_SECS)?;
    Ok(proof)
}

/// Checks that an answer comes from WeChat Pay. Its time is not checked: a reading has no clock, and the answer came
/// over a connection of ours and names what it is about.
pub(crate) fn answered_by_platform(
    merchant: &Merchant,
    response: &OutboundResponse,
) -> Result<Proof, Refusal> {
    Signed::of_response(response)?.check(merchant, &response.body)
}

/// What a notification's signature is made over.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    String::from_utf8(Signed::of_request(request).ok()?.text(&request.body)).ok()
}
