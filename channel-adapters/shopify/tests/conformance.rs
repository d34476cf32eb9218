//! The adapter, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, sign::hmac_sha256};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, Variant, conform};
use channel_shopify::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const HMAC: Slot = Slot::Header("x-shopify-hmac-sha256");
const KEYS: Keys = Keys {
    ours: "shpss_TESTshared0123456789abcdef01",
    graced: Some("shpss_TESTolder00123456789abcdef02"),
    foreign: &["shpss_TESTotherShop", "shpss_TESTotherChannel", "shpss_TESTretired"],
};

const PAID: &str = r##"{"id":820982911946154508,"name":"#1001","currency":"USD","total_price":"9.99","current_total_price":"9.99","financial_status":"paid","fulfillment_status":null,"email":"buyer@example.com","test":false,"created_at":"2026-01-02T11:00:00+08:00","updated_at":"2026-01-02T11:00:00+08:00","cancelled_at":null,"line_items":[{"id":866550311766439020,"variant_id":808950810,"sku":"steam-50","quantity":1,"price":"9.99","title":"Steam 50 CNY"}]}"##;
const CANCELLED: &str = r##"{"id":820982911946154500,"name":"#1002","cancelled_at":"2026-01-02T12:00:00+08:00","cancel_reason":"customer","financial_status":"voided"}"##;
const REFUND: &str = r#"{"id":509562969,"order_id":450789469,"created_at":"2026-01-02T12:30:00+08:00","note":"key already used","restock":false,"refund_line_items":[],"transactions":[{"id":179259969,"kind":"refund","status":"success","amount":"9.99","currency":"USD"}]}"#;
const PRODUCT: &str = r#"{"handle":"steam-50","title":"Steam 50 CNY","variants":[]}"#;

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    HMAC.set(request, &STANDARD.encode(hmac_sha256(key.as_bytes(), &request.body)))
}

fn case(name: &'static str, topic: &str, body: &str) -> Case {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![
            header("content-type", "application/json"),
            header("x-shopify-topic", topic),
            header("x-shopify-shop-domain", "test-shop.myshopify.com"),
            header("x-shopify-api-version", "2026-04"),
            header("x-shopify-webhook-id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
            header("x-shopify-triggered-at", "2026-01-02T03:00:00.123456789Z"),
        ],
        body: body.into(),
        received_at: NOW,
    };
    Case::new(name, sign(&request, KEYS.ours).unwrap(), NOW)
}

/// The header names of the newer deliveries.
fn without_x(request: &RawRequest) -> Option<RawRequest> {
    let mut changed = request.clone();
    for (name, _) in &mut changed.headers {
        *name = name.strip_prefix("x-").unwrap_or(name).to_owned();
    }
    Some(changed)
}

/// Both names at once, the second with another value.
fn under_both_names(request: &RawRequest) -> Option<RawRequest> {
    let other = sign(request, KEYS.foreign[0])?;
    Slot::Header("shopify-hmac-sha256").set(request, &HMAC.get(&other)?)
}

fn subject() -> Subject {
    let settings = PROTOCOL.example_settings.replace(
        &format!("[\"{}\"]", KEYS.ours),
        &format!("[\"{}\",\"{}\"]", KEYS.ours, KEYS.graced.unwrap()),
    );
    let mut subject = Subject::new(PROTOCOL, &settings, KEYS, sign);
    subject.cases = vec![
        case("paid", "orders/paid", PAID),
        case("cancelled", "orders/cancelled", CANCELLED),
        case("refund", "refunds/create", REFUND),
        case("product", "products/update", PRODUCT),
    ];
    subject.fields = Fields {
        signature: Some(HMAC),
        merchant: Some(Slot::Header("x-shopify-shop-domain")),
        status: Some(Slot::Json("/financial_status")),
        order: Some(Slot::Json("/id")),
        amount: Some((Slot::Json("/total_price"), AmountUnit::Major)),
        currency: Some(Slot::Json("/currency")),
        quantity: Some(Slot::Json("/line_items/0/quantity")),
        text: Some(Slot::Json("/line_items/0/title")),
        optional: Some(Slot::Json("/email")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 23, name: "under both names", make: under_both_names },
        Forgery { row: 31, name: "no HMAC but a topic", make: |request| HMAC.remove(request) },
    ];
    subject.variants = vec![Variant { row: 103, name: "names without x-", make: without_x }];
    subject.secrets = vec!["shpat_TESTtoken0123456789abcdef0123".into()];
    // Shopify's variants have numbers.
    subject.jobs.stock = |job| job.item = "441160510721413".into();
    subject.excused = &[
        (30, "the signature names no algorithm"),
        (36, "no time is signed"),
        (37, "no time is signed"),
        (38, "no time is signed"),
        (39, "no time is signed"),
        (40, "no time is signed"),
        (43, "a secret has no serial number"),
        (104, "the signature is base64, not hex"),
        (107, "no time is signed"),
        (110, "integers are integers in Shopify's JSON"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
