//! What the merchant enters for one shop: every problem is reported at once, no secret in any of them.

use channel::{SettingsError, address::is_base, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

pub(crate) const EXAMPLE: &str = r#"{
  "_help": "base_url: the platform's interface, with a / at the end. shop_no and secret: from its console.",
  "base_url": "https://api.example/",
  "shop_no": "10001",
  "secret": "TEST-ONLY-secret-0123456789abcdef"
}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    base_url: String,
    shop_no: String,
    secret: Secret<String>,
}

/// A shop at the platform.
pub(crate) struct Settings {
    pub(crate) base_url: String,
    pub(crate) shop_no: String,
    pub(crate) secret: Secret<String>,
}

impl Settings {
    /// Reads the settings (JSON text) of an account.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let Written { base_url, shop_no, secret, .. } = strict_json::settings(text)?;
        let mut problems = Vec::new();
        if !is_base(&base_url) {
            problems.push("base_url: an https address that ends with / is needed".to_owned());
        }
        if !(1..=32).contains(&shop_no.len()) || !shop_no.bytes().all(|byte| byte.is_ascii_digit()) {
            problems.push("shop_no: 1 to 32 digits".to_owned());
        }
        if secret.expose().len() < 16 {
            problems.push("secret: at least 16 characters".to_owned());
        }
        if problems.is_empty() {
            Ok(Self { base_url, shop_no, secret })
        } else {
            Err(SettingsError(problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = r#"{"base_url":"http://api.example/","shop_no":"x","secret":"short"}"#;
        assert_eq!(Settings::read(text).err().map(|error| error.0.len()), Some(3));
    }
}
