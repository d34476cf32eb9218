//! A pretend Douyin, written from its documents: it checks signatures with code of its own and keeps books.

use std::collections::{BTreeMap, BTreeSet};

use channel::{legacy_sign::md5_hex, sign::hmac_sha256};
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};

pub(crate) const APP: &str = "7043675397900000001";
pub(crate) const SECRET: &str = "a1b2c3d4-0001-4002-8003-0123456789ab";
pub(crate) const SHOP: i64 = 90410;

/// An order with one child order of the same number.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) status: i64,
    pub(crate) paid: i64,
    pub(crate) quantity: i64,
    /// The after-sale of it, if there is one.
    pub(crate) after_sale: Option<i64>,
    pub(crate) update_time: i64,
}

/// An after-sale.
#[derive(Clone)]
pub(crate) struct AfterSale {
    pub(crate) order: i64,
    pub(crate) status: i64,
    pub(crate) refund_status: i64,
    pub(crate) amount: i64,
    pub(crate) update_time: i64,
}

#[derive(Default)]
pub(crate) struct Douyin {
    pub(crate) orders: BTreeMap<i64, Order>,
    pub(crate) after_sales: BTreeMap<i64, AfterSale>,
    /// Digests of the coupons of each order.
    pub(crate) coupons: BTreeMap<String, BTreeSet<String>>,
    /// The body of the first delivery of each order.
    first: BTreeMap<String, Value>,
    /// What is shown in stock, by code, and how often it was set.
    pub(crate) stock: BTreeMap<String, (i64, u32)>,
    pub(crate) deliveries: u32,
    /// How often an after-sale was agreed to.
    pub(crate) agreed: u32,
    pub(crate) forged_calls: u32,
    messages: u64,
}

impl Douyin {
    /// A buyer pays.
    pub(crate) fn sell(&mut self, number: i64, quantity: i64, unit: i64, now: i64) {
        let order = Order { status: 2, paid: unit * quantity, quantity, after_sale: None, update_time: now };
        self.orders.insert(number, order);
    }

    /// A buyer wants the money back.
    pub(crate) fn want_back(&mut self, after_sale: i64, order: i64, now: i64) {
        let amount = self.orders[&order].paid;
        let new = AfterSale { order, status: 6, refund_status: 1, amount, update_time: now };
        self.after_sales.insert(after_sale, new);
        self.orders.get_mut(&order).unwrap().after_sale = Some(after_sale);
    }

    /// The money goes back.
    pub(crate) fn pay_back(&mut self, after_sale: i64, now: i64) {
        let sale = self.after_sales.get_mut(&after_sale).unwrap();
        (sale.status, sale.refund_status, sale.update_time) = (12, 3, now);
        self.orders.get_mut(&sale.order).unwrap().status = 4;
    }

    /// What was paid back of an order.
    pub(crate) fn refunded(&self) -> BTreeMap<String, i64> {
        let settled = self.after_sales.values().filter(|sale| sale.refund_status == 3);
        settled.map(|sale| (sale.order.to_string(), sale.amount)).collect()
    }

    /// A push about an order.
    pub(crate) fn trade(&mut self, tag: &str, order: i64) -> Value {
        self.message(tag, &json!({ "p_id": order, "s_ids": [order], "shop_id": SHOP }))
    }

    /// A push about an after-sale.
    pub(crate) fn refund(&mut self, tag: &str, after_sale: i64) -> Value {
        let order = self.after_sales[&after_sale].order;
        let data = json!({ "aftersale_id": after_sale, "p_id": order, "s_id": order, "shop_id": SHOP });
        self.message(tag, &data)
    }

    fn message(&mut self, tag: &str, data: &Value) -> Value {
        self.messages += 1;
        json!({ "tag": tag, "msg_id": format!("{}:{tag}", self.messages), "data": data.to_string() })
    }

    fn act(&mut self, path: &str, body: &Value, now: i64) -> Value {
        match path {
            "/order/orderDetail" => self.detail(body),
            "/coupons/syncV2" => self.sync(body),
            "/sku/syncStock" => self.set_stock(body),
            "/afterSale/Detail" => self.after_sale(body),
            "/afterSale/operate" => self.operate(body, now),
            "/order/searchList" => self.search(body),
            "/afterSale/List" => self.list(body),
            _ => error("isv.method-not-found"),
        }
    }

    /// Orders that changed in a window.
    fn search(&self, body: &Value) -> Value {
        let at = |name: &str| body[name].as_i64().unwrap();
        let window = at("update_time_start")..at("update_time_end");
        assert_eq!(body["page"], 0, "these books are short");
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.update_time));
        let list: Vec<Value> = found
            .map(|(number, order)| {
                json!({ "order_id": number.to_string(), "order_status": order.status, "order_type": 4, "biz": 11,
                    "update_time": order.update_time })
            })
            .collect();
        json!({ "code": 10000, "data": { "total": list.len(), "shop_order_list": list } })
    }

    /// After-sales that changed in a window.
    fn list(&self, body: &Value) -> Value {
        let at = |name: &str| body[name].as_i64().unwrap();
        let window = at("update_start_time")..at("update_end_time");
        let found = self.after_sales.iter().filter(|(_, sale)| window.contains(&sale.update_time));
        let list: Vec<Value> = found
            .map(|(number, sale)| {
                json!({ "aftersale_info": { "aftersale_id": number, "aftersale_status": sale.status,
                    "refund_status": sale.refund_status, "update_time": sale.update_time } })
            })
            .collect();
        json!({ "code": 10000, "data": { "has_more": false, "items": list } })
    }

    fn detail(&self, body: &Value) -> Value {
        let number: i64 = body["shop_order_id"].as_str().and_then(|n| n.parse().ok()).unwrap_or(0);
        let Some(order) = self.orders.get(&number) else { return error("isv.business-failed:4001") };
        let sale = order.after_sale.and_then(|id| self.after_sales.get(&id));
        let info = sale.map(|s| json!({ "after_sale_status": s.status, "refund_status": s.refund_status }));
        json!({ "code": 10000, "msg": "success", "sub_code": "", "data": { "shop_order_detail": {
            "order_id": number.to_string(), "order_status": order.status, "order_type": 4, "biz": 11,
            "pay_amount": order.paid, "pay_time": 1_767_225_600, "update_time": order.update_time,
            "doudian_open_id": "open-1",
            "sku_order_list": [{
                "order_id": number.to_string(), "order_status": order.status, "item_num": order.quantity,
                "pay_amount": order.paid, "code": "VIP-30", "sku_id": 1_735_000_000_000_000_002_i64,
                "product_id": 3_600_000_000_000_000_001_i64, "after_sale_info": info,
            }],
        } } })
    }

    /// The same data twice is answered with "handled already", other data refused.
    fn sync(&mut self, body: &Value) -> Value {
        self.deliveries += 1;
        let number = body["order_id"].as_str().unwrap_or_default().to_owned();
        let order = number.parse::<i64>().ok().and_then(|n| self.orders.get_mut(&n));
        let Some(order) = order else { return error("isv.business-failed:010008") };
        if let Some(first) = self.first.get(&number) {
            return error(if first == body {
                "isv.business-failed:000008"
            } else {
                "isv.business-failed:010020"
            });
        }
        let certs = body["cert_list"].as_array().cloned().unwrap_or_default();
        let sound = |cert: &Value| {
            cert["cert_no"].is_string() && cert["status"] == 2 && cert["grant_time"].as_str().is_some()
        };
        if certs.len() as i64 != order.quantity || !certs.iter().all(sound) || order.status != 2 {
            return error("isv.business-failed:010023");
        }
        order.status = 3;
        let digests = certs.iter().map(|cert| sha256(cert["cert_no"].as_str().unwrap())).collect();
        self.coupons.insert(number.clone(), digests);
        self.first.insert(number, body.clone());
        json!({ "code": 10000, "msg": "success", "data": {} })
    }

    fn set_stock(&mut self, body: &Value) -> Value {
        let figure = body["code"].as_str().zip(body["stock_num"].as_i64());
        let Some((code, stock)) = figure.filter(|_| body["incremental"] == false) else {
            return error("isv.parameter-invalid");
        };
        let shown = self.stock.entry(code.to_owned()).or_default();
        *shown = (stock, shown.1 + 1);
        json!({ "code": 10000, "msg": "success", "data": {} })
    }

    fn after_sale(&self, body: &Value) -> Value {
        let number: i64 = body["after_sale_id"].as_str().and_then(|n| n.parse().ok()).unwrap_or(0);
        let Some(sale) = self.after_sales.get(&number) else { return error("isv.business-failed:4002") };
        json!({ "code": 10000, "msg": "success", "data": {
            "process_info": { "after_sale_info": {
                "after_sale_id": number, "after_sale_status": sale.status, "after_sale_type": 1,
                "refund_status": sale.refund_status, "refund_total_amount": sale.amount,
                "real_refund_amount": if sale.refund_status == 3 { sale.amount } else { 0 },
                "update_time": sale.update_time,
            } },
            "order_info": { "shop_order_id": sale.order, "sku_order_infos": [{ "sku_order_id": sale.order }] },
        } })
    }

    fn operate(&mut self, body: &Value, now: i64) -> Value {
        let item = &body["items"][0];
        let number: i64 = item["aftersale_id"].as_str().and_then(|n| n.parse().ok()).unwrap_or(0);
        let Some(sale) = self.after_sales.get(&number) else { return error("isv.business-failed:4002") };
        let fresh = sale.status == 6 && item["update_time"] == sale.update_time && body["type"] == 201;
        let status = if fresh { 0 } else { 1 };
        if fresh {
            self.agreed += 1;
            self.pay_back(number, now);
        }
        json!({ "code": 10000, "data": { "items": [{ "aftersale_id": number, "status_code": status }] } })
    }
}

fn error(sub_code: &str) -> Value {
    json!({ "code": 50002, "msg": "业务处理失败", "sub_code": sub_code, "sub_msg": "" })
}

impl Platform for Douyin {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let text = String::from_utf8_lossy(&call.body);
        let method = call.path.trim_start_matches('/').replace('/', ".");
        let at = call.param("timestamp");
        let plain = format!("{SECRET}app_key{APP}method{method}param_json{text}timestamp{at}v2{SECRET}");
        let tag = hmac_sha256(SECRET.as_bytes(), plain.as_bytes());
        let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = at.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= 300);
        let genuine = call.method == "POST"
            && call.param("sign") == tag
            && call.param("app_key") == APP
            && call.param("method") == method
            && call.param("access_token") == "token-1"
            && call.header("x-open-no-old-err-code") == "1";
        if !genuine || !fresh {
            self.forged_calls += 1;
            return Answer::ok(&error("isv.signature-error"));
        }
        let body = serde_json::from_str(&text).unwrap_or_default();
        let answer = self.act(&call.path, &body, call.now.secs());
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

/// Messages, signed as Douyin signs a push.
pub(crate) fn push(messages: &[Value]) -> Signed {
    let body = Value::from(messages).to_string();
    let sign = md5_hex(format!("{APP}{body}{SECRET}").as_bytes());
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("app-id", APP.to_owned()),
            ("event-sign", sign),
        ],
        body: body.into_bytes(),
    }
}
