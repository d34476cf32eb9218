//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{
    SettingsError,
    address::is_origin,
    sign::{RsaSigner, der_from_text, rsa_public_key_from_text},
    strict_json,
};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

const API: &str = "https://api.mch.weixin.qq.com";
/// How ids of public keys begin; serial numbers of certificates are hex.
const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_";

/// A merchant's account at WeChat Pay.
pub(crate) struct Merchant {
    pub(crate) mchid: String,
    pub(crate) appid: String,
    /// 32 bytes.
    pub(crate) apiv3_key: Secret<String>,
    pub(crate) serial_no: String,
    pub(crate) signer: RsaSigner,
    platform: Vec<PlatformKey>,
    pub(crate) refund_notify_url: Option<String>,
    pub(crate) confirm_by_query: bool,
    /// Without a slash at the end.
    pub(crate) base_url: String,
}

/// A key that the platform signs with.
struct PlatformKey {
    /// A public key's id, or a certificate's serial number.
    id: String,
    /// PKCS#1.
    key: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    mchid: String,
    appid: String,
    apiv3_key: Secret<String>,
    merchant_serial_no: String,
    merchant_private_key: Secret<String>,
    platform_keys: Vec<WrittenKey>,
    refund_notify_url: Option<String>,
    #[serde(default)]
    confirm_by_query: bool,
    base_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    id: String,
    key: String,
}

impl Merchant {
    /// Reads and checks the settings' JSON.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut need = |sound: bool, problem: &str| {
            if !sound {
                problems.push(problem.to_owned());
            }
        };
        need(is_digits(&written.mchid), "mchid: 1 to 32 digits");
        need(is_plain(&written.appid, 32), "appid: 1 to 32 letters and digits");
        need(written.apiv3_key.expose().len() == 32, "apiv3_key: is not 32 bytes long");
        need(is_plain(&written.merchant_serial_no, 64), "merchant_serial_no: hex digits");
        let signer = der_from_text(written.merchant_private_key.expose())
            .and_then(|der| RsaSigner::from_pkcs8(der.expose()));
        need(signer.is_some(), "merchant_private_key: is not an RSA key in PKCS#8, 2048 to 4096 bits");
        let platform: Vec<PlatformKey> = written.platform_keys.iter().filter_map(platform_key).collect();
        let sound = platform.len() == written.platform_keys.len() && (1..=8).contains(&platform.len());
        need(
            sound,
            "platform_keys: 1 to 8, each with the id (PUB_KEY_ID_… or a serial number) and the key or certificate",
        );
        if let Some(url) = &written.refund_notify_url {
            need(
                url.starts_with("https://") && !url.contains('?'),
                "refund_notify_url: https, without a query",
            );
        }
        let base_url = written.base_url.unwrap_or_else(|| API.to_owned());
        need(is_origin(&base_url), "base_url: an https address without path, query or credentials");
        match signer {
            Some(signer) if problems.is_empty() => Ok(Self {
                mchid: written.mchid,
                appid: written.appid,
                apiv3_key: written.apiv3_key,
                serial_no: written.merchant_serial_no,
                signer,
                platform,
                refund_notify_url: written.refund_notify_url,
                confirm_by_query: written.confirm_by_query,
                base_url,
            }),
            _ => Err(SettingsError(problems)),
        }
    }

    /// The platform's key of this id or serial number (hex in either case).
    pub(crate) fn platform_key(&self, id: &str) -> Option<&[u8]> {
        self.platform.iter().find(|known| known.id.eq_ignore_ascii_case(id)).map(|known| known.key.as_slice())
    }

    /// The public key that the platform is to sign its answers with; `None` while only certificates are known.
    pub(crate) fn public_key_id(&self) -> Option<&str> {
        self.platform.iter().map(|known| known.id.as_str()).find(|id| id.starts_with(PUBLIC_KEY_ID))
    }
}

fn platform_key(written: &WrittenKey) -> Option<PlatformKey> {
    let serial = |id: &str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = &written.id;
    let sound = id.strip_prefix(PUBLIC_KEY_ID).map_or_else(|| serial(id), |rest| is_plain(rest, 64));
    let key = rsa_public_key_from_text(&written.key).filter(|_| sound)?;
    Some(PlatformKey { id: id.clone(), key })
}

fn is_digits(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = r#"{"mchid":"m","appid":"","apiv3_key":"short","merchant_serial_no":"-",
            "merchant_private_key":"x","platform_keys":[{"id":"zz","key":"eA=="}],
            "refund_notify_url":"http://shop.example","base_url":"http://pay.example"}"#;
        assert_eq!(Merchant::read(text).err().unwrap().0.len(), 8);
    }

    #[test]
    fn keys_are_found_by_id_and_by_serial_number_in_either_case() {
        let merchant = Merchant::read(include_str!("example.json")).unwrap();
        let id = merchant.public_key_id().unwrap();
        assert!(merchant.platform_key(id).is_some());
        assert!(merchant.platform_key("5157f09efdc096de15ebe81a47057a7232f1b8e1").is_some());
        assert!(merchant.platform_key("").is_none() && merchant.platform_key("5157").is_none());
    }
}
