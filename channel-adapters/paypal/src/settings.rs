//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use std::collections::BTreeMap;

use channel::{SettingsError, address::is_origin, sign::rsa_public_key_from_text, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Secret, Timestamp};

/// A merchant's account at PayPal.
pub(crate) struct Settings {
    /// The settings as they were written, to be written anew with another token.
    pub(crate) text: Secret<String>,
    /// The id of our webhook, which is part of what is signed.
    pub(crate) webhook_id: String,
    /// Public keys (PKCS#1) by the address of their certificate.
    pub(crate) certificates: BTreeMap<String, Vec<u8>>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret<String>,
    pub(crate) access_token: Option<Secret<String>>,
    pub(crate) access_token_ends_at: Option<Timestamp>,
    pub(crate) sandbox: bool,
    pub(crate) refunds: bool,
    /// Where calls go, without a slash at the end.
    pub(crate) base_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    webhook_id: String,
    certificates: BTreeMap<String, String>,
    client_id: String,
    client_secret: Secret<String>,
    access_token: Option<Secret<String>>,
    access_token_ends_at: Option<Timestamp>,
    #[serde(default)]
    sandbox: bool,
    #[serde(default)]
    refunds: bool,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        let plain = |text: &str| {
            (1..=128).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        check(plain(&written.webhook_id), "webhook_id: letters and digits, as PayPal shows it");
        check(plain(&written.client_id), "client_id: letters, digits, - and _");
        let secret = written.client_secret.expose();
        check(secret.len() >= 16 && plain(secret), "client_secret: 16 letters, digits, - and _ or more");
        let token = written.access_token.as_ref().map(|token| token.expose().as_str());
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        check(token.is_none_or(is_token), "access_token: no spaces");
        check(
            written.access_token.is_some() == written.access_token_ends_at.is_some(),
            "access_token and access_token_ends_at: both or neither",
        );
        check(!written.certificates.is_empty(), "certificates: one at least");
        let mut certificates = BTreeMap::new();
        for (url, pem) in written.certificates {
            check(is_paypals(&url, written.sandbox), "certificates: an address that is not PayPal's");
            match rsa_public_key_from_text(&pem) {
                Some(key) => {
                    certificates.insert(url, key);
                }
                None => check(false, "certificates: not the PEM of a certificate with an RSA key"),
            }
        }
        let host = if written.sandbox { "api-m.sandbox.paypal.com" } else { "api-m.paypal.com" };
        let base_url = written.base_url.unwrap_or_else(|| format!("https://{host}"));
        check(is_origin(&base_url), "base_url: https, without a path, query or credentials");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            text: Secret::new(text.to_owned()),
            webhook_id: written.webhook_id,
            certificates,
            client_id: written.client_id,
            client_secret: written.client_secret,
            access_token: written.access_token,
            access_token_ends_at: written.access_token_ends_at,
            sandbox: written.sandbox,
            refunds: written.refunds,
            base_url,
        })
    }
}

/// Whether a certificate of this address may be PayPal's: an account of the real world takes none of the sandbox.
pub(crate) fn is_paypals(url: &str, sandbox: bool) -> bool {
    let hosts = match sandbox {
        false => ["api.paypal.com", "api-m.paypal.com"],
        true => ["api.sandbox.paypal.com", "api-m.sandbox.paypal.com"],
    };
    let path = url.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    path.is_some_and(|(host, _)| hosts.contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once_and_no_secret_in_any() {
        let text = r#"{"webhook_id":"a b","certificates":{"https://evil.example/c":"x"},"client_id":"",
            "client_secret":"hidden","access_token":"hidden token","base_url":"http://x.example"}"#;
        let problems = Settings::read(text).err().unwrap().0;
        assert_eq!(problems.len(), 8, "{problems:?}");
        assert!(!problems.concat().contains("hidden"));
    }

    #[test]
    fn only_paypals_own_hosts_are_trusted() {
        let live = ["https://api.paypal.com/v1/notifications/certs/C", "https://api-m.paypal.com/c"];
        let sandbox = ["https://api.sandbox.paypal.com/c", "https://api-m.sandbox.paypal.com/c"];
        for url in live {
            assert!(is_paypals(url, false) && !is_paypals(url, true), "{url}");
        }
        for url in sandbox {
            assert!(is_paypals(url, true) && !is_paypals(url, false), "{url}");
        }
        for url in [
            "http://api.paypal.com/c",
            "https://api.paypal.com.evil.example/c",
            "https://evil.example/api.paypal.com/",
            "https://x@api.paypal.com/c",
            "https://api.paypal.com:444/c",
            "https://api.paypal.com",
            "https://API.PAYPAL.COM/c",
            "",
        ] {
            assert!(!is_paypals(url, false) && !is_paypals(url, true), "{url}");
        }
    }
}
