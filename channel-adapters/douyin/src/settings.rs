//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Secret, Timestamp};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_key and app_secret: of an app of your own at op.jinritemai.com.",
    "shop_id: the shop's number; pushes of other shops are refused.",
    "access_token: of /token/create. With refresh_token and token_expires_at (Unix seconds) it is renewed here.",
    "grant_time (optional, unix_seconds): how coupons.syncV2 wants times, unix_seconds or beijing.",
    "agree_before_shipping (optional): the afterSale/operate code that agrees to a refund before shipping.",
    "base_url (optional): https://openapi-fxg.jinritemai.com."
  ],
  "app_key": "7043675397900000001",
  "app_secret": "a1b2c3d4-0001-4002-8003-0123456789ab",
  "shop_id": 90410,
  "access_token": "exampleAccessToken0001",
  "refresh_token": "exampleRefreshToken0001",
  "token_expires_at": 1767830400,
  "grant_time": "unix_seconds",
  "base_url": "https://openapi-fxg.jinritemai.com"
}"#;

const BASE_URL: &str = "https://openapi-fxg.jinritemai.com";

pub(crate) struct Settings {
    /// Digits.
    pub(crate) app_key: String,
    pub(crate) app_secret: Secret<String>,
    pub(crate) shop_id: i64,
    pub(crate) access_token: Secret<String>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) grant_time: GrantTime,
    pub(crate) agree_before_shipping: Option<u16>,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    /// The settings as they were entered, to be written anew with another token.
    pub(crate) text: Secret<String>,
}

pub(crate) struct Renewal {
    pub(crate) refresh_token: Secret<String>,
    pub(crate) expires_at: Timestamp,
}

/// How `grant_time` is written, which no document says.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantTime {
    #[default]
    UnixSeconds,
    Beijing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    app_key: String,
    app_secret: Secret<String>,
    shop_id: i64,
    access_token: Secret<String>,
    refresh_token: Option<Secret<String>>,
    token_expires_at: Option<i64>,
    #[serde(default)]
    grant_time: GrantTime,
    agree_before_shipping: Option<u16>,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or(BASE_URL);
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        let digits = |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        check(digits(&entered.app_key), "app_key must be digits");
        check(plain(entered.app_secret.expose()), "app_secret must be plain characters");
        check(entered.shop_id > 0, "shop_id must be above 0");
        check(plain(entered.access_token.expose()), "access_token must be plain characters");
        check(
            entered.refresh_token.as_ref().is_none_or(|token| plain(token.expose())),
            "refresh_token must be plain characters",
        );
        check(
            entered.refresh_token.is_some() == entered.token_expires_at.is_some(),
            "refresh_token and token_expires_at go together",
        );
        check(
            entered.token_expires_at.is_none_or(|at| (1..100_000_000_000).contains(&at)),
            "token_expires_at must be Unix seconds",
        );
        check(
            entered.agree_before_shipping.is_none_or(|code| (100..1_000).contains(&code)),
            "agree_before_shipping must be a code of three digits",
        );
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        let renewal = entered
            .refresh_token
            .zip(entered.token_expires_at)
            .map(|(refresh_token, at)| Renewal { refresh_token, expires_at: Timestamp::from_secs(at) });
        Ok(Self {
            app_key: entered.app_key,
            app_secret: entered.app_secret,
            shop_id: entered.shop_id,
            access_token: entered.access_token,
            renewal,
            grant_time: entered.grant_time,
            agree_before_shipping: entered.agree_before_shipping,
            base_url: base_url.to_owned(),
            text: Secret::new(text.to_owned()),
        })
    }
}

fn plain(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
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
        let at = "\"https://openapi-fxg.jinritemai.com\"";
        for bad in ["http://openapi-fxg.jinritemai.com", "https://", "https://a/b", "http://127.0.0.1.evil"] {
            assert!(problem(at, &format!("\"{bad}\"")).contains("base_url"), "{bad}");
        }
        for good in ["https://a.example/", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert_eq!(problem(at, &format!("\"{good}\"")), "", "{good}");
        }
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("7043675397900000001", "abc")
            .replace("a1b2c3d4", "hidden ")
            .replace("90410", "0")
            .replace("  \"refresh_token\": \"exampleRefreshToken0001\",\n", "");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["app_key", "app_secret", "shop_id", "refresh_token"] {
            assert!(said.contains(field), "{said}");
        }
        assert!(!said.contains("hidden"), "{said}");
        assert!(problem("\"grant_time\"", "\"colour\"").contains("colour"));
        assert!(problem("\"unix_seconds\"", "\"hidden\"").contains("wrong type"));
    }
}
