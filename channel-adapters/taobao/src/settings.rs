//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Secret, Timestamp};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_key and app_secret: from the app's page on open.taobao.com.",
    "session: the access token that the shop's authorisation gave.",
    "seller_id: the shop's numeric user id; messages of other sellers are left alone.",
    "refresh_token and token_expires_at (Unix seconds; optional, both or neither): only apps that shops order on",
    "the service market may renew their token; it is renewed a day before it ends.",
    "group_name (optional): the message group that the shop is in, where the app has groups.",
    "sign_method (optional): md5 or hmac.",
    "delivery (optional): mark_shipped (the trade is marked shipped once the keys are ready) or pickup (it is not).",
    "tmall (optional, false): true for Tmall shops, whose refunds name their phase.",
    "eticket (optional): {} or {\"codemerchant_id\": 1} where items are e-tickets and notices come to /eticket.",
    "base_url (optional): https://eco.taobao.com."
  ],
  "app_key": "12345678",
  "app_secret": "topSecret0123456789abcdef0000001",
  "session": "sess0001",
  "seller_id": 2074082786,
  "refresh_token": "refr0001",
  "token_expires_at": 1798761600,
  "group_name": "default",
  "sign_method": "md5",
  "delivery": "mark_shipped",
  "tmall": false,
  "eticket": { "codemerchant_id": null },
  "base_url": "https://eco.taobao.com"
}"#;

/// How our calls are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignMethod {
    #[default]
    Md5,
    Hmac,
}

impl SignMethod {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Hmac => "hmac",
        }
    }
}

/// What happens at Taobao once the keys of an ordinary trade are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    #[default]
    MarkShipped,
    Pickup,
}

/// The shop sells e-tickets whose codes we hand in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Eticket {
    /// Set for code merchants; trusted sellers have none.
    pub(crate) codemerchant_id: Option<u64>,
}

pub(crate) struct Settings {
    pub(crate) app_key: String,
    pub(crate) app_secret: Secret<String>,
    pub(crate) session: Secret<String>,
    pub(crate) seller_id: u64,
    pub(crate) refresh_token: Option<Secret<String>>,
    pub(crate) token_expires_at: Option<Timestamp>,
    pub(crate) group_name: Option<String>,
    pub(crate) sign_method: SignMethod,
    pub(crate) delivery: Delivery,
    pub(crate) tmall: bool,
    pub(crate) eticket: Option<Eticket>,
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
    app_key: String,
    app_secret: Secret<String>,
    session: Secret<String>,
    seller_id: u64,
    refresh_token: Option<Secret<String>>,
    token_expires_at: Option<i64>,
    group_name: Option<String>,
    #[serde(default)]
    sign_method: SignMethod,
    #[serde(default)]
    delivery: Delivery,
    #[serde(default)]
    tmall: bool,
    eticket: Option<Eticket>,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or("https://eco.taobao.com");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(is_token(&entered.app_key), "app_key must be plain characters");
        check(is_token(entered.app_secret.expose()), "app_secret must be plain characters");
        check(is_token(entered.session.expose()), "session must be plain characters");
        check(entered.seller_id > 0, "seller_id must be above 0");
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
            entered.group_name.as_deref().is_none_or(is_token),
            "group_name must be plain characters, or left out",
        );
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            app_key: entered.app_key,
            app_secret: entered.app_secret,
            session: entered.session,
            seller_id: entered.seller_id,
            refresh_token: entered.refresh_token,
            token_expires_at: entered.token_expires_at.map(Timestamp::from_secs),
            group_name: entered.group_name,
            sign_method: entered.sign_method,
            delivery: entered.delivery,
            tmall: entered.tmall,
            eticket: entered.eticket,
            base_url: base_url.to_owned(),
            entered: Secret::new(text.to_owned()),
        })
    }
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
            .replace("2074082786", "0")
            .replace("topSecret", "top hidden")
            .replace("\"refresh_token\": \"refr0001\",", "")
            .replace("https://eco.taobao.com\"\n", "http://eco.taobao.com\"\n");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["app_secret", "seller_id", "go together", "base_url"] {
            assert!(said.contains(field), "{field}: {said}");
        }
        assert!(!said.contains("hidden"), "{said}");
        assert!(Settings::read(&EXAMPLE.replace("codemerchant_id\": null", "colour\": 1")).is_err());
    }
}
