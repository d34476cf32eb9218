//! A pretend Youzan: an open platform that keeps books, and its pushes.

use std::collections::BTreeMap;

use channel::legacy_sign::md5_hex;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};

pub(crate) const CLIENT: &str = "a1b2c3d4e5f6a7b8c9";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An order, with the fields that move.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) status: &'static str,
    pub(crate) is_virtual: bool,
    pub(crate) num: i64,
    pub(crate) payment: &'static str,
    /// How often it was marked shipped.
    pub(crate) shipped: u32,
}

impl Order {
    pub(crate) fn paid(num: i64, payment: &'static str) -> Self {
        Self { status: "WAIT_SELLER_SEND_GOODS", is_virtual: false, num, payment, shipped: 0 }
    }
}

#[derive(Default)]
pub(crate) struct Youzan {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) stock: BTreeMap<String, i64>,
    pub(crate) forged_calls: u32,
}

fn yes(data: &Value) -> Value {
    json!({"trace_id": "1", "code": 200, "success": true, "message": "successful", "data": data})
}

fn no(code: i64) -> Value {
    json!({"trace_id": "1", "code": code, "success": false, "message": "no", "data": null})
}

impl Youzan {
    fn detail(&self, tid: &str) -> Value {
        let Some(order) = self.orders.get(tid) else { return no(5000) };
        yes(&json!({"full_order_info": {
            "order_info": {"tid": tid, "status": order.status, "refund_state": 0, "pay_time": "2026-01-02 11:00:00",
                "update_time": "2026-01-02 11:00:01",
                "order_tags": {"is_virtual": order.is_virtual, "is_payed": order.status != "WAIT_BUYER_PAY"}},
            "orders": [{"oid": 1, "item_id": 415, "sku_id": 36, "num": order.num}],
            "pay_info": {"payment": order.payment}, "buyer_info": {"yz_open_id": "yz-1"},
        }, "refund_order": []}))
    }

    fn ship(&mut self, body: &Value) -> Value {
        assert_eq!(body["is_no_express"], 1);
        match self.orders.get_mut(body["tid"].as_str().unwrap_or_default()) {
            Some(order) if order.status == "WAIT_SELLER_SEND_GOODS" => {
                order.status = "WAIT_BUYER_CONFIRM_GOODS";
                order.shipped += 1;
                yes(&json!({"is_success": true}))
            }
            Some(_) => no(102_570_007),
            None => no(105_000_016),
        }
    }

    fn stock(&mut self, body: &Value) -> Value {
        assert_eq!(body["type"], 0);
        let item = format!("{}/{}", body["item_id"], body["sku_id"]);
        self.stock.insert(item, body["quantity"].as_i64().expect("a number"));
        yes(&json!({"is_success": true}))
    }
}

impl Platform for Youzan {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        if call.param("access_token") != "tok0001" {
            self.forged_calls += 1;
            return Answer::ok(&json!({"gw_err_resp": {"trace_id": "1", "err_code": 4203, "err_msg": "no"}}));
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let answer = match call.path.as_str() {
            "/api/youzan.trade.get/4.0.2" => self.detail(body["tid"].as_str().unwrap_or_default()),
            "/api/youzan.logistics.online.confirm/3.0.0" => self.ship(&body),
            "/api/youzan.item.quantity.update/3.0.0" => self.stock(&body),
            _ => json!({"gw_err_resp": {"trace_id": "1", "err_code": 4005, "err_msg": "no"}}),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

/// A push, signed in its body. `version` makes it a message of its own.
pub(crate) fn push(kind: &str, tid: &str, version: i64) -> Signed {
    let msg = format!("%7B%22tid%22%3A%22{tid}%22%2C%22version%22%3A{version}%7D");
    let sign = md5_hex(format!("{CLIENT}{msg}{SECRET}").as_bytes());
    let body = json!({"client_id": CLIENT, "kdt_id": 63077, "type": kind, "id": tid, "msg": msg, "sign": sign,
        "msg_id": format!("m-{version}"), "test": false, "version": version});
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
