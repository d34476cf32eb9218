//! The gateway, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::RawRequest;
use channel_bepusdt::PROTOCOL;
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, conform};

use platform::{NOW, TOKEN, notification, signature};

const SIGN: Slot = Slot::Json("/signature");

const BEPUSDT: &str = r#"{"trade_id":"b3d2477c-d945-41da-96b7-f925bbd1b415","order_id":"CK20260102000001",
    "amount":28.88,"actual_amount":"4.01","token":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "block_transaction_id":"12ef6267b42e43959795cf31808d0cc7","status":2,"signature":"x"}"#;
const EPUSDT: &str = r#"{"trade_id":"202601021100001234567890","order_id":"CK20260102000002","amount":28.88,
    "actual_amount":4.0125,"receive_address":"TNEns8t9jbWENbStkQdVQtHMGpbsYsQjZK","token":"USDT",
    "block_transaction_id":"123333333321232132131","status":2,"signature":"x"}"#;
const WAITING: &str = r#"{"trade_id":"b3d2477c-d945-41da-96b7-f925bbd1b416","order_id":"CK20260102000003",
    "amount":28.88,"actual_amount":"4.01","token":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "block_transaction_id":"","status":1,"signature":"x"}"#;

fn sign(request: &RawRequest, token: &str) -> Option<RawRequest> {
    // Numbers keep their form, and the bytes of the body theirs: only the signature is replaced.
    let body = String::from_utf8(request.body.clone()).ok()?;
    let made = signature(body.as_bytes(), token)?;
    let old = SIGN.get(request)?;
    let old = serde_json::Value::from(old).to_string();
    let at = body.find("\"signature\"")?;
    let (head, tail) = body.split_at(at);
    let tail = tail.replacen(&old, &format!("\"{made}\""), 1);
    let mut signed = request.clone();
    signed.body = format!("{head}{tail}").into_bytes();
    Some(signed)
}

/// The trade's number and the hash behind it in one value, as the signed text would have it.
fn swallowed(request: &RawRequest) -> Option<RawRequest> {
    let token = Slot::Json("/token").get(request)?;
    let trade = Slot::Json("/trade_id").get(request)?;
    let merged = Slot::Json("/token").set(request, &format!("{token}&trade_id={trade}"))?;
    Slot::Json("/trade_id").remove(&merged)
}

#[test]
fn bepusdt_conforms() {
    let settings = format!(
        r#"{{"base_url":"https://usdt.example/","token":"{TOKEN}","confirm_by":"pay_info","currency":"CNY"}}"#
    );
    let keys = Keys { ours: TOKEN, graced: None, foreign: &["otherGateway", "otherMerchant", "retired"] };
    let mut subject = Subject::new(PROTOCOL, &settings, keys, sign);
    for (name, body) in [("BEpusdt, paid", BEPUSDT), ("epusdt, paid", EPUSDT), ("waiting", WAITING)] {
        subject.cases.push(Case::new(name, sign(&notification(body), TOKEN).unwrap(), NOW));
    }
    subject.fields = Fields {
        signature: Some(SIGN),
        status: Some(Slot::Json("/status")),
        order: Some(Slot::Json("/order_id")),
        amount: Some((Slot::Json("/amount"), AmountUnit::Major)),
        text: Some(Slot::Json("/token")),
        optional: Some(Slot::Json("/block_transaction_id")),
        ..Fields::default()
    };
    subject.forgeries = vec![Forgery { row: 34, name: "a field in another's value", make: swallowed }];
    subject.excused = &[
        (23, "a JSON object that names a key twice is row 14"),
        (30, "there is one algorithm and no label for it"),
        (36, "no time is signed"),
        (37, "no time is signed"),
        (38, "no time is signed"),
        (39, "no time is signed"),
        (40, "no time is signed"),
        (43, "a token has no serial number"),
        (45, "a notification names no currency"),
        (46, "a notification names no merchant: the token is the merchant"),
        (47, "a payment has no quantity"),
        (105, "the signature is hex"),
        (107, "no time is signed"),
        (109, "a gateway replaces its token at once"),
        (110, "a payment has no quantity"),
    ];
    conform(&subject);
}
