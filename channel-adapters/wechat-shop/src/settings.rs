//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use vocabulary::{Secret, Timestamp};

use crate::envelope::aes_key;

/// An app of WeChat's that sells.
pub(crate) struct App {
    pub(crate) appid: String,
    pub(crate) app_secret: Secret<String>,
    /// Signs pushes.
    pub(crate) push_token: Secret<String>,
    /// Encrypts pushes: 32 bytes.
    pub(crate) aes_key: Secret<Vec<u8>>,
    /// Empty until it is renewed for the first time.
    pub(crate) access_token: Secret<String>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) product: Product,
    /// The settings as they were written, to be written again with another access token.
    pub(crate) text: Secret<String>,
}

/// What the app sells through.
pub(crate) enum Product {
    /// 微信小店.
    Shop,
    /// Virtual payments.
    Xpay(Xpay),
}

/// What virtual payments need besides.
pub(crate) struct Xpay {
    pub(crate) app_key: Secret<String>,
    pub(crate) actual_price: Option<ActualPrice>,
}

/// What `ActualPrice` is of, where several units are bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActualPrice {
    Unit,
    Total,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenShop {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    appid: String,
    app_secret: Secret<String>,
    token: Secret<String>,
    encoding_aes_key: Secret<String>,
    access_token: Option<Secret<String>>,
    access_token_expires_at: Option<i64>,
    base_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenXpay {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    appid: String,
    app_secret: Secret<String>,
    token: Secret<String>,
    encoding_aes_key: Secret<String>,
    access_token: Option<Secret<String>>,
    access_token_expires_at: Option<i64>,
    base_url: Option<String>,
    app_key: Secret<String>,
    actual_price: Option<ActualPrice>,
}

/// The two fields that renewal replaces.
#[derive(Serialize)]
struct Renewed<'a> {
    access_token: &'a str,
    access_token_expires_at: i64,
}

impl App {
    pub(crate) fn open_shop(text: &str) -> Result<Self, SettingsError> {
        Self::open(strict_json::settings(text)?, Product::Shop, Vec::new(), text)
    }

    pub(crate) fn open_xpay(text: &str) -> Result<Self, SettingsError> {
        let written: WrittenXpay = strict_json::settings(text)?;
        let mut problems = Vec::new();
        if written.app_key.expose().trim().is_empty() {
            problems.push("app_key: is empty".to_owned());
        }
        let product = Product::Xpay(Xpay { app_key: written.app_key, actual_price: written.actual_price });
        let shared = WrittenShop {
            _help: IgnoredAny,
            appid: written.appid,
            app_secret: written.app_secret,
            token: written.token,
            encoding_aes_key: written.encoding_aes_key,
            access_token: written.access_token,
            access_token_expires_at: written.access_token_expires_at,
            base_url: written.base_url,
        };
        Self::open(shared, product, problems, text)
    }

    fn open(
        written: WrittenShop,
        product: Product,
        mut problems: Vec<String>,
        text: &str,
    ) -> Result<Self, SettingsError> {
        let base_url = written.base_url.as_deref().unwrap_or("https://api.weixin.qq.com");
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url).to_owned();
        let aes_key = aes_key(written.encoding_aes_key.expose());
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(plain(&written.appid) && written.appid.len() <= 32, "appid: 1 to 32 letters and digits");
        check(plain(written.app_secret.expose()), "app_secret: letters and digits");
        check((3..=32).contains(&written.token.expose().len()), "token: 3 to 32 characters");
        check(aes_key.is_some(), "encoding_aes_key: 43 letters and digits");
        check(is_origin(&base_url), "base_url: https, a host and no path (http only for this machine)");
        let expires_at = written.access_token_expires_at.filter(|secs| (0..=253_402_300_799).contains(secs));
        check(
            expires_at.is_some() == written.access_token_expires_at.is_some(),
            "access_token_expires_at: Unix seconds",
        );
        match aes_key {
            Some(aes_key) if problems.is_empty() => Ok(Self {
                appid: written.appid,
                app_secret: written.app_secret,
                push_token: written.token,
                aes_key,
                access_token: written.access_token.unwrap_or_else(|| Secret::new(String::new())),
                expires_at: expires_at.map(Timestamp::from_secs),
                base_url,
                product,
                text: Secret::new(text.to_owned()),
            }),
            _ => Err(SettingsError(problems)),
        }
    }

    /// The settings with another access token; `None` where they cannot be written.
    pub(crate) fn renewed(&self, token: &str, expires_at: Timestamp) -> Option<Secret<String>> {
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(self.text.expose()).ok()?;
        let new = Renewed { access_token: token, access_token_expires_at: expires_at.secs() };
        if let serde_json::Value::Object(new) = serde_json::to_value(new).ok()? {
            fields.extend(new);
        }
        serde_json::to_string(&fields).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once_and_no_secret_is() {
        let text = r#"{"appid":"","app_secret":"hid den","token":"x","encoding_aes_key":"hidden",
            "app_key":" ","base_url":"http://api.weixin.qq.com","access_token_expires_at":-1}"#;
        let error = App::open_xpay(text).err().unwrap();
        assert_eq!(error.0.len(), 7, "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
    }

    #[test]
    fn renewed_settings_connect_and_differ_in_the_token_alone() {
        let app = App::open_xpay(include_str!("example-xpay.json")).unwrap();
        let text = app.renewed("AT-2", Timestamp::from_secs(1_767_330_000)).unwrap();
        let again = App::open_xpay(text.expose()).unwrap();
        assert_eq!(again.access_token.expose(), "AT-2");
        assert_eq!(again.expires_at, Some(Timestamp::from_secs(1_767_330_000)));
        assert_eq!((again.appid, again.app_secret.expose()), (app.appid, app.app_secret.expose()));
    }
}
