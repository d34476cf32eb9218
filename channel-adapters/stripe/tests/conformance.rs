//! Stripe, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::RawRequest;
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, Variant, conform};
use platform::{OLD_SECRET, SECRET, event, signature};
use serde_json::{Value, json};
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const HEADER: Slot = Slot::Header("stripe-signature");
const TIME: Slot = Slot::HeaderPart("stripe-signature", "t");

fn sign(request: &RawRequest, secret: &str) -> Option<RawRequest> {
    let time = TIME.get(request)?;
    HEADER.set(request, &signature(secret, &time, &request.body))
}

fn request(event: &Value) -> RawRequest {
    let body = event.to_string().into_bytes();
    let header = signature(SECRET, &NOW.secs().to_string(), &body);
    let headers = [("content-type", "application/json"), ("stripe-signature", &header)];
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec(),
        body,
        received_at: NOW,
    }
}

fn session(status: &str) -> Value {
    json!({ "id": "cs_test_a1", "object": "checkout.session", "amount_total": 999, "currency": "usd",
        "client_reference_id": "CK20260102000001", "customer_details": { "name": "Lin" }, "mode": "payment",
        "payment_intent": "pi_3Test", "payment_status": status })
}

fn cases() -> Vec<Case> {
    let charge =
        json!({ "id": "ch_1", "object": "charge", "amount_refunded": 999, "payment_intent": "pi_3Test" });
    let dispute = json!({ "id": "dp_1", "object": "dispute", "amount": 999, "currency": "usd",
        "payment_intent": "pi_3Test", "status": "needs_response" });
    let all = [
        ("paid", "checkout.session.completed", session("paid")),
        ("unpaid", "checkout.session.completed", session("unpaid")),
        ("paid later", "checkout.session.async_payment_succeeded", session("paid")),
        ("refunded", "charge.refunded", charge),
        ("disputed", "charge.dispute.created", dispute),
        ("unknown", "customer.created", json!({ "id": "cus_1" })),
    ];
    let case = |(name, kind, object): (&'static str, &str, Value)| {
        let id = format!("evt_{}", name.replace(' ', "_"));
        Case::new(name, request(&event(&id, kind, &object, NOW)), NOW)
    };
    all.into_iter().map(case).collect()
}

/// A correctly signed event that is changed in one place.
fn changed(request: &RawRequest, pointer: &'static str, value: &Value) -> Option<RawRequest> {
    let mut event: Value = serde_json::from_slice(&request.body).ok()?;
    *event.pointer_mut(pointer)? = value.clone();
    let mut changed = request.clone();
    changed.body = event.to_string().into_bytes();
    sign(&changed, SECRET)
}

/// The signed text stays as it was.
fn shifted(request: &RawRequest) -> Option<RawRequest> {
    let (first, rest) = request.body.split_first()?;
    let header = HEADER.get(request)?.replacen(",", &format!(".{},", char::from(*first)), 1);
    let mut changed = HEADER.set(request, &header)?;
    changed.body = rest.to_vec();
    Some(changed)
}

fn forgeries() -> Vec<Forgery> {
    let of_a_fake_scheme = |request: &RawRequest| {
        let header = HEADER.get(request)?.replace("v1=", "v0=");
        HEADER.set(request, &header)
    };
    vec![
        Forgery { row: 30, name: "the fake scheme v0", make: of_a_fake_scheme },
        Forgery { row: 34, name: "the body's first byte in the time", make: shifted },
        Forgery {
            row: 46,
            name: "of the live account",
            make: |request| changed(request, "/livemode", &json!(true)),
        },
        Forgery {
            row: 46,
            name: "of a connected account",
            make: |request| {
                let mut event: Value = serde_json::from_slice(&request.body).ok()?;
                event["account"] = json!("acct_1");
                let mut changed = request.clone();
                changed.body = event.to_string().into_bytes();
                sign(&changed, SECRET)
            },
        },
    ]
}

#[test]
fn stripe_conforms() {
    let keys = Keys { ours: SECRET, graced: Some(OLD_SECRET), foreign: &["whsec_another", "whsec_retired"] };
    let settings = json!({ "livemode": false, "webhook_secrets": [SECRET, OLD_SECRET],
        "secret_key": platform::API_KEY });
    let mut subject = Subject::new(channel_stripe::PROTOCOL, &settings.to_string(), keys, sign);
    subject.cases = cases();
    subject.fields = Fields {
        signature: Some(HEADER),
        time: Some(TIME),
        kind: Some(Slot::Json("/type")),
        status: Some(Slot::Json("/data/object/payment_status")),
        order: Some(Slot::Json("/data/object/client_reference_id")),
        amount: Some((Slot::Json("/data/object/amount_total"), AmountUnit::Minor)),
        currency: Some(Slot::Json("/data/object/currency")),
        text: Some(Slot::Json("/data/object/customer_details/name")),
        optional: Some(Slot::Json("/data/object/customer_details/name")),
        ..Fields::default()
    };
    subject.forgeries = forgeries();
    subject.variants = vec![
        Variant {
            row: 104,
            name: "upper case",
            make: |request| {
                let header = HEADER.get(request)?.to_ascii_uppercase();
                HEADER.set(request, &header.replace("T=", "t=").replace("V1=", "v1="))
            },
        },
        Variant {
            row: 109,
            name: "two signatures",
            make: |request| {
                let header = format!("{},v0=zz,v1={}", HEADER.get(request)?, "0".repeat(64));
                HEADER.set(request, &header)
            },
        },
    ];
    subject.secrets = vec![platform::API_KEY.to_owned()];
    subject.excused = &[
        (43, "a secret has no serial number"),
        (47, "a payment has no quantity"),
        (105, "the signature is hex"),
        (110, "a payment has no quantity"),
    ];
    conform(&subject);
}
