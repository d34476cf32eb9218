//! The suite that every adapter must pass, once for each of the two signatures.

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_youzan::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const MSG: &str = "%7B%22full_order_info%22%3A%7B%22order_info%22%3A%7B%22tid%22%3A%22E20260101080000012300001%22%2C%22status%22%3A%22WAIT_SELLER_SEND_GOODS%22%7D%7D%7D";

/// The message is JSON, percent-encoded, in a text of the body's JSON.
const MSG_TEXT: Slot = Slot::Encoded(&Slot::Json("/msg"));

const KEYS: Keys = Keys {
    ours: "0123456789abcdef0123456789abcdef",
    graced: None,
    foreign: &["0123456789abcdef0123456789abcdee", "a1b2c3d4e5f6a7b8c9", "retired"],
};

fn digest(text: &[u8], key: &str) -> String {
    md5_hex(&[b"a1b2c3d4e5f6a7b8c9", text, key.as_bytes()].concat())
}

/// The field `sign`, over `msg` alone.
fn sign_msg(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let msg = Slot::Json("/msg").get(request)?;
    let body = String::from_utf8(request.body.clone()).ok()?;
    let old = Slot::Json("/sign").get(request)?;
    let mut signed = request.clone();
    signed.body = body.replacen(&old, &digest(msg.as_bytes(), key), 1).into_bytes();
    Some(signed)
}

/// The header `Event-Sign`, over the whole body.
fn sign_body(request: &RawRequest, key: &str) -> Option<RawRequest> {
    Slot::Header("event-sign").set(request, &digest(&request.body, key))
}

fn request(msg: &str) -> RawRequest {
    let body = format!(
        r#"{{"client_id":"a1b2c3d4e5f6a7b8c9","id":"E1","kdt_id":63077,"kdt_name":"演示店铺","mode":1,"msg":{msg},"msg_id":"m-1","sendCount":0,"sign":"d7afe906edc5d604ff8e532d285320a1","status":"","test":false,"type":"trade_TradeBuyerPay","version":1767225600}}"#
    );
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type".into(), b"application/json;charset=UTF-8".to_vec())],
        body: body.into_bytes(),
        received_at: NOW,
    }
}

fn text_msg() -> RawRequest {
    request(&format!("\"{MSG}\""))
}

fn object_msg() -> RawRequest {
    request(r#"{"tid":"E20260101080000012300001","refund_id":"201903201354390000010886","version":1}"#)
}

/// Another order under the signature of this one.
fn other_order(request: &RawRequest) -> Option<RawRequest> {
    let msg = Slot::Json("/msg").get(request)?;
    Slot::Json("/msg").set(request, &msg.replace("00001%22", "00002%22")).filter(|changed| changed != request)
}

/// A second signature in front of the genuine one.
fn two_signatures(request: &RawRequest) -> Option<RawRequest> {
    let body = String::from_utf8(request.body.clone()).ok()?;
    let body = body.replacen("\"sign\":", "\"sign\":\"00\",\"sign\":", 1).into_bytes();
    Some(RawRequest { body, ..request.clone() })
}

/// Signed without the app's name in front.
fn without_app(request: &RawRequest) -> Option<RawRequest> {
    let msg = Slot::Json("/msg").get(request)?;
    Slot::Json("/sign").set(request, &md5_hex(format!("{msg}{}", KEYS.ours).as_bytes()))
}

const NO_TIME: &str = "no time is signed";

fn subject(sign: fn(&RawRequest, &str) -> Option<RawRequest>, signature: Slot) -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    subject.fields = Fields {
        signature: Some(signature),
        merchant: Some(Slot::Json("/kdt_id")),
        order: Some(Slot::Inside(&MSG_TEXT, "/full_order_info/order_info/tid")),
        text: Some(Slot::Json("/kdt_name")),
        optional: Some(Slot::Json("/kdt_name")),
        ..Fields::default()
    };
    subject.secrets = vec!["tok0001".to_owned()];
    // Youzan's items have numbers, and a refund is a buyer's request.
    subject.jobs.stock = |job| job.item = "63077".into();
    subject.jobs.refund = |job| {
        job.refund = "201903201354390000010886".into();
        job.asked_by_channel = true;
    };
    subject.excused = &[
        (30, "the request names no algorithm"),
        (36, NO_TIME),
        (37, NO_TIME),
        (38, NO_TIME),
        (39, NO_TIME),
        (40, NO_TIME),
        (43, "the protocol names no key"),
        (44, "a push's amount is not looked at"),
        (45, "a push carries no currency"),
        (47, "a push's quantity is not looked at"),
        (105, "nothing is in Base64"),
        (107, NO_TIME),
        (109, "one secret at a time"),
        (110, "nothing but the order number is used"),
    ];
    subject
}

#[test]
fn pushes_signed_in_the_body_conform() {
    let mut subject = subject(sign_msg, Slot::Json("/sign"));
    subject.cases = vec![Case::new("paid", sign_msg(&text_msg(), KEYS.ours).expect("signed"), NOW)];
    subject.forgeries = vec![
        Forgery { row: 23, name: "two signatures", make: two_signatures },
        Forgery { row: 32, name: "another order", make: other_order },
        Forgery { row: 33, name: "without the app", make: without_app },
    ];
    conform(&subject);
}

#[test]
fn pushes_signed_in_the_header_conform() {
    let mut subject = subject(sign_body, Slot::Header("event-sign"));
    subject.cases = vec![
        Case::new("paid", sign_body(&text_msg(), KEYS.ours).expect("signed"), NOW),
        Case::new("refund", sign_body(&object_msg(), KEYS.ours).expect("signed"), NOW),
    ];
    conform(&subject);
}
