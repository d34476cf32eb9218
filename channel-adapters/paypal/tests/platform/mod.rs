//! PayPal: it tells of captures by signed webhooks, shows and pays them back, and keeps books of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{cell::RefCell, collections::BTreeMap, collections::HashMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, sign::RsaSigner};
use channel_conformance::Slot;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const WEBHOOK_ID: &str = "TESTWEBHOOKID0000A";
pub(crate) const CERT_URL: &str =
    "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-TESTONLY";
pub(crate) const CERTIFICATE: &str = include_str!("../../fixtures/test-certificate.pem");
pub(crate) const OURS: &str = include_str!("../../fixtures/test-ours-private.txt");
pub(crate) const FOREIGN: &str = include_str!("../../fixtures/test-foreign-private.txt");
pub(crate) const TOKEN: &str = "A21AATESTtoken";
pub(crate) const CLIENT: (&str, &str) = ("TESTclientId-0123456789", "TESTclientSecret-0123456789abcdef");
const SIGNATURE: Slot = Slot::Header("paypal-transmission-sig");

/// The settings of an account whose calls go to `base_url`.
pub(crate) fn settings(base_url: &str) -> Value {
    json!({ "webhook_id": WEBHOOK_ID, "certificates": { CERT_URL: CERTIFICATE }, "client_id": CLIENT.0,
        "client_secret": CLIENT.1, "access_token": TOKEN, "access_token_ends_at": "2026-01-02T12:00:00Z",
        "refunds": true, "base_url": base_url })
}

/// CRC-32 by long division, bit by bit from the most significant: written out here a second time.
fn crc(bytes: &[u8]) -> u32 {
    let mut rest: u32 = !0;
    for byte in bytes {
        rest ^= u32::from(byte.reverse_bits()) << 24;
        for _ in 0..8 {
            let carry = rest & 0x8000_0000 != 0;
            rest <<= 1;
            if carry {
                rest ^= 0x04c1_1db7;
            }
        }
    }
    !rest.reverse_bits()
}

thread_local! {
    /// Reading a private key takes longer than signing with it.
    static SIGNERS: RefCell<HashMap<String, Rc<RsaSigner>>> = RefCell::default();
}

fn signature(id: &str, time: &str, body: &[u8], key: &str) -> Option<String> {
    let signer = SIGNERS.with_borrow_mut(|signers| {
        let read = || Rc::new(RsaSigner::from_pkcs8(&STANDARD.decode(key).unwrap()).unwrap());
        Rc::clone(signers.entry(key.to_owned()).or_insert_with(read))
    });
    let text = format!("{id}|{time}|{WEBHOOK_ID}|{}", crc(body));
    Some(STANDARD.encode(signer.sign_sha256(text.as_bytes())?))
}

/// Signs what stands there.
pub(crate) fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let part = |name| Slot::Header(name).get(request);
    let (id, time) = (part("paypal-transmission-id")?, part("paypal-transmission-time")?);
    SIGNATURE.set(request, &signature(&id, &time, &request.body, key)?)
}

/// An event as PayPal sends it.
pub(crate) fn event(body: &str) -> Signed {
    let (id, time) = ("69cd13f0-d67a-11e5-baa3-778b53f4ae55", "2026-01-02T03:00:01Z");
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("paypal-auth-algo", "SHA256withRSA".to_owned()),
        ("paypal-cert-url", CERT_URL.to_owned()),
        ("paypal-transmission-id", id.to_owned()),
        ("paypal-transmission-time", time.to_owned()),
        ("paypal-transmission-sig", signature(id, time, body.as_bytes(), OURS).unwrap()),
    ];
    Signed { method: "POST", topic: String::new(), query: String::new(), headers, body: body.into() }
}

/// The same, as it comes in.
pub(crate) fn request(signed: &Signed) -> RawRequest {
    let header = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone().into_bytes());
    RawRequest {
        method: signed.method.to_owned(),
        topic: String::new(),
        query: String::new(),
        headers: signed.headers.iter().map(header).collect(),
        body: signed.body.clone(),
        received_at: NOW,
    }
}

/// A capture in PayPal's books.
#[derive(Clone)]
pub(crate) struct Capture {
    pub(crate) custom_id: String,
    /// Yuan, as text.
    pub(crate) value: String,
    pub(crate) status: &'static str,
    /// What went back, by request id.
    pub(crate) refunds: BTreeMap<String, String>,
}

/// PayPal.
#[derive(Default)]
pub(crate) struct PayPal {
    pub(crate) captures: BTreeMap<String, Capture>,
    /// How refunds stand; `COMPLETED` where empty.
    pub(crate) refund_status: &'static str,
    /// Calls with another token.
    pub(crate) forged_calls: u32,
}

impl PayPal {
    /// A buyer's payment is captured.
    pub(crate) fn capture(&mut self, id: &str, custom_id: &str, value: &str) {
        let (custom_id, value) = (custom_id.to_owned(), value.to_owned());
        let capture = Capture { custom_id, value, status: "COMPLETED", refunds: BTreeMap::new() };
        self.captures.insert(id.to_owned(), capture);
    }

    /// The event that tells of a capture.
    pub(crate) fn completed(&self, event_id: &str, id: &str) -> Signed {
        let capture = &self.captures[id];
        event(&completed(event_id, id, &capture.custom_id, &capture.value))
    }

    fn act(&mut self, call: &Call) -> (u16, Value) {
        let missing = || {
            (404, json!({ "name": "RESOURCE_NOT_FOUND", "details": [{ "issue": "INVALID_RESOURCE_ID" }] }))
        };
        let Some(path) = call.path.strip_prefix("/v2/payments/captures/") else { return missing() };
        let (id, action) = path.split_once('/').unwrap_or((path, ""));
        let Some(capture) = self.captures.get_mut(id) else { return missing() };
        match (call.method.as_str(), action) {
            ("GET", "") => (
                200,
                json!({ "id": id, "status": capture.status, "custom_id": capture.custom_id,
                "amount": { "currency_code": "CNY", "value": capture.value } }),
            ),
            ("POST", "refund") => {
                let body: Value = serde_json::from_slice(&call.body).unwrap();
                assert_eq!(body["amount"]["currency_code"], "CNY");
                let status = if self.refund_status.is_empty() { "COMPLETED" } else { self.refund_status };
                pay_back(
                    capture,
                    call.header("paypal-request-id"),
                    body["amount"]["value"].as_str().unwrap(),
                    status,
                )
            }
            _ => missing(),
        }
    }
}

fn fen(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap()
}

fn pay_back(capture: &mut Capture, request_id: &str, value: &str, status: &str) -> (u16, Value) {
    assert_eq!(request_id.len(), 32);
    let made = json!({ "id": "1JU08902781691411", "status": status });
    if capture.refunds.contains_key(request_id) {
        return (200, made);
    }
    let back: i64 = capture.refunds.values().map(|value| fen(value)).sum();
    let issue = match fen(&capture.value) - back {
        0 => "CAPTURE_FULLY_REFUNDED",
        left if left < fen(value) => "REFUND_AMOUNT_EXCEEDED",
        _ => {
            capture.refunds.insert(request_id.to_owned(), value.to_owned());
            return (201, made);
        }
    };
    (422, json!({ "name": "UNPROCESSABLE_ENTITY", "details": [{ "issue": issue }] }))
}

/// The body of an event.
pub(crate) fn completed(event_id: &str, id: &str, custom_id: &str, value: &str) -> String {
    json!({ "id": event_id, "event_version": "1.0", "create_time": "2026-01-02T03:00:00.000Z",
        "resource_type": "capture", "event_type": "PAYMENT.CAPTURE.COMPLETED",
        "summary": format!("Payment completed for {value}"),
        "resource": { "id": id, "status": "COMPLETED", "custom_id": custom_id, "invoice_id": custom_id,
            "amount": { "currency_code": "CNY", "value": value } } })
    .to_string()
}

impl Platform for PayPal {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let (status, body) = if call.path == "/v1/oauth2/token" {
            let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
            let genuine = call.header("authorization") == basic
                && call.form() == [("grant_type".to_owned(), "client_credentials".to_owned())];
            self.forged_calls += u32::from(!genuine);
            let token = json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 32_400 });
            if genuine { (200, token) } else { (401, json!({ "error": "invalid_client" })) }
        } else if call.header("authorization") != format!("Bearer {TOKEN}") {
            self.forged_calls += 1;
            (401, json!({ "name": "AUTHENTICATION_FAILURE" }))
        } else {
            self.act(call)
        };
        Answer { status, body: if spoil { "<html>".to_owned() } else { body.to_string() } }
    }
}
