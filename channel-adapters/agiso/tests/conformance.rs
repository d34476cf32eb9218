//! The suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_agiso::PROTOCOL;
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, Variant, conform};
use common::{NOW, ORDER, SECRET, push};

const KEYS: Keys = Keys {
    ours: SECRET,
    graced: None,
    foreign: &["9f8g9d78sg9d8f8ew9f89ds9f8ds9af8", "agisoSecret0123456789abcdef00002", "retired"],
};
const JSON: Slot = Slot::Form("json");
const TIME: Slot = Slot::Query("timestamp");
const SIGN: Slot = Slot::Query("sign");

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    SIGN.set(request, &common::sign(&JSON.get(request)?, &TIME.get(request)?, key))
}

/// The push with another text in its JSON, not signed anew.
fn edited(request: &RawRequest, from: &str, to: &str) -> Option<RawRequest> {
    let json = JSON.get(request)?;
    json.contains(from).then(|| JSON.set(request, &json.replacen(from, to, 1))).flatten()
}

fn signed_edit(request: &RawRequest, from: &str, to: &str) -> Option<RawRequest> {
    sign(&edited(request, from, to)?, SECRET)
}

/// The formula of Agiso's API, over all of the query.
fn api_formula(request: &RawRequest) -> Option<RawRequest> {
    let mut fields = request.query_pairs().ok()?;
    fields.retain(|(name, _)| name != "sign");
    fields.push(("json".into(), JSON.get(request)?));
    fields.sort();
    let text: String = fields.iter().map(|(name, value)| format!("{name}{value}")).collect();
    SIGN.set(request, &md5_hex(format!("{SECRET}{text}{SECRET}").as_bytes()))
}

/// The secret at one end only.
fn half_the_secret(request: &RawRequest) -> Option<RawRequest> {
    let text = format!("{SECRET}json{}timestamp{}", JSON.get(request)?, TIME.get(request)?);
    SIGN.set(request, &md5_hex(text.as_bytes()))
}

fn another_message(request: &RawRequest) -> Option<RawRequest> {
    edited(request, "\"BuyNum\":2", "\"BuyNum\":9")
}

fn without_the_time(request: &RawRequest) -> Option<RawRequest> {
    SIGN.set(request, &md5_hex(format!("{SECRET}json{}{SECRET}", JSON.get(request)?).as_bytes()))
}

/// The first digit of the time goes to the end of the JSON.
fn shifted(request: &RawRequest) -> Option<RawRequest> {
    let (json, time) = (JSON.get(request)?, TIME.get(request)?);
    let (first, rest) = time.split_at_checked(1)?;
    TIME.set(&JSON.set(request, &format!("{json}timestamp{first}"))?, rest)
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    let texts = ORDER.replace("\"OrderId\":203632092", "\"OrderId\":\"203632093\"");
    let general = r#"{"PlatformShopId":12356,"JdOrderNo":1651415135,"ProduceStatus":3,"Quantity":1,"SkuId":"31223","TotalPrice":100.0,"Note":"元"}"#;
    subject.cases = vec![
        Case::new("game card", push(ORDER), NOW),
        Case::new("game card in texts", push(&texts), NOW),
        Case::new("general trade", push(general), NOW),
    ];
    subject.fields = Fields {
        signature: Some(SIGN),
        time: Some(TIME),
        merchant: Some(Slot::Inside(&JSON, "/PlatformShopId")),
        order: Some(Slot::Inside(&JSON, "/OrderId")),
        quantity: Some(Slot::Inside(&JSON, "/BuyNum")),
        text: Some(Slot::Inside(&JSON, "/Pin")),
        optional: Some(Slot::Inside(&JSON, "/Pin")),
        amount: Some((Slot::Inside(&JSON, "/TotalPrice"), AmountUnit::Major)),
        ..Fields::default()
    };
    let forgery = |row, name, make| Forgery { row, name, make };
    subject.forgeries = vec![
        forgery(30, "the API formula", api_formula),
        forgery(30, "half the secret", half_the_secret),
        forgery(32, "another message", another_message),
        forgery(33, "without the time", without_the_time),
        forgery(34, "the time shifted", shifted),
        forgery(42, "another quantity", another_message),
        forgery(44, "a negative amount", |r| signed_edit(r, "\"TotalPrice\":19.90", "\"TotalPrice\":-19.90")),
        forgery(44, "a third decimal", |r| signed_edit(r, "\"TotalPrice\":19.90", "\"TotalPrice\":19.905")),
        forgery(46, "another shop", |r| {
            signed_edit(r, "\"PlatformShopId\":12356", "\"PlatformShopId\":12357")
        }),
        forgery(47, "no quantity", |r| signed_edit(r, "\"BuyNum\":2", "\"BuyNum\":0")),
        forgery(47, "too many", |r| signed_edit(r, "\"BuyNum\":2", "\"BuyNum\":2147483648")),
    ];
    let variant = |row, name, make| Variant { row, name, make };
    subject.variants = vec![
        variant(106, "no buyer", |r| signed_edit(r, "\"Pin\":\"张三\"", "\"Pin\":\"\"")),
        variant(110, "a quantity as text", |r| signed_edit(r, "\"BuyNum\":2", "\"BuyNum\":\"2\"")),
        variant(111, "line ends in the JSON", |r| signed_edit(r, ",\"SkuId\"", ",\r\n\"SkuId\"")),
        variant(112, "an emoji", |r| signed_edit(r, "张三", "买家😀🎁")),
    ];
    subject.secrets = vec!["example-token-of-the-shop".to_owned()];
    subject.excused = &[
        (43, "the protocol names no key"),
        (45, "the protocol knows one currency"),
        (105, "nothing that we read is Base64"),
        (109, "one secret at a time"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
