//! WeChat Pay, as far as it is not played by a server: notifications sealed and signed with whichever key a test wants.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{aead, rand::SystemRandom, signature};
use serde_json::{Value, json};
use testkit::drive::Signed;
use vocabulary::Timestamp;

pub(crate) const MCHID: &str = "1900009191";
pub(crate) const APPID: &str = "wxd678efh567hg6787";
pub(crate) const APIV3_KEY: &str = "TESTONLYapiv3key0123456789abcdef";
pub(crate) const SERIAL: &str = "PUB_KEY_ID_0119000091912024111100000001";
pub(crate) const OLD_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub(crate) const PLATFORM: &str = include_str!("../../fixtures/test-platform-private.pem");
pub(crate) const OLDER: &str = include_str!("../../fixtures/test-older-private.pem");
pub(crate) const FOREIGN: &str = include_str!("../../fixtures/test-foreign-private.pem");

pub(crate) fn settings(base_url: &str, confirm_by_query: bool) -> Value {
    json!({
        "mchid": MCHID, "appid": APPID, "apiv3_key": APIV3_KEY,
        "merchant_serial_no": "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
        "merchant_private_key": include_str!("../../fixtures/test-merchant-private.pem"),
        "platform_keys": [
            { "id": SERIAL, "key": include_str!("../../fixtures/test-platform-public.pem") },
            { "id": OLD_SERIAL, "key": include_str!("../../fixtures/test-older-certificate.pem") },
        ],
        "refund_notify_url": "https://shop.example/in/wechat-pay/pay",
        "confirm_by_query": confirm_by_query,
        "base_url": base_url,
    })
}

fn der(pem: &str) -> Vec<u8> {
    let joined: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    STANDARD.decode(joined).unwrap()
}

thread_local! {
    /// Reading a private key takes longer than signing with it.
    static KEYS: RefCell<BTreeMap<String, Rc<signature::RsaKeyPair>>> = RefCell::default();
}

/// RSA with SHA-256, in base64.
pub(crate) fn rsa(pem: &str, text: &[u8]) -> String {
    let key = KEYS.with_borrow_mut(|keys| {
        let read = || Rc::new(signature::RsaKeyPair::from_pkcs8(&der(pem)).unwrap());
        Rc::clone(keys.entry(pem.to_owned()).or_insert_with(read))
    });
    let mut tag = vec![0; key.public().modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut tag).unwrap();
    STANDARD.encode(tag)
}

/// The signature of a notification or an answer.
pub(crate) fn signature_of(pem: &str, time: &str, nonce: &str, body: &[u8]) -> String {
    rsa(pem, &[time.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"].concat())
}

fn headers(pem: &str, now: Timestamp, body: &[u8]) -> Vec<(&'static str, String)> {
    let (time, nonce) = (now.secs().to_string(), "q7Zr1kXnU0d8WcYf2LhT5sBvMa9EgJ3R");
    let signature = signature_of(pem, &time, nonce, body);
    vec![
        ("wechatpay-serial", SERIAL.to_owned()),
        ("wechatpay-timestamp", time),
        ("wechatpay-nonce", nonce.to_owned()),
        ("wechatpay-signature", signature),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
    ]
}

/// AES-256-GCM under the APIv3 key, as a notification's resource.
pub(crate) fn sealed(kind: &str, plain: &Value) -> Value {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, APIV3_KEY.as_bytes()).unwrap();
    let nonce = aead::Nonce::try_assume_unique_for_key(b"ciZHu21IZLyv").unwrap();
    let mut data = plain.to_string().into_bytes();
    let aad = aead::Aad::from(kind.as_bytes());
    aead::LessSafeKey::new(key).seal_in_place_append_tag(nonce, aad, &mut data).unwrap();
    json!({ "original_type": kind, "algorithm": "AEAD_AES_256_GCM", "ciphertext": STANDARD.encode(data),
        "associated_data": kind, "nonce": "ciZHu21IZLyv" })
}

/// A notification's body.
pub(crate) fn envelope(id: &str, event_type: &str, plain: &Value) -> Value {
    let kind = if event_type.starts_with("REFUND") { "refund" } else { "transaction" };
    json!({ "id": id, "create_time": "2026-01-02T11:00:00+08:00", "resource_type": "encrypt-resource",
        "event_type": event_type, "summary": "支付成功", "resource": sealed(kind, plain) })
}

/// A notification on its way.
pub(crate) fn sent(envelope: &Value, now: Timestamp) -> Signed {
    let body = envelope.to_string().into_bytes();
    let mut all = headers(PLATFORM, now, &body);
    all.push(("content-type", "application/json".to_owned()));
    Signed { method: "POST", topic: String::new(), query: String::new(), headers: all, body }
}
