//! A pretend Pinduoduo: a gateway that checks our signatures by itself and keeps books, and a relay.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{legacy_sign::md5_hex, sign::hmac_sha256};
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const CLIENT_SECRET: &str = "pddSecret0123456789abcdef0123456789abcdef";
pub(crate) const RELAY_SECRET: &str = "cGRkLXJlbGF5LXNlY3JldC0wMTIzNDU2Nzg5YWI=";
pub(crate) const MALL: i64 = 171_504_183;

/// An order, with the fields that move.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) status: i64,
    pub(crate) confirm: i64,
    pub(crate) refund_status: i64,
    /// Unix seconds.
    pub(crate) updated: i64,
    pub(crate) pay: &'static str,
    pub(crate) goods: i64,
    pub(crate) sku: i64,
    pub(crate) count: i64,
    /// SHA-256 of each voucher's text.
    pub(crate) vouchers: Vec<String>,
    pub(crate) sends: u32,
}

impl Order {
    pub(crate) fn paid(goods: i64, sku: i64, count: i64, pay: &'static str) -> Self {
        Self {
            status: 1,
            confirm: 1,
            refund_status: 1,
            updated: 1_767_322_801,
            pay,
            goods,
            sku,
            count,
            vouchers: Vec::new(),
            sends: 0,
        }
    }
}

/// An after-sale.
#[derive(Clone)]
pub(crate) struct AfterSale {
    pub(crate) order: String,
    pub(crate) status: i64,
    pub(crate) amount: &'static str,
    /// Unix seconds.
    pub(crate) updated: i64,
}

#[derive(Default)]
pub(crate) struct Pinduoduo {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) after_sales: BTreeMap<i64, AfterSale>,
    pub(crate) stock: BTreeMap<String, i64>,
    /// How often a refund was agreed to.
    pub(crate) agreed: u32,
    pub(crate) forged_calls: u32,
}

impl Pinduoduo {
    /// A buyer asks for the money of an order.
    pub(crate) fn want_back(&mut self, id: i64, number: &str, now: Timestamp) {
        let order = self.orders.get_mut(number).expect("an order");
        (order.refund_status, order.updated) = (2, now.secs());
        let asked = AfterSale { order: number.to_owned(), status: 2, amount: order.pay, updated: now.secs() };
        self.after_sales.insert(id, asked);
    }

    fn detail(&self, number: &str) -> Value {
        let Some(order) = self.orders.get(number) else { return failure(50_001) };
        json!({"order_info_get_response": {"order_info": Self::shown(number, order)}})
    }

    fn shown(number: &str, order: &Order) -> Value {
        let pay: serde_json::Number = order.pay.parse().expect("a number");
        json!({
            "order_sn": number, "order_status": order.status, "confirm_status": order.confirm,
            "refund_status": order.refund_status, "risk_control_status": 0, "pay_amount": pay,
            "confirm_time": "2026-01-02 11:00:00", "updated_at": beijing(order.updated),
            "item_list": [{"goods_id": order.goods, "sku_id": order.sku, "outer_id": "", "goods_count": order.count,
                           "goods_price": 28.88, "goods_spec": ""}]
        })
    }

    /// Orders that changed in a window.
    fn changed(&self, params: &BTreeMap<String, String>) -> Value {
        assert_eq!(params["page"], "1", "these books are short");
        let window = window(params);
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.updated));
        let list: Vec<Value> = found.map(|(number, order)| Self::shown(number, order)).collect();
        json!({"order_sn_increment_get_response": {"total_count": list.len(), "order_sn_list": list}})
    }

    fn send(&mut self, params: &BTreeMap<String, String>) -> Value {
        let vouchers: Value = serde_json::from_str(&params["voucher_list"]).expect("a list");
        let Some(order) = self.orders.get_mut(&params["order_sn"]) else { return failure(50_001) };
        if order.status != 1 || order.refund_status != 1 || params["out_biz_no"].is_empty() {
            return failure(20_034);
        }
        let texts = vouchers.as_array().expect("a list").iter();
        order.vouchers = texts.map(|v| sha256(v["voucher_no"].as_str().expect("a text"))).collect();
        order.sends += 1;
        order.status = 2;
        json!({"voucher_voucher_info_send_response": {"is_success": true}})
    }

    /// After-sales of an order, or those of one state that changed in a window.
    fn list(&self, params: &BTreeMap<String, String>) -> Value {
        let asked_for = |one: &AfterSale| match params.get("order_sn") {
            Some(number) => one.order == *number,
            None => {
                params["after_sales_status"] == one.status.to_string()
                    && window(params).contains(&one.updated)
            }
        };
        let found = self.after_sales.iter().filter(|(_, one)| asked_for(one));
        let list: Vec<Value> = found
            .map(|(id, one)| {
                json!({"id": id, "order_sn": one.order, "after_sales_status": one.status, "after_sales_type": 2,
                       "refund_amount": one.amount, "updated_time": beijing(one.updated)})
            })
            .collect();
        json!({"refund_increment_get_response": {"total_count": list.len(), "refund_list": list}})
    }

    fn agree(&mut self, request: &str, now: Timestamp) -> Value {
        let request: Value = serde_json::from_str(request).expect("JSON");
        let id = request["after_sales_id"].as_i64().expect("a number");
        let found =
            self.after_sales.get_mut(&id).filter(|one| one.order == request["order_sn"] && one.status == 2);
        let succ = found.map(|one| (one.status, one.updated) = (10, now.secs())).is_some();
        self.agreed += u32::from(succ);
        json!({"response": {"result": {"succ": succ, "after_sales_id": id, "message": ""}}})
    }

    fn stock(&mut self, params: &BTreeMap<String, String>) -> Value {
        let item = format!("{}/{}", params["goods_id"], params["sku_id"]);
        assert_eq!(params["update_type"], "1");
        self.stock.insert(item, params["quantity"].parse().expect("a number"));
        json!({"goods_quantity_update_response": {"is_success": true}})
    }
}

fn window(params: &BTreeMap<String, String>) -> std::ops::Range<i64> {
    let at = |name: &str| params[name].parse().expect("Unix seconds");
    at("start_updated_at")..at("end_updated_at")
}

/// Beijing time as the platform writes it.
fn beijing(secs: i64) -> String {
    Timestamp::from_secs(secs + 28_800).to_string()[..19].replace('T', " ")
}

fn failure(code: i64) -> Value {
    json!({"error_response": {"error_code": code, "sub_code": "x", "error_msg": "no", "request_id": "1"}})
}

/// The documented formula, written anew.
fn is_genuine(call: &Call, params: &BTreeMap<String, String>) -> bool {
    let mut text = CLIENT_SECRET.to_owned();
    for (name, value) in params.iter().filter(|(name, _)| *name != "sign") {
        text.push_str(name);
        text.push_str(value);
    }
    text.push_str(CLIENT_SECRET);
    let at = params.get("timestamp").and_then(|at| at.parse::<i64>().ok()).unwrap_or_default();
    params.get("sign").is_some_and(|sign| *sign == md5_hex(text.as_bytes()).to_uppercase())
        && params.get("access_token").is_some_and(|token| token == "tok_0001")
        && at.abs_diff(call.now.secs()) < 600
}

impl Platform for Pinduoduo {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let params: BTreeMap<String, String> = serde_json::from_slice(&call.body).unwrap_or_default();
        if call.path != "/api/router" || !is_genuine(call, &params) {
            self.forged_calls += 1;
            return Answer::ok(&failure(20_004));
        }
        let answer = match params["type"].as_str() {
            "pdd.order.information.get" => self.detail(&params["order_sn"]),
            "pdd.voucher.voucher.info.send" => self.send(&params),
            "pdd.refund.list.increment.get" => self.list(&params),
            "pdd.refund.agree" => self.agree(&params["request"], call.now),
            "pdd.order.number.list.increment.get" => self.changed(&params),
            "pdd.goods.quantity.update" => self.stock(&params),
            _ => failure(10_001),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

/// What the relay hands over: one frame, signed as Standard Webhooks says.
pub(crate) fn frame(id: i64, kind: &str, order_sn: &str, now: Timestamp) -> Signed {
    let content = json!({"mall_id": MALL, "tid": order_sn}).to_string();
    let body =
        json!({"id": id, "commandType": "Common", "time": now.secs() * 1_000, "sendTime": now.secs() * 1_000,
        "message": {"type": kind, "mallID": MALL, "content": content}})
        .to_string();
    let (name, sent_at) = (format!("frame-{id}"), now.secs().to_string());
    let key = STANDARD.decode(RELAY_SECRET).expect("Base64");
    let tag = hmac_sha256(&key, format!("{name}.{sent_at}.{body}").as_bytes());
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", name),
            ("webhook-timestamp", sent_at),
            ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
        ],
        body: body.into_bytes(),
    }
}
