//! The suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_dujiao_next::PROTOCOL;
use common::{CALLBACK, CREATE, NOW, SECRET, SETTINGS, get, number, post, signature};

const KEYS: Keys = Keys {
    ours: SECRET,
    graced: None,
    foreign: &["test-secret-0123456789abcdef", "djSecret0123456789abcdef0000002", "retired"],
};
const SIGNATURE: Slot = Slot::Header("dujiao-next-signature");
const TIME: Slot = Slot::Header("dujiao-next-timestamp");
const API_KEY: Slot = Slot::Header("dujiao-next-api-key");

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let timestamp = TIME.get(request)?;
    let path = format!("/{}", request.topic);
    SIGNATURE.set(request, &signature(key, &request.method, &path, &timestamp, &request.body))
}

/// A plain MD5 over the text and the secret.
fn weaker(request: &RawRequest) -> Option<RawRequest> {
    let text =
        format!("{}\n/{}\n{}\n{}", request.method, request.topic, TIME.get(request)?, md5_hex(&request.body));
    SIGNATURE.set(request, &md5_hex(format!("{text}{SECRET}").as_bytes()))
}

fn another_api_key(request: &RawRequest) -> Option<RawRequest> {
    sign(&API_KEY.set(request, "kami-shop-b")?, SECRET)
}

/// The path is signed: a request for one order is none for another, and no order of keys.
fn another_path(request: &RawRequest) -> Option<RawRequest> {
    let mut changed = request.clone();
    changed.topic.push('1');
    Some(changed)
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, SETTINGS, KEYS, sign);
    let texts = CREATE.replace("\"sku_id\":1", "\"sku_id\":\"1\"").replace("001\"", "002\"");
    subject.cases = vec![
        Case::new("order", post("/orders", CREATE), NOW),
        Case::new("order in texts", post("/orders", &texts), NOW),
        Case::new("query", get(&format!("/orders/{}", number()), ""), NOW),
        Case::new("cancel", post(&format!("/orders/{}/cancel", number()), ""), NOW),
        Case::new("ping", post("/ping", ""), NOW),
        Case::new("products", get("/products", "page=2&page_size=50"), NOW),
        Case::new("product", get("/products/1", ""), NOW),
        Case::new("callback", post("/callback", CALLBACK), NOW),
    ];
    subject.fields = Fields {
        signature: Some(SIGNATURE),
        time: Some(TIME),
        merchant: Some(API_KEY),
        kind: Some(Slot::Topic),
        status: Some(Slot::Json("/status")),
        order: Some(Slot::Json("/downstream_order_no")),
        quantity: Some(Slot::Json("/quantity")),
        text: Some(Slot::Json("/trace_id")),
        optional: Some(Slot::Json("/callback_url")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 30, name: "MD5 for HMAC", make: weaker },
        Forgery { row: 43, name: "an unknown API key", make: another_api_key },
        Forgery { row: 34, name: "another path", make: another_path },
    ];
    subject.excused = &[
        (44, "no request names an amount"),
        (45, "no request names a currency"),
        (105, "nothing that we read is Base64"),
        (109, "one secret at a time"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
