//! Alipay, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::RawRequest;
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, conform};
use platform::{ALIPAY, Books, FOREIGN, rsa, sent, sorted};
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const SIGN: Slot = Slot::Form("sign");

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    SIGN.set(request, &rsa(key, &sorted(&request.form().ok()?, &["sign", "sign_type"])))
}

fn request(fields: &[(String, String)]) -> RawRequest {
    let signed = sent(fields);
    RawRequest {
        method: signed.method.into(),
        topic: String::new(),
        query: String::new(),
        headers: signed
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_bytes()))
            .collect(),
        body: signed.body,
        received_at: NOW,
    }
}

fn cases() -> Vec<Case> {
    let mut books = Books::default();
    books.pay("CK20260102000001", 2_888, "TRADE_SUCCESS");
    books.pay("CK20260102000002", 2_888, "WAIT_BUYER_PAY");
    let order = "CK20260102000001";
    let paid = books.notice("n-1", order, None);
    let waiting = books.notice("n-2", "CK20260102000002", None);
    books.refund(order, "RF-1", 1_000);
    let part = books.notice("n-3", order, Some("RF-1"));
    books.refund(order, "RF-2", 1_888);
    let whole = books.notice("n-4", order, Some("RF-2"));
    [("paid", paid), ("waiting", waiting), ("paid back in part", part), ("paid back", whole)]
        .into_iter()
        .map(|(name, fields)| Case::new(name, request(&fields), NOW))
        .collect()
}

/// A correctly signed notification that is changed in one field.
fn changed(request: &RawRequest, field: &'static str, value: &str) -> Option<RawRequest> {
    let slot = Slot::Form(field);
    slot.get(request)?;
    sign(&slot.set(request, value)?, ALIPAY)
}

/// The refund's amount disappears in a name, the signed text stays as it was, and a payment is left.
fn swallowed_by_a_name(request: &RawRequest) -> Option<RawRequest> {
    let (fee, receipt) = (Slot::Form("refund_fee"), Slot::Form("receipt_amount"));
    let mut changed = receipt.remove(&fee.remove(request)?)?;
    let swallowed = format!("&receipt_amount%3D{}%26refund_fee={}", receipt.get(request)?, fee.get(request)?);
    changed.body.extend_from_slice(swallowed.as_bytes());
    let text = |request: &RawRequest| sorted(&request.form().unwrap(), &["sign", "sign_type"]);
    assert_eq!(text(&changed), text(request));
    Some(changed)
}

#[test]
fn alipay_conforms() {
    let keys = Keys { ours: ALIPAY, graced: None, foreign: &[FOREIGN] };
    let settings = platform::settings("https://pay.example", false).to_string();
    let mut subject = Subject::new(channel_alipay::PROTOCOL, &settings, keys, sign);
    subject.cases = cases();
    subject.fields = Fields {
        signature: Some(SIGN),
        algorithm: Some(Slot::Form("sign_type")),
        merchant: Some(Slot::Form("app_id")),
        kind: Some(Slot::Form("notify_type")),
        status: Some(Slot::Form("trade_status")),
        order: Some(Slot::Form("out_trade_no")),
        amount: Some((Slot::Form("total_amount"), AmountUnit::Major)),
        text: Some(Slot::Form("subject")),
        optional: Some(Slot::Form("body")),
        ..Fields::default()
    };
    let forgery = |row, name, make| Forgery { row, name, make };
    subject.forgeries = vec![
        forgery(34, "a field swallowed by its neighbour's name", swallowed_by_a_name),
        forgery(44, "a refund of nobody knows what", |r| changed(r, "refund_fee", "-1")),
        forgery(46, "another seller", |r| changed(r, "seller_id", "2088102119685839")),
        forgery(48, "a refund's number that is none", |r| changed(r, "out_biz_no", "../x")),
        forgery(48, "no payment number", |r| Slot::Form("trade_no").remove(r).and_then(|r| sign(&r, ALIPAY))),
    ];
    subject.excused = &[
        (36, "no time is signed that could be too old"),
        (37, "no time is signed that could be too old"),
        (38, "no time is signed that could be too old"),
        (39, "no time is signed that could be too old"),
        (40, "no time is signed that could be too old"),
        (43, "the settings name one key"),
        (45, "notifications name no currency: yuan only"),
        (47, "a payment has no quantity"),
        (104, "the signature is base64"),
        (107, "no time is signed that could be too old"),
        (109, "the settings name one key"),
        (110, "every value of a form is text"),
    ];
    conform(&subject);
}
