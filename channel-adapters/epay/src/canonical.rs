//! The text that is signed, and how calls are signed and written.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Unable, legacy_sign::md5_hex};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vocabulary::Timestamp;

use crate::settings::{Gateway, Keys};

/// A parameter, decoded.
pub(crate) type Pair = (String, String);

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The names that mean something to us or to the gateway.
const KNOWN: &[&str] = &[
    "addtime",
    "api_trade_no",
    "buyer",
    "endtime",
    "money",
    "name",
    "out_trade_no",
    "param",
    "pid",
    "product",
    "sign",
    "sign_type",
    "timestamp",
    "trade_no",
    "trade_status",
    "type",
];

/// The value of a parameter; empty where it is missing.
pub(crate) fn value<'a>(pairs: &'a [Pair], name: &str) -> &'a str {
    pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

impl Gateway {
    /// The signed text: all parameters but the signature's own and the empty ones, sorted, nothing encoded.
    pub(crate) fn canonical(&self, pairs: &[Pair]) -> String {
        let rsa = matches!(self.keys, Keys::Rsa { .. });
        let signed = |(name, value): &&Pair| {
            let own = matches!(name.as_str(), "sign" | "sign_type");
            // The RSA family's SDK also leaves out blank values and arrays.
            let left_out = rsa
                && (value.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b']).is_empty()
                    || name.contains('['));
            !own && !value.is_empty() && !left_out
        };
        let mut sorted: Vec<&Pair> = pairs.iter().filter(signed).collect();
        sorted.sort();
        let parts: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.join("&")
    }

    /// What MD5 is taken of in V1: the text with the key behind it.
    pub(crate) fn md5_of(key: &str, canonical: &str) -> String {
        md5_hex(format!("{canonical}{key}").as_bytes())
    }

    /// Signs a call of ours and writes it as a form. V2 calls carry the time.
    pub(crate) fn signed_form(&self, mut pairs: Vec<Pair>, now: Timestamp) -> Result<String, Unable> {
        if let Keys::Rsa { .. } = self.keys {
            pairs.push(("timestamp".to_owned(), now.secs().to_string()));
        }
        if is_ambiguous(&pairs) {
            return Err(Unable("a_value_reads_as_a_field"));
        }
        let canonical = self.canonical(&pairs);
        let (sign, sign_type) = self.sign(&canonical)?;
        pairs.push(("sign".to_owned(), sign));
        pairs.push(("sign_type".to_owned(), sign_type.to_owned()));
        Ok(form(&pairs))
    }

    /// The signature of a text, and what it is called.
    pub(crate) fn sign(&self, canonical: &str) -> Result<(String, &'static str), Unable> {
        match &self.keys {
            Keys::Md5(key) => Ok((Self::md5_of(key.expose(), canonical), "MD5")),
            Keys::Rsa { merchant, .. } => {
                let signature = merchant.sign_sha256(canonical.as_bytes()).ok_or(Unable("cannot_sign"))?;
                Ok((STANDARD.encode(signature), "RSA"))
            }
        }
    }
}

/// Whether a value holds what reads as the border to a known field, or a name what ends one. The signed text does not
/// encode `&` and `=`, so two messages would share a signature; the one that swallowed a field is refused.
pub(crate) fn is_ambiguous(pairs: &[Pair]) -> bool {
    let is_known = |piece: &str| piece.split_once('=').is_some_and(|(name, _)| KNOWN.contains(&name));
    pairs.iter().any(|(name, value)| name.contains(['&', '=']) || value.split('&').skip(1).any(is_known))
}

/// Writes pairs as a form.
pub(crate) fn form(pairs: &[Pair]) -> String {
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
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        for value in ["28.88&name=x", "a&out_trade_no=B&pid=1", "&sign="] {
            assert!(is_ambiguous(&pair("money", value)), "{value}");
        }
        for value in ["", "Tom & Jerry", "渠道=1;qty=2", "a&b=1", "name=x"] {
            assert!(!is_ambiguous(&pair("param", value)), "{value}");
        }
    }

    #[test]
    fn a_name_that_swallowed_a_field_is_ambiguous() {
        let pair = |name: &str| vec![(name.to_owned(), "TRADE_SUCCESS".to_owned())];
        for name in ["trade_no=2026&trade_status", "a&b", "a=b", "="] {
            assert!(is_ambiguous(&pair(name)), "{name}");
        }
        for name in ["trade_status", "extra[a]", "附言"] {
            assert!(!is_ambiguous(&pair(name)), "{name}");
        }
    }
}
