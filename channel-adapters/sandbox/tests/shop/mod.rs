#![allow(dead_code, reason = "each test file uses a part of it")]
//! The marketplace as tests play it: its keys, how it signs, one message of each topic.

use channel::{RawRequest, sign::hmac_sha256};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject};
use channel_sandbox::PROTOCOL;
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const SECRET: &str = "TEST-ONLY-sandbox-secret-0123456789";
const OLDER: &str = "TEST-ONLY-sandbox-older-secret-01234";
const FOREIGN: &[&str] = &[
    "TEST-ONLY-another-merchants-secret-0",
    "TEST-ONLY-another-channels-secret-00",
    "TEST-ONLY-a-retired-secret-000000000",
];
pub(crate) const SIGNATURE: Slot = Slot::Header("x-sandbox-signature");
const SHOP: Slot = Slot::Header("x-sandbox-shop");
const MESSAGE: Slot = Slot::Header("x-sandbox-message");
const TIME: Slot = Slot::Header("x-sandbox-timestamp");

/// One message of each topic.
pub(crate) const MESSAGES: &[(&str, &str)] = &[
    ("order-placed", include_str!("../../fixtures/order-placed.json")),
    ("order-paid", include_str!("../../fixtures/order-paid.json")),
    ("purchase", include_str!("../../fixtures/purchase.json")),
    ("order-changed", include_str!("../../fixtures/order-changed.json")),
    ("payment-reported", include_str!("../../fixtures/payment-reported.json")),
    ("order-cancelled", include_str!("../../fixtures/order-cancelled.json")),
    ("refund-requested", include_str!("../../fixtures/refund-requested.json")),
    ("refund-refused", include_str!("../../fixtures/refund-refused.json")),
    ("refund-settled", include_str!("../../fixtures/refund-settled.json")),
    ("order", include_str!("../../fixtures/order.json")),
    ("stock", include_str!("../../fixtures/stock.json")),
];

/// A message as the marketplace posts it, not signed yet.
pub(crate) fn post(topic: &str, message: &str, body: &str) -> RawRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    RawRequest {
        method: "POST".into(),
        topic: topic.into(),
        query: String::new(),
        headers: vec![
            header("content-type", "application/json"),
            header("x-sandbox-shop", "shop-7"),
            header("x-sandbox-message", message),
            header("x-sandbox-timestamp", &NOW.secs().to_string()),
        ],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    }
}

/// Signs as the README says, written out here a second time.
pub(crate) fn sign(request: &RawRequest, secret: &str) -> Option<RawRequest> {
    sign_for("to-merchant", request, secret)
}

fn sign_for(way: &str, request: &RawRequest, secret: &str) -> Option<RawRequest> {
    let field = |slot: Slot| slot.get(request).unwrap_or_default();
    let mut content = format!(
        "kami-sandbox-1 {way}\nPOST\n{}\n{}\n{}\n{}\n",
        request.topic,
        field(SHOP),
        field(MESSAGE),
        field(TIME)
    )
    .into_bytes();
    content.extend_from_slice(&request.body);
    let tag: String =
        hmac_sha256(secret.as_bytes(), &content).iter().map(|byte| format!("{byte:02x}")).collect();
    SIGNATURE.set(request, &tag)
}

/// The adapter under test, with both secrets.
pub(crate) fn subject() -> Subject {
    let settings = format!(
        r#"{{"shop":"shop-7","secret":"{SECRET}","older_secret":"{OLDER}","base_url":"https://market.example"}}"#
    );
    let keys = Keys { ours: SECRET, graced: Some(OLDER), foreign: FOREIGN };
    let mut subject = Subject::new(PROTOCOL, &settings, keys, sign);
    for (at, (topic, body)) in MESSAGES.iter().enumerate() {
        let request = sign(&post(topic, &format!("msg-{at}"), body), SECRET).unwrap();
        subject.cases.push(Case::new(topic, request, NOW));
    }
    subject.fields = Fields {
        signature: Some(SIGNATURE),
        time: Some(TIME),
        merchant: Some(SHOP),
        kind: Some(Slot::Topic),
        order: Some(Slot::Json("/order")),
        amount: Some((Slot::Json("/amount_minor"), AmountUnit::Minor)),
        currency: Some(Slot::Json("/currency")),
        quantity: Some(Slot::Json("/lines/0/quantity")),
        text: Some(Slot::Json("/buyer")),
        optional: Some(Slot::Json("/buyer")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery {
            row: 30,
            name: "signed for the other way",
            make: |r| sign_for("to-marketplace", r, SECRET),
        },
        Forgery { row: 32, name: "the signature of another topic", make: other_topic },
        Forgery { row: 34, name: "a line of the body swallowed by the time", make: swallow },
        Forgery { row: 34, name: "the topic swallowed by the method", make: swallow_topic },
    ];
    subject.excused = &[
        (43, "a secret has no serial number"),
        (105, "the signature is hex, not base64"),
        (110, "integers are integers in this protocol"),
    ];
    subject
}

fn other_topic(request: &RawRequest) -> Option<RawRequest> {
    let topic = if request.topic == "order-paid" { "purchase" } else { "order-paid" };
    Slot::Topic.set(request, topic)
}

/// The signed bytes stay the same, read with other borders.
fn swallow(request: &RawRequest) -> Option<RawRequest> {
    let at = request.body.iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8(request.body[..at].to_vec()).ok()?;
    let mut changed = TIME.set(request, &format!("{}\n{line}", TIME.get(request)?))?;
    changed.body.drain(..=at);
    Some(changed)
}

fn swallow_topic(request: &RawRequest) -> Option<RawRequest> {
    let topic = format!("{}\n{}", request.topic, SHOP.get(request)?);
    SHOP.set(&Slot::Topic.set(request, &topic)?, &MESSAGE.get(request)?)
}
