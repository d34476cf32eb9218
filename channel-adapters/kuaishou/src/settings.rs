//! The account's settings.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Account, Secret, Timestamp};

/// Settings that work, as shown to people.
pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_key, app_secret, sign_secret, message_secret: of the application at open.kwaixiaodian.com.",
    "message_secret is the key of pushes, Base64 of 16 bytes.",
    "sign_method (optional, HMAC_SHA256): or MD5.",
    "seller_id: the shop's sellerId; messages that name another are refused.",
    "access_token: with refresh_token and token_expires_at (Unix seconds) it is renewed here.",
    "eticket_secret (optional): 24 characters or more, part of the address of the e-ticket interface; without it",
    "nothing can be delivered.",
    "item_by (optional, sku_id): what listings are known by, sku_id or sku_nick (the merchant's code).",
    "base_url (optional): https://openapi.kwaixiaodian.com."
  ],
  "app_key": "ks660000001",
  "app_secret": "ksAppSecret0001",
  "sign_secret": "ksSignSecret0001",
  "message_secret": "MDEyMzQ1Njc4OWFiY2RlZg==",
  "sign_method": "HMAC_SHA256",
  "seller_id": 2161524184,
  "access_token": "exampleAccessToken0001",
  "refresh_token": "exampleRefreshToken0001",
  "token_expires_at": 1767830400,
  "eticket_secret": "exampleEticketSecret000001",
  "item_by": "sku_id",
  "base_url": "https://openapi.kwaixiaodian.com"
}"#;

const BASE_URL: &str = "https://openapi.kwaixiaodian.com";

pub(crate) struct Settings {
    pub(crate) app_key: String,
    pub(crate) app_secret: Secret<String>,
    pub(crate) sign_secret: Secret<String>,
    /// 16 bytes.
    pub(crate) message_key: Secret<Vec<u8>>,
    pub(crate) sign_method: SignMethod,
    pub(crate) seller_id: u64,
    pub(crate) access_token: Secret<String>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) eticket_secret: Option<Secret<String>>,
    pub(crate) item_by: ItemBy,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    /// The settings as they were entered, to be written anew with another token.
    pub(crate) text: Secret<String>,
    account: Account,
}

pub(crate) struct Renewal {
    pub(crate) refresh_token: Secret<String>,
    pub(crate) expires_at: Timestamp,
}

/// What a listing's item id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemBy {
    #[default]
    SkuId,
    SkuNick,
}

/// How our calls are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum SignMethod {
    #[default]
    #[serde(rename = "HMAC_SHA256")]
    HmacSha256,
    #[serde(rename = "MD5")]
    Md5,
}

impl SignMethod {
    /// As it stands in `signMethod`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "HMAC_SHA256",
            Self::Md5 => "MD5",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    app_key: String,
    app_secret: Secret<String>,
    sign_secret: Secret<String>,
    message_secret: Secret<String>,
    #[serde(default)]
    sign_method: SignMethod,
    seller_id: u64,
    access_token: Secret<String>,
    refresh_token: Option<Secret<String>>,
    token_expires_at: Option<i64>,
    eticket_secret: Option<Secret<String>>,
    #[serde(default)]
    item_by: ItemBy,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str, account: &Account) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or(BASE_URL);
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let key = STANDARD.decode(entered.message_secret.expose()).unwrap_or_default();
        let problems = entered.problems(base_url, key.len());
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
            sign_secret: entered.sign_secret,
            message_key: Secret::new(key),
            sign_method: entered.sign_method,
            seller_id: entered.seller_id,
            access_token: entered.access_token,
            renewal,
            eticket_secret: entered.eticket_secret,
            item_by: entered.item_by,
            base_url: base_url.to_owned(),
            text: Secret::new(text.to_owned()),
            account: account.clone(),
        })
    }

    /// Whether a text would be usable in place of these settings.
    pub(crate) fn could_be(&self, text: &str) -> bool {
        Self::read(text, &self.account).is_ok()
    }
}

impl Entered {
    fn problems(&self, base_url: &str, key_bytes: usize) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        let text = |secret: &Option<Secret<String>>| secret.as_ref().is_none_or(|text| plain(text.expose()));
        check(plain(&self.app_key), "app_key must be plain characters");
        check(plain(self.app_secret.expose()), "app_secret must be plain characters");
        check(plain(self.sign_secret.expose()), "sign_secret must be plain characters");
        check(key_bytes == 16, "message_secret must be Base64 of 16 bytes");
        check(self.seller_id > 0, "seller_id must be above zero");
        check(plain(self.access_token.expose()), "access_token must be plain characters");
        check(text(&self.refresh_token), "refresh_token must be plain characters");
        check(
            self.refresh_token.is_some() == self.token_expires_at.is_some(),
            "refresh_token and token_expires_at go together",
        );
        check(
            self.token_expires_at.is_none_or(|at| (1..100_000_000_000).contains(&at)),
            "token_expires_at must be Unix seconds",
        );
        let sound = |secret: &Secret<String>| {
            let text = secret.expose();
            (24..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        check(
            self.eticket_secret.as_ref().is_none_or(sound),
            "eticket_secret must be 24 to 128 letters and digits",
        );
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        problems
    }
}

fn plain(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(from: &str, to: &str) -> String {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "the example has {from}");
        let account = "kuaishou/main".parse().expect("an account");
        Settings::read(&text, &account).err().map_or_else(String::new, |e| e.to_string())
    }

    #[test]
    fn credentials_go_over_https_or_to_this_machine() {
        let at = "\"https://openapi.kwaixiaodian.com\"";
        for bad in ["http://openapi.kwaixiaodian.com", "https://", "https://a/b", "http://127.0.0.1.evil"] {
            assert!(problem(at, &format!("\"{bad}\"")).contains("base_url"), "{bad}");
        }
        for good in ["https://a.example/", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert_eq!(problem(at, &format!("\"{good}\"")), "", "{good}");
        }
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let said = problem("\"ksSignSecret0001\"", "\"hidden one\", \"eticket_secret\": \"short/\"");
        assert!(!said.contains("hidden") && !said.is_empty(), "{said}");
        let said = problem(
            "ksSignSecret0001\",\n  \"message_secret\": \"MDEy",
            "hidden one\",\n  \"message_secret\": \"MDE",
        );
        assert!(said.contains("sign_secret") && said.contains("message_secret"), "{said}");
        assert!(!said.contains("hidden"), "{said}");
        assert!(problem("\"item_by\"", "\"colour\"").contains("colour"));
        assert!(problem("exampleEticketSecret000001", "short").contains("eticket_secret"));
        assert!(problem("1767830400", "0").contains("token_expires_at"));
        assert!(problem("  \"token_expires_at\": 1767830400,\n", "").contains("go together"));
    }
}
