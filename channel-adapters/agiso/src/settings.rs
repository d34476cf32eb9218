//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// The tolerance where the merchant names none: that of Agiso's own API. None is documented for pushes.
pub(crate) const TOLERANCE_SECS: i64 = 600;

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_secret: of your app at open.agiso.com. access_token: the shop's authorisation, copied from Agiso.",
    "platform_shop_id: the shop's number at its marketplace, as Agiso's pushes name it (PlatformShopId).",
    "Enter this account's inbound address as the app's push address.",
    "tolerance_secs (optional, 600): how far the time of a push may be from ours.",
    "base_url (optional): https://gw-api.agiso.com."
  ],
  "app_secret": "agisoSecret0123456789abcdef00001",
  "access_token": "example-token-of-the-shop",
  "platform_shop_id": "12356",
  "tolerance_secs": 600,
  "base_url": "https://gw-api.agiso.com"
}"#;

pub(crate) struct Settings {
    pub(crate) app_secret: Secret<String>,
    pub(crate) access_token: Secret<String>,
    pub(crate) platform_shop_id: String,
    pub(crate) tolerance_secs: i64,
    /// Without a slash at the end.
    pub(crate) base_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    app_secret: Secret<String>,
    access_token: Secret<String>,
    platform_shop_id: String,
    tolerance_secs: Option<i64>,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or("https://gw-api.agiso.com");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url).to_owned();
        let tolerance_secs = entered.tolerance_secs.unwrap_or(TOLERANCE_SECS);
        let plain = |text: &str, least, most| {
            (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        };
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(plain(entered.app_secret.expose(), 16, 128), "app_secret must be 16 to 128 plain characters");
        check(plain(entered.access_token.expose(), 8, 512), "access_token must be 8 to 512 plain characters");
        check(plain(&entered.platform_shop_id, 1, 64), "platform_shop_id must be 1 to 64 plain characters");
        check((1..=86_400).contains(&tolerance_secs), "tolerance_secs must be 1 to 86400");
        check(
            is_origin(&base_url),
            "base_url must be https, a host and no path (http only for this machine)",
        );
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            app_secret: entered.app_secret,
            access_token: entered.access_token,
            platform_shop_id: entered.platform_shop_id,
            tolerance_secs,
            base_url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("agisoSecret0123456789abcdef00001", "HIDDEN")
            .replace("example-token-of-the-shop", "HIDDEN 2")
            .replace("\"12356\"", "\"\"")
            .replace("600,", "0,")
            .replace("\"https://gw-api", "\"http://gw-api");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["app_secret", "access_token", "platform_shop_id", "tolerance_secs", "base_url"] {
            assert!(said.contains(field), "{field}: {said}");
        }
        assert!(!said.contains("HIDDEN"), "{said}");
        let odd = EXAMPLE.replace("\"base_url\"", "\"base_uri\"");
        assert!(Settings::read(&odd).err().expect("refused").to_string().contains("base_uri"));
    }
}
