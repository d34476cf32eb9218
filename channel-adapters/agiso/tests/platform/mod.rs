//! Agiso, written from its pages: pushes orders, takes their cards.

use std::collections::{BTreeMap, BTreeSet};

use channel::legacy_sign::md5_hex;
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const SECRET: &str = "agisoSecretOfTheTests00000000001";
pub(crate) const TOKEN: &str = "token-of-the-tests";
pub(crate) const SHOP: &str = "12356";

fn signature(fields: &BTreeMap<String, String>) -> String {
    let signed = fields.iter().filter(|(name, _)| *name != "sign");
    let text: String = signed.map(|(name, value)| format!("{name}{value}")).collect();
    md5_hex(format!("{SECRET}{text}{SECRET}").as_bytes())
}

/// Agiso pushes a game-card order.
pub(crate) fn pushes(number: u64, sku: u64, quantity: u32, yuan: &str, now: Timestamp) -> Signed {
    let json = format!(
        r#"{{"PlatformShopId":{SHOP},"CustomerId":1,"OrderId":{number},"OrderType":2,"Pin":"张三","BuyNum":{quantity},"SkuId":{sku},"BrandId":1,"TotalPrice":{yuan},"CreateTime":"2026-01-02 11:00:00"}}"#
    );
    signed(&json, now)
}

/// What else Agiso pushes of a game-card order: that its own warehouse handed cards over (`Orders` is there), or
/// anything else that happened to it.
pub(crate) fn pushes_event(number: u64, warehouse: bool, now: Timestamp) -> Signed {
    let orders = if warehouse { r#","Orders":[]"# } else { "" };
    signed(&format!(r#"{{"PlatformShopId":{SHOP},"Tid":{number}{orders}}}"#), now)
}

fn signed(json: &str, now: Timestamp) -> Signed {
    let timestamp = now.secs().to_string();
    let fields =
        BTreeMap::from([("json".to_owned(), json.to_owned()), ("timestamp".to_owned(), timestamp.clone())]);
    let sign = signature(&fields).to_uppercase();
    let encoded: String = json.bytes().map(|b| format!("%{b:02X}")).collect();
    Signed {
        method: "POST",
        topic: String::new(),
        query: format!("fromPlatform=AldsJd&timestamp={timestamp}&aopic=8&sign={sign}"),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: format!("json={encoded}").into_bytes(),
    }
}

/// Agiso's books.
#[derive(Default)]
pub(crate) struct Agiso {
    /// Cards that were sent, by order, and how often.
    pub(crate) sent: BTreeMap<String, (BTreeSet<String>, u32)>,
    pub(crate) forged_calls: u32,
}

impl Agiso {
    fn send(&mut self, tid: String, cards: &str) -> Value {
        let cards: Value = serde_json::from_str(cards).unwrap_or_default();
        let card = |card: &Value| card["cardno"].as_str().and(card["cardpass"].as_str()).map(sha256);
        let digests: Option<BTreeSet<String>> =
            cards.as_array().and_then(|cards| cards.iter().map(card).collect());
        match digests.filter(|cards| !cards.is_empty()) {
            Some(cards) => {
                self.sent.entry(tid).or_insert((cards, 0)).1 += 1;
                json!({ "isSuccess": true, "data": null, "error_Code": 0 })
            }
            None => json!({ "IsSuccess": false, "Error_Code": 5, "AllowRetry": false }),
        }
    }
}

impl Platform for Agiso {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let fields: BTreeMap<String, String> = call.form().into_iter().collect();
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let fresh = field("timestamp").parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= 600);
        let known =
            call.header("authorization") == format!("Bearer {TOKEN}") && call.header("apiversion") == "1";
        if !fresh || !known || field("sign") != signature(&fields) {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "IsSuccess": false, "Error_Code": 4, "AllowRetry": false }));
        }
        let answer = match call.path.as_str() {
            "/aldsJd/GameCard/CardSend" => self.send(field("tid"), &field("cardJson")),
            _ => return Answer { status: 404, body: String::new() },
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}
