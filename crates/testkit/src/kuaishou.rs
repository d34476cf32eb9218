//! Kuaishou's shops (快手小店): the open platform that shows orders and refunds, takes e-ticket codes and agrees to
//! refunds, its encrypted messages, and its wishes for codes.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    digest::{aes_128_cbc, hmac_base64, sha256_hex},
    drive::Signed,
    pretend::{Answer, Bookkeeper, Call, News, Platform},
};

const APP: &str = "ks660000001";
const SIGN_SECRET: &str = "ksSignSecret0001";
/// What messages are encrypted with: Base64 of 16 bytes.
const MESSAGE_SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
/// A part of the address that wishes for codes come to.
pub const ETICKET_SECRET: &str = "exampleEticketSecret000001";
const TOKEN: &str = "token-1";
const SELLER: u64 = 2_161_524_184;
/// The item of [`Kuaishou::sell`].
pub const SKU_ID: &str = "888390671925";
/// How far a call's time may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;
/// When the platform's own clock begins, in milliseconds.
const EPOCH: i64 = 1_767_225_600_000;

/// What the shop's account is connected with. `base_url` is without a slash at the end.
pub fn settings(base_url: &str) -> Value {
    json!({ "app_key": APP, "app_secret": "s", "sign_secret": SIGN_SECRET, "message_secret": MESSAGE_SECRET,
        "seller_id": SELLER, "access_token": TOKEN, "eticket_secret": ETICKET_SECRET, "base_url": base_url })
}

/// An e-ticket order. Amounts are fen, times milliseconds.
#[derive(Clone)]
pub struct Order {
    /// 10 to pay, 30 paid, 40 shipped, 80 failed.
    pub status: i64,
    /// What was paid.
    pub paid: i64,
    /// How many.
    pub quantity: i64,
    /// The item: a number.
    pub sku: String,
    /// Who bought.
    pub buyer: String,
    /// When it was paid.
    pub paid_at: i64,
    /// The codes that were taken.
    pub codes: Vec<String>,
    /// When it last changed.
    pub changed: i64,
}

/// Money that a buyer asks back. Amounts are fen, times milliseconds.
#[derive(Clone)]
pub struct Refund {
    /// Its order.
    pub order: u64,
    /// 10 asked for, 60 paid back, 70 turned down.
    pub status: i64,
    /// How much.
    pub fen: i64,
    /// When it last changed.
    pub changed: i64,
}

/// The platform.
#[derive(Default)]
pub struct Kuaishou {
    /// Orders by number.
    pub orders: BTreeMap<u64, Order>,
    /// Refunds by number.
    pub refunds: BTreeMap<u64, Refund>,
    /// How often codes came.
    pub deliveries: u32,
    /// Refunds that the seller agreed to.
    pub agreed: u32,
    /// Calls with a wrong signature, token or time.
    pub forged_calls: u32,
    /// Whether lists show anything.
    pub lists: bool,
    /// Grows with everything that happens: the number of messages, and the time of changes in milliseconds behind
    /// [`EPOCH`].
    clock: i64,
    news: News,
}

impl Kuaishou {
    /// A buyer pays for `quantity` of [`SKU_ID`] at `unit` fen.
    pub fn sell(&mut self, oid: u64, quantity: i64, unit: i64) {
        let changed = self.tick();
        let order = Order {
            status: 30,
            paid: unit * quantity,
            quantity,
            sku: SKU_ID.to_owned(),
            buyer: "buyer-1".to_owned(),
            paid_at: EPOCH,
            codes: Vec::new(),
            changed,
        };
        self.orders.insert(oid, order);
    }

    /// It is so late at the platform, at least.
    pub fn pass(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now.secs() * 1_000 - EPOCH);
    }

    /// A buyer wants the money back.
    pub fn want_back(&mut self, refund: u64, order: u64) {
        let changed = self.tick();
        let fen = self.orders.get(&order).map_or(0, |order| order.paid);
        self.refunds.insert(refund, Refund { order, status: 10, fen, changed });
    }

    /// The merchant turns a refund down, on the platform's own pages.
    pub fn turn_down(&mut self, refund: u64) {
        let at = self.tick();
        if let Some(refund) = self.refunds.get_mut(&refund) {
            (refund.status, refund.changed) = (70, at);
        }
    }

    /// The money goes back and the order ends as failed.
    pub fn pay_back(&mut self, refund: u64) {
        let changed = self.tick();
        let Some(refund) = self.refunds.get_mut(&refund) else { return };
        (refund.status, refund.changed) = (60, changed);
        if let Some(order) = self.orders.get_mut(&refund.order) {
            (order.status, order.changed) = (80, changed);
        }
        self.news.paid_back.push((refund.order.to_string(), refund.fen));
    }

    /// SHA-256 of what was handed over, by order.
    pub fn delivered(&self) -> BTreeMap<String, BTreeSet<String>> {
        let told = self.orders.iter().filter(|(_, order)| !order.codes.is_empty());
        told.map(|(oid, order)| (oid.to_string(), order.codes.iter().map(|code| sha256_hex(code)).collect()))
            .collect()
    }

    /// What was paid back of an order.
    pub fn refunded(&self) -> BTreeMap<String, i64> {
        let settled = self.refunds.values().filter(|refund| refund.status == 60);
        settled.map(|refund| (refund.order.to_string(), refund.fen)).collect()
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        EPOCH + self.clock
    }

    fn push(&mut self, event: &str, info: &Value) -> Signed {
        let at = self.tick();
        push(&json!({ "eventId": format!("e-{at}"), "msgId": format!("m-{at}"), "bizId": 1, "userId": SELLER,
            "openId": "o", "appKey": APP, "event": event, "info": info.to_string(), "status": 1,
            "createTime": at, "updateTime": at, "test": false }))
    }

    /// A message that an order is paid.
    pub fn paid_push(&mut self, oid: u64) -> Signed {
        let info = json!({ "oid": oid, "sellerId": SELLER, "status": 30, "updateTime": EPOCH });
        self.push("kwaishop_order_paySuccess", &info)
    }

    /// A message that a refund changed.
    pub fn refund_push(&mut self, event: &str, refund: u64) -> Signed {
        let order = self.refunds.get(&refund).map_or(0, |refund| refund.order);
        let info = json!({ "orderId": order, "refundId": refund, "handlingWay": 10 });
        self.push(event, &info)
    }

    /// The wish for an order's codes.
    pub fn send(&self, oid: u64) -> Signed {
        let num = self.orders.get(&oid).map_or(1, |order| order.quantity);
        let body = json!({ "oid": oid, "sellerId": SELLER, "num": num, "itemId": 8, "skuId": 7, "itemTitle": "VIP",
            "sendType": "virtual", "eticketType": "DINING_OPEN_TICKET", "token": ticket(oid), "ext": null,
            "spCode": "sp", "certExpireType": 3, "certExpDays": 30 });
        eticket("send", &body)
    }

    fn act(&mut self, call: &Call, method: &str, param: &Value) -> Value {
        let id = |name: &str| param[name].as_u64().unwrap_or_default();
        match (call.method.as_str(), method) {
            ("GET", "open.order.detail") => self.detail(id("oid")).map_or_else(no, |detail| yes(&detail)),
            ("GET", "open.seller.order.refund.detail") => {
                self.refund(id("refundId")).map_or_else(no, |refund| yes(&refund))
            }
            ("POST", "integration.callback.virtual.eticket.send") => self.take_codes(param),
            ("POST", "open.seller.order.refund.approve") => self.approve(id("refundId"), param),
            ("GET", "open.order.cursor.list") => {
                let all = self.orders.keys().filter_map(|oid| self.detail(*oid));
                let all: Vec<Value> = all.filter(|_| self.lists).collect();
                yes(&json!({ "orderList": all, "cursor": "nomore" }))
            }
            ("GET", "open.seller.order.refund.pcursor.list") => {
                let all = self.refunds.keys().filter_map(|refund| self.refund(*refund));
                let all: Vec<Value> = all.filter(|_| self.lists).collect();
                yes(&json!({ "refundOrderInfoList": all, "pcursor": "nomore" }))
            }
            _ => no(),
        }
    }

    fn detail(&self, oid: u64) -> Option<Value> {
        let order = self.orders.get(&oid)?;
        let refunds = self.refunds.iter().filter(|(_, refund)| refund.order == oid);
        let refunds: Vec<Value> =
            refunds.map(|(id, refund)| json!({ "refundId": id, "refundStatus": refund.status })).collect();
        let sku: u64 = order.sku.parse().ok()?;
        Some(json!({
            "orderBaseInfo": { "oid": oid, "status": order.status, "payTime": order.paid_at,
                "updateTime": order.changed, "totalFee": order.paid, "coType": 14, "riskCode": 0,
                "buyerOpenId": order.buyer },
            "orderItemInfo": { "itemId": 8, "skuId": sku, "skuNick": "VIP-30", "num": order.quantity },
            "orderRefundList": refunds,
        }))
    }

    fn refund(&self, id: u64) -> Option<Value> {
        let refund = self.refunds.get(&id)?;
        Some(json!({ "refundId": id, "oid": refund.order, "status": refund.status, "handlingWay": 10,
            "refundFee": refund.fen, "negotiateStatus": 1, "updateTime": refund.changed }))
    }

    /// A refund that is asked for, named with its own state and amount, is paid back at once.
    fn approve(&mut self, id: u64, param: &Value) -> Value {
        let Some(refund) = self.refunds.get(&id) else { return no() };
        let named = json!({ "refundId": id, "refundAmount": refund.fen, "status": 10, "negotiateStatus": 1,
            "refundHandingWay": 10 });
        if refund.status != 10 || *param != named {
            return no();
        }
        self.agreed += 1;
        self.pay_back(id);
        yes(&Value::Null)
    }

    /// Codes are taken once, as many as were bought, and with the order's token.
    fn take_codes(&mut self, param: &Value) -> Value {
        self.deliveries += 1;
        let at = self.tick();
        let oid = param["oid"].as_u64().unwrap_or_default();
        let Some(order) = self.orders.get_mut(&oid) else { return no() };
        let code = |ticket: &Value| ticket["code"].as_str().unwrap_or_default().to_owned();
        let codes: Vec<String> = param["etickets"].as_array().into_iter().flatten().map(code).collect();
        let whole = i64::try_from(codes.len()) == Ok(order.quantity) && param["sendNum"] == order.quantity;
        let sound = param["token"] == ticket(oid) && param["sendType"] == "virtual";
        if order.status != 30 || !whole || !sound || codes.iter().any(String::is_empty) {
            return no();
        }
        self.news.handed.push((oid.to_string(), codes.iter().map(|code| sha256_hex(code)).collect()));
        (order.status, order.codes, order.changed) = (40, codes, at);
        yes(&json!({ "success": true }))
    }
}

fn ticket(oid: u64) -> String {
    format!("tk&{oid}=1")
}

fn yes(data: &Value) -> Value {
    json!({ "result": 1, "error_msg": "", "data": data })
}

fn no() -> Value {
    json!({ "result": 4_000_001, "error_msg": "no" })
}

impl Platform for Kuaishou {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let pairs = if call.method == "GET" { call.query.clone() } else { call.form() };
        let text = |name: &str| {
            let found = pairs.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let method = text("method");
        let signed = ["access_token", "appkey", "method", "param", "signMethod", "timestamp", "version"];
        let plain: String = signed.iter().map(|name| format!("{name}={}&", text(name))).collect();
        let sign = hmac_base64(SIGN_SECRET.as_bytes(), format!("{plain}signSecret={SIGN_SECRET}").as_bytes());
        let at = text("timestamp").parse::<i64>().unwrap_or_default() / 1_000;
        let genuine = call.path == format!("/{}", method.replace('.', "/"))
            && (text("sign"), text("appkey"), text("access_token"))
                == (sign, APP.to_owned(), TOKEN.to_owned())
            && (text("version").as_str(), text("signMethod").as_str()) == ("1", "HMAC_SHA256")
            && at.abs_diff(call.now.secs()) <= TOLERANCE_SECS;
        if !genuine {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "result": 28, "error_msg": "signature" }));
        }
        let param: Value = serde_json::from_str(&text("param")).unwrap_or_default();
        let answer = self.act(call, &method, &param);
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

impl Bookkeeper for Kuaishou {
    fn news(&mut self) -> News {
        mem::take(&mut self.news)
    }
    fn forged_calls(&self) -> u32 {
        self.forged_calls
    }
}

/// A message, encrypted as Kuaishou encrypts it.
pub fn push(message: &Value) -> Signed {
    let key = STANDARD.decode(MESSAGE_SECRET).unwrap_or_default();
    let sealed = aes_128_cbc(&key, &[0; 16], message.to_string().as_bytes()).unwrap_or_default();
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type", "text/plain".to_owned())],
        body: STANDARD.encode(sealed).into_bytes(),
    }
}

/// A call of the e-ticket interface: `send`, `query` or `destroy`.
pub fn eticket(what: &str, body: &Value) -> Signed {
    Signed {
        method: "POST",
        topic: format!("eticket/{ETICKET_SECRET}/{what}"),
        query: String::new(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
