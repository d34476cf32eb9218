//! The suite that every adapter must pass.

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, Variant, conform};
use channel_jd_game_card::PROTOCOL;
use common::{NOW, ORDER, PRECHECK, QUERY, signed};
use vocabulary::Timestamp;

const KEYS: Keys = Keys {
    ours: "abcdefghijklmnopqrstuvwxyz012345",
    graced: None,
    foreign: &["1888bc29f89f9e19e7ff8c788ba5fc0c", "12345678901234567890123456789012", "retired"],
};

/// Signs what stands there: the fields that have a value, sorted, then the key.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let mut form = request.form().ok()?;
    form.retain(|(name, value)| name != "sign" && !value.is_empty());
    form.sort();
    let fields: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Slot::Form("sign").set(request, &md5_hex(format!("{}&{key}", fields.join("&")).as_bytes()))
}

/// The formula of JD's general trade platform: names and values without separators.
fn general_trade_formula(request: &RawRequest) -> Option<RawRequest> {
    let mut form = request.form().ok()?;
    form.retain(|(name, value)| name != "sign" && !value.is_empty());
    form.sort();
    let fields: String = form.iter().map(|(name, value)| format!("{name}{value}")).collect();
    Slot::Form("sign").set(request, &md5_hex(format!("{fields}{}", KEYS.ours).as_bytes()))
}

/// JD's requests are UTF-8; only our call-back is GBK.
fn data_in_gbk(request: &RawRequest) -> Option<RawRequest> {
    let json = STANDARD.decode(Slot::Form("data").get(request)?).ok()?;
    let text = String::from_utf8(json).ok()?.replacen('{', r#"{"zz":"元卡","#, 1);
    let (gbk, _, _) = encoding_rs::GBK.encode(&text);
    sign(&Slot::Form("data").set(request, &STANDARD.encode(&gbk))?, KEYS.ours)
}

fn without_padding(request: &RawRequest) -> Option<RawRequest> {
    let data = Slot::Form("data").get(request)?;
    let bare = data.trim_end_matches('=');
    (bare != data).then(|| Slot::Form("data").set(request, bare)).flatten().and_then(|r| sign(&r, KEYS.ours))
}

fn beijing(at: Timestamp) -> String {
    at.plus_secs(8 * 3600).to_utc().format("%Y%m%d%H%M%S").to_string()
}

fn subject() -> Subject {
    let numbers = r#"{"orderId":203632093,"buyNum":2,"totalPrice":"9.9","skuId":100012345678,"pin":"李四"}"#;
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    subject.time_text = beijing;
    subject.cases = vec![
        Case::new("order", signed("card/order", ORDER), NOW),
        Case::new("order in numbers", signed("card/order", numbers), NOW),
        Case::new("query", signed("card/query", QUERY), NOW),
        Case::new("precheck", signed("precheck", PRECHECK), NOW),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Form("sign")),
        time: Some(Slot::Form("timestamp")),
        merchant: Some(Slot::Form("customerId")),
        kind: Some(Slot::Topic),
        order: Some(Slot::FormJson("data", "/orderId")),
        amount: Some((Slot::FormJson("data", "/totalPrice"), AmountUnit::Major)),
        quantity: Some(Slot::FormJson("data", "/buyNum")),
        text: Some(Slot::FormJson("data", "/pin")),
        optional: Some(Slot::FormJson("data", "/outId")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 13, name: "data in GBK", make: data_in_gbk },
        Forgery { row: 30, name: "the general trade formula", make: general_trade_formula },
    ];
    subject.variants = vec![Variant { row: 105, name: "data without its padding", make: without_padding }];
    subject.excused = &[
        (43, "the protocol names no key"),
        (45, "the protocol knows one currency"),
        (109, "one key at a time"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
