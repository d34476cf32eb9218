//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{
    SettingsError,
    address::is_origin,
    sign::{RsaSigner, der_from_text, rsa_public_key_from_text},
    strict_json,
};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

const API: &str = "https://openapi.alipay.com";

/// A merchant's application at Alipay.
pub(crate) struct Merchant {
    pub(crate) app_id: String,
    pub(crate) seller_id: String,
    pub(crate) signer: RsaSigner,
    /// Alipay's, PKCS#1.
    pub(crate) alipay_key: Vec<u8>,
    /// Where calls are made in certificate mode: the serials of the application's and the root certificate.
    pub(crate) certificates: Option<(String, String)>,
    pub(crate) confirm_by_query: bool,
    /// Without a slash at the end.
    pub(crate) base_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    app_id: String,
    seller_id: String,
    app_private_key: Secret<String>,
    alipay_public_key: String,
    app_cert_sn: Option<String>,
    alipay_root_cert_sn: Option<String>,
    #[serde(default)]
    confirm_by_query: bool,
    base_url: Option<String>,
}

impl Merchant {
    /// Reads and checks the settings' JSON.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut need = |sound: bool, problem: &str| {
            if !sound {
                problems.push(problem.to_owned());
            }
        };
        need(is_digits(&written.app_id), "app_id: 1 to 32 digits");
        need(is_digits(&written.seller_id), "seller_id: 1 to 32 digits (2088…)");
        let signer = der_from_text(written.app_private_key.expose())
            .and_then(|der| RsaSigner::from_pkcs8(der.expose()));
        need(signer.is_some(), "app_private_key: is not an RSA key in PKCS#8, 2048 to 4096 bits");
        let alipay_key = rsa_public_key_from_text(&written.alipay_public_key);
        need(
            alipay_key.is_some(),
            "alipay_public_key: is neither an RSA public key nor a certificate of one",
        );
        let certificates = match (written.app_cert_sn, written.alipay_root_cert_sn) {
            (Some(app), Some(root)) => {
                need(
                    is_serial(&app) && is_serial(&root),
                    "app_cert_sn, alipay_root_cert_sn: hex digits and _",
                );
                Some((app, root))
            }
            (None, None) => None,
            _ => {
                need(false, "app_cert_sn, alipay_root_cert_sn: both or none");
                None
            }
        };
        let base_url = written.base_url.unwrap_or_else(|| API.to_owned());
        need(is_origin(&base_url), "base_url: an https address without path, query or credentials");
        match (signer, alipay_key) {
            (Some(signer), Some(alipay_key)) if problems.is_empty() => Ok(Self {
                app_id: written.app_id,
                seller_id: written.seller_id,
                signer,
                alipay_key,
                certificates,
                confirm_by_query: written.confirm_by_query,
                base_url,
            }),
            _ => Err(SettingsError(problems)),
        }
    }
}

fn is_digits(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_serial(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = r#"{"app_id":"a","seller_id":"","app_private_key":"x","alipay_public_key":"eA==",
            "app_cert_sn":"00","base_url":"http://pay.example"}"#;
        assert_eq!(Merchant::read(text).err().unwrap().0.len(), 6);
    }
}
