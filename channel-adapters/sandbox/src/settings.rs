//! What the merchant enters for one shop, checked: every problem at once, no secret in any of them.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// The longest an unpaid order may hold keys: a week.
const RESERVE_SECS_MAX: u32 = 7 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    shop: String,
    secret: Secret<String>,
    older_secret: Option<Secret<String>>,
    base_url: String,
    reserve_secs: Option<u32>,
}

/// Settings that can be worked with.
pub(crate) struct Settings {
    pub(crate) shop: String,
    /// Signs our calls, and is accepted in theirs.
    pub(crate) secret: Secret<String>,
    /// Accepted only.
    pub(crate) older_secret: Option<Secret<String>>,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) reserve_secs: u32,
}

impl Settings {
    /// Reads and checks the settings' JSON.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        check(
            word(&entered.shop) && (1..=32).contains(&entered.shop.len()),
            "shop: 1 to 32 letters, digits or -",
        );
        check(is_secret(&entered.secret), "secret: 32 to 128 visible characters");
        check(
            entered.older_secret.as_ref().is_none_or(is_secret),
            "older_secret: 32 to 128 visible characters",
        );
        let base_url = entered.base_url.strip_suffix('/').unwrap_or(&entered.base_url).to_owned();
        check(is_origin(&base_url), "base_url: https and a host without a path (http only for this machine)");
        let reserve_secs = entered.reserve_secs.unwrap_or(900);
        check((1..=RESERVE_SECS_MAX).contains(&reserve_secs), "reserve_secs: 1 to 604800");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        let Entered { shop, secret, older_secret, .. } = entered;
        Ok(Self { shop, secret, older_secret, base_url, reserve_secs })
    }
}

fn is_secret(secret: &Secret<String>) -> bool {
    let text = secret.expose();
    (32..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("example-settings.json");

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE.replace("shop-7", "shop 7").replace("-0123456789", "").replace("https", "ftp");
        let problems = Settings::read(&text).err().unwrap();
        assert_eq!(problems.0.len(), 3, "{problems}");
        assert!(!problems.to_string().contains("TEST-ONLY"), "{problems}");
    }

    #[test]
    fn keys_go_over_https_or_to_this_machine() {
        for url in ["https://a.example", "https://a.example:8443", "http://127.0.0.1:9000", "http://[::1]:9"]
        {
            assert!(is_origin(url), "{url}");
        }
        for url in
            ["http://a.example", "https://", "https://a/b", "https://u@a", "http://localhost.evil", "x"]
        {
            assert!(!is_origin(url), "{url}");
        }
    }
}
