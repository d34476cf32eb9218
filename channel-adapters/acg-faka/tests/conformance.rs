//! The suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_acg_faka::PROTOCOL;
use channel_conformance::{Case, Fields, Forgery, Keys, Slot, Subject, conform};
use common::{APP_KEY, NOW, TRADE, signed};

const KEYS: Keys =
    Keys { ours: APP_KEY, graced: None, foreign: &["k9f8a7b6c5", "AnotherAppKey0123456789", "retired"] };

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let form = request.form().ok()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Slot::Form("sign").set(request, &common::sign(&fields, key))
}

/// The key at the end without its name.
fn bare_key(request: &RawRequest) -> Option<RawRequest> {
    let mut form = request.form().ok()?;
    form.retain(|(name, value)| name != "sign" && !value.is_empty());
    form.sort();
    let fields: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Slot::Form("sign").set(request, &md5_hex(format!("{}{APP_KEY}", fields.join("&")).as_bytes()))
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    let raced: Vec<(&str, &str)> = TRADE.iter().copied().chain([("race", "月卡"), ("qq", "10000")]).collect();
    let query = [("tradeNo", "order-0198c1a0000070008000000000000001")];
    subject.cases = vec![
        Case::new("trade", signed("shared/commodity/trade", TRADE), NOW),
        Case::new("trade of a kind", signed("shared/commodity/trade", &raced), NOW),
        Case::new("query", signed("shared/commodity/query", &query), NOW),
        Case::new("connect", signed("shared/authentication/connect", &[]), NOW),
        Case::new("items", signed("shared/commodity/items", &[]), NOW),
        Case::new("item", signed("shared/commodity/item", &[("code", "P1")]), NOW),
        Case::new(
            "state",
            signed(
                "shared/commodity/inventoryState",
                &[("shared_code", "P1"), ("num", "2"), ("card_id", "0")],
            ),
            NOW,
        ),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Form("sign")),
        merchant: Some(Slot::Form("app_id")),
        order: Some(Slot::Form("request_no")),
        quantity: Some(Slot::Form("num")),
        text: Some(Slot::Form("contact")),
        optional: Some(Slot::Form("password")),
        ..Fields::default()
    };
    subject.forgeries = vec![Forgery { row: 30, name: "the key without its name", make: bare_key }];
    subject.secrets = vec!["AnotherAppKey0123456789".to_owned()];
    subject.excused = &[
        (36, "the protocol signs no time"),
        (37, "the protocol signs no time"),
        (38, "the protocol signs no time"),
        (39, "the protocol signs no time"),
        (40, "the protocol signs no time"),
        (43, "the protocol names no key"),
        (44, "no request names an amount"),
        (45, "no request names a currency"),
        (105, "nothing that we read is Base64"),
        (107, "the protocol signs no time"),
        (109, "one key at a time"),
        (110, "a form has no types"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
