//! A pretend Youzan: an open platform that keeps books, and its pushes.

use std::collections::BTreeMap;

use channel::legacy_sign::md5_hex;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const CLIENT: &str = "a1b2c3d4e5f6a7b8c9";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An order, with the fields that move.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) status: &'static str,
    pub(crate) is_virtual: bool,
    pub(crate) num: i64,
    pub(crate) payment: &'static str,
    pub(crate) refund_state: i64,
    /// Beijing time.
    pub(crate) updated: String,
    /// How often it was marked shipped.
    pub(crate) shipped: u32,
}

impl Order {
    pub(crate) fn paid(num: i64, payment: &'static str) -> Self {
        let updated = "2026-01-02 11:00:01".to_owned();
        let status = "WAIT_SELLER_SEND_GOODS";
        Self { status, is_virtual: false, num, payment, refund_state: 0, updated, shipped: 0 }
    }
}

/// Money that a buyer asks back.
#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) tid: String,
    pub(crate) status: &'static str,
    pub(crate) updated: Timestamp,
    pub(crate) version: i64,
}

#[derive(Default)]
pub(crate) struct Youzan {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) refunds: BTreeMap<String, Refund>,
    /// How often a refund was agreed to.
    pub(crate) agreed: u32,
    pub(crate) stock: BTreeMap<String, i64>,
    pub(crate) forged_calls: u32,
}

/// Beijing time as the platform writes it.
fn beijing(at: Timestamp) -> String {
    at.plus_secs(28_800).to_string()[..19].replace('T', " ")
}

fn yes(data: &Value) -> Value {
    json!({"trace_id": "1", "code": 200, "success": true, "message": "successful", "data": data})
}

fn no(code: i64) -> Value {
    json!({"trace_id": "1", "code": code, "success": false, "message": "no", "data": null})
}

impl Youzan {
    /// A buyer asks for the money of an order.
    pub(crate) fn want_back(&mut self, refund: &str, tid: &str, now: Timestamp) {
        let order = self.orders.get_mut(tid).expect("an order");
        (order.refund_state, order.updated) = (1, beijing(now));
        let (tid, status) = (tid.to_owned(), "WAIT_SELLER_AGREE");
        self.refunds.insert(refund.to_owned(), Refund { tid, status, updated: now, version: 7 });
    }

    fn detail(&self, tid: &str) -> Value {
        let Some(order) = self.orders.get(tid) else { return no(5000) };
        yes(&Self::shown(tid, order))
    }

    fn shown(tid: &str, order: &Order) -> Value {
        json!({"full_order_info": {
            "order_info": {"tid": tid, "status": order.status, "refund_state": order.refund_state,
                "pay_time": "2026-01-02 11:00:00", "update_time": order.updated,
                "order_tags": {"is_virtual": order.is_virtual, "is_payed": order.status != "WAIT_BUYER_PAY"}},
            "orders": [{"oid": 1, "item_id": 415, "sku_id": 36, "num": order.num}],
            "pay_info": {"payment": order.payment}, "buyer_info": {"yz_open_id": "yz-1"},
        }, "refund_order": []})
    }

    /// Orders that changed in a window.
    fn sold(&self, body: &Value) -> Value {
        assert_eq!(body["page_no"], 1, "these books are short");
        let text = |name: &str| body[name].as_str().expect("a time").to_owned();
        // Texts of this form sort as times do.
        let window = text("start_update")..text("end_update");
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.updated));
        let list: Vec<Value> = found.map(|(tid, order)| Self::shown(tid, order)).collect();
        yes(&json!({"total_results": list.len(), "full_order_info_list": list}))
    }

    fn refund(&self, id: &str) -> Value {
        let refund = &self.refunds[id];
        json!({"refund_id": id, "tid": refund.tid, "status": refund.status, "version": refund.version,
            "refund_fee": self.orders[&refund.tid].payment, "modified": beijing(refund.updated)})
    }

    /// Refunds of an order, or those that changed in a window.
    fn search(&self, body: &Value) -> Value {
        let at = |name: &str| body[name].as_i64().unwrap_or_default();
        let window = at("update_time_start")..at("update_time_end");
        let asked_for = |one: &Refund| match body["tid"].as_str() {
            Some(tid) => one.tid == tid,
            None => window.contains(&one.updated.secs()),
        };
        let found = self.refunds.iter().filter(|(_, one)| asked_for(one));
        let list: Vec<Value> = found.map(|(id, _)| self.refund(id)).collect();
        yes(&json!({"total": list.len(), "refunds": list}))
    }

    fn agree(&mut self, body: &Value, now: Timestamp) -> Value {
        let id = body["refund_id"].as_str().expect("a text");
        let found = self.refunds.get_mut(id).filter(|one| one.status == "WAIT_SELLER_AGREE");
        let Some(refund) = found.filter(|one| body["version"] == one.version) else { return no(102_010_001) };
        (refund.status, refund.updated, refund.version) = ("SUCCESS", now, 8);
        let order = self.orders.get_mut(&refund.tid).expect("an order");
        (order.status, order.refund_state, order.updated) = ("TRADE_CLOSED", 12, beijing(now));
        self.agreed += 1;
        yes(&json!({"is_success": true}))
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
            "/api/youzan.trades.sold.get/4.0.4" => self.sold(&body),
            "/api/youzan.trade.refund.search/3.0.1" => self.search(&body),
            "/api/youzan.trade.refund.get/3.0.1" => {
                let id = body["refund_id"].as_str().unwrap_or_default();
                if self.refunds.contains_key(id) { yes(&self.refund(id)) } else { no(102_010_002) }
            }
            "/api/youzan.trade.refund.agree/3.0.1" => self.agree(&body, call.now),
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
