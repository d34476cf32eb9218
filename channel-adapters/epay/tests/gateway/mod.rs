//! Two gateways, V1 and V2: their keys, how they sign, and what they send.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Protocol, RawRequest, legacy_sign::md5_hex, sign::RsaSigner};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject};
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const KEY: &str = "TESTepayKey0123456789abcdef01234";
pub(crate) const PLATFORM: &str = include_str!("../../fixtures/test-platform-private.txt");
const PLATFORM_PUBLIC: &str = include_str!("../../fixtures/test-platform-public.txt");
const FOREIGN: &str = include_str!("../../fixtures/test-foreign-private.txt");
const SIGN: Slot = Slot::Param("sign");

const PAID: &str = "pid=1001&trade_no=2026010211000012345&out_trade_no=CK20260102000001&type=alipay\
    &name=Steam+50+%E5%85%83%E5%8D%A1&money=28.88&trade_status=TRADE_SUCCESS&param=&sign=x&sign_type=MD5";
const WAITING: &str = "pid=1001&trade_no=2026010211000012346&out_trade_no=CK20260102000002&type=wxpay\
    &name=PSN&money=1.5&trade_status=WAIT_BUYER_PAY&sign=x&sign_type=MD5";

/// A notification as the gateway sends it: by `GET` in the query, by `POST` in a form.
pub(crate) fn notification(method: &str, fields: &str) -> RawRequest {
    let (query, body) = if method == "GET" { (fields, "") } else { ("", fields) };
    RawRequest {
        method: method.into(),
        topic: String::new(),
        query: query.into(),
        headers: vec![("user-agent".into(), b"epay".to_vec())],
        body: body.into(),
        received_at: NOW,
    }
}

/// The signed text, written out here a second time.
pub(crate) fn canonical(request: &RawRequest) -> Option<String> {
    let pairs = if request.method == "GET" { request.query_pairs() } else { request.form() };
    let mut kept: Vec<(String, String)> = pairs.ok()?;
    kept.retain(|(name, value)| name != "sign" && name != "sign_type" && !value.is_empty());
    kept.sort();
    Some(kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
}

pub(crate) fn sign_v1(request: &RawRequest, key: &str) -> Option<RawRequest> {
    SIGN.set(request, &md5_hex(format!("{}{key}", canonical(request)?).as_bytes()))
}

thread_local! {
    /// Reading a private key takes longer than signing with it.
    static SIGNERS: RefCell<HashMap<String, Rc<RsaSigner>>> = RefCell::default();
}

pub(crate) fn sign_v2(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let signer = SIGNERS.with_borrow_mut(|signers| {
        let read = || Rc::new(RsaSigner::from_pkcs8(&STANDARD.decode(key).unwrap()).unwrap());
        Rc::clone(signers.entry(key.to_owned()).or_insert_with(read))
    });
    SIGN.set(request, &STANDARD.encode(signer.sign_sha256(canonical(request)?.as_bytes())?))
}

fn fields() -> Fields {
    Fields {
        signature: Some(SIGN),
        algorithm: Some(Slot::Param("sign_type")),
        merchant: Some(Slot::Param("pid")),
        status: Some(Slot::Param("trade_status")),
        order: Some(Slot::Param("out_trade_no")),
        amount: Some((Slot::Param("money"), AmountUnit::Major)),
        text: Some(Slot::Param("name")),
        optional: Some(Slot::Param("param")),
        ..Fields::default()
    }
}

fn subject(
    protocol: Protocol,
    settings: &str,
    keys: Keys,
    sign: fn(&RawRequest, &str) -> Option<RawRequest>,
) -> Subject {
    let mut subject = Subject::new(protocol, settings, keys, sign);
    let v2 = protocol.manifest.clock_tolerance_secs.is_some();
    let of_version = |fields: &str| {
        let more = format!("&timestamp={}&endtime=2026-01-02+10%3A59%3A58", NOW.secs());
        if v2 { fields.replace("=MD5", "=RSA") + &more } else { fields.to_owned() }
    };
    for (name, method, fields) in
        [("by GET", "GET", PAID), ("by POST", "POST", PAID), ("waiting", "GET", WAITING)]
    {
        let request = sign(&notification(method, &of_version(fields)), keys.ours).unwrap();
        subject.cases.push(Case::new(name, request, NOW));
    }
    subject.fields = fields();
    subject
}

pub(crate) const V1_SETTINGS: &str = r#"{"base_url":"https://pay.example/","pid":"1001","key":"TESTepayKey0123456789abcdef01234","refunds":true}"#;

pub(crate) fn v1() -> Subject {
    let keys =
        Keys { ours: KEY, graced: None, foreign: &["otherMerchantKey", "otherChannelKey", "retiredKey"] };
    let mut subject = subject(channel_epay::V1, V1_SETTINGS, keys, sign_v1);
    subject.forgeries = vec![Forgery {
        row: 30,
        name: "no sign_type",
        make: |request| Slot::Param("sign_type").remove(request),
    }];
    subject.excused = &[
        (36, "V1 signs no time"),
        (37, "V1 signs no time"),
        (38, "V1 signs no time"),
        (39, "V1 signs no time"),
        (40, "V1 signs no time"),
        (43, "a key has no serial number"),
        (45, "the gateways know yuan only"),
        (47, "a payment has no quantity"),
        (105, "the signature is hex"),
        (107, "V1 signs no time"),
        (109, "a gateway replaces a merchant's key at once"),
        (110, "every value of a form is text"),
    ];
    subject
}

pub(crate) fn v2_settings() -> String {
    let example: serde_json::Value = serde_json::from_str(channel_epay::V2.example_settings).unwrap();
    let merchant = &example["merchant_private_key"];
    format!(
        r#"{{"base_url":"https://pay.example/","pid":"1001","merchant_private_key":{merchant},
            "platform_public_key":"{PLATFORM_PUBLIC}","refunds":true}}"#
    )
}

pub(crate) fn v2() -> Subject {
    let keys = Keys { ours: PLATFORM, graced: None, foreign: &[FOREIGN] };
    let mut subject = subject(channel_epay::V2, &v2_settings(), keys, sign_v2);
    subject.fields.time = Some(Slot::Param("timestamp"));
    subject.forgeries =
        vec![Forgery { row: 30, name: "MD5 keyed with the public key", make: md5_with_public_key }];
    subject.excused = &[
        (43, "a key has no serial number"),
        (45, "the gateways know yuan only"),
        (47, "a payment has no quantity"),
        (104, "the signature is base64"),
        (109, "a gateway replaces its key at once"),
        (110, "every value of a form is text"),
    ];
    subject
}

/// What one port in the wild accepts: it takes the algorithm from the message.
fn md5_with_public_key(request: &RawRequest) -> Option<RawRequest> {
    sign_v1(&Slot::Param("sign_type").set(request, "MD5")?, PLATFORM_PUBLIC)
}
