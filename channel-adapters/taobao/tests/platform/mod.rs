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
            shipped: 0,
        }
    }
}

#[derive(Default)]
pub(crate) struct Taobao {
    pub(crate) trades: BTreeMap<String, Trade>,
    pub(crate) stock: BTreeMap<String, i64>,
    pub(crate) forged_calls: u32,
}

impl Taobao {
    fn detail(&self, tid: &str) -> Value {
        let Some(trade) = self.trades.get(tid) else { return failure(15, "isv.trade-not-exist") };
        let number: serde_json::Number = tid.parse().expect("a number");
        let ext = if trade.eticket { json!("{\"isv\":1}") } else { Value::Null };
        json!({"trade_fullinfo_get_response": {"trade": {
            "tid": number, "status": trade.status, "payment": trade.payment, "eticket_ext": ext,
            "pay_time": "2026-01-02 11:00:00", "modified": "2026-01-02 11:00:01", "buyer_open_uid": "AAuid",
            "orders": {"order": [{"oid": number, "num_iid": 520_813_250_866_i64, "sku_id": "4011", "num": trade.num,
                "status": trade.status, "refund_status": trade.refund_status}]},
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
            && value("session") == "sess0001"
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
