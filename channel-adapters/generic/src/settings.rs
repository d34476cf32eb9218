//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{SettingsError, Shortage, address::is_endpoint, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{DeliveryMethod, Secret};

use crate::outbound::Sender;

/// How long an unpaid order holds keys unless the settings say otherwise, in seconds.
const RESERVE_SECS: u32 = 900;
/// The longest an unpaid order may hold keys: a week.
const RESERVE_SECS_MAX: u32 = 7 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    #[serde(default)]
    secrets: Vec<Secret<String>>,
    #[serde(default)]
    public_keys: Vec<String>,
    reserve_secs: Option<u32>,
    #[serde(default)]
    return_keys: bool,
    shortage: Option<WrittenShortage>,
    deliver_url: Option<String>,
    stock_url: Option<String>,
    outbound_secret: Option<Secret<String>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum WrittenShortage {
    Refuse,
    Backorder,
}

/// Settings that can be worked with.
pub(crate) struct Settings {
    /// The symmetric keys; one, or two while one is replaced.
    pub(crate) secrets: Vec<Secret<Vec<u8>>>,
    /// The partner's Ed25519 keys.
    pub(crate) public_keys: Vec<Vec<u8>>,
    pub(crate) reserve_secs: u32,
    pub(crate) shortage: Shortage,
    pub(crate) delivery: DeliveryMethod,
    pub(crate) deliver: Option<Sender>,
    pub(crate) push_stock: Option<Sender>,
}

impl Settings {
    /// Reads and checks the settings' JSON.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let secrets: Vec<_> = written.secrets.iter().filter_map(symmetric_key).collect();
        if secrets.len() != written.secrets.len() {
            problems.push("secrets: each is whsec_ and the base64 of 24 to 64 bytes".to_owned());
        }
        let public_keys: Vec<_> = written.public_keys.iter().filter_map(|text| public_key(text)).collect();
        if public_keys.len() != written.public_keys.len() {
            problems.push("public_keys: each is whpk_ and the base64 of 32 bytes".to_owned());
        }
        if written.secrets.len() > 2 || written.public_keys.len() > 2 {
            problems.push("secrets, public_keys: at most two of each, the newer and the older".to_owned());
        }
        if written.secrets.is_empty() && written.public_keys.is_empty() {
            problems.push("secrets: at least one is needed".to_owned());
        }
        let reserve_secs = written.reserve_secs.unwrap_or(RESERVE_SECS);
        if !(1..=RESERVE_SECS_MAX).contains(&reserve_secs) {
            problems.push(format!("reserve_secs: 1 to {RESERVE_SECS_MAX}"));
        }
        let outbound = written.outbound_secret.as_ref().map(symmetric_key);
        if matches!(outbound, Some(None)) {
            problems.push("outbound_secret: whsec_ and the base64 of 24 to 64 bytes".to_owned());
        }
        let outbound = outbound.flatten();
        let deliver = sender("deliver_url", written.deliver_url, outbound.as_ref(), &mut problems);
        let push_stock = sender("stock_url", written.stock_url, outbound.as_ref(), &mut problems);
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        let delivery = match (written.return_keys, &deliver) {
            (true, _) => DeliveryMethod::Reply,
            (false, Some(_)) => DeliveryMethod::Api,
            (false, None) => DeliveryMethod::Pickup,
        };
        let shortage = match written.shortage {
            Some(WrittenShortage::Refuse) => Shortage::Refuse,
            Some(WrittenShortage::Backorder) => Shortage::Backorder,
            // Who waits for keys in the reply has not handed anything over yet and can still say no.
            None if written.return_keys => Shortage::Refuse,
            None => Shortage::Backorder,
        };
        Ok(Self { secrets, public_keys, reserve_secs, shortage, delivery, deliver, push_stock })
    }
}

fn symmetric_key(text: &Secret<String>) -> Option<Secret<Vec<u8>>> {
    let key = Secret::new(STANDARD.decode(text.expose().strip_prefix("whsec_")?).ok()?);
    (24..=64).contains(&key.expose().len()).then_some(key)
}

fn public_key(text: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(text.strip_prefix("whpk_")?).ok()?;
    (key.len() == 32).then_some(key)
}

fn sender(
    field: &str,
    url: Option<String>,
    secret: Option<&Secret<Vec<u8>>>,
    problems: &mut Vec<String>,
) -> Option<Sender> {
    let url = url?;
    if !is_endpoint(&url) {
        problems.push(format!("{field}: an https address without credentials is needed"));
        return None;
    }
    let Some(secret) = secret else {
        problems.push(format!("{field}: needs outbound_secret"));
        return None;
    };
    Some(Sender { url, secret: secret.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_VEVTVC1PTkxZLXNoYXJlZC1zZWNyZXQtMzJieXRlcyE=";

    #[test]
    fn who_waits_for_keys_is_refused_on_shortage_unless_the_settings_say_otherwise() {
        let read = |more: &str| Settings::read(&format!(r#"{{"secrets":["{KEY}"]{more}}}"#)).unwrap();
        assert_eq!(read("").shortage, Shortage::Backorder);
        assert_eq!(read("").delivery, DeliveryMethod::Pickup);
        assert_eq!(read(r#","return_keys":true"#).shortage, Shortage::Refuse);
        assert_eq!(read(r#","return_keys":true"#).delivery, DeliveryMethod::Reply);
        assert_eq!(read(r#","return_keys":true,"shortage":"backorder""#).shortage, Shortage::Backorder);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = r#"{"secrets":["whsec_c2hvcnQ="],"public_keys":["x"],"reserve_secs":0,
            "deliver_url":"http://a.example","stock_url":"https://a.example"}"#;
        let problems = Settings::read(text).err().unwrap().0;
        assert_eq!(problems.len(), 5, "{problems:?}");
    }
}
