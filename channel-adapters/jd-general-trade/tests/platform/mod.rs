//! JD's side of the general trade platform, written from the document: it orders, asks, and takes results.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{cipher, legacy_sign::md5_hex};
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

/// What both sides know.
pub(crate) const VENDOR: &str = "22501";
pub(crate) const KEY: &str = "vtpKey0123456789abcdefABCDEF0001";
pub(crate) const CARD_KEY: &str = "vtpCards0123456789abcdefABCDEF01";

/// `yyyyMMddHHmmss` in Beijing.
fn beijing(at: Timestamp) -> String {
    at.plus_secs(8 * 3_600).to_string().chars().filter(char::is_ascii_digit).take(14).collect()
}

fn signature(fields: &BTreeMap<String, String>) -> String {
    let signed = fields
        .iter()
        .filter(|(name, value)| !matches!(name.as_str(), "sign" | "signType") && !value.is_empty());
    let text: String = signed.map(|(name, value)| format!("{name}{value}")).collect();
    md5_hex(format!("{text}{KEY}").as_bytes())
}

fn post(topic: &str, fields: &[(&str, &str)], now: Timestamp) -> Signed {
    let mut all: BTreeMap<String, String> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("signType".to_owned(), "MD5".to_owned());
    all.insert("timestamp".to_owned(), beijing(now));
    let sign = signature(&all);
    all.insert("sign".to_owned(), sign);
    let body: Vec<String> = all
        .iter()
        .map(|(name, value)| {
            let bytes = value.bytes().map(|b| format!("%{b:02X}"));
            format!("{name}={}", bytes.collect::<String>())
        })
        .collect();
    Signed {
        method: "POST",
        topic: topic.to_owned(),
        query: String::new(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.join("&").into_bytes(),
    }
}

/// JD orders cards.
pub(crate) fn begin(number: &str, item: &str, quantity: u32, notify_url: &str, now: Timestamp) -> Signed {
    let (quantity, paid) = (quantity.to_string(), beijing(now.plus_secs(-2)));
    let fields = [
        ("jdOrderNo", number),
        ("payTime", &paid),
        ("notifyUrl", notify_url),
        ("quantity", &quantity),
        ("wareNo", item),
        ("totalPrice", "1990"),
        ("vendorId", VENDOR),
    ];
    post("beginDistill", &fields, now)
}

/// JD asks how an order stands.
pub(crate) fn find(number: &str, now: Timestamp) -> Signed {
    post("findDistill", &[("jdOrderNo", number)], now)
}

/// Digests of the cards in a `product`; `None` where it cannot be opened or a field is missing.
fn cards(product: &str) -> Option<BTreeSet<String>> {
    let open = cipher::aes_ecb_decrypt(CARD_KEY.as_bytes(), &STANDARD.decode(product).ok()?)?;
    let cards: Value = serde_json::from_slice(cipher::unpad(&open, 16)?).ok()?;
    let card = |card: &Value| {
        let whole = card["cardNumber"].is_string() && card["expiryDate"].is_string();
        card["password"].as_str().filter(|_| whole).map(sha256)
    };
    cards.as_array()?.iter().map(card).collect()
}

/// What a reply said: the state, and digests of its cards. Panics where the reply is not signed by us.
pub(crate) fn read(reply: &Value) -> (i64, BTreeSet<String>) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields: BTreeMap<String, String> =
        reply.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect();
    assert_eq!(fields.get("sign"), Some(&signature(&fields)), "the reply is signed: {reply}");
    let product = reply["product"].as_str().map(|product| cards(product).unwrap());
    (reply["produceStatus"].as_i64().unwrap(), product.unwrap_or_default())
}

/// The platform's books.
#[derive(Default)]
pub(crate) struct Vtp {
    /// What was told of each order: the state, the cards, and how often.
    pub(crate) results: BTreeMap<String, (String, BTreeSet<String>, u32)>,
    pub(crate) forged_calls: u32,
}

impl Platform for Vtp {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        if call.path != "/vtp/produce/result" || call.method != "POST" {
            return Answer { status: 404, body: String::new() };
        }
        let fields: BTreeMap<String, String> = call.form().into_iter().collect();
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        if field("sign") != signature(&fields) || field("vendorId") != VENDOR {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "code": "10", "message": "签名校验错误" }));
        }
        let told = match field("produceStatus").as_str() {
            "1" => cards(&field("product")).filter(|cards| cards.len().to_string() == field("quantity")),
            "2" if field("product").is_empty() => Some(BTreeSet::new()),
            _ => None,
        };
        let Some(told) = told else {
            return Answer::ok(&json!({ "code": "2", "message": "参数校验错误" }));
        };
        let known =
            self.results.entry(field("jdOrderNo")).or_insert((field("produceStatus"), told.clone(), 0));
        if known.1 != told {
            return Answer::ok(&json!({ "code": "13", "message": "订单状态错误" }));
        }
        known.2 += 1;
        if spoil {
            return Answer { status: 200, body: "<html>".to_owned() };
        }
        Answer::ok(&json!({ "code": "0", "message": "成功" }))
    }
}
