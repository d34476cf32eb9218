//! Alipay, as far as these tests need it: it signs notifications, checks our calls, signs its answers, and keeps
//! books of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{rand::SystemRandom, signature};
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};

pub(crate) const APP_ID: &str = "2021000000000001";
pub(crate) const SELLER_ID: &str = "2088102119685838";
pub(crate) const ALIPAY: &str = include_str!("../../fixtures/test-platform-private.pem");
pub(crate) const FOREIGN: &str = include_str!("../../fixtures/test-foreign-private.pem");
const APP_PUBLIC: &str = include_str!("../../fixtures/test-merchant-public.pem");

pub(crate) fn settings(base_url: &str, confirm_by_query: bool) -> Value {
    json!({
        "app_id": APP_ID, "seller_id": SELLER_ID,
        "app_private_key": include_str!("../../fixtures/test-merchant-private.pem"),
        "alipay_public_key": include_str!("../../fixtures/test-platform-public.pem"),
        "confirm_by_query": confirm_by_query,
        "base_url": base_url,
    })
}

fn der(pem: &str) -> Vec<u8> {
    let joined: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    STANDARD.decode(joined).unwrap()
}

thread_local! {
    /// Reading a private key takes longer than signing with it.
    static KEYS: RefCell<BTreeMap<String, Rc<signature::RsaKeyPair>>> = RefCell::default();
}

/// RSA with SHA-256, in base64.
pub(crate) fn rsa(pem: &str, text: &str) -> String {
    let key = KEYS.with_borrow_mut(|keys| {
        let read = || Rc::new(signature::RsaKeyPair::from_pkcs8(&der(pem)).unwrap());
        Rc::clone(keys.entry(pem.to_owned()).or_insert_with(read))
    });
    let mut tag = vec![0; key.public().modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut tag).unwrap();
    STANDARD.encode(tag)
}

/// The signed text: `own` takes no part.
pub(crate) fn sorted(fields: &[(String, String)], own: &[&str]) -> String {
    let mut kept: Vec<_> =
        fields.iter().filter(|(name, value)| !own.contains(&name.as_str()) && !value.is_empty()).collect();
    kept.sort();
    kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A notification on its way.
pub(crate) fn sent(fields: &[(String, String)]) -> Signed {
    let sign = rsa(ALIPAY, &sorted(fields, &["sign", "sign_type"]));
    let all = fields.iter().cloned().chain([("sign".to_owned(), sign)]);
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let body: Vec<String> =
        all.map(|(name, value)| format!("{}={}", encode(&name), encode(&value))).collect();
    let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type", content_type)],
        body: body.join("&").into_bytes(),
    }
}

/// A trade in Alipay's books.
#[derive(Clone)]
pub(crate) struct Trade {
    pub(crate) trade_no: String,
    pub(crate) fen: i64,
    pub(crate) status: &'static str,
    /// Number and fen; paid or, while Alipay is slow, only accepted.
    pub(crate) refunds: Vec<(String, i64, bool)>,
}

impl Trade {
    pub(crate) fn paid_back(&self) -> i64 {
        self.refunds.iter().filter(|(_, _, paid)| *paid).map(|(_, fen, _)| fen).sum()
    }
}

#[derive(Default)]
pub(crate) struct Books {
    /// By the merchant's order number.
    pub(crate) trades: BTreeMap<String, Trade>,
    /// Calls with a wrong signature.
    pub(crate) forged_calls: u32,
    pub(crate) slow_refunds: bool,
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

impl Books {
    pub(crate) fn pay(&mut self, order: &str, fen: i64, status: &'static str) {
        let trade_no = format!("20260102220014030305{:08}", self.trades.len() + 1);
        self.trades.insert(order.to_owned(), Trade { trade_no, fen, status, refunds: Vec::new() });
    }

    /// Money goes back, or is accepted to.
    pub(crate) fn refund(&mut self, order: &str, number: &str, fen: i64) {
        let paid = !self.slow_refunds;
        let trade = self.trades.get_mut(order).unwrap();
        trade.refunds.push((number.to_owned(), fen, paid));
        if trade.paid_back() == trade.fen {
            trade.status = "TRADE_CLOSED";
        }
    }

    /// The notification of a payment, or of the refund that is named.
    pub(crate) fn notice(&self, id: &str, order: &str, refund: Option<&str>) -> Vec<(String, String)> {
        let trade = &self.trades[order];
        let total = yuan(trade.fen);
        let mut fields = vec![
            ("notify_time", "2026-01-02 11:00:00"),
            ("notify_type", "trade_status_sync"),
            ("notify_id", id),
            ("app_id", APP_ID),
            ("charset", "utf-8"),
            ("version", "1.0"),
            ("sign_type", "RSA2"),
            ("trade_no", &trade.trade_no),
            ("out_trade_no", order),
            ("seller_id", SELLER_ID),
            ("trade_status", trade.status),
            ("total_amount", &total),
            ("receipt_amount", &total),
            ("subject", "Steam 50 元卡"),
            ("gmt_payment", "2026-01-02 10:59:58"),
        ];
        // Alipay tells what was paid back in all.
        let paid_back = yuan(trade.paid_back());
        if let Some(number) = refund {
            fields.extend([
                ("refund_fee", paid_back.as_str()),
                ("gmt_refund", "2026-01-02 12:00:00.123"),
                ("out_biz_no", number),
            ]);
        }
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn act(&mut self, method: &str, content: &Value) -> Value {
        let order = content["out_trade_no"].as_str().unwrap_or_default().to_owned();
        let number = content["out_request_no"].as_str().unwrap_or_default().to_owned();
        let Some(trade) = self.trades.get(&order).cloned() else { return no("ACQ.TRADE_NOT_EXIST") };
        let known = trade.refunds.iter().find(|(known, _, _)| *known == number).cloned();
        match method {
            "alipay.trade.query" => json!({ "code": "10000", "msg": "Success", "out_trade_no": order,
                "trade_no": trade.trade_no, "trade_status": trade.status, "total_amount": yuan(trade.fen) }),
            "alipay.trade.fastpay.refund.query" => match known {
                Some((_, fen, true)) => json!({ "code": "10000", "msg": "Success", "out_trade_no": order,
                    "trade_no": trade.trade_no, "out_request_no": number, "total_amount": yuan(trade.fen),
                    "refund_amount": yuan(fen), "refund_status": "REFUND_SUCCESS" }),
                _ => json!({ "code": "10000", "msg": "Success" }),
            },
            "alipay.trade.refund" => {
                let amount =
                    content["refund_amount"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
                let accepted: i64 = trade.refunds.iter().map(|(_, fen, _)| fen).sum();
                if known.is_none() && accepted + amount > trade.fen {
                    return no("ACQ.REASON_TRADE_REFUND_FEE_ERR");
                }
                let moved = if known.is_none() && !self.slow_refunds { "Y" } else { "N" };
                if known.is_none() {
                    self.refund(&order, &number, amount);
                }
                json!({ "code": "10000", "msg": "Success", "out_trade_no": order, "trade_no": trade.trade_no,
                    "fund_change": moved, "refund_fee": yuan(self.trades[&order].paid_back()) })
            }
            _ => no("isv.invalid-method"),
        }
    }
}

fn no(sub_code: &str) -> Value {
    json!({ "code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "no" })
}

/// Whether the application signed a call: all fields but `sign`, sorted.
fn is_genuine(call: &Call, form: &[(String, String)]) -> bool {
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value);
    let spki = der(APP_PUBLIC);
    // The PKCS#1 key follows the 24 bytes of the envelope.
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    let text = sorted(form, &["sign"]);
    let signed = STANDARD.decode(field("sign")).is_ok_and(|tag| key.verify(text.as_bytes(), &tag).is_ok());
    let fixed = [("app_id", APP_ID), ("sign_type", "RSA2"), ("charset", "utf-8"), ("version", "1.0")];
    // Chinese time reads like UTC eight hours later, and such texts sort as their times do.
    let text_of =
        |secs: i64| call.now.plus_secs(8 * 3600 + secs).to_string().replace('T', " ")[..19].to_owned();
    let fresh = (text_of(-300)..=text_of(0)).contains(&field("timestamp").to_owned());
    signed && fresh && fixed.iter().all(|(name, value)| field(name) == *value)
}

/// An answer, signed over the text of its response.
pub(crate) fn signed(method: &str, response: &str, key: &str) -> String {
    let name = format!("{}_response", method.replace('.', "_"));
    format!("{{\"{name}\":{response},\"sign\":\"{}\"}}", rsa(key, response))
}

impl Platform for Books {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let form = call.form();
        if call.method != "POST" || call.path != "/gateway.do" || !is_genuine(call, &form) {
            self.forged_calls += 1;
            let body = json!({ "error_response": { "code": "40002", "sub_code": "isv.invalid-signature" } });
            return Answer::ok(&body);
        }
        let field = |name: &str| form.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value);
        let content = serde_json::from_str(field("biz_content")).unwrap();
        let response = self.act(field("method"), &content).to_string();
        Answer { status: 200, body: signed(field("method"), &response, if spoil { FOREIGN } else { ALIPAY }) }
    }
}
