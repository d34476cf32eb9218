//! An epay (易支付) gateway: V1 with MD5 and the key in the call, V2 with RSA and signed answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    accounts::EpayAccount,
    digest::RsaKey,
    form::{self, Pairs},
    pretend::{Answer, Call, Platform},
};

/// How far a V2 time stamp may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// 0: the buyer has not paid.
    Unpaid,
    /// 1: paid.
    Paid,
    /// 2: paid back in full.
    TakenBack,
}

/// A payment in the gateway's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The gateway's number.
    pub trade_no: String,
    /// The merchant's number.
    pub out_trade_no: String,
    /// How much, in fen.
    pub fen: i64,
    /// How it stands.
    pub status: PaymentStatus,
    /// What was paid back, call by call, in fen: V1 has no numbers, so two calls are two entries.
    pub refunds: Vec<(String, i64)>,
}

impl Payment {
    /// What was paid back in all, in fen.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|(_, fen)| fen).sum()
    }
    /// Yuan, as the gateway writes them: without zeros at the end.
    pub fn money(&self) -> String {
        let text = form::yuan_of(self.fen);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// The gateway.
pub struct Epay {
    account: EpayAccount,
    merchant: RsaKey,
    platform: RsaKey,
    /// Payments by the merchant's number.
    pub payments: BTreeMap<String, Payment>,
    /// Calls with a wrong key or signature.
    pub forged_calls: u32,
    /// How often each kind of call was acted on: `order`, `refund`.
    pub calls: BTreeMap<&'static str, u32>,
}

impl Epay {
    /// The merchant's key of V2 for tests: one line of base64, PKCS#8.
    pub const TEST_MERCHANT_PRIVATE: &'static str = include_str!("../keys/test-merchant-private.txt");
    /// The gateway's key of V2 for tests: one line of base64, SubjectPublicKeyInfo.
    pub const TEST_PLATFORM_PUBLIC: &'static str = include_str!("../keys/test-platform-public.txt");
    pub(crate) const TEST_PLATFORM_PRIVATE: &'static str = include_str!("../keys/test-platform-private.txt");

    /// A gateway for tests: [`Epay::test_account`], and the test keys of V2.
    ///
    /// # Panics
    /// Where the keys that came with this crate cannot be read.
    pub fn test() -> Self {
        let key = |text| RsaKey::read(text).unwrap_or_else(|| panic!("the test keys are RSA keys"));
        Self {
            account: EpayAccount::test(),
            merchant: key(Self::TEST_MERCHANT_PRIVATE),
            platform: key(Self::TEST_PLATFORM_PRIVATE),
            payments: BTreeMap::new(),
            forged_calls: 0,
            calls: BTreeMap::new(),
        }
    }

    /// The account of [`Epay::test`].
    pub fn test_account() -> EpayAccount {
        EpayAccount::test()
    }

    /// A buyer opened the pay page of an order.
    pub fn place(&mut self, out_trade_no: &str, fen: i64) -> Payment {
        let payment = Payment {
            trade_no: format!("20260102{:010}", self.payments.len() + 1),
            out_trade_no: out_trade_no.to_owned(),
            fen,
            status: PaymentStatus::Unpaid,
            refunds: Vec::new(),
        };
        self.payments.entry(out_trade_no.to_owned()).or_insert(payment).clone()
    }

    /// A buyer paid an order.
    pub fn pay(&mut self, out_trade_no: &str, fen: i64) -> Payment {
        self.place(out_trade_no, fen);
        let payment = self.payments.get_mut(out_trade_no);
        payment.map_or_else(
            || unreachable!("it was placed above"),
            |payment| {
                payment.status = PaymentStatus::Paid;
                payment.clone()
            },
        )
    }

    fn find(&mut self, fields: &Pairs) -> Option<&mut Payment> {
        let (ours, theirs) = (form::get(fields, "trade_no").to_owned(), form::get(fields, "out_trade_no"));
        match ours.as_str() {
            "" => self.payments.get_mut(theirs),
            _ => self.payments.values_mut().find(|payment| payment.trade_no == ours),
        }
    }

    /// What `act` does, in both versions: the fields of a yes, or the words of a no.
    fn act(&mut self, act: &str, fields: &Pairs) -> Result<Map<String, Value>, &'static str> {
        let pid = self.account.pid.clone();
        let payment = self.find(fields).ok_or("订单号不存在")?;
        let body = match act {
            "order" => {
                let status = match payment.status {
                    PaymentStatus::Unpaid => 0,
                    PaymentStatus::Paid => 1,
                    PaymentStatus::TakenBack => 2,
                };
                json!({
                    "pid": pid,
                    "trade_no": payment.trade_no,
                    "out_trade_no": payment.out_trade_no,
                    "type": "alipay",
                    "name": "product",
                    "money": payment.money(),
                    "status": status,
                })
            }
            "refund" => {
                let fen = form::fen_of(form::get(fields, "money")).ok_or("退款金额错误")?;
                let number = form::get(fields, "out_refund_no").to_owned();
                let known = payment.refunds.iter().any(|(known, _)| !number.is_empty() && *known == number);
                if !known
                    && (payment.status == PaymentStatus::Unpaid || payment.refunded() + fen > payment.fen)
                {
                    return Err("退款金额超过订单金额");
                }
                if !known {
                    payment.refunds.push((number.clone(), fen));
                }
                if payment.refunded() == payment.fen {
                    payment.status = PaymentStatus::TakenBack;
                }
                json!({ "trade_no": payment.trade_no, "out_refund_no": number, "money": form::get(fields, "money") })
            }
            _ => return Err("No Act!"),
        };
        *self.calls.entry(if act == "order" { "order" } else { "refund" }).or_default() += 1;
        match body {
            Value::Object(fields) => Ok(fields),
            _ => Err("系统错误"),
        }
    }

    /// V1: the key travels in the call, answers are not signed, 1 is yes.
    fn v1(&mut self, call: &Call, spoil: bool) -> Answer {
        let mut fields = call.query.clone();
        fields.extend(call.form());
        let genuine = form::get(&fields, "pid") == self.account.pid
            && form::get(&fields, "key") == self.account.key.expose();
        if !genuine {
            self.forged_calls += 1;
            return Answer::ok(&json!({ "code": -3, "msg": "商户密钥错误" }));
        }
        let body = match self.act(call.param("act"), &fields) {
            Ok(mut fields) => {
                fields.extend([("code".to_owned(), json!(1)), ("msg".to_owned(), json!("succ"))]);
                Value::Object(fields)
            }
            Err(words) => json!({ "code": -1, "msg": words }),
        };
        if spoil { Answer { status: 200, body: "<html>".to_owned() } } else { Answer::ok(&body) }
    }

    /// V2: the merchant signs calls, the gateway signs answers, 0 is yes.
    fn v2(&mut self, act: &str, call: &Call, spoil: bool) -> Answer {
        let fields = call.form();
        let content = form::sorted(&fields, &["sign", "sign_type"]);
        let time = form::get(&fields, "timestamp").parse::<i64>().unwrap_or_default();
        let genuine = form::get(&fields, "pid") == self.account.pid
            && form::get(&fields, "sign_type") == "RSA"
            && time.abs_diff(call.now.secs()) <= TOLERANCE_SECS
            && self.merchant.verifies(&content, form::get(&fields, "sign"));
        let body = if genuine {
            self.act(act, &fields)
        } else {
            self.forged_calls += 1;
            Err("签名校验失败")
        };
        let mut answer = match body {
            Ok(mut fields) => {
                fields.extend([("code".to_owned(), json!(0)), ("msg".to_owned(), json!("success"))]);
                fields
            }
            Err(words) => Map::from_iter([("code".to_owned(), json!(-1)), ("msg".to_owned(), json!(words))]),
        };
        answer.insert("timestamp".to_owned(), json!(call.now.secs().to_string()));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let pairs: Pairs = answer.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let content = form::sorted(&pairs, &["sign", "sign_type"]);
        let key = if spoil { &self.merchant } else { &self.platform };
        answer.insert("sign".to_owned(), json!(key.sign(&content)));
        answer.insert("sign_type".to_owned(), json!("RSA"));
        Answer::ok(&Value::Object(answer))
    }
}

impl Platform for Epay {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        match call.path.as_str() {
            "/api.php" => self.v1(call, spoil),
            "/api/pay/query" => self.v2("order", call, spoil),
            "/api/pay/refund" => self.v2("refund", call, spoil),
            _ => Answer { status: 404, body: String::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_and_fen_agree() {
        for (fen, yuan) in [(2_888, "28.88"), (150, "1.5"), (300, "3"), (1_000, "10"), (5, "0.05")] {
            let payment = Epay::test().pay("x", fen);
            assert_eq!(payment.money(), yuan);
            assert_eq!(form::fen_of(yuan), Some(fen));
        }
        for bad in ["", "0", "1.005", "-1", "x"] {
            assert_eq!(form::fen_of(bad), None, "{bad}");
        }
    }
}
