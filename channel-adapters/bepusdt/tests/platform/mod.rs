//! A pretend gateway with signing code of its own: trades, what is paid, and what it tells and is asked.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use channel::{RawRequest, legacy_sign::md5_hex};
use serde_json::{Value, json, value::RawValue};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const TOKEN: &str = "TESTbepusdtToken01";

/// The signed text, written out a second time: numbers as they stand.
pub(crate) fn canonical(body: &[u8]) -> Option<String> {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).ok()?;
    let text = |raw: &RawValue| match serde_json::from_str::<Value>(raw.get()) {
        Ok(Value::String(text)) => text,
        Ok(Value::Number(_) | Value::Bool(_)) => raw.get().to_owned(),
        _ => String::new(),
    };
    let parts = fields.iter().map(|(name, raw)| (name, text(raw)));
    let signed = parts.filter(|(name, text)| name.as_str() != "signature" && !text.is_empty());
    Some(signed.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join("&"))
}

pub(crate) fn signature(body: &[u8], token: &str) -> Option<String> {
    Some(md5_hex(format!("{}{token}", canonical(body)?).as_bytes()))
}

/// A notification as a gateway sends it.
pub(crate) fn notification(body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type".into(), b"application/json".to_vec()),
            ("user-agent".into(), b"BEpusdt/1.30".to_vec()),
        ],
        body: body.into(),
        received_at: NOW,
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Trade {
    pub(crate) trade_id: String,
    /// In yuan, as it was asked for.
    pub(crate) money: String,
    pub(crate) status: i64,
}

/// The gateway's books.
#[derive(Default)]
pub(crate) struct Gateway {
    /// By the merchant's order number.
    pub(crate) trades: BTreeMap<String, Trade>,
    pub(crate) forged_calls: u32,
    pub(crate) asked: u32,
}

impl Gateway {
    /// Opens a trade, or finds the one that is open.
    pub(crate) fn open(&mut self, order_id: &str, money: &str) -> Trade {
        let trade_id = format!("b3d2477c-{:04}", self.trades.len() + 1);
        let fresh = Trade { trade_id, money: money.to_owned(), status: 1 };
        self.trades.entry(order_id.to_owned()).or_insert(fresh).clone()
    }

    /// The chain says that it is paid.
    pub(crate) fn pay(&mut self, order_id: &str, money: &str) {
        self.open(order_id, money);
        self.trades.get_mut(order_id).unwrap().status = 2;
    }

    /// What it posts about a trade: as it stands, or as somebody claims.
    pub(crate) fn notice(&self, order_id: &str, status: Option<i64>) -> Signed {
        let trade = &self.trades[order_id];
        let status = status.unwrap_or(trade.status);
        let chain = if status == 2 { "12ef6267b42e43959795cf31808d0cc7" } else { "" };
        let unsigned = format!(
            r#"{{"trade_id":"{}","order_id":"{order_id}","amount":{},"actual_amount":"4.01",
            "token":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","block_transaction_id":"{chain}","status":{status}"#,
            trade.trade_id, trade.money
        );
        let signature = signature(format!("{unsigned}}}").as_bytes(), TOKEN).unwrap();
        let body = format!(r#"{unsigned},"signature":"{signature}"}}"#).into_bytes();
        let headers = vec![("content-type", "application/json".to_owned())];
        Signed { method: "POST", topic: String::new(), query: String::new(), headers, body }
    }

    fn create(&mut self, body: &[u8]) -> Value {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        if signature(body, TOKEN).as_deref() != json["signature"].as_str() {
            self.forged_calls += 1;
            return json!({ "status_code": 400, "message": "签名错误" });
        }
        let order_id = json["order_id"].as_str().unwrap_or_default();
        let trade = self.open(order_id, &json["amount"].to_string());
        let payment_url = format!("https://usdt.example/pay/checkout-counter/{}", trade.trade_id);
        yes(&json!({ "trade_id": trade.trade_id, "order_id": order_id, "amount": trade.money,
            "actual_amount": "4.01", "payment_url": payment_url, "expiration_time": 1200 }))
    }

    fn info(&mut self, trade_id: &str) -> Value {
        self.asked += 1;
        let found = self.trades.iter().find(|(_, trade)| trade.trade_id == trade_id);
        let Some((order_id, trade)) = found else {
            return json!({ "status_code": 400, "message": "no such trade" });
        };
        yes(&json!({ "trade_id": trade_id, "order_id": order_id, "money": trade.money, "fiat": "CNY",
            "status": trade.status }))
    }

    fn check_status(&mut self, trade_id: &str) -> Value {
        let mut info = self.info(trade_id);
        if let Some(data) = info["data"].as_object_mut() {
            data.retain(|name, _| name == "trade_id" || name == "status");
        }
        info
    }
}

fn yes(data: &Value) -> Value {
    json!({ "status_code": 200, "message": "success", "data": data, "request_id": "" })
}

impl Platform for Gateway {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let json: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let body = match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/api/v1/order/create-transaction") => self.create(&call.body),
            ("POST", "/api/v1/pay/info") => self.info(json["trade_id"].as_str().unwrap_or_default()),
            ("GET", path) if path.starts_with("/pay/check-status/") => {
                self.check_status(path.trim_start_matches("/pay/check-status/"))
            }
            _ => return Answer { status: 404, body: String::new() },
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&body) }
    }
}
