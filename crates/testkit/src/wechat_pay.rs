//! WeChat Pay (微信支付), interface v3: seals and signs its notifications, shows payments, pays them back, and signs its
//! answers.

use std::{collections::BTreeMap, mem};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    digest::{RsaKey, aes_256_gcm},
    drive::Signed,
    epay::Epay,
    pretend::{Answer, Bookkeeper, Call, News, Platform},
};

/// The merchant's number.
pub const MCHID: &str = "1900009191";
/// The application.
pub const APPID: &str = "wxd678efh567hg6787";
/// Opens what notifications seal.
pub const APIV3_KEY: &str = "TESTONLYapiv3key0123456789abcdef";
/// Names the key that WeChat Pay signs with.
pub const SERIAL: &str = "PUB_KEY_ID_0119000091912024111100000001";
/// The nonce of every seal and signature. A real platform draws it; here equal runs must be equal.
const SEAL_NONCE: &str = "ciZHu21IZLyv";
const NONCE: &str = "q7Zr1kXnU0d8WcYf2LhT5sBvMa9EgJ3R";
/// How far a call's time may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;

/// What the gateway's account is connected with; with `confirm_by_query` a notification is believed only once a call
/// confirmed it. `base_url` is without a slash at the end.
pub fn settings(base_url: &str, confirm_by_query: bool) -> Value {
    json!({ "mchid": MCHID, "appid": APPID, "apiv3_key": APIV3_KEY,
        "merchant_serial_no": "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
        "merchant_private_key": Epay::TEST_MERCHANT_PRIVATE.trim(),
        "platform_keys": [{ "id": SERIAL, "key": Epay::TEST_PLATFORM_PUBLIC.trim() }],
        "confirm_by_query": confirm_by_query, "base_url": base_url })
}

/// Money that went back, or is about to. Its amount is fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The merchant's number.
    pub number: String,
    /// How much.
    pub fen: i64,
    /// `PROCESSING` or `SUCCESS`.
    pub status: &'static str,
}

/// A payment in the books. Its amount is fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// WeChat Pay's number.
    pub txn: String,
    /// What was paid.
    pub fen: i64,
    /// `SUCCESS`, or `NOTPAY`.
    pub state: &'static str,
    /// What went back.
    pub refunds: Vec<Refund>,
}

/// The gateway.
pub struct WechatPay {
    merchant: RsaKey,
    platform: RsaKey,
    /// By the merchant's order numbers.
    pub payments: BTreeMap<String, Payment>,
    /// Calls with a wrong signature or time.
    pub forged_calls: u32,
    /// Refunds take time.
    pub slow_refunds: bool,
    news: News,
}

impl WechatPay {
    /// A gateway for tests, with the test keys that [`settings`] name.
    ///
    /// # Panics
    /// Where the keys that came with this crate cannot be read.
    pub fn test() -> Self {
        let key = |text| RsaKey::read(text).unwrap_or_else(|| panic!("the test keys are RSA keys"));
        Self {
            merchant: key(Epay::TEST_MERCHANT_PRIVATE),
            platform: key(Epay::TEST_PLATFORM_PRIVATE),
            payments: BTreeMap::new(),
            forged_calls: 0,
            slow_refunds: false,
            news: News::default(),
        }
    }

    /// A buyer pays an order, unless it is paid already.
    pub fn pay(&mut self, order: &str, fen: i64) {
        let txn = format!("4200002026010200000000{:06}", self.payments.len() + 1);
        let payment = Payment { txn, fen, state: "SUCCESS", refunds: Vec::new() };
        self.payments.entry(order.to_owned()).or_insert(payment);
    }

    /// A payment as answers and notifications tell it; null where there is none. A coupon lowers what the buyer pays,
    /// not what the order costs.
    pub fn transaction(&self, order: &str) -> Value {
        let Some(payment) = self.payments.get(order) else { return Value::Null };
        let amount = json!({ "total": payment.fen, "payer_total": payment.fen - 1, "currency": "CNY" });
        json!({ "mchid": MCHID, "appid": APPID, "out_trade_no": order, "transaction_id": payment.txn,
            "trade_type": "JSAPI", "trade_state": payment.state, "amount": amount })
    }

    /// The notification that an order is paid.
    pub fn paid(&self, order: &str, now: Timestamp) -> Signed {
        self.notice(&format!("EV-{order}"), "TRANSACTION.SUCCESS", &self.transaction(order), now)
    }

    /// The notification that a refund was paid.
    pub fn paid_back(&self, order: &str, number: &str, now: Timestamp) -> Signed {
        let found = self.payments.get(order).zip(self.found(number));
        let plain = found.map_or(Value::Null, |(payment, (_, refund))| {
            json!({ "mchid": MCHID, "out_trade_no": order, "transaction_id": payment.txn,
                "out_refund_no": number, "refund_id": format!("50{number}"), "refund_status": refund.status,
                "amount": { "total": payment.fen, "refund": refund.fen, "payer_total": payment.fen } })
        });
        self.notice(&format!("EV-{number}"), "REFUND.SUCCESS", &plain, now)
    }

    /// A notification, sealed and signed.
    pub fn notice(&self, id: &str, event_type: &str, plain: &Value, now: Timestamp) -> Signed {
        let kind = if event_type.starts_with("REFUND") { "refund" } else { "transaction" };
        let body = json!({ "id": id, "create_time": now.to_string(), "resource_type": "encrypt-resource",
            "event_type": event_type, "summary": "支付成功", "resource": sealed(kind, plain) });
        let body = body.to_string().into_bytes();
        let mut headers = headers(&self.platform, now, &body);
        headers.push(("content-type", "application/json".to_owned()));
        Signed { method: "POST", topic: String::new(), query: String::new(), headers, body }
    }

    fn found(&self, number: &str) -> Option<(&String, &Refund)> {
        let all =
            self.payments.iter().flat_map(|(order, payment)| payment.refunds.iter().map(move |r| (order, r)));
        all.into_iter().find(|(_, refund)| refund.number == number)
    }

    fn shown(&self, number: &str) -> Answer {
        let found =
            self.found(number).and_then(|(order, refund)| Some((order, refund, self.payments.get(order)?)));
        let Some((order, refund, payment)) = found else { return failure(404, "RESOURCE_NOT_EXISTS") };
        Answer::ok(&json!({ "refund_id": format!("50{number}"), "out_refund_no": number,
            "transaction_id": payment.txn, "out_trade_no": order, "status": refund.status,
            "amount": { "total": payment.fen, "refund": refund.fen, "currency": "CNY" } }))
    }

    /// A number is paid back once; never more than was paid.
    fn pay_back(&mut self, call: &Call) -> Answer {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let number = body["out_refund_no"].as_str().unwrap_or_default().to_owned();
        let fen = body["amount"]["refund"].as_i64().unwrap_or_default();
        if self.found(&number).is_some() {
            return self.shown(&number);
        }
        let status = if self.slow_refunds { "PROCESSING" } else { "SUCCESS" };
        let found = self.payments.iter_mut().find(|(_, payment)| body["transaction_id"] == payment.txn);
        let Some((order, payment)) = found else { return failure(404, "RESOURCE_NOT_EXISTS") };
        let gone: i64 = payment.refunds.iter().map(|refund| refund.fen).sum();
        let sound = fen > 0 && gone + fen <= payment.fen && body["amount"]["total"] == payment.fen;
        if !sound || number.is_empty() {
            return failure(400, "INVALID_REQUEST");
        }
        payment.refunds.push(Refund { number: number.clone(), fen, status });
        self.news.paid_back.push((order.clone(), fen));
        self.shown(&number)
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

    /// Whether the merchant signed a call: method, address, time, nonce and body, each with a line feed.
    fn is_genuine(&self, call: &Call) -> bool {
        let scheme = "WECHATPAY2-SHA256-RSA2048 ";
        let Some(pairs) = call.header("authorization").strip_prefix(scheme) else { return false };
        let field = |name: &str| {
            let of = |pair: &str| {
                Some(pair.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')?.to_owned())
            };
            pairs.split(',').find_map(of).unwrap_or_default()
        };
        let query: Vec<String> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let address = format!("{}{mark}{}", call.path, query.join("&"));
        let (time, nonce) = (field("timestamp"), field("nonce_str"));
        let body = String::from_utf8_lossy(&call.body);
        let text = format!("{}\n{address}\n{time}\n{nonce}\n{body}\n", call.method);
        let fresh = time.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) < TOLERANCE_SECS);
        self.merchant.verifies(&text, &field("signature"))
            && fresh
            && nonce.len() == 32
            && field("mchid") == MCHID
            && call.header("wechatpay-serial") == SERIAL
    }
}

/// What a notification tells, as its resource.
fn sealed(kind: &str, plain: &Value) -> Value {
    let data = aes_256_gcm(
        APIV3_KEY.as_bytes(),
        SEAL_NONCE.as_bytes(),
        kind.as_bytes(),
        plain.to_string().as_bytes(),
    );
    json!({ "original_type": kind, "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": STANDARD.encode(data.unwrap_or_default()), "associated_data": kind, "nonce": SEAL_NONCE })
}

/// The headers of a notification or an answer, signed over time, nonce and body.
fn headers(key: &RsaKey, now: Timestamp, body: &[u8]) -> Vec<(&'static str, String)> {
    let time = now.secs().to_string();
    let signature = key.sign(&format!("{time}\n{NONCE}\n{}\n", String::from_utf8_lossy(body)));
    vec![
        ("wechatpay-serial", SERIAL.to_owned()),
        ("wechatpay-timestamp", time),
        ("wechatpay-nonce", NONCE.to_owned()),
        ("wechatpay-signature", signature),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
    ]
}

fn failure(status: u16, code: &str) -> Answer {
    Answer { status, body: json!({ "code": code, "message": "no" }).to_string() }
}

impl Platform for WechatPay {
    fn answer(&mut self, call: &Call, _: bool) -> Answer {
        if !self.is_genuine(call) {
            self.forged_calls += 1;
            return failure(401, "SIGN_ERROR");
        }
        self.act(call)
    }

    fn headers(&mut self, call: &Call, answer: &Answer, spoil: bool) -> Vec<(&'static str, String)> {
        headers(if spoil { &self.merchant } else { &self.platform }, call.now, answer.body.as_bytes())
    }
}

impl Bookkeeper for WechatPay {
    fn news(&mut self) -> News {
        mem::take(&mut self.news)
    }
    fn forged_calls(&self) -> u32 {
        self.forged_calls
    }
}
