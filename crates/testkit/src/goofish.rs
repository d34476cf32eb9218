//! goofish.pro (闲管家): the ERP platform that we read orders from and push stock to (formula A), and the addresses
//! that take the results of virtual orders (formula B).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    accounts::{GoofishApp, GoofishSupplier},
    digest::{md5_hex, sha256_hex},
    pretend::{Answer, Call, Platform},
};

/// How far a time stamp may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;

/// Formula A: `appKey,md5(body),timestamp,appSecret`.
pub(crate) fn app_signature(app: &GoofishApp, body: &[u8], timestamp: &str) -> String {
    md5_hex(format!("{},{},{timestamp},{}", app.app_key, md5_hex(body), app.app_secret.expose()))
}

/// Formula B: `app_id,app_secret,md5(body),timestamp,mch_id,mch_secret`.
pub(crate) fn supplier_signature(supplier: &GoofishSupplier, body: &[u8], timestamp: &str) -> String {
    let GoofishSupplier { app_id, app_secret, mch_id, mch_secret } = supplier;
    let (app_secret, mch_secret) = (app_secret.expose(), mch_secret.expose());
    md5_hex(format!("{app_id},{app_secret},{},{timestamp},{mch_id},{mch_secret}", md5_hex(body)))
}

/// An order at goofish, with the fields of `order/detail` that move. Amounts are fen, times Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// goofish's number.
    pub order_no: String,
    /// 11 to pay, 12 to ship, 21 shipped, 22 done, 23 refunded, 24 closed.
    pub status: i64,
    /// 0 none, 1 asked for, 4 closed, 5 paid, 6 refused.
    pub refund_status: i64,
    /// What the buyer paid.
    pub pay_amount: i64,
    /// What they get back.
    pub refund_amount: i64,
    /// The merchant's code for the item.
    pub outer_id: String,
    /// How many.
    pub quantity: i64,
    /// When anything last changed.
    pub update_time: i64,
}

impl Order {
    fn detail(&self) -> Value {
        json!({
            "order_no": self.order_no,
            "order_status": self.status,
            "order_type": 7,
            "refund_status": self.refund_status,
            "total_amount": self.pay_amount,
            "pay_amount": self.pay_amount,
            "refund_amount": self.refund_amount,
            "order_time": self.update_time,
            "pay_time": if self.status >= 12 { self.update_time } else { 0 },
            "refund_time": if self.refund_status == 5 { self.update_time } else { 0 },
            "cancel_time": if self.status == 24 { self.update_time } else { 0 },
            "update_time": self.update_time,
            "buyer_eid": "eid-1",
            "buyer_nick": "小鱼",
            "consign_type": 2,
            "goods": {
                "quantity": self.quantity, "price": self.pay_amount, "product_id": 441_160_510_721_413_i64,
                "item_id": 709_548_670_377_i64, "outer_id": self.outer_id, "sku_id": 0, "sku_outer_id": "",
                "title": "card",
            },
        })
    }
}

/// The result of a virtual order, as it was told to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderResult {
    /// 20 success, 30 failed.
    pub order_status: i64,
    /// SHA-256 of each card's password.
    pub cards: Vec<String>,
    /// The last part of the address it came to.
    pub token: String,
    /// How often it came.
    pub times: u32,
}

/// goofish.
pub struct Goofish {
    app: GoofishApp,
    supplier: GoofishSupplier,
    /// Orders by number.
    pub orders: BTreeMap<String, Order>,
    /// Stock by product id, and by `product/sku` where a product has several: what is shown, and how often it was set.
    pub stock: BTreeMap<String, (i64, u32)>,
    /// Results of virtual orders by goofish's number.
    pub results: BTreeMap<String, OrderResult>,
    /// Calls with a wrong signature or time.
    pub forged_calls: u32,
}

impl Goofish {
    /// One for tests, with [`GoofishApp::test`] and [`GoofishSupplier::test`].
    pub fn test() -> Self {
        Self {
            app: GoofishApp::test(),
            supplier: GoofishSupplier::test(),
            orders: BTreeMap::new(),
            stock: BTreeMap::new(),
            results: BTreeMap::new(),
            forged_calls: 0,
        }
    }

    fn is_genuine(&self, call: &Call, app: bool) -> bool {
        let timestamp = call.param("timestamp");
        let fresh = timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= TOLERANCE_SECS);
        let (name, sign) = if app {
            (
                call.param("appid") == self.app.app_key.to_string(),
                app_signature(&self.app, &call.body, timestamp),
            )
        } else {
            (
                call.param("mch_id") == self.supplier.mch_id,
                supplier_signature(&self.supplier, &call.body, timestamp),
            )
        };
        fresh && name && call.param("sign") == sign
    }

    fn detail(&self, body: &Value) -> Value {
        let order = body["order_no"].as_str().and_then(|number| self.orders.get(number));
        match order {
            Some(order) => json!({ "code": 0, "msg": "OK", "data": order.detail() }),
            None => json!({ "code": 100_004, "msg": "订单不存在", "data": {} }),
        }
    }

    fn edit_stock(&mut self, body: &Value) -> Value {
        let Some(product) = body["product_id"].as_i64() else {
            return json!({ "code": 100_004, "msg": "参数错误", "data": {} });
        };
        let mut figures = Vec::new();
        figures.extend(body["stock"].as_i64().map(|stock| (product.to_string(), stock)));
        for sku in body["sku_items"].as_array().into_iter().flatten() {
            figures.extend(
                sku["sku_id"]
                    .as_i64()
                    .zip(sku["stock"].as_i64())
                    .map(|(id, stock)| (format!("{product}/{id}"), stock)),
            );
        }
        if figures.is_empty() || figures.iter().any(|(_, stock)| !(0..=9_999).contains(stock)) {
            return json!({ "code": 100_004, "msg": "参数错误", "data": {} });
        }
        for (item, stock) in figures {
            let shown = self.stock.entry(item).or_default();
            *shown = (stock, shown.1 + 1);
        }
        json!({ "code": 0, "msg": "OK", "data": {} })
    }

    /// The first result stands; a repeat is acknowledged.
    fn order_result(&mut self, token: &str, body: &[u8]) -> Value {
        #[derive(Deserialize)]
        struct Told {
            order_type: i64,
            order_no: String,
            order_status: i64,
            end_time: i64,
            #[serde(default)]
            card_items: Vec<Card>,
        }
        #[derive(Deserialize)]
        struct Card {
            card_pwd: String,
        }
        let Ok(told) = serde_json::from_slice::<Told>(body) else {
            return json!({ "code": 1, "msg": "请求错误" });
        };
        let sensible = told.order_type == 2 && matches!(told.order_status, 20 | 30) && told.end_time > 0;
        if !sensible || (told.order_status == 20 && told.card_items.is_empty()) {
            return json!({ "code": 1201, "msg": "参数错误" });
        }
        let cards = told.card_items.iter().map(|card| sha256_hex(&card.card_pwd)).collect();
        let result = self.results.entry(told.order_no).or_insert_with(|| OrderResult {
            order_status: told.order_status,
            cards,
            token: token.to_owned(),
            times: 0,
        });
        result.times += 1;
        json!({ "code": 0, "msg": "OK" })
    }
}

impl Platform for Goofish {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let callback = call.path.strip_prefix("/api/open/callback/virtual/order/notify/");
        if call.method != "POST" || !self.is_genuine(call, callback.is_none()) {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "code": 401, "msg": "签名错误", "data": {} }));
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let answer = match (call.path.as_str(), callback) {
            (_, Some(token)) => self.order_result(token, &call.body),
            ("/api/open/order/detail", _) => self.detail(&body),
            ("/api/open/product/edit/stock", _) => self.edit_stock(&body),
            _ => return Answer { status: 404, body: String::new() },
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}
