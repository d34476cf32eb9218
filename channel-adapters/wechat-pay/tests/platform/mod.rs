//! WeChat Pay, as far as these tests need it: it seals and signs notifications, checks our calls, signs its answers,
//! and keeps books of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{aead, rand::SystemRandom, signature};
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const MCHID: &str = "1900009191";
pub(crate) const APPID: &str = "wxd678efh567hg6787";
pub(crate) const APIV3_KEY: &str = "TESTONLYapiv3key0123456789abcdef";
pub(crate) const SERIAL: &str = "PUB_KEY_ID_0119000091912024111100000001";
pub(crate) const OLD_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub(crate) const PLATFORM: &str = include_str!("../../fixtures/test-platform-private.pem");
pub(crate) const OLDER: &str = include_str!("../../fixtures/test-older-private.pem");
pub(crate) const FOREIGN: &str = include_str!("../../fixtures/test-foreign-private.pem");
const MERCHANT_PUBLIC: &str = include_str!("../../fixtures/test-merchant-public.pem");

pub(crate) fn settings(base_url: &str, confirm_by_query: bool) -> Value {
    json!({
        "mchid": MCHID, "appid": APPID, "apiv3_key": APIV3_KEY,
        "merchant_serial_no": "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
        "merchant_private_key": include_str!("../../fixtures/test-merchant-private.pem"),
        "platform_keys": [
            { "id": SERIAL, "key": include_str!("../../fixtures/test-platform-public.pem") },
            { "id": OLD_SERIAL, "key": include_str!("../../fixtures/test-older-certificate.pem") },
        ],
        "refund_notify_url": "https://shop.example/in/wechat-pay/pay",
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
pub(crate) fn rsa(pem: &str, text: &[u8]) -> String {
    let key = KEYS.with_borrow_mut(|keys| {
        let read = || Rc::new(signature::RsaKeyPair::from_pkcs8(&der(pem)).unwrap());
        Rc::clone(keys.entry(pem.to_owned()).or_insert_with(read))
    });
    let mut tag = vec![0; key.public().modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut tag).unwrap();
    STANDARD.encode(tag)
}

/// The signature of a notification or an answer.
pub(crate) fn signature_of(pem: &str, time: &str, nonce: &str, body: &[u8]) -> String {
    rsa(pem, &[time.as_bytes(), b"\n", nonce.as_bytes(), b"\n", body, b"\n"].concat())
}

fn headers(pem: &str, now: Timestamp, body: &[u8]) -> Vec<(&'static str, String)> {
    let (time, nonce) = (now.secs().to_string(), "q7Zr1kXnU0d8WcYf2LhT5sBvMa9EgJ3R");
    let signature = signature_of(pem, &time, nonce, body);
    vec![
        ("wechatpay-serial", SERIAL.to_owned()),
        ("wechatpay-timestamp", time),
        ("wechatpay-nonce", nonce.to_owned()),
        ("wechatpay-signature", signature),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
    ]
}

/// AES-256-GCM under the APIv3 key, as a notification's resource.
pub(crate) fn sealed(kind: &str, plain: &Value) -> Value {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, APIV3_KEY.as_bytes()).unwrap();
    let nonce = aead::Nonce::try_assume_unique_for_key(b"ciZHu21IZLyv").unwrap();
    let mut data = plain.to_string().into_bytes();
    let aad = aead::Aad::from(kind.as_bytes());
    aead::LessSafeKey::new(key).seal_in_place_append_tag(nonce, aad, &mut data).unwrap();
    json!({ "original_type": kind, "algorithm": "AEAD_AES_256_GCM", "ciphertext": STANDARD.encode(data),
        "associated_data": kind, "nonce": "ciZHu21IZLyv" })
}

/// A notification's body.
pub(crate) fn envelope(id: &str, event_type: &str, plain: &Value) -> Value {
    let kind = if event_type.starts_with("REFUND") { "refund" } else { "transaction" };
    json!({ "id": id, "create_time": "2026-01-02T11:00:00+08:00", "resource_type": "encrypt-resource",
        "event_type": event_type, "summary": "支付成功", "resource": sealed(kind, plain) })
}

/// A notification on its way.
pub(crate) fn sent(envelope: &Value, now: Timestamp) -> Signed {
    let body = envelope.to_string().into_bytes();
    let mut all = headers(PLATFORM, now, &body);
    all.push(("content-type", "application/json".to_owned()));
    Signed { method: "POST", topic: String::new(), query: String::new(), headers: all, body }
}

#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) number: String,
    pub(crate) fen: i64,
    pub(crate) status: &'static str,
}

/// A payment in WeChat Pay's books.
#[derive(Clone)]
pub(crate) struct Payment {
    pub(crate) txn: String,
    pub(crate) fen: i64,
    pub(crate) state: &'static str,
    pub(crate) refunds: Vec<Refund>,
}

#[derive(Default)]
pub(crate) struct Books {
    /// By the merchant's order number.
    pub(crate) payments: BTreeMap<String, Payment>,
    /// Calls with a wrong signature.
    pub(crate) forged_calls: u32,
    /// Refunds take time.
    pub(crate) slow_refunds: bool,
}

impl Books {
    pub(crate) fn pay(&mut self, order: &str, fen: i64, state: &'static str) {
        let txn = format!("4200002026010200000000{:06}", self.payments.len() + 1);
        self.payments.insert(order.to_owned(), Payment { txn, fen, state, refunds: Vec::new() });
    }

    pub(crate) fn transaction(&self, order: &str) -> Value {
        let payment = &self.payments[order];
        let amount = json!({ "total": payment.fen, "payer_total": payment.fen - 1, "currency": "CNY" });
        json!({ "mchid": MCHID, "appid": APPID, "out_trade_no": order, "transaction_id": payment.txn,
            "trade_type": "NATIVE", "trade_state": payment.state, "amount": amount })
    }

    /// A refund as notifications tell it.
    pub(crate) fn refund(&self, order: &str, number: &str) -> Value {
        let (payment, refund) = (&self.payments[order], self.found(number).unwrap().1);
        json!({ "mchid": MCHID, "out_trade_no": order, "transaction_id": payment.txn,
            "out_refund_no": refund.number, "refund_id": format!("50{number}"), "refund_status": refund.status,
            "amount": { "total": payment.fen, "refund": refund.fen, "payer_total": payment.fen } })
    }

    fn found(&self, number: &str) -> Option<(String, Refund)> {
        let of = |(order, payment): (&String, &Payment)| {
            let refund = payment.refunds.iter().find(|refund| refund.number == number)?;
            Some((order.clone(), refund.clone()))
        };
        self.payments.iter().find_map(of)
    }

    fn shown(&self, number: &str) -> Answer {
        let Some((order, refund)) = self.found(number) else { return failure(404, "RESOURCE_NOT_EXISTS") };
        let payment = &self.payments[&order];
        Answer::ok(&json!({ "refund_id": format!("50{number}"), "out_refund_no": number,
            "transaction_id": payment.txn, "out_trade_no": order, "status": refund.status,
            "amount": { "total": payment.fen, "refund": refund.fen, "currency": "CNY" } }))
    }

    fn pay_back(&mut self, call: &Call) -> Answer {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let (number, fen) =
            (body["out_refund_no"].as_str().unwrap(), body["amount"]["refund"].as_i64().unwrap());
        if self.found(number).is_some() {
            return self.shown(number);
        }
        let status = if self.slow_refunds { "PROCESSING" } else { "SUCCESS" };
        let payment = self.payments.values_mut().find(|payment| body["transaction_id"] == payment.txn);
        let Some(payment) = payment else { return failure(404, "RESOURCE_NOT_EXISTS") };
        let gone: i64 = payment.refunds.iter().map(|refund| refund.fen).sum();
        if gone + fen > payment.fen || body["amount"]["total"] != payment.fen {
            return failure(400, "INVALID_REQUEST");
        }
        payment.refunds.push(Refund { number: number.to_owned(), fen, status });
        self.shown(number)
    }

    fn act(&mut self, call: &Call) -> Answer {
        let refunds = "/v3/refund/domestic/refunds";
        let orders = "/v3/pay/transactions/out-trade-no/";
        if call.method == "POST" && call.path == refunds {
            return self.pay_back(call);
        }
        if let Some(number) = call.path.strip_prefix(&format!("{refunds}/")) {
            return self.shown(number);
        }
        match call.path.strip_prefix(orders) {
            Some(order) if self.payments.contains_key(order) && call.param("mchid") == MCHID => {
                Answer::ok(&self.transaction(order))
            }
            _ => failure(404, "ORDER_NOT_EXIST"),
        }
    }
}

fn failure(status: u16, code: &str) -> Answer {
    Answer { status, body: json!({ "code": code, "message": "no" }).to_string() }
}

/// Whether the merchant signed a call: method, address, time, nonce and body, each with a line feed.
fn is_genuine(call: &Call) -> bool {
    let Some(pairs) = call.header("authorization").strip_prefix("WECHATPAY2-SHA256-RSA2048 ") else {
        return false;
    };
    let field = |name: &str| {
        let of =
            |pair: &str| Some(pair.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')?.to_owned());
        pairs.split(',').find_map(of).unwrap_or_default()
    };
    let query: Vec<String> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let address = format!("{}{mark}{}", call.path, query.join("&"));
    let (time, nonce) = (field("timestamp"), field("nonce_str"));
    let body = String::from_utf8(call.body.clone()).unwrap();
    let text = format!("{}\n{address}\n{time}\n{nonce}\n{body}\n", call.method);
    let spki = der(MERCHANT_PUBLIC);
    // The PKCS#1 key follows the 24 bytes of the envelope.
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    let signed =
        STANDARD.decode(field("signature")).is_ok_and(|tag| key.verify(text.as_bytes(), &tag).is_ok());
    let fresh = time.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) < 300);
    signed
        && fresh
        && nonce.len() == 32
        && field("mchid") == MCHID
        && call.header("wechatpay-serial") == SERIAL
}

impl Platform for Books {
    fn answer(&mut self, call: &Call, _: bool) -> Answer {
        if !is_genuine(call) {
            self.forged_calls += 1;
            return failure(401, "SIGN_ERROR");
        }
        self.act(call)
    }

    fn headers(&mut self, call: &Call, answer: &Answer, spoil: bool) -> Vec<(&'static str, String)> {
        headers(if spoil { FOREIGN } else { PLATFORM }, call.now, answer.body.as_bytes())
    }
}
