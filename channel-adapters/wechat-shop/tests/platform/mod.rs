//! A pretend WeChat: it seals pushes and checks calls with code of its own, and keeps books.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use channel::{RawRequest, cipher, legacy_sign::sha1_hex, sign::hmac_sha256};
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const TOKEN: &str = "TESTpushToken01";
pub(crate) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(crate) const APPID: &str = "wx1234567890abcdef";
pub(crate) const APP_SECRET: &str = "TESTappSecretTESTappSecretTEST01";
pub(crate) const APP_KEY: &str = "TESTappKey0123456789";
pub(crate) const ACCESS: &str = "ACCESS-token_1";
const NONCE: &str = "415670741";

pub(crate) fn key() -> Vec<u8> {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&ALPHABET, lenient).decode(format!("{AES_KEY}=")).unwrap()
}

pub(crate) fn signature(token: &str, parts: &[&str]) -> String {
    let mut all: Vec<&str> = parts.to_vec();
    all.push(token);
    all.sort_unstable();
    sha1_hex(all.concat().as_bytes())
}

/// A message in the envelope of an app, before it is signed.
pub(crate) fn envelope(message: &[u8], appid: &str, random: &[u8; 16]) -> String {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let plain = [random, length.as_slice(), message, appid.as_bytes()].concat();
    let sealed = cipher::aes_cbc_encrypt(&key(), &key()[..16], &cipher::pad(&plain, 32)).unwrap();
    json!({ "ToUserName": "gh_97417a04a28d", "Encrypt": STANDARD.encode(sealed) }).to_string()
}

/// Signs an envelope with a token; `None` where it has no `Encrypt`.
pub(crate) fn sign(request: &RawRequest, token: &str) -> Option<RawRequest> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let made = signature(token, &[&NOW.secs().to_string(), NONCE, body["Encrypt"].as_str()?]);
    let query =
        format!("timestamp={}&nonce={NONCE}&openid=o1&encrypt_type=aes&msg_signature={made}", NOW.secs());
    Some(RawRequest { query, ..request.clone() })
}

pub(crate) fn raw(body: String) -> RawRequest {
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body: body.into_bytes(),
        received_at: NOW,
    };
    sign(&request, TOKEN).unwrap()
}

/// A push, as an adapter sees it.
pub(crate) fn push(message: &Value) -> RawRequest {
    raw(envelope(message.to_string().as_bytes(), APPID, b"0123456789abcdef"))
}

/// The same over the wire; every envelope starts otherwise.
pub(crate) fn wire(message: &Value, random: u8) -> Signed {
    let request = raw(envelope(message.to_string().as_bytes(), APPID, &[random; 16]));
    let headers = vec![("content-type", "application/json".to_owned())];
    Signed { method: "POST", topic: String::new(), query: request.query, headers, body: request.body }
}

fn event(kind: &str, more: Value) -> Value {
    let mut event = json!({ "ToUserName": "gh_97417a04a28d", "FromUserName": "o1", "MsgType": "event",
        "CreateTime": NOW.secs(), "Event": kind });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

/// The number goes out as a JSON number, as it often does.
pub(crate) fn order_event(kind: &str, number: u64) -> Value {
    event(kind, json!({ "order_info": { "order_id": number, "pay_time": NOW.secs() } }))
}

pub(crate) fn aftersale_event(number: &str, status: &str, order: u64) -> Value {
    event(
        "channels_ec_aftersale_update",
        json!({ "finder_shop_aftersale_status_update": { "after_sale_order_id": number, "status": status,
            "order_id": order.to_string() } }),
    )
}

pub(crate) fn goods_event(number: &str, item: &str, quantity: i64, price: i64, retry: i64) -> Value {
    event(
        "xpay_goods_deliver_notify",
        json!({ "OpenId": "oAbCd", "OutTradeNo": number, "Env": 0, "RetryTimes": retry,
            "WeChatPayInfo": { "MchOrderNo": "xp_1", "TransactionId": format!("42{number}"), "PaidTime": NOW.secs() },
            "GoodsInfo": { "ProductId": item, "Quantity": quantity, "OrigPrice": price, "ActualPrice": price,
                "Attach": "你好" } }),
    )
}

pub(crate) fn refund_event(order: &str, refund: &str, fee: i64, code: i64) -> Value {
    event(
        "xpay_refund_notify",
        json!({ "WxRefundId": "w1", "MchRefundId": refund, "WxOrderId": "w2", "MchOrderId": order,
            "RefundFee": fee, "RetCode": code, "RetMsg": "", "RetryTimes": 0 }),
    )
}

#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) status: i64,
    pub(crate) count: i64,
    pub(crate) price: i64,
    pub(crate) deliver_method: i64,
    /// How often it went from paid to delivered.
    pub(crate) deliveries: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Aftersale {
    pub(crate) order: u64,
    pub(crate) status: &'static str,
    pub(crate) amount: i64,
    /// Unix seconds; the list shows what has a time after the tests began.
    pub(crate) updated: i64,
}

/// WeChat's books.
#[derive(Default)]
pub(crate) struct Wechat {
    pub(crate) orders: BTreeMap<u64, Order>,
    pub(crate) aftersales: BTreeMap<String, Aftersale>,
    pub(crate) stock: u64,
    /// Virtual payments whose goods were provided.
    pub(crate) provided: BTreeSet<String>,
    /// Virtual payments paid back, by the refund's number.
    pub(crate) refunds: BTreeMap<String, (String, i64)>,
    pub(crate) forged_calls: u32,
}

impl Wechat {
    /// A buyer pays for one unit of `100/200`.
    pub(crate) fn pay(&mut self, number: u64, price: i64) {
        let order = Order { status: 20, count: 1, price, deliver_method: 1, deliveries: 0 };
        self.orders.insert(number, order);
    }

    /// A buyer asks for the money back.
    pub(crate) fn ask(&mut self, number: &str, order: u64) {
        let amount = self.orders[&order].price;
        let asked = Aftersale { order, status: "MERCHANT_PROCESSING", amount, updated: 0 };
        self.aftersales.insert(number.to_owned(), asked);
    }

    /// Its ledger: the orders of both products whose buyers were told that the goods are there.
    pub(crate) fn handed_over(&self) -> BTreeSet<String> {
        let shop = self.orders.iter().filter(|(_, order)| order.deliveries > 0);
        shop.map(|(number, _)| number.to_string()).chain(self.provided.iter().cloned()).collect()
    }

    /// Its ledger: what it paid back, by order, in fen.
    pub(crate) fn paid_back(&self) -> BTreeMap<String, i64> {
        let settled = self.aftersales.values().filter(|one| one.status == "MERCHANT_REFUND_SUCCESS");
        let shop = settled.map(|one| (one.order.to_string(), one.amount));
        let mut all = BTreeMap::new();
        for (order, fen) in shop.chain(self.refunds.values().cloned()) {
            *all.entry(order).or_default() += fen;
        }
        all
    }

    pub(crate) fn shown(number: u64, order: &Order) -> Value {
        json!({ "errcode": 0, "errmsg": "ok", "order": { "order_id": number.to_string(), "status": order.status,
            "openid": "oBuyer", "create_time": NOW.secs(), "update_time": updated(order),
            "order_detail": {
                "product_infos": [{ "product_id": 100, "sku_id": "200", "sku_cnt": order.count,
                    "on_aftersale_sku_cnt": 0, "finish_aftersale_sku_cnt": 0, "real_price": order.price }],
                "pay_info": { "transaction_id": format!("42{number}"), "pay_time": NOW.secs() },
                "price_info": { "order_price": order.price, "product_price": order.price },
                "delivery_info": { "deliver_method": order.deliver_method } } } })
    }

    fn order(&self, number: u64) -> Value {
        self.orders.get(&number).map_or_else(|| no(100_002), |order| Self::shown(number, order))
    }

    /// The numbers of orders that changed in a window.
    fn list(&self, range: &Value) -> Value {
        let at = |name: &str| range[name].as_i64().unwrap();
        let window = at("start_time")..at("end_time");
        let found = self.orders.iter().filter(|(_, order)| window.contains(&updated(order)));
        let numbers: Vec<u64> = found.map(|(number, _)| *number).collect();
        json!({ "errcode": 0, "order_id_list": numbers, "has_more": false, "next_key": "" })
    }

    fn aftersale(&self, number: &str) -> Value {
        let Some(found) = self.aftersales.get(number) else { return no(100_002) };
        json!({ "errcode": 0, "after_sale_order": { "after_sale_order_id": number, "status": found.status,
            "order_id": found.order.to_string(), "refund_info": { "amount": found.amount },
            "update_time": found.updated.max(NOW.secs()), "type": "REFUND" } })
    }

    fn list_aftersales(&self, body: &Value) -> Value {
        let at = |name: &str| body[name].as_i64().unwrap();
        let window = at("begin_update_time")..at("end_update_time");
        let found = self.aftersales.iter().filter(|(_, one)| window.contains(&one.updated));
        let numbers: Vec<&String> = found.map(|(number, _)| number).collect();
        json!({ "errcode": 0, "after_sale_order_id_list": numbers, "has_more": false, "next_key": "" })
    }

    fn accept(&mut self, number: &str) -> Value {
        match self.aftersales.get_mut(number) {
            Some(found) if found.status == "MERCHANT_PROCESSING" => {
                found.status = "MERCHANT_REFUND_SUCCESS";
                no(0)
            }
            _ => no(101_100),
        }
    }

    fn send(&mut self, number: u64, body: &Value) -> Value {
        let line = &body["delivery_list"][0];
        let expected = json!([{ "product_id": "100", "sku_id": "200", "product_cnt": 1 }]);
        match self.orders.get_mut(&number) {
            Some(_) if line["deliver_type"] != 3 || line["product_infos"] != expected => no(109_000),
            Some(order) if order.status == 20 => {
                order.status = 30;
                order.deliveries += 1;
                no(0)
            }
            Some(order) if order.status == 30 => no(109_001),
            Some(_) => no(101_100),
            None => no(100_002),
        }
    }

    fn stock(&mut self, body: &Value) -> Value {
        let num = body["num"].as_u64().unwrap_or_default();
        match body["diff_type"].as_u64() {
            _ if num == 0 => return no(10_020_218),
            Some(1) => self.stock += num,
            Some(2) if num <= self.stock => self.stock -= num,
            _ => return no(10_020_219),
        }
        no(0)
    }

    fn refund(&mut self, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if body["openid"] != "oAbCd" || body["env"] != 0 {
            return no(268_490_001);
        }
        let fee = body["refund_fee"].as_i64().unwrap_or_default();
        let first = self.refunds.insert(text("refund_order_id"), (text("order_id"), fee)).is_none();
        no(if first { 0 } else { 268_490_005 })
    }

    fn provide(&mut self, body: &Value) -> Value {
        let order = body["order_id"].as_str().unwrap_or_default().to_owned();
        no(if self.provided.insert(order) { 0 } else { 268_490_004 })
    }
}

fn updated(order: &Order) -> i64 {
    NOW.secs() + order.status
}

fn no(errcode: i64) -> Value {
    json!({ "errcode": errcode, "errmsg": "" })
}

impl Platform for Wechat {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let number = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let order = number("order_id").parse().unwrap_or_default();
        let pay_sig = hex::encode(hmac_sha256(
            APP_KEY.as_bytes(),
            &[call.path.as_bytes(), b"&", call.body.as_slice()].concat(),
        ));
        if call.path != "/cgi-bin/stable_token" && call.param("access_token") != ACCESS {
            return Answer::ok(&no(40_001));
        }
        if call.path.starts_with("/xpay/") && call.param("pay_sig") != pay_sig {
            self.forged_calls += 1;
            return Answer::ok(&no(268_490_003));
        }
        let answer = match call.path.as_str() {
            "/cgi-bin/stable_token" if body["secret"] == APP_SECRET && body["appid"] == APPID => {
                json!({ "access_token": ACCESS, "expires_in": 7_200 })
            }
            "/channels/ec/order/get" => self.order(order),
            "/channels/ec/order/delivery/send" => self.send(order, &body),
            "/channels/ec/aftersale/getaftersaleorder" => self.aftersale(&number("after_sale_order_id")),
            "/channels/ec/aftersale/acceptapply" => self.accept(&number("after_sale_order_id")),
            "/channels/ec/product/stock/get" => {
                json!({ "errcode": 0, "data": { "normal_stock_num": self.stock, "total_stock_num": self.stock } })
            }
            "/channels/ec/product/stock/update" => self.stock(&body),
            "/channels/ec/aftersale/getaftersalelist" => self.list_aftersales(&body),
            "/channels/ec/order/list/get" => self.list(&body["update_time_range"]),
            "/xpay/notify_provide_goods" => self.provide(&body),
            "/xpay/refund_order" => self.refund(&body),
            _ => no(48_001),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}
