//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_key and app_secret: from the goofish.pro console.",
    "seller_id (optional): only for business partner apps, whose signature includes it.",
    "base_url (optional): https://open.goofish.pro.",
    "deliver_orders (optional, false): true makes paid card orders ours to fulfil; leave it false",
    "where goofish buys the keys through xianyu-supply."
  ],
  "app_key": 410000000000001,
  "app_secret": "erpSecretErpSecretErpSecret00001",
  "base_url": "https://open.goofish.pro",
  "deliver_orders": false
}"#;

pub(crate) struct Settings {
    pub(crate) app_key: i64,
    pub(crate) app_secret: Secret<String>,
    /// Set for business partner apps: then every signature includes it.
    pub(crate) seller_id: Option<i64>,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) deliver_orders: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    app_key: i64,
    app_secret: Secret<String>,
    seller_id: Option<i64>,
    base_url: Option<String>,
    #[serde(default)]
    deliver_orders: bool,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or("https://open.goofish.pro");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let secret = entered.app_secret.expose();
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(entered.app_key > 0, "app_key must be above 0");
        check(entered.seller_id.is_none_or(|id| id > 0), "seller_id must be above 0");
        check(
            !secret.is_empty() && secret.bytes().all(|b| b.is_ascii_graphic() && b != b','),
            "app_secret must be plain characters without a comma",
        );
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            app_key: entered.app_key,
            base_url: base_url.to_owned(),
            app_secret: entered.app_secret,
            seller_id: entered.seller_id,
            deliver_orders: entered.deliver_orders,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(from: &str, to: &str) -> String {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "the example has {from}");
        Settings::read(&text).err().map_or_else(String::new, |e| e.to_string())
    }

    #[test]
    fn credentials_go_over_https_or_to_this_machine() {
        for bad in [
            "http://open.goofish.pro",
            "https://",
            "https://a/b",
            "https://a@b",
            "ftp://a",
            "http://127.0.0.1.evil",
            "http://localhost:80@evil",
        ] {
            assert!(
                problem("https://open.goofish.pro\",", &format!("{bad}\",")).contains("base_url"),
                "{bad}"
            );
        }
        for good in ["https://open.goofish.pro/", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert_eq!(problem("https://open.goofish.pro\",", &format!("{good}\",")), "", "{good}");
        }
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("410000000000001", "-1")
            .replace("erpSecret", "erp,hidden")
            .replace("https", "ftp");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["app_key", "app_secret", "base_url"] {
            assert!(said.contains(field), "{said}");
        }
        assert!(!said.contains("hidden"), "{said}");
        assert!(problem("\"deliver_orders\"", "\"colour\"").contains("colour"));
    }
}
