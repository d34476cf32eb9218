//! The adapter, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::RawRequest;
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_paypal::PROTOCOL;
use platform::NOW;

const ID: Slot = Slot::Header("paypal-transmission-id");
const TIME: Slot = Slot::Header("paypal-transmission-time");
const CERT: Slot = Slot::Header("paypal-cert-url");
const APPROVED: &str = r#"{"id":"WH-2","create_time":"2026-01-02T03:00:00Z","event_type":"CHECKOUT.ORDER.APPROVED","resource":{"id":"5O190127TN364715T","status":"APPROVED"}}"#;
const REFUNDED: &str = r#"{"id":"WH-3","create_time":"2026-01-02T03:00:00Z","event_type":"PAYMENT.CAPTURE.REFUNDED","resource":{"id":"1JU08902781691411","status":"COMPLETED","custom_id":"CK1|R-1","amount":{"currency_code":"USD","value":"9.99"}}}"#;
const DISPUTE: &str = r#"{"id":"WH-4","create_time":"2026-01-02T03:00:00Z","event_type":"CUSTOMER.DISPUTE.CREATED","resource":{"dispute_id":"PP-D-1","status":"OPEN"}}"#;

fn case(name: &'static str, body: &str) -> Case {
    Case::new(name, platform::request(&platform::event(body)), NOW)
}

/// The signed text stays the same, read with other borders.
fn swallowed(request: &RawRequest) -> Option<RawRequest> {
    let id = format!("{}|{}", ID.get(request)?, TIME.get(request)?);
    ID.set(&TIME.set(request, "")?, &id)
}

fn other_certificate(request: &RawRequest) -> Option<RawRequest> {
    CERT.set(request, "https://api.paypal.com/v1/notifications/certs/CERT-OTHER")
}

fn from_elsewhere(request: &RawRequest) -> Option<RawRequest> {
    CERT.set(request, "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1")
}

/// The sandbox's certificate for an account of the real world.
fn from_the_sandbox(request: &RawRequest) -> Option<RawRequest> {
    CERT.set(request, &platform::CERT_URL.replace("api.paypal.com", "api.sandbox.paypal.com"))
}

#[test]
fn the_adapter_conforms() {
    let keys = Keys { ours: platform::OURS, graced: None, foreign: &[platform::FOREIGN] };
    let settings = platform::settings("https://api-m.paypal.com").to_string();
    let mut subject = Subject::new(PROTOCOL, &settings, keys, platform::sign);
    let paid =
        platform::completed("WH-1", "42311647XV020574X", "CK20260102000001", "9.99").replace("CNY", "USD");
    subject.cases = vec![
        case("paid", &paid),
        case("approved", APPROVED),
        case("refunded", REFUNDED),
        case("dispute", DISPUTE),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Header("paypal-transmission-sig")),
        algorithm: Some(Slot::Header("paypal-auth-algo")),
        kind: Some(Slot::Json("/event_type")),
        status: Some(Slot::Json("/resource/status")),
        order: Some(Slot::Json("/resource/custom_id")),
        amount: Some((Slot::Json("/resource/amount/value"), AmountUnit::Major)),
        currency: Some(Slot::Json("/resource/amount/currency_code")),
        text: Some(Slot::Json("/summary")),
        optional: Some(Slot::Json("/summary")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 34, name: "the time swallowed by the id", make: swallowed },
        Forgery { row: 43, name: "another certificate", make: other_certificate },
        Forgery { row: 43, name: "another host", make: from_elsewhere },
        Forgery { row: 43, name: "the sandbox", make: from_the_sandbox },
    ];
    subject.secrets = vec![platform::CLIENT.1.to_owned(), platform::TOKEN.to_owned()];
    subject.excused = &[
        (36, "the age of the signed time is not judged: repeats go on for three days"),
        (37, "the age of the signed time is not judged: repeats go on for three days"),
        (38, "the age of the signed time is not judged: repeats go on for three days"),
        (39, "the age of the signed time is not judged: repeats go on for three days"),
        (40, "the age of the signed time is not judged: repeats go on for three days"),
        (46, "the merchant is known by the webhook's id, which is signed"),
        (47, "a payment has no quantity"),
        (104, "the signature is base64, not hex"),
        (107, "the age of the signed time is not judged: repeats go on for three days"),
        (109, "certificates are told apart by their address"),
        (110, "every value is text"),
    ];
    conform(&subject);
}
