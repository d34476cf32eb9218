//! A pretend Xiaohongshu, written from its documents: it checks signatures with code of its own and keeps books.

use std::collections::{BTreeMap, BTreeSet};

use channel::legacy_sign::md5_hex;
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const APP: &str = "xhsdemo0001";
pub(crate) const SECRET: &str = "xhsSecretxhsSecretxhsSecret00001";
pub(crate) const SELLER: &str = "60aa00112233";
pub(crate) const SKU_ID: &str = "66f0a1b2c3d4e5f600000001";

pub(crate) struct Order {
    pub(crate) status: i64,
    pub(crate) after_sales_status: i64,
    pub(crate) paid: i64,
    pub(crate) quantity: i64,
    /// What was delivered.
    pub(crate) content: Option<String>,
    /// Milliseconds; the lists show what has a time.
    pub(crate) updated: i64,
}

pub(crate) struct AfterSale {
    pub(crate) order: String,
    pub(crate) status: i64,
    pub(crate) fen: i64,
    /// Milliseconds; the lists show what has a time.
    pub(crate) updated: i64,
}

#[derive(Default)]
pub(crate) struct Xiaohongshu {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) after_sales: BTreeMap<String, AfterSale>,
    pub(crate) stock: BTreeMap<String, (i64, u32)>,
    pub(crate) deliveries: u32,
    /// How often an after-sale was agreed to.
    pub(crate) agreed: u32,
    pub(crate) forged_calls: u32,
    /// Grows with everything that happens: the time of changes, in milliseconds.
    clock: i64,
}

impl Xiaohongshu {
    pub(crate) fn sell(&mut self, number: &str, quantity: i64, unit: i64) {
        let paid = unit * quantity;
        let order = Order { status: 4, after_sales_status: 1, paid, quantity, content: None, updated: 0 };
        self.orders.insert(number.to_owned(), order);
    }

    pub(crate) fn want_back(&mut self, returns: &str, order: &str) {
        let fen = self.orders[order].paid;
        let asked = AfterSale { order: order.to_owned(), status: 1, fen, updated: 0 };
        self.after_sales.insert(returns.to_owned(), asked);
        self.orders.get_mut(order).unwrap().after_sales_status = 2;
    }

    pub(crate) fn pay_back(&mut self, returns: &str) {
        let sale = self.after_sales.get_mut(returns).unwrap();
        sale.status = 4;
        let order = self.orders.get_mut(&sale.order).unwrap();
        (order.status, order.after_sales_status) = (8, 3);
    }

    /// Digests of what was delivered, by order.
    pub(crate) fn delivered(&self) -> BTreeMap<String, BTreeSet<String>> {
        let told = self.orders.iter().filter_map(|(number, order)| Some((number, order.content.as_ref()?)));
        told.map(|(number, text)| (number.clone(), text.split(" | ").map(sha256).collect())).collect()
    }

    pub(crate) fn refunded(&self) -> BTreeMap<String, i64> {
        let settled = self.after_sales.values().filter(|sale| sale.status == 4);
        settled.map(|sale| (sale.order.clone(), sale.fen)).collect()
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        1_767_225_600_000 + self.clock
    }

    pub(crate) fn order_push(&mut self, number: &str) -> Value {
        let status = self.orders[number].status;
        let at = self.tick();
        let data = json!({ "orderId": number, "orderStatus": status, "updateTime": at });
        json!({ "msgTag": "msg_fulfillment_status_change", "sellerId": SELLER, "data": data.to_string() })
    }

    pub(crate) fn after_sale_push(&mut self, tag: &str, returns: &str) -> Value {
        let at = self.tick();
        let data =
            json!({ "returnsId": returns, "orderId": self.after_sales[returns].order, "updateTime": at });
        json!({ "msgTag": tag, "sellerId": SELLER, "data": data.to_string() })
    }

    fn act(&mut self, body: &Value, now: Timestamp) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match body["method"].as_str().unwrap_or_default() {
            "order.getOrderDetail" => self.detail(&text("orderId")),
            "order.orderDeliver" => self.ship(body, &text("orderId"), text("expressNo")),
            "inventory.syncSkuStock" => {
                let shown = self.stock.entry(text("skuId")).or_default();
                *shown = (body["qty"].as_i64().unwrap_or(-1), shown.1 + 1);
                yes(&Value::Null)
            }
            "afterSale.getAfterSaleInfo" => self.info(&text("returnsId")),
            "order.getOrderList" => self.orders_changed(body),
            "afterSale.listAfterSaleInfos" => self.after_sales_changed(body),
            "afterSale.auditReturns" if body["action"] == 1 => self.audit(&text("returnsId"), now),
            _ => no(),
        }
    }

    fn orders_changed(&self, body: &Value) -> Value {
        let window = window(body);
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.updated));
        let list: Vec<Value> = found
            .map(|(id, one)| json!({ "orderId": id, "orderStatus": one.status, "updateTime": one.updated }))
            .collect();
        yes(&json!({ "maxPageNo": 1, "orderList": list }))
    }

    fn after_sales_changed(&self, body: &Value) -> Value {
        let window = window(body);
        let found = self.after_sales.iter().filter(|(_, sale)| window.contains(&sale.updated));
        let list: Vec<Value> = found
            .map(|(id, one)| json!({ "returnsId": id, "status": one.status, "updatedAt": one.updated }))
            .collect();
        yes(&json!({ "maxPageNo": 1, "afterSaleBasicInfos": list }))
    }

    /// A second agreement is refused.
    fn audit(&mut self, returns: &str, now: Timestamp) -> Value {
        if self.after_sales.get(returns).is_none_or(|sale| sale.status != 1) {
            return no();
        }
        self.pay_back(returns);
        self.after_sales.get_mut(returns).unwrap().updated = now.secs() * 1_000;
        self.agreed += 1;
        yes(&Value::Null)
    }

    fn detail(&self, number: &str) -> Value {
        let Some(order) = self.orders.get(number) else { return no() };
        yes(&json!({
            "orderId": number, "orderStatus": order.status, "orderAfterSalesStatus": order.after_sales_status,
            "paidTime": 1_767_225_600_000_i64, "updateTime": 1_767_225_600_000_i64 + self.clock, "deliveryTime": 0,
            "totalPayAmount": order.paid, "userId": "user-1",
            "expressTrackingNo": order.content.clone().unwrap_or_default(),
            "skuList": [{ "skuId": SKU_ID, "erpcode": "VIP-30", "skuQuantity": order.quantity, "deliveryMode": 1 }],
        }))
    }

    /// An order is shipped once; a second delivery is refused.
    fn ship(&mut self, body: &Value, number: &str, content: String) -> Value {
        self.deliveries += 1;
        let Some(order) = self.orders.get_mut(number) else { return no() };
        if order.status != 4 || content.is_empty() || body["expressCompanyCode"] != "selfdelivery" {
            return no();
        }
        (order.status, order.content) = (6, Some(content));
        yes(&Value::Null)
    }

    fn info(&self, returns: &str) -> Value {
        let Some(sale) = self.after_sales.get(returns) else { return no() };
        let yuan: Value = serde_json::from_str(&format!("{}.{:02}", sale.fen / 100, sale.fen % 100)).unwrap();
        yes(&json!({ "afterSaleInfo": {
            "returnsId": returns, "orderId": sale.order, "returnType": 4, "status": sale.status,
            "updatedAt": 1_767_225_600_000_i64 + self.clock, "expectedRefundAmountYuan": yuan,
            "refundAmountYuan": if sale.status == 4 { yuan.clone() } else { json!(0) },
        } }))
    }
}

/// What a list asks for in seconds, in milliseconds.
fn window(body: &Value) -> std::ops::Range<i64> {
    assert_eq!((&body["timeType"], &body["pageNo"]), (&json!(2), &json!(1)), "these books are short");
    let at = |name: &str| body[name].as_i64().unwrap() * 1_000;
    at("startTime")..at("endTime")
}

fn yes(data: &Value) -> Value {
    json!({ "success": true, "error_code": 0, "error_msg": "", "data": data })
}

fn no() -> Value {
    json!({ "success": false, "error_code": -1, "error_msg": "no" })
}

impl Platform for Xiaohongshu {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (method, at) = (text("method"), text("timestamp"));
        let sign = md5_hex(format!("{method}?appId={APP}&timestamp={at}&version=2.0{SECRET}").as_bytes());
        let fresh = at.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= 300);
        let genuine = call.method == "POST"
            && call.path == "/ark/open_api/v3/common_controller"
            && text("sign") == sign
            && text("appId") == APP
            && text("version") == "2.0"
            && text("accessToken") == "token-1";
        if !genuine || !fresh {
            self.forged_calls += 1;
            return Answer::ok(&no());
        }
        let answer = self.act(&body, call.now);
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

/// Messages, signed as Xiaohongshu signs a push to `path`.
pub(crate) fn push(path: &str, messages: &[Value], now: Timestamp) -> Signed {
    let at = now.secs().to_string();
    let sign = md5_hex(format!("{path}?app-key={APP}&timestamp={at}{SECRET}").as_bytes());
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("app-key", APP.to_owned()),
            ("timestamp", at),
            ("sign", sign),
        ],
        body: Value::from(messages).to_string().into_bytes(),
    }
}
