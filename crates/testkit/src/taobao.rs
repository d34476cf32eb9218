//! Taobao (淘宝): TOP's gateway, which shows trades and refunds, takes e-ticket codes and stock figures, agrees to refunds
//! and keeps a queue of messages; and the notices of e-tickets, which it calls us with.

use std::{collections::BTreeMap, mem};

use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    digest::{md5_hex, sha256_hex},
    drive::Signed,
    form::{self, beijing, fen_of},
    pretend::{Answer, Bookkeeper, Call, News, Platform},
};

/// The app's secret.
pub const SECRET: &str = "topSecret0123456789abcdef0000001";
/// The shop's number.
pub const SELLER: u64 = 2_074_082_786;
const SESSION: &str = "sess0001";
/// The version that every refund has.
const REFUND_VERSION: i64 = 1_767_229_200_123;
/// How far a call's time may be off, in seconds.
const TOLERANCE_SECS: i64 = 600;

/// What the shop's account is connected with, e-tickets on. `base_url` is without a slash at the end.
pub fn settings(base_url: &str) -> Value {
    json!({"app_key": "12345678", "app_secret": SECRET, "session": SESSION, "seller_id": SELLER, "eticket": {},
        "base_url": base_url})
}

/// A trade of one part, with the fields that move.
#[derive(Clone)]
pub struct Trade {
    /// In the platform's words.
    pub status: &'static str,
    /// What was paid, in yuan.
    pub payment: String,
    /// The item.
    pub num_iid: i64,
    /// Which kind of it; empty where there is one only.
    pub sku_id: String,
    /// How many.
    pub num: i64,
    /// In the platform's words.
    pub refund_status: &'static str,
    /// Whether codes are handed in for it.
    pub eticket: bool,
    /// Who bought.
    pub buyer: String,
    /// When it was paid, by Beijing time.
    pub pay_time: String,
    /// When it last changed, by Beijing time.
    pub modified: String,
    /// The codes that were handed in, call by call.
    pub codes: Vec<String>,
    /// How often it was marked shipped.
    pub shipped: u32,
}

impl Trade {
    /// One that waits to be shipped; `payment` is in yuan.
    pub fn paid(num: i64, payment: &str) -> Self {
        Self {
            status: "WAIT_SELLER_SEND_GOODS",
            payment: payment.to_owned(),
            num_iid: 520_813_250_866,
            sku_id: "4011".to_owned(),
            num,
            refund_status: "NO_REFUND",
            eticket: false,
            buyer: "AAuid".to_owned(),
            pay_time: "2026-01-02 11:00:00".to_owned(),
            modified: "2026-01-02 11:00:01".to_owned(),
            codes: Vec::new(),
            shipped: 0,
        }
    }
}

/// Money that a buyer asks back.
#[derive(Clone)]
pub struct Refund {
    /// Its trade.
    pub tid: String,
    /// In the platform's words.
    pub status: &'static str,
    /// When it last changed, by Beijing time.
    pub modified: String,
}

/// The platform.
#[derive(Default)]
pub struct Taobao {
    /// Trades by number.
    pub trades: BTreeMap<String, Trade>,
    /// Refunds by number.
    pub refunds: BTreeMap<String, Refund>,
    /// How often a refund was agreed to.
    pub agreed: u32,
    /// Messages that were not confirmed yet, by number.
    pub queue: BTreeMap<u64, Value>,
    /// What is shown in stock, by `num_iid/sku_id`, or `num_iid` alone.
    pub stock: BTreeMap<String, i64>,
    /// Calls with a wrong signature, session or time.
    pub forged_calls: u32,
    news: News,
}

type Params = BTreeMap<String, String>;

fn get<'a>(params: &'a Params, name: &str) -> &'a str {
    params.get(name).map_or("", String::as_str)
}

impl Taobao {
    /// A buyer asks for the money of a trade.
    pub fn want_back(&mut self, refund: &str, tid: &str, now: Timestamp) {
        self.refund_becomes(refund, tid, "WAIT_SELLER_AGREE", now);
    }

    /// The merchant turns a refund down, on the platform's own pages.
    pub fn turn_down(&mut self, refund: &str, tid: &str, now: Timestamp) {
        self.refund_becomes(refund, tid, "SELLER_REFUSE_BUYER", now);
    }

    fn refund_becomes(&mut self, refund: &str, tid: &str, status: &'static str, now: Timestamp) {
        let Some(trade) = self.trades.get_mut(tid) else { return };
        (trade.refund_status, trade.modified) = (status, beijing(now));
        let becomes = Refund { tid: tid.to_owned(), status, modified: beijing(now) };
        self.refunds.insert(refund.to_owned(), becomes);
    }

    /// Something about a trade goes into the message queue.
    pub fn tell(&mut self, id: u64, topic: &str, tid: &str) {
        let message = json!({"id": id, "topic": topic, "content": json!({"tid": tid}).to_string(),
            "user_id": SELLER, "pub_time": "2026-01-02 11:00:02"});
        self.queue.insert(id, message);
    }

    fn refund(&self, id: &str) -> Value {
        let refund = self.refunds.get(id);
        let Some((refund, trade)) = refund.and_then(|refund| Some((refund, self.trades.get(&refund.tid)?)))
        else {
            return Value::Null;
        };
        json!({"refund_id": id, "tid": refund.tid, "status": refund.status, "modified": refund.modified,
            "refund_fee": trade.payment, "refund_version": REFUND_VERSION, "refund_phase": "onsale"})
    }

    fn sold(&self, params: &Params) -> Value {
        let found = listed(self.trades.iter(), |trade| &trade.modified, params);
        let shown = |(tid, trade): &(&String, &Trade)| json!({"tid": tid, "status": trade.status, "modified": trade.modified});
        let list: Vec<Value> = found.iter().map(shown).collect();
        json!({"trades_sold_increment_get_response": {"total_results": list.len(), "trades": {"trade": list}}})
    }

    fn received(&self, params: &Params) -> Value {
        let found = listed(self.refunds.iter(), |refund| &refund.modified, params);
        let list: Vec<Value> = found.iter().map(|(id, _)| self.refund(id)).collect();
        json!({"refunds_receive_get_response": {"total_results": list.len(), "refunds": {"refund": list}}})
    }

    /// What is agreed to is named with its amount in fen and its version.
    fn agree(&mut self, infos: &str, now: Timestamp) -> Value {
        let no = json!({"rp_refunds_agree_response": {"succ": false, "msg_code": "OP_FAILURE"}});
        let [id, fen, version] = infos.split('|').collect::<Vec<_>>()[..] else { return no };
        let open = self.refunds.get_mut(id).filter(|refund| refund.status == "WAIT_SELLER_AGREE");
        let Some(refund) = open.filter(|_| version == REFUND_VERSION.to_string()) else { return no };
        let Some(trade) = self.trades.get_mut(&refund.tid) else { return no };
        let Some(paid) = fen_of(&trade.payment).filter(|paid| paid.to_string() == fen) else { return no };
        (refund.status, refund.modified) = ("SUCCESS", beijing(now));
        (trade.status, trade.refund_status, trade.modified) = ("TRADE_CLOSED", "SUCCESS", beijing(now));
        self.news.paid_back.push((refund.tid.clone(), paid));
        self.agreed += 1;
        json!({"rp_refunds_agree_response": {"succ": true, "msg_code": "OP_SUCC"}})
    }

    fn confirm(&mut self, ids: &str) -> Value {
        for id in ids.split(',').filter_map(|id| id.parse().ok()) {
            self.queue.remove(&id);
        }
        json!({"tmc_messages_confirm_response": {"is_success": true}})
    }

    /// Codes are taken once, each good for one use.
    fn hand_in(&mut self, params: &Params) -> Value {
        let (tid, codes) = (get(params, "order_id"), get(params, "verify_codes"));
        let single: Option<Vec<&str>> = codes.split(',').map(|code| code.strip_suffix(":1")).collect();
        let Some(trade) = self.trades.get_mut(tid) else { return failure(15, "isv.trade-not-exist") };
        let whole = single.filter(|codes| i64::try_from(codes.len()) == Ok(trade.num));
        match whole {
            Some(single) if trade.status == "WAIT_SELLER_SEND_GOODS" && trade.eticket => {
                trade.status = "WAIT_BUYER_CONFIRM_GOODS";
                trade.codes.push(codes.to_owned());
                self.news.handed.push((tid.to_owned(), single.into_iter().map(sha256_hex).collect()));
                json!({"vmarket_eticket_send_response": {"ret_code": 1}})
            }
            _ => failure(15, "isv.eticket-send-error:not-to-send"),
        }
    }

    fn detail(&self, tid: &str) -> Value {
        let Some(trade) = self.trades.get(tid) else { return failure(15, "isv.trade-not-exist") };
        let number: Value = serde_json::from_str(tid).unwrap_or_default();
        let refund = self.refunds.iter().find(|(_, refund)| refund.tid == tid).map(|(id, _)| id);
        let ext = if trade.eticket { json!("{\"isv\":1}") } else { Value::Null };
        json!({"trade_fullinfo_get_response": {"trade": {
            "tid": number, "status": trade.status, "payment": trade.payment, "eticket_ext": ext,
            "pay_time": trade.pay_time, "modified": trade.modified, "buyer_open_uid": trade.buyer,
            "orders": {"order": [{"oid": number, "num_iid": trade.num_iid, "sku_id": trade.sku_id, "num": trade.num,
                "status": trade.status, "refund_status": trade.refund_status, "refund_id": refund}]},
        }, "request_id": "1"}})
    }

    fn ship(&mut self, tid: &str) -> Value {
        match self.trades.get_mut(tid) {
            Some(trade) if trade.status == "WAIT_SELLER_SEND_GOODS" => {
                trade.status = "WAIT_BUYER_CONFIRM_GOODS";
                trade.shipped += 1;
                json!({"logistics_dummy_send_response": {"shipping": {"is_success": true}}})
            }
            _ => failure(15, "isv.logistics-dummy-service-error:B04"),
        }
    }

    fn set_stock(&mut self, params: &Params) -> Value {
        // 1: the figure replaces the one before it.
        let figure = get(params, "quantity").parse().ok().filter(|_| get(params, "type") == "1");
        let Some(figure) = figure else { return failure(41, "isv.invalid-parameter") };
        let item = match get(params, "sku_id") {
            "" => get(params, "num_iid").to_owned(),
            sku => format!("{}/{sku}", get(params, "num_iid")),
        };
        self.stock.insert(item, figure);
        json!({"item_quantity_update_response": {"item": {"num_iid": 1}}})
    }
}

/// What changed in a window, of things with the time of their change. These books are short: everything stands on the
/// first page.
fn listed<'a, T: 'a>(
    things: impl Iterator<Item = (&'a String, &'a T)>,
    modified: impl Fn(&T) -> &String,
    params: &Params,
) -> Vec<(&'a String, &'a T)> {
    // Texts of this form sort as times do.
    let window = get(params, "start_modified")..get(params, "end_modified");
    let first = get(params, "page_no") == "1";
    things.filter(|(_, thing)| first && window.contains(&modified(thing).as_str())).collect()
}

fn failure(code: i64, sub_code: &str) -> Value {
    json!({"error_response": {"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": "no", "request_id": "1"}})
}

/// The documented formula: the secret, names and values by name, the secret.
fn signature(params: &Params) -> String {
    let signed = params.iter().filter(|(name, _)| *name != "sign");
    let text: String = signed.flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
    md5_hex(format!("{SECRET}{text}{SECRET}")).to_uppercase()
}

impl Platform for Taobao {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let params: Params = call.form().into_iter().collect();
        let value = |name: &str| get(&params, name);
        let fresh =
            beijing(call.now.plus_secs(-TOLERANCE_SECS))..=beijing(call.now.plus_secs(TOLERANCE_SECS));
        let genuine = call.path == "/router/rest"
            && value("sign") == signature(&params)
            // The message queue is the app's, not a seller's.
            && (value("session") == SESSION || value("method").starts_with("taobao.tmc."))
            // Texts of this form sort as times do.
            && fresh.contains(&value("timestamp").to_owned());
        if !genuine {
            self.forged_calls += 1;
            return Answer::ok(&failure(25, "isv.invalid-signature"));
        }
        let answer = match value("method") {
            "taobao.trade.fullinfo.get" => self.detail(value("tid")),
            "taobao.logistics.dummy.send" => self.ship(value("tid")),
            "taobao.item.quantity.update" => self.set_stock(&params),
            "taobao.trades.sold.increment.get" => self.sold(&params),
            "taobao.refunds.receive.get" => self.received(&params),
            "taobao.refund.get" if self.refunds.contains_key(value("refund_id")) => {
                json!({"refund_get_response": {"refund": self.refund(value("refund_id"))}})
            }
            "taobao.rp.refunds.agree" => self.agree(value("refund_infos"), call.now),
            "taobao.tmc.messages.consume" => {
                let messages: Vec<&Value> = self.queue.values().collect();
                json!({"tmc_messages_consume_response": {"messages": {"tmc_message": messages}}})
            }
            "taobao.tmc.messages.confirm" => self.confirm(value("s_message_ids")),
            "taobao.vmarket.eticket.send" => self.hand_in(&params),
            _ => failure(22, "isv.invalid-method"),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&answer) }
    }
}

impl Bookkeeper for Taobao {
    fn news(&mut self) -> News {
        mem::take(&mut self.news)
    }
    fn forged_calls(&self) -> u32 {
        self.forged_calls
    }
}

/// What an e-ticket notice is about.
#[derive(Debug, Clone, Copy)]
pub struct Eticket<'a> {
    /// The trade.
    pub tid: &'a str,
    /// The item.
    pub num_iid: i64,
    /// The merchant's code of the item, where it has one.
    pub outer_iid: Option<&'a str>,
    /// How many codes are wanted.
    pub num: i64,
    /// What the codes must be handed in under: digits and letters.
    pub token: &'a str,
}

impl Eticket<'_> {
    /// A notice about it (`send`, `cancel`, `modified`), signed as a service call: topic `eticket`.
    pub fn notice(&self, method: &str, now: Timestamp) -> Signed {
        let (seller, at, num, item) =
            (SELLER.to_string(), beijing(now), self.num.to_string(), self.num_iid.to_string());
        let mut fields = vec![
            ("timestamp", at.as_str()),
            ("order_id", self.tid),
            ("mobile", "13800000000"),
            ("num", &num),
            ("method", method),
            ("taobao_sid", &seller),
            ("seller_nick", "shop"),
            ("item_title", "Steam 50"),
            ("num_iid", &item),
            ("token", self.token),
        ];
        fields.extend(self.outer_iid.map(|code| ("outer_iid", code)));
        let params: Params =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let sign = signature(&params);
        let pairs = params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = form::write(pairs.chain([("sign", sign.as_str())]));
        let topic = "eticket".to_owned();
        Signed { method: "GET", topic, query, headers: Vec::new(), body: Vec::new() }
    }
}

/// A notice about one unit of the item of [`Trade::paid`], whose code is `VIP-30`.
pub fn notice(method: &str, tid: &str, token: &str, now: Timestamp) -> Signed {
    let outer_iid = Some("VIP-30");
    Eticket { tid, num_iid: 520_813_250_866, outer_iid, num: 1, token }.notice(method, now)
}
