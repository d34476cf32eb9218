//! The suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use channel::{RawRequest, sign::hmac_sha256};
use channel_conformance::{AmountUnit, Case, Fields, Keys, Slot, Subject, conform};
use vocabulary::Timestamp;

use channel_template::PROTOCOL;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const SECRET: &str = "TEST-ONLY-secret-0123456789abcdef";
const PAID: &str = include_str!("../fixtures/order-paid.json");

/// The platform's signature, written out here a second time.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let time = Slot::Header("x-timestamp").get(request).unwrap_or_default();
    let content = [time.as_bytes(), b".", &request.body].concat();
    Slot::Header("x-signature").set(request, &hex::encode(hmac_sha256(key.as_bytes(), &content)))
}

fn request(body: &str) -> RawRequest {
    let bare = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![("x-timestamp".into(), NOW.secs().to_string().into_bytes())],
        body: body.trim_end().into(),
        received_at: NOW,
    };
    sign(&bare, SECRET).unwrap()
}

#[test]
fn the_adapter_conforms() {
    let keys = Keys { ours: SECRET, graced: None, foreign: &["TEST-ONLY-secret-of-another-merchant"] };
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, keys, sign);
    let unpaid = PAID.replace("ev-1", "ev-2").replace("\"paid\"", "\"created\"");
    subject.cases = vec![
        Case::new("paid", request(PAID), NOW),
        Case::new("created", request(&unpaid), NOW),
        Case::new("ping", request(r#"{"shop_no":"10001","event_id":"ev-3","event":"ping"}"#), NOW),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Header("x-signature")),
        time: Some(Slot::Header("x-timestamp")),
        merchant: Some(Slot::Json("/shop_no")),
        kind: Some(Slot::Json("/event")),
        status: Some(Slot::Json("/order/status")),
        order: Some(Slot::Json("/order/order_no")),
        amount: Some((Slot::Json("/order/amount_fen"), AmountUnit::Minor)),
        quantity: Some(Slot::Json("/order/quantity")),
        text: Some(Slot::Json("/order/title")),
        optional: Some(Slot::Json("/order/note")),
        ..Fields::default()
    };
    subject.excused = &[
        (30, "the protocol names no algorithm"),
        (43, "a key has no serial number"),
        (45, "the protocol knows one currency"),
        (105, "the signature is hex"),
        (109, "one secret at a time"),
        (110, "the protocol's integers are integers"),
    ];
    conform(&subject);
}
