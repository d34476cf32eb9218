//! What the merchant enters for one shop.

use channel::{SettingsError, Shortage, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// The tolerance where the merchant names none. JD's document states no figure; five minutes is what others
/// use.
pub(crate) const TOLERANCE_SECS: i64 = 300;

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "customer_id and private_key: from JD's game-card operations, by mail.",
    "Enter our addresses card/order, card/query and precheck in JD's interface console.",
    "tolerance_secs (optional, 300): how far JD's clock may be from ours.",
    "async_when_short (optional, false): true takes orders that are short of keys and calls back",
    "later, false turns them down with code 110.",
    "base_url (optional): https://card.jd.com."
  ],
  "customer_id": 14156143,
  "private_key": "abcdefghijklmnopqrstuvwxyz012345",
  "tolerance_secs": 300,
  "async_when_short": false,
  "base_url": "https://card.jd.com"
}"#;

pub(crate) struct Settings {
    pub(crate) customer_id: i64,
    pub(crate) private_key: Secret<String>,
    pub(crate) tolerance_secs: i64,
    pub(crate) shortage: Shortage,
    /// Without a slash at the end.
    pub(crate) base_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    customer_id: i64,
    private_key: Secret<String>,
    tolerance_secs: Option<i64>,
    #[serde(default)]
    async_when_short: bool,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or("https://card.jd.com");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let tolerance_secs = entered.tolerance_secs.unwrap_or(TOLERANCE_SECS);
        let key = entered.private_key.expose();
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(entered.customer_id > 0, "customer_id must be above 0");
        check(
            key.len() == 32 && key.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()),
            "private_key must be 32 digits and lower-case letters",
        );
        check((1..=3600).contains(&tolerance_secs), "tolerance_secs must be 1 to 3600");
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            customer_id: entered.customer_id,
            base_url: base_url.to_owned(),
            private_key: entered.private_key,
            tolerance_secs,
            shortage: if entered.async_when_short { Shortage::Backorder } else { Shortage::Refuse },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(from: &str, to: &str) -> String {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "the example has {from}");
        Settings::read(&text).err().map_or_else(String::new, |e| e.to_string())
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE.replace("14156143", "0").replace("abcdefgh", "HIDDEN").replace("300,", "0,");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["customer_id", "private_key", "tolerance_secs"] {
            assert!(said.contains(field), "{said}");
        }
        assert!(!said.contains("HIDDEN"), "{said}");
    }

    #[test]
    fn keys_go_over_https_or_to_this_machine() {
        for bad in ["http://card.jd.com", "https://", "https://a/b", "https://a@b", "http://localhost.evil"] {
            assert!(said("\"https://card.jd.com\"", &format!("\"{bad}\"")).contains("base_url"), "{bad}");
        }
        for good in ["https://card-pre.jd.com/", "http://127.0.0.1:9"] {
            assert_eq!(said("\"https://card.jd.com\"", &format!("\"{good}\"")), "", "{good}");
        }
        assert!(said("\"base_url\"", "\"base_uri\"").contains("base_uri"));
    }
}
