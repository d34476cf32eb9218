//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{SettingsError, address::is_base, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// A shop's settings.
pub(crate) struct Settings {
    /// Ends with `/`.
    pub(crate) shop_url: String,
    pub(crate) secret: Secret<String>,
    pub(crate) consumer_key: String,
    pub(crate) consumer_secret: Secret<String>,
    pub(crate) key_notes: bool,
    pub(crate) completed_orders: bool,
    pub(crate) stock: bool,
    pub(crate) refunds: bool,
    pub(crate) gateway_refunds: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    shop_url: String,
    secret: Secret<String>,
    consumer_key: String,
    consumer_secret: Secret<String>,
    #[serde(default)]
    key_notes: bool,
    #[serde(default)]
    completed_orders: bool,
    #[serde(default)]
    stock: bool,
    #[serde(default)]
    refunds: bool,
    #[serde(default)]
    gateway_refunds: bool,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        check(
            // Plain http would need another way to sign calls, which we do not have.
            is_base(&written.shop_url),
            "shop_url: an https address that ends with / is needed, without query or credentials",
        );
        let secret = written.secret.expose();
        check(secret.trim().len() >= 16, "secret: 16 characters or more");
        // WooCommerce decodes HTML entities in the secret before it signs; without these signs there are none.
        check(!secret.contains(['&', '<', '>', '"', '\'']), "secret: none of & < > and quotation marks");
        let is_key =
            |text: &str| text.len() >= 8 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        check(is_key(&written.consumer_key), "consumer_key: 8 letters, digits and _ or more");
        check(is_key(written.consumer_secret.expose()), "consumer_secret: 8 letters, digits and _ or more");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            shop_url: written.shop_url,
            secret: written.secret,
            consumer_key: written.consumer_key,
            consumer_secret: written.consumer_secret,
            key_notes: written.key_notes,
            completed_orders: written.completed_orders,
            stock: written.stock,
            refunds: written.refunds,
            gateway_refunds: written.gateway_refunds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once_and_no_secret_in_any() {
        let text = r#"{"shop_url":"http://woo.example","secret":"a&amp;b","consumer_key":"ck key","consumer_secret":""}"#;
        let problems = Settings::read(text).err().unwrap().0;
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert!(!problems.concat().contains("amp;b"));
    }
}
