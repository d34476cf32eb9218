//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Secret, Timestamp};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "client_id and client_secret: from the app's page on the Youzan cloud console.",
    "kdt_id: the shop's number; a push or a token of another shop is refused.",
    "access_token: of the shop. token_expires_at (Unix seconds, optional): with it the token is renewed a day ahead.",
    "refresh_token (optional): for apps that shops order; self-used apps renew without one.",
    "delivery (optional): mark_shipped (orders that wait for shipping are marked shipped) or pickup (they are not).",
    "base_url (optional): https://open.youzanyun.com."
  ],
  "client_id": "a1b2c3d4e5f6a7b8c9",
  "client_secret": "0123456789abcdef0123456789abcdef",
  "kdt_id": 63077,
  "access_token": "tok0001",
  "refresh_token": null,
  "token_expires_at": 1798761600,
  "delivery": "mark_shipped",
  "base_url": "https://open.youzanyun.com"
}"#;

/// What happens at Youzan once the keys of an order that waits for shipping are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    #[default]
    MarkShipped,
    Pickup,
}

pub(crate) struct Settings {
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret<String>,
    pub(crate) kdt_id: u64,
    pub(crate) access_token: Secret<String>,
    pub(crate) refresh_token: Option<Secret<String>>,
    pub(crate) token_expires_at: Option<Timestamp>,
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
    kdt_id: u64,
    access_token: Secret<String>,
    refresh_token: Option<Secret<String>>,
    token_expires_at: Option<i64>,
    #[serde(default)]
    delivery: Delivery,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or("https://open.youzanyun.com");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(is_token(&entered.client_id), "client_id must be letters and digits");
        check(is_token(entered.client_secret.expose()), "client_secret must be letters and digits");
        check(entered.kdt_id > 0, "kdt_id must be above 0");
        check(is_token(entered.access_token.expose()), "access_token must be letters and digits");
        check(
            entered.refresh_token.as_ref().is_none_or(|token| is_token(token.expose())),
            "refresh_token must be letters and digits",
        );
        check(entered.token_expires_at.is_none_or(|at| at > 0), "token_expires_at must be Unix seconds");
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            client_id: entered.client_id,
            client_secret: entered.client_secret,
            kdt_id: entered.kdt_id,
            access_token: entered.access_token,
            refresh_token: entered.refresh_token,
            token_expires_at: entered.token_expires_at.map(Timestamp::from_secs),
            delivery: entered.delivery,
            base_url: base_url.to_owned(),
            entered: Secret::new(text.to_owned()),
        })
    }
}

/// Letters, digits, `-`, `_`: the access token stands in an address.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("63077", "0")
            .replace("\"0123456789", "\"hidden&0123456789")
            .replace("https://open.youzanyun.com\"\n", "http://open.youzanyun.com\"\n");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["client_secret", "kdt_id", "base_url"] {
            assert!(said.contains(field), "{field}: {said}");
        }
        assert!(!said.contains("hidden"), "{said}");
    }
}
