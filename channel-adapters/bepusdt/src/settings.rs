//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{SettingsError, address::is_base, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Currency, Secret};

/// A merchant's gateway.
pub struct Gateway {
    /// Where it is; ends with `/`.
    pub(crate) base_url: String,
    /// Its API token: signs both ways.
    pub(crate) token: Secret<String>,
    /// How it is asked about a payment; `None` where its notifications alone are believed.
    pub(crate) confirm: Option<Confirm>,
    /// What amounts are in.
    pub(crate) currency: Currency,
}

/// How a gateway tells of a payment when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// `POST api/v1/pay/info`, of BEpusdt as it is now: names the order and its money.
    PayInfo,
    /// `GET pay/check-status/…`, of epusdt and BEpusdt as it was: names the trade and its status.
    CheckStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    base_url: String,
    token: Secret<String>,
    confirm_by: String,
    currency: Option<String>,
}

impl Gateway {
    /// Reads the settings (JSON text) of an account.
    pub fn open(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        if !is_base(&written.base_url) {
            problems.push(
                "base_url: an https address that ends with / is needed, without query or credentials".into(),
            );
        }
        if written.token.expose().trim().is_empty() {
            problems.push("token: is empty".to_owned());
        }
        let confirm = match written.confirm_by.as_str() {
            "pay_info" => Some(Confirm::PayInfo),
            "check_status" => Some(Confirm::CheckStatus),
            "off" => None,
            _ => {
                problems.push("confirm_by: \"pay_info\", \"check_status\" or \"off\"".to_owned());
                None
            }
        };
        let currency = written.currency.as_deref().unwrap_or("CNY").parse().unwrap_or_else(|_| {
            problems.push("currency: is not one that is known here".to_owned());
            Currency::CNY
        });
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self { base_url: written.base_url, token: written.token, confirm, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = r#"{"base_url":"http://usdt.example/","token":" ","confirm_by":"maybe","currency":"XXX"}"#;
        assert_eq!(Gateway::open(text).err().unwrap().0.len(), 4);
    }
}
