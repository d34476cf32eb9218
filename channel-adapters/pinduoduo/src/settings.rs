//! What the merchant enters for one shop.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Secret, Timestamp};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "client_id and client_secret: from the app's page on open.pinduoduo.com.",
    "mall_id: the shop's number; a message or a token of another shop is refused.",
    "access_token: from the shop's authorisation. refresh_token and token_expires_at (Unix seconds), both or",
    "neither: with them the token is renewed an hour before it ends.",
    "relay_secret (optional): whsec_ and Base64 of at least 24 bytes, shared with the relay that keeps the long",
    "connection. Without it nothing is taken in, and orders are found by polling alone.",
    "delivery (optional): pickup (the buyer fetches the keys from your page) or voucher (keys are sent as vouchers).",
    "base_url (optional): https://gw-api.pinduoduo.com."
  ],
  "client_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  "client_secret": "pddSecret0123456789abcdef0123456789abcdef",
  "mall_id": 171504183,
  "access_token": "tok_0001",
  "refresh_token": "ref_0001",
  "token_expires_at": 1798761600,
  "relay_secret": "whsec_cGRkLXJlbGF5LXNlY3JldC0wMTIzNDU2Nzg5YWI=",
  "delivery": "voucher",
  "base_url": "https://gw-api.pinduoduo.com"
}"#;

const RELAY_SECRET_BYTES_MIN: usize = 24;

/// How keys reach the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    #[default]
    Pickup,
    Voucher,
}

pub(crate) struct Settings {
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret<String>,
    pub(crate) mall_id: i64,
    pub(crate) access_token: Secret<String>,
    pub(crate) refresh_token: Option<Secret<String>>,
    pub(crate) token_expires_at: Option<Timestamp>,
    pub(crate) relay_key: Option<Secret<Vec<u8>>>,
    pub(crate) delivery: Delivery,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    /// The text as it was entered, into which renewed tokens are put.
    pub(crate) entered: Secret<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    client_id: String,
    client_secret: Secret<String>,
    mall_id: i64,
    access_token: Secret<String>,
    refresh_token: Option<Secret<String>>,
    token_expires_at: Option<i64>,
    relay_secret: Option<Secret<String>>,
    #[serde(default)]
    delivery: Delivery,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or("https://gw-api.pinduoduo.com");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let relay_key = entered.relay_secret.as_ref().map(relay_key);
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(is_token(&entered.client_id), "client_id must be plain characters");
        check(is_token(entered.client_secret.expose()), "client_secret must be plain characters");
        check(entered.mall_id > 0, "mall_id must be above 0");
        check(is_token(entered.access_token.expose()), "access_token must be plain characters");
        check(
            entered.refresh_token.as_ref().is_none_or(|token| is_token(token.expose())),
            "refresh_token must be plain characters",
        );
        check(
            entered.refresh_token.is_some() == entered.token_expires_at.is_some(),
            "refresh_token and token_expires_at go together",
        );
        check(entered.token_expires_at.is_none_or(|at| at > 0), "token_expires_at must be Unix seconds");
        check(
            !matches!(relay_key, Some(None)),
            "relay_secret must be whsec_ and the Base64 of at least 24 bytes",
        );
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            client_id: entered.client_id,
            client_secret: entered.client_secret,
            mall_id: entered.mall_id,
            access_token: entered.access_token,
            refresh_token: entered.refresh_token,
            token_expires_at: entered.token_expires_at.map(Timestamp::from_secs),
            relay_key: relay_key.flatten(),
            delivery: entered.delivery,
            base_url: base_url.to_owned(),
            entered: Secret::new(text.to_owned()),
        })
    }
}

fn relay_key(text: &Secret<String>) -> Option<Secret<Vec<u8>>> {
    let key = STANDARD.decode(text.expose().strip_prefix("whsec_")?).ok()?;
    (key.len() >= RELAY_SECRET_BYTES_MIN).then(|| Secret::new(key))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("171504183", "0")
            .replace("pddSecret", "pdd hidden")
            .replace("whsec_", "hidden_")
            .replace("\"refresh_token\": \"ref_0001\",", "")
            .replace("https://gw-api.pinduoduo.com\"\n", "http://gw-api.pinduoduo.com\"\n");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["client_secret", "mall_id", "go together", "relay_secret", "base_url"] {
            assert!(said.contains(field), "{field}: {said}");
        }
        assert!(!said.contains("hidden"), "{said}");
    }

    #[test]
    fn what_is_optional_may_be_left_out() {
        let least = r#"{"client_id":"a","client_secret":"b","mall_id":1,"access_token":"c"}"#;
        let settings = Settings::read(least).expect("usable");
        assert!(settings.relay_key.is_none() && settings.delivery == Delivery::Pickup);
        assert_eq!(settings.base_url, "https://gw-api.pinduoduo.com");
    }
}
