//! Douyin's shops (抖店): the open platform that shows orders and after-sales, takes coupons and stock figures and agrees
//! to refunds, and the pushes that something changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use serde_json::{Value, json};

use crate::{
    digest::{hmac_hex, md5_hex, sha256_hex},
    drive::Signed,
    pretend::{Answer, Bookkeeper, Call, News, Platform},
};

/// The app's key.
pub const APP: &str = "7043675397900000001";
/// Its secret.
pub const SECRET: &str = "a1b2c3d4-0001-4002-8003-0123456789ab";
/// The shop's number.
pub const SHOP: i64 = 90410;
const ACCESS_TOKEN: &str = "token-1";
/// How far a call's time may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;

/// What the shop's account is connected with. `base_url` is without a slash at the end.
pub fn settings(base_url: &str) -> Value {
    json!({ "app_key": APP, "app_secret": SECRET, "shop_id": SHOP, "access_token": ACCESS_TOKEN,
        "base_url": base_url })
}

/// An order with one child order of the same number. Amounts are fen, times Unix seconds.
#[derive(Clone)]
pub struct Order {
    /// 2 to ship, 3 shipped, 4 cancelled.
    pub status: i64,
    /// What was paid.
    pub paid: i64,
    /// How many.
    pub quantity: i64,
    /// The merchant's code of the item.
    pub code: String,
    /// Who bought.
    pub buyer: String,
    /// When it was paid.
    pub paid_at: i64,
    /// The after-sale of it, if there is one.
    pub after_sale: Option<i64>,
    /// When it last changed.
    pub update_time: i64,
}

/// An after-sale. Amounts are fen, times Unix seconds.
#[derive(Clone)]
pub struct AfterSale {
    /// Its order.
    pub order: i64,
    /// 6 asked for, 12 agreed to, 28 turned down.
    pub status: i64,
    /// 3 where the money is back.
    pub refund_status: i64,
    /// How much.
    pub amount: i64,
    /// When it last changed.
    pub update_time: i64,
}

/// The platform.
#[derive(Default)]
pub struct Douyin {
    /// Orders by number.
    pub orders: BTreeMap<i64, Order>,
    /// After-sales by number.
    pub after_sales: BTreeMap<i64, AfterSale>,
    /// SHA-256 of the coupons of each order.
    pub coupons: BTreeMap<String, BTreeSet<String>>,
    /// The body of the first delivery of each order.
    first: BTreeMap<String, Value>,
    /// What is shown in stock, by code, and how often it was set.
    pub stock: BTreeMap<String, (i64, u32)>,
    /// How often coupons came.
    pub deliveries: u32,
    /// How often an after-sale was agreed to.
    pub agreed: u32,
    /// Calls with a wrong signature, token or time.
    pub forged_calls: u32,
    messages: u64,
    news: News,
}

impl Douyin {
    /// A buyer pays for `quantity` of `VIP-30` at `unit` fen.
    pub fn sell(&mut self, number: i64, quantity: i64, unit: i64, now: i64) {
        let order = Order {
            status: 2,
            paid: unit * quantity,
            quantity,
            code: "VIP-30".to_owned(),
            buyer: "open-1".to_owned(),
            paid_at: 1_767_225_600,
            after_sale: None,
            update_time: now,
        };
        self.orders.insert(number, order);
    }

    /// A buyer wants the money back.
    pub fn want_back(&mut self, after_sale: i64, number: i64, now: i64) {
        let Some(order) = self.orders.get_mut(&number) else { return };
        let (amount, update_time) = (order.paid, now);
        let new = AfterSale { order: number, status: 6, refund_status: 1, amount, update_time };
        self.after_sales.insert(after_sale, new);
        order.after_sale = Some(after_sale);
    }

    /// The merchant turns an after-sale down, on the platform's own pages.
    pub fn turn_down(&mut self, after_sale: i64, now: i64) {
        if let Some(sale) = self.after_sales.get_mut(&after_sale) {
            (sale.status, sale.update_time) = (28, now);
        }
    }

    /// The money goes back.
    pub fn pay_back(&mut self, after_sale: i64, now: i64) {
        let Some(sale) = self.after_sales.get_mut(&after_sale) else { return };
        (sale.status, sale.refund_status, sale.update_time) = (12, 3, now);
        if let Some(order) = self.orders.get_mut(&sale.order) {
            order.status = 4;
        }
        self.news.paid_back.push((sale.order.to_string(), sale.amount));
    }

    /// What was paid back of an order.
    pub fn refunded(&self) -> BTreeMap<String, i64> {
        let settled = self.after_sales.values().filter(|sale| sale.refund_status == 3);
        settled.map(|sale| (sale.order.to_string(), sale.amount)).collect()
    }

    /// A push about an order.
    pub fn trade(&mut self, tag: &str, order: i64) -> Value {
        self.message(tag, &json!({ "p_id": order, "s_ids": [order], "shop_id": SHOP }))
    }

    /// A push about an after-sale.
    pub fn refund(&mut self, tag: &str, after_sale: i64) -> Value {
        let order = self.after_sales.get(&after_sale).map_or(0, |sale| sale.order);
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

    /// Orders that changed in a window. These books are short: everything stands on the first page.
    fn search(&self, body: &Value) -> Value {
        let at = |name: &str| body[name].as_i64().unwrap_or_default();
        let window = at("update_time_start")..at("update_time_end");
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.update_time));
        let list: Vec<Value> = found
            .filter(|_| body["page"] == 0)
            .map(|(number, order)| {
                json!({ "order_id": number.to_string(), "order_status": order.status, "order_type": 4, "biz": 11,
                    "update_time": order.update_time })
            })
            .collect();
        json!({ "code": 10000, "data": { "total": list.len(), "shop_order_list": list } })
    }

    /// After-sales that changed in a window.
    fn list(&self, body: &Value) -> Value {
        let at = |name: &str| body[name].as_i64().unwrap_or_default();
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
        let number = number(body, "shop_order_id");
        let Some(order) = self.orders.get(&number) else { return error("isv.business-failed:4001") };
        let sale = order.after_sale.and_then(|id| self.after_sales.get(&id));
        let info = sale.map(|s| json!({ "after_sale_status": s.status, "refund_status": s.refund_status }));
        json!({ "code": 10000, "msg": "success", "sub_code": "", "data": { "shop_order_detail": {
            "order_id": number.to_string(), "order_status": order.status, "order_type": 4, "biz": 11,
            "pay_amount": order.paid, "pay_time": order.paid_at, "update_time": order.update_time,
            "doudian_open_id": order.buyer,
            "sku_order_list": [{
                "order_id": number.to_string(), "order_status": order.status, "item_num": order.quantity,
                "pay_amount": order.paid, "code": order.code, "sku_id": 1_735_000_000_000_000_002_i64,
                "product_id": 3_600_000_000_000_000_001_i64, "after_sale_info": info,
            }],
        } } })
    }

    /// The same data twice is answered with "handled already", other data refused.
    fn sync(&mut self, body: &Value) -> Value {
        self.deliveries += 1;
        let name = body["order_id"].as_str().unwrap_or_default().to_owned();
        let Some(order) = self.orders.get_mut(&number(body, "order_id")) else {
            return error("isv.business-failed:010008");
        };
        if let Some(first) = self.first.get(&name) {
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
        let whole = i64::try_from(certs.len()) == Ok(order.quantity);
        if !whole || !certs.iter().all(sound) || order.status != 2 {
            return error("isv.business-failed:010023");
        }
        order.status = 3;
        let codes = certs.iter().filter_map(|cert| cert["cert_no"].as_str());
        let digests: Vec<String> = codes.map(sha256_hex).collect();
        self.news.handed.push((name.clone(), digests.clone()));
        self.coupons.insert(name.clone(), digests.into_iter().collect());
        self.first.insert(name, body.clone());
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
        let number = number(body, "after_sale_id");
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
        let number = number(item, "aftersale_id");
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

/// A number that is written as text; 0 where it is none.
fn number(body: &Value, name: &str) -> i64 {
    body[name].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
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
        let tag = hmac_hex(SECRET.as_bytes(), plain.as_bytes());
        let fresh = at.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= TOLERANCE_SECS);
        let genuine = call.method == "POST"
            && call.param("sign") == tag
            && call.param("app_key") == APP
            && call.param("method") == method
            && call.param("access_token") == ACCESS_TOKEN
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

impl Bookkeeper for Douyin {
    fn news(&mut self) -> News {
        mem::take(&mut self.news)
    }
    fn forged_calls(&self) -> u32 {
        self.forged_calls
    }
}

/// Messages, signed as Douyin signs a push.
pub fn push(messages: &[Value]) -> Signed {
    let body = Value::from(messages).to_string();
    let sign = md5_hex(format!("{APP}{body}{SECRET}"));
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
