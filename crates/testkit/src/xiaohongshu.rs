//! Xiaohongshu's shops (小红书): the open platform that shows orders and after-sales, takes card texts and stock figures
//! and agrees to refunds, and the pushes that something changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::Range,
};

use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    digest::{md5_hex, sha256_hex},
    drive::Signed,
    form::yuan_of,
    pretend::{Answer, Bookkeeper, Call, News, Platform},
};

/// The app.
pub const APP: &str = "xhsdemo0001";
/// Its secret.
pub const SECRET: &str = "xhsSecretxhsSecretxhsSecret00001";
/// The shop.
pub const SELLER: &str = "60aa00112233";
/// The item of [`Xiaohongshu::sell`].
pub const SKU_ID: &str = "66f0a1b2c3d4e5f600000001";
const ACCESS_TOKEN: &str = "token-1";
/// How far a call's time may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;
/// When the platform's own clock begins, in milliseconds.
const EPOCH: i64 = 1_767_225_600_000;

/// What the shop's account is connected with: `push_path` is where pushes come to, `base_url` is without a slash at
/// the end.
pub fn settings(base_url: &str, push_path: &str) -> Value {
    json!({ "app_id": APP, "app_secret": SECRET, "seller_id": SELLER, "access_token": ACCESS_TOKEN,
        "push_path": push_path, "base_url": base_url })
}

/// An order of one line. Amounts are fen, times milliseconds.
#[derive(Clone)]
pub struct Order {
    /// 4 to ship, 6 shipped, 8 closed, 9 cancelled.
    pub status: i64,
    /// 1 none, 2 open, 3 done.
    pub after_sales_status: i64,
    /// What was paid.
    pub paid: i64,
    /// How many.
    pub quantity: i64,
    /// The item.
    pub sku: String,
    /// Who bought.
    pub buyer: String,
    /// When it was paid.
    pub paid_at: i64,
    /// What was delivered.
    pub content: Option<String>,
    /// When it changed; the lists show what has a time.
    pub updated: i64,
}

/// An after-sale. Amounts are fen, times milliseconds.
#[derive(Clone)]
pub struct AfterSale {
    /// Its order.
    pub order: String,
    /// 1 asked for, 4 paid back, 5 turned down.
    pub status: i64,
    /// How much.
    pub fen: i64,
    /// When it changed; the lists show what has a time.
    pub updated: i64,
}

/// The platform.
#[derive(Default)]
pub struct Xiaohongshu {
    /// Orders by number.
    pub orders: BTreeMap<String, Order>,
    /// After-sales by number.
    pub after_sales: BTreeMap<String, AfterSale>,
    /// What is shown in stock, by item, and how often it was set.
    pub stock: BTreeMap<String, (i64, u32)>,
    /// How often card texts came.
    pub deliveries: u32,
    /// How often an after-sale was agreed to.
    pub agreed: u32,
    /// Calls with a wrong signature, token or time.
    pub forged_calls: u32,
    /// Grows with everything that happens: the time of changes, in milliseconds behind [`EPOCH`].
    clock: i64,
    news: News,
}

impl Xiaohongshu {
    /// A buyer pays for `quantity` of [`SKU_ID`] at `unit` fen.
    pub fn sell(&mut self, number: &str, quantity: i64, unit: i64) {
        let order = Order {
            status: 4,
            after_sales_status: 1,
            paid: unit * quantity,
            quantity,
            sku: SKU_ID.to_owned(),
            buyer: "user-1".to_owned(),
            paid_at: EPOCH,
            content: None,
            updated: 0,
        };
        self.orders.insert(number.to_owned(), order);
    }

    /// It is so late at the platform, at least.
    pub fn pass(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now.secs() * 1_000 - EPOCH);
    }

    /// A buyer wants the money back.
    pub fn want_back(&mut self, returns: &str, number: &str) {
        let Some(order) = self.orders.get_mut(number) else { return };
        order.after_sales_status = 2;
        let asked = AfterSale { order: number.to_owned(), status: 1, fen: order.paid, updated: 0 };
        self.after_sales.insert(returns.to_owned(), asked);
    }

    /// The merchant turns an after-sale down, on the platform's own pages.
    pub fn turn_down(&mut self, returns: &str) {
        let Some(sale) = self.after_sales.get_mut(returns) else { return };
        sale.status = 5;
        if let Some(order) = self.orders.get_mut(&sale.order) {
            order.after_sales_status = 1;
        }
    }

    /// The money goes back.
    pub fn pay_back(&mut self, returns: &str) {
        let Some(sale) = self.after_sales.get_mut(returns) else { return };
        sale.status = 4;
        if let Some(order) = self.orders.get_mut(&sale.order) {
            (order.status, order.after_sales_status) = (8, 3);
        }
        self.news.paid_back.push((sale.order.clone(), sale.fen));
    }

    /// SHA-256 of what was delivered, by order.
    pub fn delivered(&self) -> BTreeMap<String, BTreeSet<String>> {
        let told = self.orders.iter().filter_map(|(number, order)| Some((number, order.content.as_ref()?)));
        told.map(|(number, text)| (number.clone(), digests(text).into_iter().collect())).collect()
    }

    /// What was paid back of an order.
    pub fn refunded(&self) -> BTreeMap<String, i64> {
        let settled = self.after_sales.values().filter(|sale| sale.status == 4);
        settled.map(|sale| (sale.order.clone(), sale.fen)).collect()
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        EPOCH + self.clock
    }

    /// A message that an order changed.
    pub fn order_push(&mut self, number: &str) -> Value {
        let status = self.orders.get(number).map_or(0, |order| order.status);
        let at = self.tick();
        let data = json!({ "orderId": number, "orderStatus": status, "updateTime": at });
        json!({ "msgTag": "msg_fulfillment_status_change", "sellerId": SELLER, "data": data.to_string() })
    }

    /// A message that an after-sale changed.
    pub fn after_sale_push(&mut self, tag: &str, returns: &str) -> Value {
        let at = self.tick();
        let order = self.after_sales.get(returns).map_or("", |sale| sale.order.as_str());
        let data = json!({ "returnsId": returns, "orderId": order, "updateTime": at });
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
        let Some(window) = window(body) else { return no() };
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.updated));
        let list: Vec<Value> = found
            .map(|(id, one)| json!({ "orderId": id, "orderStatus": one.status, "updateTime": one.updated }))
            .collect();
        yes(&json!({ "maxPageNo": 1, "orderList": list }))
    }

    fn after_sales_changed(&self, body: &Value) -> Value {
        let Some(window) = window(body) else { return no() };
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
        if let Some(sale) = self.after_sales.get_mut(returns) {
            sale.updated = now.secs() * 1_000;
        }
        self.agreed += 1;
        yes(&Value::Null)
    }

    fn detail(&self, number: &str) -> Value {
        let Some(order) = self.orders.get(number) else { return no() };
        yes(&json!({
            "orderId": number, "orderStatus": order.status, "orderAfterSalesStatus": order.after_sales_status,
            "paidTime": order.paid_at, "updateTime": EPOCH + self.clock, "deliveryTime": 0,
            "totalPayAmount": order.paid, "userId": order.buyer,
            "expressTrackingNo": order.content.clone().unwrap_or_default(),
            "skuList": [{ "skuId": order.sku, "erpcode": "VIP-30", "skuQuantity": order.quantity,
                "deliveryMode": 1 }],
        }))
    }

    /// An order is shipped once; a second delivery is refused.
    fn ship(&mut self, body: &Value, number: &str, content: String) -> Value {
        self.deliveries += 1;
        let Some(order) = self.orders.get_mut(number) else { return no() };
        if order.status != 4 || content.is_empty() || body["expressCompanyCode"] != "selfdelivery" {
            return no();
        }
        self.news.handed.push((number.to_owned(), digests(&content)));
        (order.status, order.content) = (6, Some(content));
        yes(&Value::Null)
    }

    fn info(&self, returns: &str) -> Value {
        let Some(sale) = self.after_sales.get(returns) else { return no() };
        let yuan: Value = serde_json::from_str(&yuan_of(sale.fen)).unwrap_or_default();
        yes(&json!({ "afterSaleInfo": {
            "returnsId": returns, "orderId": sale.order, "returnType": 4, "status": sale.status,
            "updatedAt": EPOCH + self.clock, "expectedRefundAmountYuan": yuan,
            "refundAmountYuan": if sale.status == 4 { yuan.clone() } else { json!(0) },
        } }))
    }
}

/// What was delivered is one text, with a bar between two keys.
fn digests(content: &str) -> Vec<String> {
    content.split(" | ").map(sha256_hex).collect()
}

/// What a list asks for in seconds, in milliseconds; none where it asks for a page behind the first, or by another time.
fn window(body: &Value) -> Option<Range<i64>> {
    let at = |name: &str| body[name].as_i64().map(|secs| secs * 1_000);
    let first = body["timeType"] == 2 && body["pageNo"] == 1;
    at("startTime").zip(at("endTime")).filter(|_| first).map(|(start, end)| start..end)
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
        let sign = md5_hex(format!("{method}?appId={APP}&timestamp={at}&version=2.0{SECRET}"));
        let fresh = at.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= TOLERANCE_SECS);
        let genuine = call.method == "POST"
            && call.path == "/ark/open_api/v3/common_controller"
            && text("sign") == sign
            && text("appId") == APP
            && text("version") == "2.0"
            && text("accessToken") == ACCESS_TOKEN;
        if !genuine || !fresh {
            self.forged_calls += 1;
            return Answer::ok(&no());
        }
        let answer = self.act(&body, call.now);
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

impl Bookkeeper for Xiaohongshu {
    fn news(&mut self) -> News {
        mem::take(&mut self.news)
    }
    fn forged_calls(&self) -> u32 {
        self.forged_calls
    }
}

/// Messages, signed as Xiaohongshu signs a push to `path`.
pub fn push(path: &str, messages: &[Value], now: Timestamp) -> Signed {
    let at = now.secs().to_string();
    let sign = md5_hex(format!("{path}?app-key={APP}&timestamp={at}{SECRET}"));
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
