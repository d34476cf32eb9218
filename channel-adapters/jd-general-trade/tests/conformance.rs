//! The suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_jd_general_trade::PROTOCOL;
use common::{CARD_KEY, KEY, NOW, ORDER, QUERY, order_with, signed};
use vocabulary::Timestamp;

const KEYS: Keys = Keys {
    ours: KEY,
    graced: None,
    foreign: &["1888bc29f89f9e19e7ff8c788ba5fc0c", "abcdefghijklmnopqrstuvwxyz01234", "retired"],
};

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let form = request.form().ok()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Slot::Form("sign").set(request, &common::sign(&fields, key))
}

/// The formula of JD's game-card platform: `k=v&…&key`.
fn game_card_formula(request: &RawRequest) -> Option<RawRequest> {
    let mut form = request.form().ok()?;
    form.retain(|(name, value)| name != "sign" && name != "signType" && !value.is_empty());
    form.sort();
    let fields: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Slot::Form("sign").set(request, &md5_hex(format!("{}&{KEY}", fields.join("&")).as_bytes()))
}

/// The end of one field's value becomes a field of its own; the signed text stays as it was.
fn tail_cut_off(request: &RawRequest) -> Option<RawRequest> {
    let item = Slot::Form("wareNo").get(request)?;
    let changed = Slot::Form("wareNo").set(request, item.strip_suffix("x30")?)?;
    Slot::Form("x").set(&changed, "30")
}

fn beijing(at: Timestamp) -> String {
    at.plus_secs(8 * 3600).to_utc().format("%Y%m%d%H%M%S").to_string()
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    subject.time_text = beijing;
    let rich = order_with(&[("expand", "c2VhbGVk"), ("wareNo", "Box30"), ("quantity", "1")]);
    let cuttable = order_with(&[("wareNo", "Voix30")]);
    subject.cases = vec![
        Case::new("order", signed("beginDistill", ORDER), NOW),
        Case::new("order with expand", signed("beginDistill", &rich), NOW),
        Case::new("order of a code with an x", signed("beginDistill", &cuttable), NOW),
        Case::new("query", signed("findDistill", QUERY), NOW),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Form("sign")),
        algorithm: Some(Slot::Form("signType")),
        time: Some(Slot::Form("timestamp")),
        merchant: Some(Slot::Form("vendorId")),
        kind: Some(Slot::Topic),
        order: Some(Slot::Form("jdOrderNo")),
        amount: Some((Slot::Form("totalPrice"), AmountUnit::Minor)),
        quantity: Some(Slot::Form("quantity")),
        text: Some(Slot::Form("expand")),
        optional: Some(Slot::Form("produceAccount")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 30, name: "the game-card formula", make: game_card_formula },
        Forgery { row: 34, name: "the tail of a value as a field", make: tail_cut_off },
    ];
    subject.secrets = vec![CARD_KEY.to_owned()];
    subject.excused = &[
        (43, "the protocol names no key"),
        (45, "the protocol knows one currency"),
        (
            101,
            "without separators an unknown field behind wareNo could be a piece of it; tests/inbound.rs has one that could not",
        ),
        (105, "nothing that we read is Base64"),
        (109, "one key at a time"),
        (110, "a form has no types"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
