#![allow(dead_code, reason = "each test file uses a part of it")]
//! A partner: its keys, how it signs, and the messages it sends.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, sign::hmac_sha256};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject};
use channel_generic::PROTOCOL;
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const SECRET: &str = "whsec_VEVTVC1PTkxZLXNoYXJlZC1zZWNyZXQtMzJieXRlcyE=";
const OLDER: &str = "whsec_VEVTVC1PTkxZLW9sZC1zZWNyZXQtMjRieXRlczQ=";
const FOREIGN: &[&str] = &[
    "whsec_VEVTVC1PTkxZLW90aGVyLW1lcmNoYW50LTI0Yg==",
    "whsec_VEVTVC1PTkxZLW90aGVyLWNoYW5uZWwtMjRieQ==",
    "whsec_VEVTVC1PTkxZLXJldGlyZWQtc2VjcmV0LTI0Yg==",
];
const SIGNATURE: Slot = Slot::Header("webhook-signature");
const ID: Slot = Slot::Header("webhook-id");
const TIME: Slot = Slot::Header("webhook-timestamp");

/// Every event of the protocol, one after the other.
const MESSAGES: &[(&str, &str)] = &[
    ("created", include_str!("../../fixtures/order.created.json")),
    ("paid", include_str!("../../fixtures/order.paid.json")),
    ("paid, several lines", include_str!("../../fixtures/order.paid-lines.json")),
    ("cancelled", include_str!("../../fixtures/order.cancelled.json")),
    ("refunded", include_str!("../../fixtures/order.refunded.json")),
    ("refund requested", include_str!("../../fixtures/order.refund_requested.json")),
    ("disputed", include_str!("../../fixtures/order.disputed.json")),
    ("ping", include_str!("../../fixtures/ping.json")),
    ("keys requested", include_str!("../../fixtures/keys.request.json")),
    ("order asked", include_str!("../../fixtures/order.query.json")),
    ("stock asked", include_str!("../../fixtures/stock.query.json")),
];

/// A message as the partner posts it, not signed yet.
pub(crate) fn post(id: &str, body: &str) -> RawRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![
            header("content-type", "application/json"),
            header("webhook-id", id),
            header("webhook-timestamp", &NOW.secs().to_string()),
        ],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    }
}

/// Signs as the standard says, written out here a second time.
pub(crate) fn sign(request: &RawRequest, secret: &str) -> Option<RawRequest> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let mut content = format!("{}.{}.", ID.get(request)?, TIME.get(request).unwrap_or_default()).into_bytes();
    content.extend_from_slice(&request.body);
    SIGNATURE.set(request, &format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &content))))
}

/// The adapter under test, with both keys and everything enabled.
pub(crate) fn subject() -> Subject {
    let settings = format!(
        r#"{{"secrets":["{SECRET}","{OLDER}"],"deliver_url":"https://partner.example/hook",
            "stock_url":"https://partner.example/hook",
            "outbound_secret":"whsec_VEVTVC1PTkxZLW91dGJvdW5kLXNlY3JldC0zMmJ5dCE="}}"#
    );
    let keys = Keys { ours: SECRET, graced: Some(OLDER), foreign: FOREIGN };
    let mut subject = Subject::new(PROTOCOL, &settings, keys, sign);
    for (at, (name, body)) in MESSAGES.iter().enumerate() {
        let request = sign(&post(&format!("msg_{at}"), body), SECRET).unwrap();
        subject.cases.push(Case::new(name, request, NOW));
    }
    subject.fields = Fields {
        signature: Some(SIGNATURE),
        time: Some(TIME),
        kind: Some(Slot::Json("/type")),
        order: Some(Slot::Json("/data/external_order_id")),
        amount: Some((Slot::Json("/data/amount_minor"), AmountUnit::Minor)),
        currency: Some(Slot::Json("/data/currency")),
        quantity: Some(Slot::Json("/data/quantity")),
        text: Some(Slot::Json("/data/buyer_ref")),
        optional: Some(Slot::Json("/data/buyer_ref")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 30, name: "version v0", make: |request| relabel(request, "v0") },
        Forgery { row: 30, name: "version v1a on an HMAC", make: |request| relabel(request, "v1a") },
        Forgery { row: 31, name: "no version", make: |request| relabel(request, "") },
        Forgery { row: 34, name: "time swallowed by the id", make: swallow },
    ];
    subject.secrets = vec!["whsec_VEVTVC1PTkxZLW91dGJvdW5kLXNlY3JldC0zMmJ5dCE=".into()];
    subject.body_decides = false;
    subject.excused = &[
        (43, "a key has no serial number"),
        (46, "the merchant is known by its key alone"),
        (104, "the signature is base64, not hex"),
        (110, "integers are integers in this protocol"),
    ];
    subject
}

fn relabel(request: &RawRequest, version: &str) -> Option<RawRequest> {
    let value = SIGNATURE.get(request)?;
    SIGNATURE.set(request, &format!("{version},{}", value.split_once(',')?.1))
}

/// The signed bytes stay the same, read with other borders.
fn swallow(request: &RawRequest) -> Option<RawRequest> {
    let id = format!("{}.{}", ID.get(request)?, TIME.get(request)?);
    ID.set(request, &id)
}
