//! JD's game-card platform (card.jd.com): takes the results of orders.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::GBK;
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    accounts::JdCustomer,
    digest::{md5_hex, sha256_hex},
    form::{self, Pairs},
    pretend::{Answer, Call, Platform},
};

/// How far a time stamp may be off, in seconds.
const TOLERANCE_SECS: i64 = 300;

/// `k=v&…&privateKey`, sorted, values before url-encoding.
pub(crate) fn signature(customer: &JdCustomer, fields: &Pairs) -> String {
    md5_hex(format!("{}&{}", form::sorted(fields, &["sign"]), customer.private_key.expose()))
}

/// `yyyyMMddHHmmss` in Beijing.
pub(crate) fn beijing(at: Timestamp) -> String {
    at.plus_secs(8 * 3_600).to_string().chars().filter(char::is_ascii_digit).take(14).collect()
}

/// The result of an order, as it was told to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderResult {
    /// 0 success, 1 working, 2 failed.
    pub status: u8,
    /// SHA-256 of each card's password.
    pub cards: Vec<String>,
    /// Why it failed, in JD's code.
    pub failed_code: Option<String>,
    /// How often it came.
    pub times: u32,
}

/// The platform.
pub struct JdCard {
    customer: JdCustomer,
    /// Results by JD's order number.
    pub results: BTreeMap<String, OrderResult>,
    /// Calls with a wrong signature or time.
    pub forged_calls: u32,
}

impl JdCard {
    /// One for tests, with [`JdCustomer::test`].
    pub fn test() -> Self {
        Self { customer: JdCustomer::test(), results: BTreeMap::new(), forged_calls: 0 }
    }

    fn is_genuine(&self, fields: &Pairs, now: Timestamp) -> bool {
        // Written this way, later times are greater texts.
        let window = beijing(now.plus_secs(-TOLERANCE_SECS))..=beijing(now.plus_secs(TOLERANCE_SECS));
        form::get(fields, "customerId") == self.customer.customer_id.to_string()
            && form::get(fields, "sign") == signature(&self.customer, fields)
            && window.contains(&form::get(fields, "timestamp").to_owned())
    }

    /// The data is Base64 of JSON in GBK; cards come all at once or not at all.
    fn told(fields: &Pairs) -> Option<(String, OrderResult)> {
        let bytes = STANDARD.decode(form::get(fields, "data")).ok()?;
        let text = GBK.decode_without_bom_handling_and_without_replacement(&bytes)?;
        let data: Value = serde_json::from_str(&text).ok()?;
        let status = data["orderStatus"].as_str()?.parse().ok()?;
        let cards = data["cardinfos"].as_array().cloned().unwrap_or_default();
        let complete = |card: &Value| card["cardno"].is_string() && card["cardpass"].is_string();
        let sensible = status <= 2 && cards.iter().all(complete) && (status == 0) != cards.is_empty();
        let digest = |card: &Value| sha256_hex(card["cardpass"].as_str().unwrap_or_default());
        let result = OrderResult {
            status,
            cards: cards.iter().map(digest).collect(),
            failed_code: data["failedCode"].as_str().map(str::to_owned),
            times: 1,
        };
        sensible.then_some((data["orderId"].as_str()?.to_owned(), result))
    }
}

impl Platform for JdCard {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        if call.path != "/api/cardApi.action" {
            return Answer { status: 404, body: String::new() };
        }
        let fields = if call.method == "GET" { call.query.clone() } else { call.form() };
        if !self.is_genuine(&fields, call.now) {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "retCode": "106", "retMessage": "签名错误" }));
        }
        let Some((order, result)) = Self::told(&fields) else {
            return Answer::ok(&json!({ "retCode": "104", "retMessage": "参数错误" }));
        };
        match self.results.get_mut(&order) {
            Some(known) => known.times += 1,
            None => {
                self.results.insert(order, result);
            }
        }
        if spoil {
            return Answer { status: 200, body: "<html>".to_owned() };
        }
        Answer::ok(&json!({ "retCode": "100", "retMessage": "接收成功" }))
    }
}
