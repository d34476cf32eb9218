//! The text that is signed, and how calls are signed and written.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{OutboundRequest, Unable};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use vocabulary::Timestamp;

use crate::settings::Merchant;

/// A parameter, decoded.
pub(crate) type Pair = (String, String);

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// Alipay's clocks show Chinese time.
const CHINA_SECS: i64 = 8 * 3600;

/// The names that mean something to us: in notifications, and behind the border of a value that swallowed them.
const KNOWN: &[&str] = &[
    "app_id",
    "auth_app_id",
    "charset",
    "gmt_refund",
    "notify_id",
    "notify_type",
    "out_biz_no",
    "out_trade_no",
    "refund_fee",
    "seller_id",
    "sign",
    "sign_type",
    "total_amount",
    "trade_no",
    "trade_status",
];

/// The value of a parameter; empty where it is missing.
pub(crate) fn value<'a>(pairs: &'a [Pair], name: &str) -> &'a str {
    pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

/// The parameters that have a value, but for those of the signature's own, sorted, nothing encoded.
pub(crate) fn canonical(pairs: &[Pair], own: &[&str]) -> String {
    let signed = |(name, value): &&Pair| !value.is_empty() && !own.contains(&name.as_str());
    let mut sorted: Vec<&Pair> = pairs.iter().filter(signed).collect();
    sorted.sort();
    let parts: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join("&")
}

/// Whether a value holds what reads as the border to a known field, or a name what ends one. The signed text does not
/// encode `&` and `=`, so two messages would share a signature; the one that swallowed a field is refused.
pub(crate) fn is_ambiguous(pairs: &[Pair]) -> bool {
    let is_known = |piece: &str| piece.split_once('=').is_some_and(|(name, _)| KNOWN.contains(&name));
    pairs.iter().any(|(name, value)| name.contains(['&', '=']) || value.split('&').skip(1).any(is_known))
}

impl Merchant {
    /// A signed call of `method` (`alipay.trade.query`, …).
    pub(crate) fn call(
        &self,
        method: &str,
        content: &Value,
        now: Timestamp,
    ) -> Result<OutboundRequest, Unable> {
        let time = now.plus_secs(CHINA_SECS).to_utc().format("%Y-%m-%d %H:%M:%S").to_string();
        let content = content.to_string();
        let mut fields = vec![
            ("app_id", self.app_id.as_str()),
            ("method", method),
            ("format", "JSON"),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("timestamp", &time),
            ("version", "1.0"),
            ("biz_content", &content),
        ];
        if let Some((app, root)) = &self.certificates {
            fields.extend([("app_cert_sn", app.as_str()), ("alipay_root_cert_sn", root)]);
        }
        let mut pairs: Vec<Pair> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        pairs.push(("sign".to_owned(), self.sign(&pairs)?));
        let content_type =
            ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".to_owned());
        Ok(OutboundRequest {
            method: "POST",
            // The platform reads the charset from the address, before the form.
            url: format!("{}/gateway.do?charset=utf-8", self.base_url),
            headers: vec![content_type],
            body: form(&pairs).into_bytes(),
        })
    }

    pub(crate) fn sign(&self, pairs: &[Pair]) -> Result<String, Unable> {
        let signature = self.signer.sign_sha256(canonical(pairs, &["sign"]).as_bytes());
        signature.map(|signature| STANDARD.encode(signature)).ok_or(Unable("cannot_sign"))
    }
}

fn form(pairs: &[Pair]) -> String {
    let encoded = |text| utf8_percent_encode(text, ENCODED);
    let parts: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_swallowed_a_field_is_ambiguous() {
        let pair = |value: &str| vec![("body".to_owned(), value.to_owned())];
        for value in ["x&total_amount=1", "a&b&sign="] {
            assert!(is_ambiguous(&pair(value)), "{value}");
        }
        for value in ["", "Tom & Jerry", "a&b=1", "total_amount=1"] {
            assert!(!is_ambiguous(&pair(value)), "{value}");
        }
        assert!(is_ambiguous(&[("receipt_amount=28.88&refund_fee".to_owned(), "10.00".to_owned())]));
    }
}
