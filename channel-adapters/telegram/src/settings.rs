//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// Telegram takes secrets from one character on; one that can be guessed proves nothing.
const SECRET_CHARS_MIN: usize = 16;

/// A bot.
pub(crate) struct Bot {
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) token: Secret<String>,
    /// What updates carry in their header.
    pub(crate) secret: Secret<String>,
    pub(crate) reconcile: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    bot_token: Secret<String>,
    secret_token: Secret<String>,
    reconcile: Option<bool>,
    base_url: Option<String>,
}

impl Bot {
    pub(crate) fn open(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let base_url = written.base_url.as_deref().unwrap_or("https://api.telegram.org");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(is_token(written.bot_token.expose()), "bot_token: digits, a colon, letters, digits, _ and -");
        let secret = written.secret_token.expose();
        check(
            (SECRET_CHARS_MIN..=256).contains(&secret.len()) && secret.bytes().all(is_plain),
            "secret_token: 16 to 256 letters, digits, _ and -",
        );
        check(is_origin(base_url), "base_url: https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            base_url: base_url.to_owned(),
            token: written.bot_token,
            secret: written.secret_token,
            reconcile: written.reconcile.unwrap_or(true),
        })
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The token stands in the address of every call, so it must not be able to change that.
fn is_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(id, key)| {
        !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_digit())
            && !key.is_empty()
            && key.bytes().all(is_plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once_and_no_secret_is() {
        let text =
            r#"{"bot_token":"1/hidden:x","secret_token":"hidden","base_url":"http://api.telegram.org"}"#;
        let error = Bot::open(text).err().unwrap();
        assert_eq!(error.0.len(), 3, "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
    }

    #[test]
    fn the_token_goes_over_https_or_to_this_machine() {
        for bad in ["http://a.example", "https://", "https://a/b", "https://a@b", "http://127.0.0.1.evil"] {
            assert!(!is_origin(bad), "{bad}");
        }
        for good in ["https://api.telegram.org", "http://127.0.0.1:8081", "http://[::1]:1"] {
            assert!(is_origin(good), "{good}");
        }
    }
}
