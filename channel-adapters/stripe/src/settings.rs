//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{OutboundRequest, SettingsError, address::is_origin, strict_json};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// The version of the interface that calls are answered in. Give the webhook endpoint the same.
const VERSION: &str = "2026-01-28.clover";
const API: &str = "https://api.stripe.com";
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A merchant's account at Stripe.
pub(crate) struct Stripe {
    /// Whether it is the live account or a sandbox.
    pub(crate) livemode: bool,
    pub(crate) webhook_secrets: Vec<Secret<String>>,
    pub(crate) confirm_by_query: bool,
    secret_key: Secret<String>,
    /// Without a slash at the end.
    base_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    livemode: bool,
    webhook_secrets: Vec<Secret<String>>,
    secret_key: Secret<String>,
    #[serde(default)]
    confirm_by_query: bool,
    base_url: Option<String>,
}

impl Stripe {
    /// Reads and checks the settings' JSON.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        if !(1..=2).contains(&written.webhook_secrets.len())
            || !written.webhook_secrets.iter().all(|secret| is_key(secret.expose(), &["whsec_"]))
        {
            problems.push("webhook_secrets: one or two, each whsec_ and 16 characters at least".to_owned());
        }
        let kinds: &[&str] =
            if written.livemode { &["sk_live_", "rk_live_"] } else { &["sk_test_", "rk_test_"] };
        if !is_key(written.secret_key.expose(), kinds) {
            problems.push(format!("secret_key: begins with {} or {}", kinds[0], kinds[1]));
        }
        let base_url = written.base_url.unwrap_or_else(|| API.to_owned());
        if !is_origin(&base_url) {
            problems.push("base_url: an https address without path, query or credentials".to_owned());
        }
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            livemode: written.livemode,
            webhook_secrets: written.webhook_secrets,
            confirm_by_query: written.confirm_by_query,
            secret_key: written.secret_key,
            base_url,
        })
    }

    /// A call that reads: `path` has its slash in front, names and values are encoded here.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> OutboundRequest {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{mark}{}", self.base_url, form(query));
        OutboundRequest { method: "GET", url, headers: self.headers(), body: Vec::new() }
    }

    /// A call that changes something, once for each key.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)], key: &str) -> OutboundRequest {
        let mut headers = self.headers();
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        headers.push(("idempotency-key".to_owned(), key.to_owned()));
        let url = format!("{}{path}", self.base_url);
        OutboundRequest { method: "POST", url, headers, body: form(fields).into_bytes() }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let bearer = format!("Bearer {}", self.secret_key.expose());
        vec![("authorization".to_owned(), bearer), ("stripe-version".to_owned(), VERSION.to_owned())]
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    let encoded = |text| utf8_percent_encode(text, ENCODED);
    let parts: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    parts.join("&")
}

/// An identifier of Stripe's, fit for a path and for our books.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=96).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_key(text: &str, kinds: &[&str]) -> bool {
    let long_enough = |kind: &&str| text.strip_prefix(*kind).is_some_and(|rest| rest.len() >= 16);
    text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic()) && kinds.iter().any(long_enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = r#"{"livemode":true,"webhook_secrets":["whsec_short"],"secret_key":"sk_test_0123456789abcdef",
            "base_url":"http://pay.example"}"#;
        assert_eq!(Stripe::read(text).err().unwrap().0.len(), 3);
        let text = r#"{"livemode":false,"webhook_secrets":[],"secret_key":"sk_test_0123456789abcdef"}"#;
        assert_eq!(Stripe::read(text).err().unwrap().0.len(), 1);
    }
}
