//! The pretend platforms' side of our calls: answered in this process from the truth. Each checks our
//! signature as the real one would; nothing leaves the machine.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use engine::Http;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::watch;
use vocabulary::Currency;

use super::{
    catalogue::{EPAY_HOST, EPAY_KEY, EPAY_PID, ERP_HOST, JD_HOST, Place, SUPPLY_HOST, yuan},
    truth::{SharedTruth, Truth},
    wire,
};

/// The platforms, by their hosts.
pub(crate) struct Platforms {
    truth: SharedTruth,
    open: watch::Receiver<bool>,
}

impl Platforms {
    /// Platforms that answer while `open` is true; at other times calls wait.
    pub(crate) fn gated(truth: SharedTruth, open: watch::Receiver<bool>) -> Self {
        Self { truth, open }
    }
    /// Platforms that always answer.
    pub(crate) fn open(truth: SharedTruth) -> Self {
        Self { truth, open: watch::channel(true).1 }
    }
}

#[async_trait]
impl Http for Platforms {
    async fn send(
        &self,
        request: &OutboundRequest,
        _: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        // Who held the gate is gone only when the world ends.
        self.open.clone().wait_for(|open| *open).await.map_err(|_| TransportFailure::NotSent)?;
        let mut truth = self.truth.lock();
        truth.calls += 1;
        let call = Call::of(request);
        let answer = match call.host.as_str() {
            EPAY_HOST => gateway(&mut truth, &call),
            SUPPLY_HOST => goofish_callback(&mut truth, &call),
            ERP_HOST => goofish_erp(&mut truth, &call),
            JD_HOST => jd_callback(&mut truth, &call),
            _ => {
                truth.faults.push(format!("a call to {} was made, which is no platform", call.host));
                return Err(TransportFailure::NotSent);
            }
        };
        let Some(answer) = answer else {
            truth.faults.push(format!("{} did not understand or believe a call to {}", call.host, call.path));
            return Ok(OutboundResponse {
                status: 400,
                headers: Vec::new(),
                retry_after: None,
                body: b"{}".to_vec(),
            });
        };
        Ok(OutboundResponse {
            status: 200,
            headers: Vec::new(),
            retry_after: None,
            body: answer.to_string().into_bytes(),
        })
    }
}

/// A call, taken apart.
struct Call<'a> {
    host: String,
    path: String,
    query: Vec<(String, String)>,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    fn of(request: &'a OutboundRequest) -> Self {
        let rest = request.url.strip_prefix("https://").unwrap_or_default();
        let (host, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self { host: host.to_owned(), path: path.to_owned(), query: pairs(query), body: &request.body }
    }
    fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(self.body))
    }
    fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let parts = text.split('&').filter_map(|part| part.split_once('='));
    parts.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

/// How an order stands, or pay it back.
fn gateway(truth: &mut Truth, call: &Call<'_>) -> Option<Value> {
    let refund = value(&call.query, "act") == "refund";
    let fields = if refund { call.form() } else { call.query.clone() };
    let known = value(&fields, "pid") == EPAY_PID && value(&fields, "key") == EPAY_KEY;
    if !known || call.path != "api.php" {
        return None;
    }
    if refund {
        let money = vocabulary::Money::from_major_text(value(&fields, "money"), Currency::CNY).ok()?;
        let txn = value(&fields, "trade_no");
        let (number, bill) = truth.bills.iter_mut().find(|(_, bill)| bill.txn == txn)?;
        let number = number.clone();
        bill.refunded += money.minor;
        if bill.refunded > bill.paid {
            truth.faults.push(format!("the gateway was to pay back more than {number} cost"));
        }
        truth.sale(Place::Own, &number)?.refunded += money.minor;
        return Some(json!({ "code": 1, "msg": "ok" }));
    }
    let number = value(&fields, "out_trade_no");
    Some(match truth.bills.get(number) {
        Some(bill) => json!({ "code": 1, "pid": EPAY_PID, "trade_no": bill.txn, "out_trade_no": number,
            "money": yuan(bill.paid).to_major_text(), "status": if bill.refunded > 0 { 2 } else { 1 } }),
        None => json!({ "code": -1, "msg": "no such order" }),
    })
}

/// The result of an order that goofish bought.
fn goofish_callback(truth: &mut Truth, call: &Call<'_>) -> Option<Value> {
    let sign = wire::supply_sign(call.body, value(&call.query, "timestamp"));
    let result = call.json().filter(|_| sign == value(&call.query, "sign"))?;
    let number = result["order_no"].as_str()?;
    for card in result["card_items"].as_array().into_iter().flatten() {
        truth.handed(Place::Xianyu, number, &supply_code(card)?);
    }
    Some(json!({ "code": 0, "msg": "OK" }))
}

/// The code of a card as goofish shows it: a pair has a number and a password, any other key is the password.
pub(crate) fn supply_code(card: &Value) -> Option<String> {
    let number = card["card_no"].as_str().filter(|text| !text.is_empty());
    number.or(card["card_pwd"].as_str()).map(str::to_owned)
}

/// An order read back, or a stock figure taken.
fn goofish_erp(truth: &mut Truth, call: &Call<'_>) -> Option<Value> {
    let sign = wire::erp_sign(call.body, value(&call.query, "timestamp"));
    let asked = call.json().filter(|_| sign == value(&call.query, "sign"))?;
    if call.path == "api/open/product/edit/stock" {
        truth.figures.insert(asked["product_id"].as_u64()?, asked["stock"].as_u64()?);
        return Some(json!({ "code": 0, "msg": "OK", "data": {} }));
    }
    let number = asked["order_no"].as_str()?.to_owned();
    let at: i64 = value(&call.query, "timestamp").parse().ok()?;
    let sale = truth.sale(Place::Xianyu, &number)?;
    let (order_status, refund_status, refunded) = sale.erp;
    let data = json!({ "order_no": number, "order_status": order_status, "order_type": 7,
        "refund_status": refund_status, "pay_amount": sale.total, "refund_amount": refunded,
        "refund_time": if refunded > 0 { at } else { 0 }, "update_time": at });
    Some(json!({ "code": 0, "msg": "OK", "data": data }))
}

/// The result of an order that JD could not be answered at once.
fn jd_callback(truth: &mut Truth, call: &Call<'_>) -> Option<Value> {
    let form = call.form();
    let (data, timestamp) = (value(&form, "data"), value(&form, "timestamp"));
    if call.path != "api/cardApi.action" || wire::jd_sign(data, timestamp) != value(&form, "sign") {
        return None;
    }
    // GBK, but for Chinese words the same as UTF-8; and those words do not matter here.
    let bytes = STANDARD.decode(data).ok()?;
    let result: Value = serde_json::from_str(&String::from_utf8_lossy(&bytes)).ok()?;
    let number = result["orderId"].as_str()?;
    for card in result["cardinfos"].as_array().into_iter().flatten() {
        truth.handed(Place::Jd, number, &jd_code(number, card)?);
    }
    Some(json!({ "retCode": "100", "retMessage": "" }))
}

/// The code of a card as JD shows it: where its number is made of the order's, the password is the key.
pub(crate) fn jd_code(order: &str, card: &Value) -> Option<String> {
    let number = card["cardno"].as_str()?;
    let made_up = number.starts_with(&format!("{order}-"));
    if made_up { card["cardpass"].as_str().map(str::to_owned) } else { Some(number.to_owned()) }
}
