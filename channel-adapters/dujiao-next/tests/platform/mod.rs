//! The other shop, written from the document: one that buys from us, and one that we buy from.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod client;

use std::collections::{BTreeMap, BTreeSet};

use channel::{legacy_sign::md5_hex, sign::hmac_sha256};
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const KEY: &str = "key-of-the-pair";
pub(crate) const SECRET: &str = "secretOfThePair0123456789abcdef";
const CALLBACK: &str = "/api/v1/upstream/callback";

fn signature(method: &str, path: &str, timestamp: &str, body: &[u8]) -> String {
    let text = format!("{method}\n{path}\n{timestamp}\n{}", md5_hex(body));
    hex::encode(hmac_sha256(SECRET.as_bytes(), text.as_bytes()))
}

/// Whether a call is signed for a path, by the time of the server.
fn is_genuine(call: &Call, path: &str) -> bool {
    let timestamp = call.header("dujiao-next-timestamp");
    let fresh = timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= 60);
    let given = call.header("dujiao-next-signature");
    fresh
        && call.header("dujiao-next-api-key") == KEY
        && given == signature(&call.method, path, timestamp, &call.body)
}

fn payload_digests(payload: &str) -> BTreeSet<String> {
    payload.lines().map(sha256).collect()
}

/// A request of the shop that buys from us.
pub(crate) fn asks(method: &'static str, path: &str, body: Option<&Value>, now: Timestamp) -> Signed {
    let path = format!("/api/v1/upstream{path}");
    let (signed, query) = path.split_once('?').unwrap_or((&path, ""));
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let timestamp = now.secs().to_string();
    let sign = signature(method, signed, &timestamp, &body);
    Signed {
        method,
        topic: signed.trim_start_matches('/').to_owned(),
        query: query.to_owned(),
        headers: vec![
            ("Dujiao-Next-Api-Key", KEY.to_owned()),
            ("Dujiao-Next-Timestamp", timestamp),
            ("Dujiao-Next-Signature", sign),
            ("Content-Type", "application/json".to_owned()),
        ],
        body,
    }
}

/// The shop that buys from us: takes callbacks.
#[derive(Default)]
pub(crate) struct Downstream {
    /// What was told of each order, by its own number: the state, the cards, and how often.
    pub(crate) told: BTreeMap<String, (String, BTreeSet<String>, u32)>,
    pub(crate) forged_calls: u32,
}

impl Platform for Downstream {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        // Its callback route is one of its own choosing; what is signed is always the same.
        if call.path != "/api/my-callback" || call.method != "POST" {
            return Answer { status: 404, body: String::new() };
        }
        if !is_genuine(call, CALLBACK) {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "ok": false, "message": "invalid signature" }));
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let number = body["downstream_order_no"].as_str().unwrap().to_owned();
        let payload = body["fulfillment"]["payload"].as_str().unwrap_or_default();
        let state = body["status"].as_str().unwrap().to_owned();
        let known = self.told.entry(number).or_insert((state, payload_digests(payload), 0));
        known.2 += 1;
        if spoil {
            return Answer { status: 200, body: "<html>".to_owned() };
        }
        Answer::ok(&json!({ "ok": true, "message": "received" }))
    }
}

/// An order in the books of the shop that we buy from.
pub(crate) struct Sale {
    pub(crate) id: u64,
    pub(crate) status: &'static str,
    pub(crate) quantity: u64,
    pub(crate) callback_url: String,
}

/// The shop that we buy from.
pub(crate) struct Upstream {
    /// Orders by our number.
    pub(crate) sales: BTreeMap<String, Sale>,
    pub(crate) stock: u64,
    pub(crate) wallet: u64,
    /// What a card costs, and in which currency.
    pub(crate) price: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) forged_calls: u32,
}

impl Upstream {
    pub(crate) fn new(stock: u64, wallet: u64) -> Self {
        Self { sales: BTreeMap::new(), stock, wallet, price: "9.90", currency: "CNY", forged_calls: 0 }
    }

    /// Its ledger: digests of the cards that it handed over, by our number.
    pub(crate) fn ledger(&self) -> BTreeMap<String, BTreeSet<String>> {
        let sold = self.sales.iter().filter(|(_, sale)| sale.status == "delivered");
        sold.map(|(number, sale)| (number.clone(), payload_digests(&card_texts(sale).join("\n")))).collect()
    }

    /// The wallet and the catalogue, whose second page has what we buy.
    fn quote(&self, call: &Call) -> Option<Answer> {
        let item = |id: u64, price: &str| json!({ "id": id, "skus": [{ "id": id, "price_amount": price }] });
        let pages = [vec![item(6, "1.00")], vec![item(7, self.price), item(8, "9.90")]];
        match call.path.as_str() {
            "/api/v1/upstream/ping" => Some(Answer::ok(
                &json!({ "ok": true, "site_name": "B", "balance": "1000.00", "currency": self.currency }),
            )),
            "/api/v1/upstream/products" => {
                let page = call.param("page").parse::<usize>().unwrap_or(1);
                let items = pages.get(page - 1).cloned().unwrap_or_default();
                Some(Answer::ok(&json!({ "ok": true, "items": items })))
            }
            _ => None,
        }
    }

    fn create(&mut self, body: &Value) -> Answer {
        let number = body["downstream_order_no"].as_str().unwrap_or_default().to_owned();
        let quantity = body["quantity"].as_u64().unwrap_or(0);
        let no = |status, code: &str| Answer {
            status,
            body: json!({ "ok": false, "error_code": code, "error_message": "no" }).to_string(),
        };
        if let Some(sale) = self.sales.get(&number) {
            return Answer::ok(&summary(sale));
        }
        match () {
            () if body["sku_id"] != 7 => return no(400, "sku_unavailable"),
            () if quantity == 0 || number.is_empty() => return no(400, "bad_request"),
            () if self.wallet < quantity => return no(402, "insufficient_balance"),
            () if self.stock < quantity => return no(409, "insufficient_stock"),
            () => {}
        }
        self.stock -= quantity;
        self.wallet -= quantity;
        let id = 100 + self.sales.len() as u64;
        let callback_url = body["callback_url"].as_str().unwrap_or_default().to_owned();
        let sale = Sale { id, status: "paid", quantity, callback_url };
        let answer = Answer::ok(&summary(&sale));
        self.sales.insert(number, sale);
        answer
    }
}

fn summary(sale: &Sale) -> Value {
    json!({ "ok": true, "order_id": sale.id, "order_no": format!("DJ{}", sale.id), "status": sale.status,
        "amount": "9.90", "currency": "CNY" })
}

fn card_texts(sale: &Sale) -> Vec<String> {
    (0..sale.quantity).map(|n| format!("CARD-{}-{n}", sale.id)).collect()
}

fn cards(sale: &Sale) -> Value {
    let payload = card_texts(sale).join("\n");
    json!({ "type": "auto", "status": "delivered", "payload": payload, "delivery_data": null,
        "delivered_at": "2026-01-02T03:04:05Z" })
}

/// The callback of a shop that we buy from.
pub(crate) fn reports(number: &str, sale: &Sale, now: Timestamp) -> Signed {
    let mut body = summary(sale);
    body["event"] = json!("order.fulfilled");
    body["downstream_order_no"] = json!(number);
    body["timestamp"] = json!(now.secs());
    if sale.status == "delivered" {
        body["fulfillment"] = cards(sale);
    }
    asks("POST", "/callback", Some(&body), now)
}

impl Platform for Upstream {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        if !is_genuine(call, &call.path) {
            self.forged_calls += 1;
            let body = json!({ "ok": false, "error_code": "invalid_signature", "error_message": "no" });
            return Answer { status: 401, body: body.to_string() };
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        if let Some(answer) = self.quote(call).filter(|_| !spoil) {
            return answer;
        }
        let answer = match (call.method.as_str(), call.path.strip_prefix("/api/v1/upstream/orders")) {
            ("POST", Some("")) => self.create(&body),
            ("GET", Some(id)) => {
                let sale = self.sales.values().find(|sale| format!("/{}", sale.id) == id);
                match sale {
                    Some(sale) => {
                        let mut body = summary(sale);
                        if sale.status == "delivered" {
                            body["fulfillment"] = cards(sale);
                        }
                        Answer::ok(&body)
                    }
                    None => Answer {
                        status: 404,
                        body: json!({ "ok": false, "error_code": "order_not_found" }).to_string(),
                    },
                }
            }
            _ => Answer { status: 404, body: String::new() },
        };
        if spoil { Answer { status: 200, body: "<html>firewall</html>".to_owned() } } else { answer }
    }
}
