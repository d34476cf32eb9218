//! Pinduoduo (拼多多): the gateway that shows orders, takes vouchers and stock figures and agrees to refunds, and the
//! relay that hands over the frames of its long connection.

use std::{collections::BTreeMap, mem, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    digest::{hmac_base64, md5_hex, sha256_hex},
    drive::Signed,
    form::{beijing, fen_of},
    pretend::{Answer, Bookkeeper, Call, News, Platform},
};

/// The app's secret.
pub const CLIENT_SECRET: &str = "pddSecret0123456789abcdef0123456789abcdef";
/// What the relay signs with, behind `whsec_`.
pub const RELAY_SECRET: &str = "cGRkLXJlbGF5LXNlY3JldC0wMTIzNDU2Nzg5YWI=";
/// The shop's number.
pub const MALL: i64 = 171_504_183;
const ACCESS_TOKEN: &str = "tok_0001";
/// How far a call's time may be off, in seconds.
const TOLERANCE_SECS: u64 = 600;

/// What the shop's account is connected with. `base_url` is without a slash at the end.
pub fn settings(base_url: &str) -> Value {
    json!({
        "client_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "client_secret": CLIENT_SECRET, "mall_id": MALL,
        "access_token": ACCESS_TOKEN, "delivery": "voucher", "relay_secret": format!("whsec_{RELAY_SECRET}"),
        "base_url": base_url,
    })
}

/// An order, with the fields that move. States are the platform's numbers.
#[derive(Clone)]
pub struct Order {
    /// 1 to ship, 2 shipped, 3 received.
    pub status: i64,
    /// 0 the group is not complete, 1 done, 2 cancelled.
    pub confirm: i64,
    /// 1 no after-sale, 2 to 4 one that is open or done.
    pub refund_status: i64,
    /// When it was paid, in Unix seconds.
    pub paid_at: i64,
    /// When it last changed, in Unix seconds.
    pub updated: i64,
    /// What was paid, in yuan.
    pub pay: String,
    /// The item.
    pub goods: i64,
    /// Which kind of it.
    pub sku: i64,
    /// How many.
    pub count: i64,
    /// SHA-256 of each voucher's text.
    pub vouchers: Vec<String>,
    /// How often vouchers were taken.
    pub sends: u32,
}

impl Order {
    /// One that waits for its vouchers; `pay` is in yuan.
    pub fn paid(goods: i64, sku: i64, count: i64, pay: &str) -> Self {
        Self {
            status: 1,
            confirm: 1,
            refund_status: 1,
            paid_at: 1_767_322_800,
            updated: 1_767_322_801,
            pay: pay.to_owned(),
            goods,
            sku,
            count,
            vouchers: Vec::new(),
            sends: 0,
        }
    }
}

/// An after-sale about money.
#[derive(Clone)]
pub struct AfterSale {
    /// Its order.
    pub order: String,
    /// 2 asked for, 6 turned down, 10 paid back.
    pub status: i64,
    /// How much, in yuan.
    pub amount: String,
    /// When it last changed, in Unix seconds.
    pub updated: i64,
}

/// The platform.
#[derive(Default)]
pub struct Pinduoduo {
    /// Orders by number.
    pub orders: BTreeMap<String, Order>,
    /// After-sales by number.
    pub after_sales: BTreeMap<i64, AfterSale>,
    /// What is shown in stock, by `goods/sku`.
    pub stock: BTreeMap<String, i64>,
    /// How often a refund was agreed to.
    pub agreed: u32,
    /// Calls with a wrong signature, token or time.
    pub forged_calls: u32,
    news: News,
}

type Params = BTreeMap<String, String>;

fn get<'a>(params: &'a Params, name: &str) -> &'a str {
    params.get(name).map_or("", String::as_str)
}

impl Pinduoduo {
    /// A buyer asks for the money of an order.
    pub fn want_back(&mut self, id: i64, number: &str, now: Timestamp) {
        let Some(order) = self.orders.get_mut(number) else { return };
        (order.refund_status, order.updated) = (2, now.secs());
        let amount = order.pay.clone();
        self.after_sales
            .insert(id, AfterSale { order: number.to_owned(), status: 2, amount, updated: now.secs() });
    }

    /// The merchant turns an after-sale down, on the platform's own pages.
    pub fn turn_down(&mut self, id: i64, now: Timestamp) {
        let Some(one) = self.after_sales.get_mut(&id) else { return };
        (one.status, one.updated) = (6, now.secs());
        if let Some(order) = self.orders.get_mut(&one.order) {
            (order.refund_status, order.updated) = (1, now.secs());
        }
    }

    fn detail(&self, number: &str) -> Value {
        let Some(order) = self.orders.get(number) else { return failure(50_001) };
        json!({"order_info_get_response": {"order_info": shown(number, order)}})
    }

    /// Orders that changed in a window.
    fn changed(&self, params: &Params) -> Value {
        let window = window(params);
        // These books are short: everything stands on the first page.
        let page = |_: &(&String, &Order)| get(params, "page") == "1";
        let found = self.orders.iter().filter(|(_, order)| window.contains(&order.updated)).filter(page);
        let list: Vec<Value> = found.map(|(number, order)| shown(number, order)).collect();
        json!({"order_sn_increment_get_response": {"total_count": list.len(), "order_sn_list": list}})
    }

    fn send(&mut self, params: &Params) -> Value {
        let number = get(params, "order_sn");
        let vouchers: Vec<Value> = serde_json::from_str(get(params, "voucher_list")).unwrap_or_default();
        let texts: Option<Vec<&str>> =
            vouchers.iter().map(|voucher| voucher["voucher_no"].as_str()).collect();
        let Some(order) = self.orders.get_mut(number) else { return failure(50_001) };
        let texts = texts.filter(|texts| i64::try_from(texts.len()) == Ok(order.count));
        let Some(texts) = texts.filter(|_| !get(params, "out_biz_no").is_empty()) else {
            return failure(20_034);
        };
        if order.status != 1 || order.refund_status != 1 {
            return failure(20_034);
        }
        order.vouchers = texts.into_iter().map(sha256_hex).collect();
        order.sends += 1;
        order.status = 2;
        self.news.handed.push((number.to_owned(), order.vouchers.clone()));
        json!({"voucher_voucher_info_send_response": {"is_success": true}})
    }

    /// After-sales of an order, or those of one state that changed in a window.
    fn list(&self, params: &Params) -> Value {
        let asked_for = |one: &AfterSale| match params.get("order_sn") {
            Some(number) => one.order == *number,
            None => {
                get(params, "after_sales_status") == one.status.to_string()
                    && window(params).contains(&one.updated)
            }
        };
        let found = self.after_sales.iter().filter(|(_, one)| asked_for(one));
        let list: Vec<Value> = found
            .map(|(id, one)| {
                json!({"id": id, "order_sn": one.order, "after_sales_status": one.status, "after_sales_type": 2,
                       "refund_amount": one.amount, "updated_time": beijing(Timestamp::from_secs(one.updated))})
            })
            .collect();
        json!({"refund_increment_get_response": {"total_count": list.len(), "refund_list": list}})
    }

    fn agree(&mut self, request: &str, now: Timestamp) -> Value {
        let request: Value = serde_json::from_str(request).unwrap_or_default();
        let id = request["after_sales_id"].as_i64().unwrap_or_default();
        let open = |one: &&mut AfterSale| one.order == request["order_sn"] && one.status == 2;
        let found = self.after_sales.get_mut(&id).filter(open);
        let succ = found.is_some();
        if let Some(one) = found {
            (one.status, one.updated) = (10, now.secs());
            self.news.paid_back.push((one.order.clone(), fen_of(&one.amount).unwrap_or_default()));
            self.agreed += 1;
        }
        json!({"response": {"result": {"succ": succ, "after_sales_id": id, "message": ""}}})
    }

    fn set_stock(&mut self, params: &Params) -> Value {
        let Ok(figure) = get(params, "quantity").parse() else { return failure(10_001) };
        // 1: the figure replaces the one before it.
        if get(params, "update_type") != "1" {
            return failure(10_001);
        }
        self.stock.insert(format!("{}/{}", get(params, "goods_id"), get(params, "sku_id")), figure);
        json!({"goods_quantity_update_response": {"is_success": true}})
    }
}

fn shown(number: &str, order: &Order) -> Value {
    let pay: Value = serde_json::from_str(&order.pay).unwrap_or_default();
    let at = |secs| beijing(Timestamp::from_secs(secs));
    json!({
        "order_sn": number, "order_status": order.status, "confirm_status": order.confirm,
        "refund_status": order.refund_status, "risk_control_status": 0, "pay_amount": pay,
        "confirm_time": at(order.paid_at), "updated_at": at(order.updated),
        "item_list": [{"goods_id": order.goods, "sku_id": order.sku, "outer_id": "", "goods_count": order.count,
                       "goods_price": 28.88, "goods_spec": ""}]
    })
}

fn window(params: &Params) -> Range<i64> {
    let at = |name| get(params, name).parse().unwrap_or_default();
    at("start_updated_at")..at("end_updated_at")
}

fn failure(code: i64) -> Value {
    json!({"error_response": {"error_code": code, "sub_code": "x", "error_msg": "no", "request_id": "1"}})
}

/// The documented formula: the secret, names and values by name, the secret.
fn is_genuine(call: &Call, params: &Params) -> bool {
    let signed = params.iter().filter(|(name, _)| *name != "sign");
    let text: String = signed.flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
    let sign = md5_hex(format!("{CLIENT_SECRET}{text}{CLIENT_SECRET}")).to_uppercase();
    let fresh = get(params, "timestamp").parse::<i64>();
    get(params, "sign") == sign
        && get(params, "access_token") == ACCESS_TOKEN
        && fresh.is_ok_and(|at| at.abs_diff(call.now.secs()) < TOLERANCE_SECS)
}

impl Platform for Pinduoduo {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let params: Params = serde_json::from_slice(&call.body).unwrap_or_default();
        if call.path != "/api/router" || !is_genuine(call, &params) {
            self.forged_calls += 1;
            return Answer::ok(&failure(20_004));
        }
        let answer = match get(&params, "type") {
            "pdd.order.information.get" => self.detail(get(&params, "order_sn")),
            "pdd.voucher.voucher.info.send" => self.send(&params),
            "pdd.refund.list.increment.get" => self.list(&params),
            "pdd.refund.agree" => self.agree(get(&params, "request"), call.now),
            "pdd.order.number.list.increment.get" => self.changed(&params),
            "pdd.goods.quantity.update" => self.set_stock(&params),
            _ => failure(10_001),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

impl Bookkeeper for Pinduoduo {
    fn news(&mut self) -> News {
        mem::take(&mut self.news)
    }
    fn forged_calls(&self) -> u32 {
        self.forged_calls
    }
}

/// What the relay hands over: one frame about an order, signed as Standard Webhooks says.
pub fn frame(id: i64, kind: &str, order_sn: &str, now: Timestamp) -> Signed {
    let at = now.secs() * 1_000;
    let content = json!({"mall_id": MALL, "tid": order_sn}).to_string();
    let body = json!({"id": id, "commandType": "Common", "time": at, "sendTime": at,
        "message": {"type": kind, "mallID": MALL, "content": content}})
    .to_string();
    let (name, sent_at) = (format!("frame-{id}"), now.secs().to_string());
    let key = STANDARD.decode(RELAY_SECRET).unwrap_or_default();
    let tag = hmac_base64(&key, format!("{name}.{sent_at}.{body}").as_bytes());
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", name),
            ("webhook-timestamp", sent_at),
            ("webhook-signature", format!("v1,{tag}")),
        ],
        body: body.into_bytes(),
    }
}
