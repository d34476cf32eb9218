//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    SettingsError,
    address::is_base,
    sign::{RsaSigner, rsa_public_key_from_spki},
    strict_json,
};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// How a gateway signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MD5 with a shared key.
    V1,
    /// RSA with SHA-256, a key pair on each side.
    V2,
}

/// A merchant's account at a gateway.
pub struct Gateway {
    /// Where the operator's interface is; ends with `/`.
    pub(crate) base_url: String,
    pub(crate) pid: String,
    pub(crate) keys: Keys,
    pub(crate) confirm_by_query: bool,
    pub(crate) refunds: bool,
    /// The `status` of a paid order in an answer to a query.
    pub(crate) paid_status: String,
}

/// What messages are proved with.
pub(crate) enum Keys {
    Md5(Secret<String>),
    Rsa {
        merchant: Box<RsaSigner>,
        /// PKCS#1.
        platform: Vec<u8>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenV1 {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    base_url: String,
    pid: String,
    key: Secret<String>,
    confirm_by_query: Option<bool>,
    #[serde(default)]
    refunds: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenV2 {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    base_url: String,
    pid: String,
    merchant_private_key: Secret<String>,
    platform_public_key: String,
    confirm_by_query: Option<bool>,
    #[serde(default)]
    refunds: bool,
    paid_status: Option<String>,
}

impl Gateway {
    /// Reads the settings (JSON text) of an account.
    pub fn open(version: Version, text: &str) -> Result<Self, SettingsError> {
        match version {
            Version::V1 => Self::open_v1(strict_json::settings(text)?),
            Version::V2 => Self::open_v2(strict_json::settings(text)?),
        }
    }

    fn open_v1(written: WrittenV1) -> Result<Self, SettingsError> {
        let mut problems = address_problems(&written.base_url, &written.pid);
        if written.key.expose().trim().is_empty() {
            problems.push("key: is empty".to_owned());
        }
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            base_url: written.base_url,
            pid: written.pid,
            keys: Keys::Md5(written.key),
            confirm_by_query: written.confirm_by_query.unwrap_or(true),
            refunds: written.refunds,
            paid_status: "1".to_owned(),
        })
    }

    fn open_v2(written: WrittenV2) -> Result<Self, SettingsError> {
        let mut problems = address_problems(&written.base_url, &written.pid);
        let merchant = der(written.merchant_private_key.expose())
            .map(Secret::new)
            .and_then(|key| RsaSigner::from_pkcs8(key.expose()));
        let platform = der(&written.platform_public_key).and_then(|key| rsa_public_key_from_spki(&key));
        let paid_status = written.paid_status.unwrap_or_else(|| "1".to_owned());
        // 0 is unpaid with every operator; counting it as paid would give keys away.
        if !matches!(paid_status.as_str(), "1" | "2") {
            problems.push("paid_status: \"1\" or \"2\"".to_owned());
        }
        if merchant.is_none() {
            problems.push(
                "merchant_private_key: is not the base64 of an RSA key in PKCS#8, 2048 to 4096 bits".into(),
            );
        }
        if platform.is_none() {
            problems.push("platform_public_key: is not the base64 of an RSA SubjectPublicKeyInfo".into());
        }
        match (merchant, platform) {
            (Some(merchant), Some(platform)) if problems.is_empty() => Ok(Self {
                base_url: written.base_url,
                pid: written.pid,
                keys: Keys::Rsa { merchant: Box::new(merchant), platform },
                confirm_by_query: written.confirm_by_query.unwrap_or(false),
                refunds: written.refunds,
                paid_status,
            }),
            _ => Err(SettingsError(problems)),
        }
    }
}

/// Base64 on one line, or the same in PEM armour.
fn der(text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let joined = Secret::new(lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect::<String>());
    STANDARD.decode(joined.expose()).ok()
}

fn address_problems(base_url: &str, pid: &str) -> Vec<String> {
    let mut problems = Vec::new();
    // V1 sends its key in the address, so nothing but https will do.
    if !is_base(base_url) {
        problems.push(
            "base_url: an https address that ends with / is needed, without query or credentials".into(),
        );
    }
    if !(1..=32).contains(&pid.len()) || !pid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        problems.push("pid: 1 to 32 letters and digits".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let problems = |version, text: &str| Gateway::open(version, text).err().unwrap().0;
        let text = r#"{"base_url":"http://pay.example/","pid":"10 01","key":" "}"#;
        assert_eq!(problems(Version::V1, text).len(), 3);
        let text = r#"{"base_url":"https://pay.example","pid":"","merchant_private_key":"eA==",
            "platform_public_key":"x","paid_status":"0"}"#;
        assert_eq!(problems(Version::V2, text).len(), 5);
    }
}
