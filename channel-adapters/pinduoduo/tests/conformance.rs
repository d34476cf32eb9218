//! The suite that every adapter must pass.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, sign::hmac_sha256};
use channel_conformance::{Case, Fields, Keys, Slot, Subject, conform};
use channel_pinduoduo::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_601);

const KEYS: Keys = Keys {
    ours: "cGRkLXJlbGF5LXNlY3JldC0wMTIzNDU2Nzg5YWI=",
    graced: None,
    foreign: &["cGRkLXJlbGF5LXNlY3JldC0wMTIzNDU2Nzg5YWM=", "AAAA", "cGRkU2VjcmV0MDEyMzQ1Njc4OWFiY2RlZg=="],
};

/// Signs what stands there, id and time included.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let part = |name| Slot::Header(name).get(request).unwrap_or_default();
    let head = format!("{}.{}.", part("webhook-id"), part("webhook-timestamp"));
    let tag = hmac_sha256(&STANDARD.decode(key).ok()?, &[head.as_bytes(), &request.body].concat());
    Slot::Header("webhook-signature").set(request, &format!("v1,{}", STANDARD.encode(tag)))
}

fn case(name: &'static str, kind: &str, content: &str) -> Case {
    let content = serde_json::Value::from(content);
    let body = format!(
        r#"{{"id":9007199254740993,"commandType":"Common","time":1767225600123,"sendTime":1767225600120,"message":{{"type":"{kind}","mallID":171504183,"content":{content},"note":"卡密"}}}}"#
    );
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type".into(), b"application/json".to_vec()),
            ("webhook-id".into(), b"m-1".to_vec()),
            ("webhook-timestamp".into(), NOW.secs().to_string().into_bytes()),
            ("webhook-signature".into(), Vec::new()),
        ],
        body: body.into_bytes(),
        received_at: NOW,
    };
    Case::new(name, sign(&request, KEYS.ours).expect("headers"), NOW)
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    let order = r#"{"mall_id":171504183,"tid":"260101-123456789012345"}"#;
    let refund = r#"{"mall_id":171504183,"tid":"260101-123456789012345","refund_id":30185,"refund_fee":990,"modified":1767225600000}"#;
    subject.cases = vec![
        case("confirmed", "pdd_trade_TradeConfirmed", order),
        case("refund", "pdd_refund_RefundCreated", refund),
        case("shipped", "pdd_trade_TradeSellerShip", order),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Header("webhook-signature")),
        time: Some(Slot::Header("webhook-timestamp")),
        merchant: Some(Slot::Json("/message/mallID")),
        kind: Some(Slot::Json("/message/type")),
        order: Some(Slot::Inside(&Slot::Json("/message/content"), "/tid")),
        text: Some(Slot::Json("/message/note")),
        optional: Some(Slot::Json("/message/note")),
        ..Fields::default()
    };
    subject.secrets =
        ["pddSecret0123456789abcdef0123456789abcdef", "tok_0001", "ref_0001"].map(str::to_owned).into();
    // Pinduoduo's items have numbers, and a refund is a buyer's request.
    subject.jobs.stock = |job| job.item = "1234567890/9876543210".into();
    subject.jobs.refund = |job| {
        job.refund = "30185".into();
        job.asked_by_channel = true;
    };
    subject.excused = &[
        (30, "the version stands in the signature itself; others are skipped as the standard says"),
        (43, "the protocol names no key"),
        (44, "a message's amount is not looked at"),
        (45, "a message carries no currency"),
        (47, "a message carries no quantity"),
        (104, "the signature is Base64"),
        (109, "one secret at a time"),
        (110, "the SDKs type the integers"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
