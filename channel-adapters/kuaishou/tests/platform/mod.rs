//! A pretend Kuaishou, written from its documents: it checks signatures with code of its own and keeps books.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{cipher, sign::hmac_sha256};
use channel_world::sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};

pub(crate) const APP: &str = "ks660000001";
pub(crate) const SIGN_SECRET: &str = "ksSignSecret0001";
pub(crate) const MESSAGE_SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
pub(crate) const ETICKET_SECRET: &str = "exampleEticketSecret000001";
pub(crate) const TOKEN: &str = "token-1";
pub(crate) const SELLER: u64 = 2_161_524_184;
pub(crate) const SKU_ID: &str = "888390671925";
const EPOCH: i64 = 1_767_225_600_000;

pub(crate) struct Order {
    pub(crate) status: i64,
    pub(crate) paid: i64,
    pub(crate) quantity: i64,
    pub(crate) codes: Vec<String>,
    pub(crate) changed: i64,
}

pub(crate) struct Refund {
    pub(crate) order: u64,
    pub(crate) status: i64,
    pub(crate) fen: i64,
    pub(crate) changed: i64,
}

#[derive(Default)]
pub(crate) struct Kuaishou {
    pub(crate) orders: BTreeMap<u64, Order>,
    pub(crate) refunds: BTreeMap<u64, Refund>,
    pub(crate) deliveries: u32,
    /// Refunds that the seller agreed to.
    pub(crate) agreed: u32,
    pub(crate) forged_calls: u32,
    /// Whether lists show anything.
    pub(crate) lists: bool,
    /// Grows with everything that happens: the number of messages, and the time of changes in milliseconds.
    clock: i64,
}

impl Kuaishou {
    pub(crate) fn sell(&mut self, oid: u64, quantity: i64, unit: i64) {
        let changed = self.tick();
        let order = Order { status: 30, paid: unit * quantity, quantity, codes: Vec::new(), changed };
        self.orders.insert(oid, order);
    }

    pub(crate) fn want_back(&mut self, refund: u64, order: u64) {
        let (fen, changed) = (self.orders[&order].paid, self.tick());
        self.refunds.insert(refund, Refund { order, status: 10, fen, changed });
    }

    /// The money goes back and the order ends as failed.
    pub(crate) fn pay_back(&mut self, refund: u64) {
        let changed = self.tick();
        let refund = self.refunds.get_mut(&refund).unwrap();
        (refund.status, refund.changed) = (60, changed);
        let order = self.orders.get_mut(&refund.order).unwrap();
        (order.status, order.changed) = (80, changed);
    }

    /// Digests of what was handed over, by order.
    pub(crate) fn delivered(&self) -> BTreeMap<String, BTreeSet<String>> {
        let told = self.orders.iter().filter(|(_, order)| !order.codes.is_empty());
        told.map(|(oid, order)| (oid.to_string(), order.codes.iter().map(|code| sha256(code)).collect()))
            .collect()
    }

    pub(crate) fn refunded(&self) -> BTreeMap<String, i64> {
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

    pub(crate) fn paid_push(&mut self, oid: u64) -> Signed {
        let info = json!({ "oid": oid, "sellerId": SELLER, "status": 30, "updateTime": EPOCH });
        self.push("kwaishop_order_paySuccess", &info)
    }

    pub(crate) fn refund_push(&mut self, event: &str, refund: u64) -> Signed {
        let info = json!({ "orderId": self.refunds[&refund].order, "refundId": refund, "handlingWay": 10 });
        self.push(event, &info)
    }

    /// The wish for an order's codes.
    pub(crate) fn send(&self, oid: u64) -> Signed {
        let body = json!({ "oid": oid, "sellerId": SELLER, "num": self.orders.get(&oid).map_or(1, |o| o.quantity),
            "itemId": 8, "skuId": 7, "itemTitle": "VIP", "sendType": "virtual",
            "eticketType": "DINING_OPEN_TICKET", "token": ticket(oid), "ext": null, "spCode": "sp",
            "certExpireType": 3, "certExpDays": 30 });
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
                yes(
                    &json!({ "orderList": all.filter(|_| self.lists).collect::<Vec<_>>(), "cursor": "nomore" }),
                )
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
        Some(json!({
            "orderBaseInfo": { "oid": oid, "status": order.status, "payTime": EPOCH, "updateTime": order.changed,
                "totalFee": order.paid, "coType": 14, "riskCode": 0, "buyerOpenId": "buyer-1" },
            "orderItemInfo": { "itemId": 8, "skuId": 888_390_671_925_u64, "skuNick": "VIP-30", "num": order.quantity },
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
        let whole = codes.len() as i64 == order.quantity && param["sendNum"] == order.quantity;
        let sound = param["token"] == ticket(oid) && param["sendType"] == "virtual";
        if order.status != 30 || !whole || !sound || codes.iter().any(String::is_empty) {
            return no();
        }
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
        let plain = format!(
            "access_token={}&appkey={}&method={method}&param={}&signMethod={}&timestamp={}&version={}\
             &signSecret={SIGN_SECRET}",
            text("access_token"),
            text("appkey"),
            text("param"),
            text("signMethod"),
            text("timestamp"),
            text("version"),
        );
        let sign = STANDARD.encode(hmac_sha256(SIGN_SECRET.as_bytes(), plain.as_bytes()));
        let at = text("timestamp").parse::<i64>().unwrap_or_default() / 1_000;
        let genuine = call.path == format!("/{}", method.replace('.', "/"))
            && (text("sign"), text("appkey"), text("access_token"))
                == (sign, APP.to_owned(), TOKEN.to_owned())
            && (text("version").as_str(), text("signMethod").as_str()) == ("1", "HMAC_SHA256")
            && at.abs_diff(call.now.secs()) <= 300;
        if !genuine {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "result": 28, "error_msg": "signature" }));
        }
        let param: Value = serde_json::from_str(&text("param")).unwrap_or_default();
        let answer = self.act(call, &method, &param);
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

/// A message, encrypted as Kuaishou encrypts it.
pub(crate) fn push(message: &Value) -> Signed {
    let key = STANDARD.decode(MESSAGE_SECRET).unwrap();
    let padded = cipher::pad(message.to_string().as_bytes(), 16);
    let sealed = cipher::aes_cbc_encrypt(&key, &[0; 16], &padded).unwrap();
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type", "text/plain".to_owned())],
        body: STANDARD.encode(sealed).into_bytes(),
    }
}

/// A call of the e-ticket interface.
pub(crate) fn eticket(what: &str, body: &Value) -> Signed {
    Signed {
        method: "POST",
        topic: format!("eticket/{ETICKET_SECRET}/{what}"),
        query: String::new(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
