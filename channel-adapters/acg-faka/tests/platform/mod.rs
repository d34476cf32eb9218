//! The other shop, written from its source: one that buys from us, and one that we buy from.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod client;

use std::collections::{BTreeMap, BTreeSet};

use channel::legacy_sign::md5_hex;
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};

pub(crate) const APP_ID: &str = "1001";
pub(crate) const APP_KEY: &str = "k9f8a7b6c5";

fn signature(fields: &BTreeMap<String, String>) -> String {
    let signed = fields.iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    let text: Vec<String> = signed.map(|(name, value)| format!("{name}={value}")).collect();
    md5_hex(format!("{}&key={APP_KEY}", text.join("&")).as_bytes())
}

/// A request of the shop that buys from us.
pub(crate) fn asks(path: &str, fields: &[(&str, &str)]) -> Signed {
    let mut all: BTreeMap<String, String> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("app_id".to_owned(), APP_ID.to_owned());
    all.insert("app_key".to_owned(), APP_KEY.to_owned());
    let sign = signature(&all);
    all.insert("sign".to_owned(), sign);
    let encoded = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let body: Vec<String> = all.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    Signed {
        method: "POST",
        topic: format!("shared/{path}"),
        query: String::new(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.join("&").into_bytes(),
    }
}

/// The shop that we buy from. It refuses a number that it has seen, and answers nothing about it.
#[derive(Default)]
pub(crate) struct Upstream {
    /// The cards of each trade, by our number.
    pub(crate) trades: BTreeMap<String, String>,
    /// Cards left.
    pub(crate) cards: Vec<&'static str>,
    /// Delivers by hand: a trade has no cards at first.
    pub(crate) by_hand: bool,
    pub(crate) seen: BTreeSet<String>,
    /// Our numbers of its trades `T1`, `T2`, ….
    numbers: Vec<String>,
    /// What one card costs, in fen; and how often somebody asked.
    pub(crate) price: u32,
    pub(crate) quoted: u32,
    pub(crate) forged_calls: u32,
}

impl Upstream {
    pub(crate) fn with(cards: &[&'static str]) -> Self {
        Self { cards: cards.to_vec(), price: 990, ..Self::default() }
    }

    /// The cards of a trade, by its own number.
    fn sold(&self, trade_no: &str) -> Option<&String> {
        let at: usize = trade_no.strip_prefix('T')?.parse().ok()?;
        self.trades.get(self.numbers.get(at.checked_sub(1)?)?)
    }

    /// Its ledger: digests of the cards that it sold, by our number.
    pub(crate) fn ledger(&self) -> BTreeMap<String, BTreeSet<String>> {
        let sold = self.trades.iter().filter(|(_, cards)| !cards.is_empty());
        sold.map(|(number, cards)| (number.clone(), cards.lines().map(sha256).collect())).collect()
    }

    fn trade(&mut self, fields: &BTreeMap<String, String>) -> Value {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let no = |message: &str| json!({ "code": 0, "msg": format!("<b>{message}</b>") });
        let number = field("request_no");
        let num: usize = field("num").parse().unwrap_or(0);
        if field("shared_code") != "P1" || field("contact").is_empty() || num == 0 {
            return no("商品不存在");
        }
        if self.seen.contains(&number) {
            return no("The request ID already exists");
        }
        if self.cards.len() < num {
            return no("库存不足");
        }
        let sold = if self.by_hand {
            String::new()
        } else {
            self.cards.drain(..num).collect::<Vec<_>>().join("\r\n")
        };
        self.seen.insert(number.clone());
        self.numbers.push(number.clone());
        self.trades.insert(number, sold.clone());
        let trade_no = format!("T{}", self.numbers.len());
        json!({ "code": 200, "msg": "success", "data": { "secret": sold, "tradeNo": trade_no, "amount": 9.9, "url": "" } })
    }
}

impl Platform for Upstream {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let fields: BTreeMap<String, String> = call.form().into_iter().collect();
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let genuine = field("sign") == signature(&fields) && field("app_id") == APP_ID;
        if !genuine {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "code": 0, "msg": "密钥错误" }));
        }
        let answer = match call.path.as_str() {
            "/shared/commodity/trade" => self.trade(&fields),
            "/shared/commodity/valuation" if field("code") == "P1" => {
                self.quoted += 1;
                let num: u32 = field("num").parse().unwrap_or(0);
                json!({ "code": 200, "msg": "success", "data": { "price": f64::from(self.price * num) / 100.0 } })
            }
            "/shared/commodity/query" => match self.sold(&field("tradeNo")) {
                Some(secret) => {
                    json!({ "code": 200, "msg": "success", "data": { "secret": secret, "widget": null, "status": 1 } })
                }
                None => json!({ "code": 0, "msg": "订单不存在" }),
            },
            _ => json!({ "code": 0, "msg": "订单不存在" }),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}
