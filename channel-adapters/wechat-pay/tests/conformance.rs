//! WeChat Pay, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::RawRequest;
use channel_conformance::{Case, Fields, Forgery, Keys, Slot, Subject, Variant, conform};
use platform::{FOREIGN, OLD_SERIAL, OLDER, PLATFORM, SERIAL, envelope, sealed, sent, signature_of};
use serde_json::{Value, json};
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const SIGNATURE: Slot = Slot::Header("wechatpay-signature");
const TIME: Slot = Slot::Header("wechatpay-timestamp");
const NONCE: Slot = Slot::Header("wechatpay-nonce");
const SERIAL_NO: Slot = Slot::Header("wechatpay-serial");

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let signature = signature_of(key, &TIME.get(request)?, &NONCE.get(request)?, &request.body);
    let signed = SIGNATURE.set(request, &signature)?;
    if key == OLDER { SERIAL_NO.set(&signed, OLD_SERIAL) } else { Some(signed) }
}

fn request(envelope: &Value) -> RawRequest {
    let signed = sent(envelope, NOW);
    RawRequest {
        method: signed.method.into(),
        topic: String::new(),
        query: String::new(),
        headers: signed
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_bytes()))
            .collect(),
        body: signed.body,
        received_at: NOW,
    }
}

fn transaction() -> Value {
    json!({ "mchid": platform::MCHID, "appid": platform::APPID, "out_trade_no": "CK20260102000001",
        "transaction_id": "4200002026010200000000000001", "trade_state": "SUCCESS",
        "amount": { "total": 2888, "payer_total": 2000, "currency": "CNY" } })
}

fn refund() -> Value {
    json!({ "mchid": platform::MCHID, "out_trade_no": "CK20260102000001", "out_refund_no": "RF1",
        "refund_status": "SUCCESS", "amount": { "total": 2888, "refund": 1000 } })
}

/// The notification with another value inside the sealed part, correctly sealed and signed.
fn inside(request: &RawRequest, pointer: &str, value: &Value) -> Option<RawRequest> {
    let mut body: Value = serde_json::from_slice(&request.body).ok()?;
    let kind = body["resource"]["original_type"].as_str()?.to_owned();
    let mut plain = if kind == "refund" { refund() } else { transaction() };
    *plain.pointer_mut(pointer)? = value.clone();
    body["resource"] = sealed(&kind, &plain);
    let mut changed = request.clone();
    changed.body = body.to_string().into_bytes();
    let known = ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"].map(Value::from).contains(&body["event_type"]);
    if known { sign(&changed, PLATFORM) } else { None }
}

/// The notification with a part of the sealed part's wrapping changed, correctly signed.
fn wrapping(request: &RawRequest, field: &str, value: &str) -> Option<RawRequest> {
    let mut body: Value = serde_json::from_slice(&request.body).ok()?;
    if !["TRANSACTION.SUCCESS", "REFUND.SUCCESS"].map(Value::from).contains(&body["event_type"]) {
        return None;
    }
    body["resource"][field] = json!(value);
    let mut changed = request.clone();
    changed.body = body.to_string().into_bytes();
    sign(&changed, PLATFORM)
}

fn forgeries() -> Vec<Forgery> {
    let forgery = |row, name, make| Forgery { row, name, make };
    vec![
        forgery(30, "a weaker cipher", |r| wrapping(r, "algorithm", "AES_256_ECB")),
        forgery(32, "other associated data", |r| wrapping(r, "associated_data", "other")),
        forgery(34, "a line feed in the nonce", |r| {
            let (first, rest) = r.body.split_first()?;
            let mut changed = NONCE.set(r, &format!("{}\n{}", NONCE.get(r)?, char::from(*first)))?;
            changed.body = rest.to_vec();
            sign(&changed, PLATFORM)
        }),
        forgery(31, "a probe", |r| SIGNATURE.set(r, &format!("WECHATPAY/SIGNTEST/{}", SIGNATURE.get(r)?))),
        forgery(43, "an unknown key", |r| SERIAL_NO.set(r, "PUB_KEY_ID_0119999999992024111100000009")),
        forgery(43, "the older key's serial number", |r| SERIAL_NO.set(r, OLD_SERIAL)),
        forgery(44, "nothing", |r| inside(r, "/amount/total", &json!(0)).filter(|_| !is_refund(r))),
        forgery(44, "less than nothing", |r| {
            inside(r, "/amount/total", &json!(-1)).filter(|_| !is_refund(r))
        }),
        forgery(44, "a fraction", |r| inside(r, "/amount/total", &json!(28.88)).filter(|_| !is_refund(r))),
        forgery(44, "a refund of nothing", |r| inside(r, "/amount/refund", &json!(0))),
        forgery(45, "dollars", |r| inside(r, "/amount/currency", &json!("USD"))),
        forgery(46, "another merchant", |r| inside(r, "/mchid", &json!("1900009192"))),
        forgery(46, "another application", |r| inside(r, "/appid", &json!("wx0"))),
        forgery(48, "no order number", |r| inside(r, "/out_trade_no", &json!(""))),
        forgery(48, "an order number with a line feed", |r| inside(r, "/out_trade_no", &json!("A\nB"))),
        forgery(48, "no payment number", |r| inside(r, "/transaction_id", &json!(null))),
        forgery(48, "no refund number", |r| inside(r, "/out_refund_no", &json!("../x"))),
    ]
}

fn is_refund(request: &RawRequest) -> bool {
    String::from_utf8_lossy(&request.body).contains("REFUND.SUCCESS")
}

#[test]
fn wechat_pay_conforms() {
    let keys = Keys { ours: PLATFORM, graced: Some(OLDER), foreign: &[FOREIGN] };
    let settings = platform::settings("https://pay.example", false).to_string();
    let mut subject = Subject::new(channel_wechat_pay::PROTOCOL, &settings, keys, sign);
    for (name, kind, plain) in [
        ("paid", "TRANSACTION.SUCCESS", transaction()),
        ("paid back", "REFUND.SUCCESS", refund()),
        ("not paid back", "REFUND.ABNORMAL", refund()),
    ] {
        subject.cases.push(Case::new(
            name,
            request(&envelope(&format!("EV-{kind}").replace('.', "-"), kind, &plain)),
            NOW,
        ));
    }
    subject.fields = Fields {
        signature: Some(SIGNATURE),
        algorithm: Some(Slot::Header("wechatpay-signature-type")),
        time: Some(TIME),
        kind: Some(Slot::Json("/event_type")),
        text: Some(Slot::Json("/summary")),
        optional: Some(Slot::Json("/summary")),
        ..Fields::default()
    };
    subject.forgeries = forgeries();
    subject.variants = vec![
        Variant {
            row: 109,
            name: "the key's id in lower case",
            make: |r| SERIAL_NO.set(r, &SERIAL.to_ascii_lowercase()),
        },
        Variant {
            row: 101,
            name: "no signature type",
            make: |r| Slot::Header("wechatpay-signature-type").remove(r),
        },
    ];
    subject.secrets = vec![platform::APIV3_KEY.to_owned()];
    subject.excused = &[
        (47, "a payment has no quantity"),
        (104, "the signature is base64"),
        (110, "a payment has no quantity"),
    ];
    conform(&subject);
}
