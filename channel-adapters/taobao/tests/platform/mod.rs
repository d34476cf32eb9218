//! A pretend Taobao: TOP's gateway, which checks our signatures by itself and keeps books, and its service calls.

use std::collections::BTreeMap;

use channel::legacy_sign::md5_hex;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const SECRET: &str = "topSecret0123456789abcdef0000001";
pub(crate) const SELLER: u64 = 2_074_082_786;

/// A trade of one part, with the fields that move.
#[derive(Clone)]
pub(crate) struct Trade {
    pub(crate) status: &'static str,
    pub(crate) payment: &'static str,
    pub(crate) num: i64,
    pub(crate) refund_status: &'static str,
    pub(crate) eticket: bool,
    /// Beijing time.
    pub(crate) modified: String,
    /// The codes that were handed in, call by call.
    pub(crate) codes: Vec<String>,
    /// How often it was marked shipped.
    pub(crate) shipped: u32,
}

impl Trade {
    pub(crate) fn paid(num: i64, payment: &'static str) -> Self {
        Self {
            status: "WAIT_SELLER_SEND_GOODS",
            payment,
            num,
            refund_status: "NO_REFUND",
            eticket: false,
            modified: "2026-01-02 11:00:01".to_owned(),
            codes: Vec::new(),
            shipped: 0,
        }
    }
}

/// Money that a buyer asks back.
#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) tid: String,
    pub(crate) status: &'static str,
    pub(crate) modified: String,
}

#[derive(Default)]
pub(crate) struct Taobao {
    pub(crate) trades: BTreeMap<String, Trade>,
    pub(crate) refunds: BTreeMap<String, Refund>,
    /// How often a refund was agreed to.
    pub(crate) agreed: u32,
    /// Messages that were not confirmed yet, by number.
    pub(crate) queue: BTreeMap<u64, Value>,
    pub(crate) stock: BTreeMap<String, i64>,
    pub(crate) forged_calls: u32,
}

impl Taobao {
    /// A buyer asks for the money of a trade.
    pub(crate) fn want_back(&mut self, refund: &str, tid: &str, now: Timestamp) {
        let trade = self.trades.get_mut(tid).expect("a trade");
        (trade.refund_status, trade.modified) = ("WAIT_SELLER_AGREE", beijing(now));
        let asked = Refund { tid: tid.to_owned(), status: "WAIT_SELLER_AGREE", modified: beijing(now) };
        self.refunds.insert(refund.to_owned(), asked);
    }

    /// Something about a trade goes into the message queue.
    pub(crate) fn tell(&mut self, id: u64, topic: &str, tid: &str) {
        let message = json!({"id": id, "topic": topic, "content": json!({"tid": tid}).to_string(),
            "user_id": SELLER, "pub_time": "2026-01-02 11:00:02"});
        self.queue.insert(id, message);
    }

    fn refund(&self, id: &str) -> Value {
        let Some(refund) = self.refunds.get(id) else { return failure(15, "isv.refund-not-exist") };
        json!({"refund_id": id, "tid": refund.tid, "status": refund.status, "modified": refund.modified,
            "refund_fee": self.trades[&refund.tid].payment, "refund_version": 1_767_229_200_123_i64,
            "refund_phase": "onsale"})
    }

    /// What changed in a window, of things with the time of their change.
    fn listed<'a, T: 'a>(
        things: impl Iterator<Item = (&'a String, &'a T)>,
        modified: impl Fn(&T) -> &String,
        params: &BTreeMap<String, String>,
    ) -> Vec<&'a String> {
        // Texts of this form sort as times do.
        let window = &params["start_modified"]..&params["end_modified"];
        assert_eq!(params["page_no"], "1", "these books are short");
        things.filter(|(_, thing)| window.contains(&modified(thing))).map(|(id, _)| id).collect()
    }

    fn sold(&self, params: &BTreeMap<String, String>) -> Value {
        let found = Self::listed(self.trades.iter(), |trade| &trade.modified, params);
        let shown = |tid: &&String| {
            let trade = &self.trades[*tid];
            json!({"tid": tid, "status": trade.status, "modified": trade.modified})
        };
        let list: Vec<Value> = found.iter().map(shown).collect();
        json!({"trades_sold_increment_get_response": {"total_results": list.len(), "trades": {"trade": list}}})
    }

    fn received(&self, params: &BTreeMap<String, String>) -> Value {
        let found = Self::listed(self.refunds.iter(), |refund| &refund.modified, params);
        let list: Vec<Value> = found.iter().map(|id| self.refund(id)).collect();
        json!({"refunds_receive_get_response": {"total_results": list.len(), "refunds": {"refund": list}}})
    }

    fn agree(&mut self, infos: &str, now: Timestamp) -> Value {
        let parts: Vec<&str> = infos.split('|').collect();
        let open = self.refunds.get_mut(parts[0]).filter(|refund| refund.status == "WAIT_SELLER_AGREE");
        let Some(refund) = open.filter(|_| parts[2] == "1767229200123") else {
            return json!({"rp_refunds_agree_response": {"succ": false, "msg_code": "OP_FAILURE"}});
        };
        let trade = self.trades.get_mut(&refund.tid).expect("a trade");
        assert_eq!(parts[1], trade.payment.replace('.', ""), "fen");
        (refund.status, refund.modified) = ("SUCCESS", beijing(now));
        (trade.status, trade.refund_status, trade.modified) = ("TRADE_CLOSED", "SUCCESS", beijing(now));
        self.agreed += 1;
        json!({"rp_refunds_agree_response": {"succ": true, "msg_code": "OP_SUCC"}})
    }

    fn confirm(&mut self, ids: &str) -> Value {
        for id in ids.split(',') {
            self.queue.remove(&id.parse().expect("a number"));
        }
        json!({"tmc_messages_confirm_response": {"is_success": true}})
    }

    fn hand_in(&mut self, params: &BTreeMap<String, String>) -> Value {
        match self.trades.get_mut(&params["order_id"]) {
            Some(trade) if trade.status == "WAIT_SELLER_SEND_GOODS" && trade.eticket => {
                trade.status = "WAIT_BUYER_CONFIRM_GOODS";
                trade.codes.push(params["verify_codes"].clone());
                json!({"vmarket_eticket_send_response": {"ret_code": 1}})
            }
            _ => failure(15, "isv.eticket-send-error:not-to-send"),
        }
    }

    fn detail(&self, tid: &str) -> Value {
        let Some(trade) = self.trades.get(tid) else { return failure(15, "isv.trade-not-exist") };
        let number: serde_json::Number = tid.parse().expect("a number");
        let refund = self.refunds.iter().find(|(_, refund)| refund.tid == tid).map(|(id, _)| id);
        let ext = if trade.eticket { json!("{\"isv\":1}") } else { Value::Null };
        json!({"trade_fullinfo_get_response": {"trade": {
            "tid": number, "status": trade.status, "payment": trade.payment, "eticket_ext": ext,
            "pay_time": "2026-01-02 11:00:00", "modified": trade.modified, "buyer_open_uid": "AAuid",
            "orders": {"order": [{"oid": number, "num_iid": 520_813_250_866_i64, "sku_id": "4011", "num": trade.num,
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

    fn stock(&mut self, params: &BTreeMap<String, String>) -> Value {
        assert_eq!(params["type"], "1");
        let item = format!("{}/{}", params["num_iid"], params["sku_id"]);
        self.stock.insert(item, params["quantity"].parse().expect("a number"));
        json!({"item_quantity_update_response": {"item": {"num_iid": 1}}})
    }
}

fn failure(code: i64, sub_code: &str) -> Value {
    json!({"error_response": {"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": "no", "request_id": "1"}})
}

fn digest(params: &BTreeMap<String, String>) -> String {
    let mut text = SECRET.to_owned();
    for (name, value) in params.iter().filter(|(name, _)| *name != "sign") {
        text.push_str(name);
        text.push_str(value);
    }
    text.push_str(SECRET);
    md5_hex(text.as_bytes()).to_uppercase()
}

/// Beijing time as the platform writes it.
pub(crate) fn beijing(at: Timestamp) -> String {
    at.plus_secs(28_800).to_string()[..19].replace('T', " ")
}

impl Platform for Taobao {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let params: BTreeMap<String, String> = call.form().into_iter().collect();
        let value = |name: &str| params.get(name).map_or("", String::as_str);
        let genuine = call.path == "/router/rest"
            && value("sign") == digest(&params)
            // The message queue is the app's, not a seller's.
            && (value("session") == "sess0001" || value("method").starts_with("taobao.tmc."))
            // Texts of this form sort as times do.
            && value("timestamp") >= beijing(call.now.plus_secs(-600)).as_str()
            && value("timestamp") <= beijing(call.now.plus_secs(600)).as_str();
        if !genuine {
            self.forged_calls += 1;
            return Answer::ok(&failure(25, "isv.invalid-signature"));
        }
        let answer = match value("method") {
            "taobao.trade.fullinfo.get" => self.detail(value("tid")),
            "taobao.logistics.dummy.send" => self.ship(value("tid")),
            "taobao.item.quantity.update" => self.stock(&params),
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

/// An e-ticket notice, signed as a service call.
pub(crate) fn notice(method: &str, order_id: &str, token: &str, now: Timestamp) -> Signed {
    let (seller, at) = (SELLER.to_string(), beijing(now));
    let fields = [
        ("timestamp", at.as_str()),
        ("order_id", order_id),
        ("mobile", "13800000000"),
        ("num", "1"),
        ("method", method),
        ("taobao_sid", &seller),
        ("seller_nick", "shop"),
        ("item_title", "Steam 50"),
        ("num_iid", "520813250866"),
        ("outer_iid", "VIP-30"),
        ("token", token),
    ];
    let params = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let sign = digest(&params);
    let mut query: Vec<String> =
        params.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "%20"))).collect();
    query.push(format!("sign={sign}"));
    Signed {
        method: "GET",
        topic: "eticket".to_owned(),
        query: query.join("&"),
        headers: Vec::new(),
        body: Vec::new(),
    }
}
