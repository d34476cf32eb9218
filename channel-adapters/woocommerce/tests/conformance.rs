//! The adapter, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, sign::hmac_sha256};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_woocommerce::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const SIGNATURE: Slot = Slot::Header("x-wc-webhook-signature");
const KEYS: Keys = Keys {
    ours: "TESTwooSecret0123456789",
    graced: None,
    foreign: &["TESTwooOtherShop01234567", "TESTwooOtherChannel01234", "TESTwooRetired0123456789"],
};

const PAID: &str = r#"{"id":727,"parent_id":0,"number":"727","order_key":"wc_order_58d2d042d1d","status":"processing","currency":"USD","date_created":"2026-01-02T11:00:00","date_paid":"2026-01-02T11:00:05","date_modified_gmt":"2026-01-02T03:00:05","total":"9.99","transaction_id":"pi_3Test","payment_method":"stripe","billing":{"email":"buyer@example.com"},"line_items":[{"id":315,"name":"Steam 50 CNY","product_id":93,"variation_id":0,"quantity":1,"sku":"steam-50","total":"9.99"}],"refunds":[]}"#;
const CANCELLED: &str = r#"{"id":728,"status":"cancelled","currency":"USD","date_paid":"2026-01-02T11:00:05","total":"9.99","billing":{"email":""},"line_items":[],"refunds":[]}"#;
const ACTION: &str = r#"{"action":"woocommerce_order_status_processing","arg":729}"#;
const DELETED: &str = r#"{"id":730}"#;

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    SIGNATURE.set(request, &STANDARD.encode(hmac_sha256(key.as_bytes(), &request.body)))
}

fn post(headers: &[(&str, &str)], body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect(),
        body: body.into(),
        received_at: NOW,
    }
}

fn case(name: &'static str, topic: &str, body: &str) -> Case {
    let headers = [("content-type", "application/json"), ("x-wc-webhook-topic", topic)];
    Case::new(name, sign(&post(&headers, body), KEYS.ours).unwrap(), NOW)
}

/// The unsigned form with an order behind it.
fn ping_with_more(request: &RawRequest) -> Option<RawRequest> {
    let mut changed = SIGNATURE.remove(request)?;
    changed.body = [b"webhook_id=4&order=", request.body.as_slice()].concat();
    Some(changed)
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    subject.cases = vec![
        case("paid", "order.updated", PAID),
        case("cancelled", "order.updated", CANCELLED),
        case("action", "action.woocommerce_order_status_processing", ACTION),
        case("deleted", "order.deleted", DELETED),
        Case::unsigned("ping", post(&form, "webhook_id=4"), NOW),
    ];
    subject.fields = Fields {
        signature: Some(SIGNATURE),
        status: Some(Slot::Json("/status")),
        order: Some(Slot::Json("/id")),
        amount: Some((Slot::Json("/total"), AmountUnit::Major)),
        currency: Some(Slot::Json("/currency")),
        quantity: Some(Slot::Json("/line_items/0/quantity")),
        text: Some(Slot::Json("/line_items/0/name")),
        optional: Some(Slot::Json("/billing/email")),
        ..Fields::default()
    };
    subject.forgeries =
        vec![Forgery { row: 21, name: "a ping with an order behind it", make: ping_with_more }];
    subject.secrets = vec!["cs_TEST0123456789abcdef0123456789abcdef0123".into()];
    // The shop's products have numbers.
    subject.jobs.stock = |job| job.item = "441160510721413".into();
    subject.excused = &[
        (30, "the signature names no algorithm"),
        (36, "no time is signed"),
        (37, "no time is signed"),
        (38, "no time is signed"),
        (39, "no time is signed"),
        (40, "no time is signed"),
        (43, "a secret has no serial number"),
        (46, "the shop is known by its secret alone"),
        (104, "the signature is base64, not hex"),
        (107, "no time is signed"),
        (109, "a webhook has one secret"),
        (110, "integers are integers in the shop's JSON"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
