//! What a notification says: that an order is paid, or that money went back.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Ask, Inbound, Kind, PaymentAsk, RefundAsk, Refusal, Step, cipher::aes_256_gcm_open, strict_json,
};
use serde::{Deserialize, de::DeserializeOwned};
use vocabulary::{Currency, Money, Timestamp};

use crate::settings::Merchant;

#[derive(Deserialize)]
struct Envelope {
    id: String,
    create_time: Option<String>,
    event_type: String,
    resource: Option<Resource>,
}

/// What the event tells, sealed with the APIv3 key.
#[derive(Deserialize)]
struct Resource {
    algorithm: String,
    ciphertext: String,
    #[serde(default)]
    associated_data: String,
    nonce: String,
}

/// A payment, in notifications and in answers to queries.
#[derive(Deserialize)]
pub(crate) struct Transaction {
    mchid: String,
    appid: String,
    pub(crate) out_trade_no: String,
    transaction_id: Option<String>,
    pub(crate) trade_state: String,
    amount: Option<Paid>,
}

#[derive(Deserialize)]
struct Paid {
    /// What the order costs, in fen. Coupons lower what the buyer pays, not this.
    total: i64,
    currency: Option<String>,
}

#[derive(Deserialize)]
struct PaidBack {
    mchid: String,
    out_trade_no: String,
    out_refund_no: String,
    refund_status: String,
    amount: Refunded,
}

/// The amount of a refund, in notifications and in answers.
#[derive(Deserialize)]
pub(crate) struct Refunded {
    refund: i64,
    currency: Option<String>,
}

fn meaning(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, code, detail)
}

/// Reads a verified body.
pub(crate) fn parse(merchant: &Merchant, body: &[u8]) -> Result<Inbound, Refusal> {
    let envelope: Envelope = strict_json::from_slice(body)?;
    if !is_number(&envelope.id, 64) {
        return Err(meaning("invalid_field", "id"));
    }
    let ask = ask(merchant, &envelope)?;
    Ok(Inbound {
        content: content(&envelope.event_type, &ask),
        kind: Kind::Notice,
        occurred_at: envelope.create_time.and_then(|at| Timestamp::parse_rfc3339(&at).ok()),
        id: Some(envelope.id),
        ask,
    })
}

fn ask(merchant: &Merchant, envelope: &Envelope) -> Result<Ask, Refusal> {
    match envelope.event_type.as_str() {
        "TRANSACTION.SUCCESS" => {
            let transaction: Transaction = open(merchant, envelope)?;
            transaction.belongs_to(merchant)?;
            if transaction.trade_state != "SUCCESS" {
                return Ok(unmapped("TRANSACTION.SUCCESS in another state"));
            }
            number(&transaction.out_trade_no, "out_trade_no")?;
            let txn = transaction.txn().ok_or(meaning("invalid_field", "transaction_id"))?;
            Ok(Ask::Payment(PaymentAsk {
                external_no: transaction.out_trade_no.clone(),
                txn: txn.to_owned(),
                amount: transaction.amount()?.ok_or(meaning("invalid_field", "amount"))?,
                check_first: merchant.confirm_by_query,
            }))
        }
        "REFUND.SUCCESS" => {
            let refund: PaidBack = open(merchant, envelope)?;
            if refund.mchid != merchant.mchid {
                return Err(meaning("mchid_mismatch", "mchid"));
            }
            if refund.refund_status != "SUCCESS" {
                return Ok(unmapped("REFUND.SUCCESS in another state"));
            }
            number(&refund.out_trade_no, "out_trade_no")?;
            number(&refund.out_refund_no, "out_refund_no")?;
            Ok(Ask::RefundSettled(RefundAsk {
                external_no: refund.out_trade_no,
                refund: refund.out_refund_no,
                amount: Some(refund.amount.money()?),
                reason: "refunded at wechat pay".to_owned(),
                memo: None,
            }))
        }
        // `REFUND.ABNORMAL` and `REFUND.CLOSED` too: the money did not reach the buyer, and a person has to see to it.
        other => Ok(unmapped(other)),
    }
}

impl Transaction {
    /// Whether it is of this merchant and application.
    pub(crate) fn belongs_to(&self, merchant: &Merchant) -> Result<(), Refusal> {
        if self.mchid != merchant.mchid {
            return Err(meaning("mchid_mismatch", "mchid"));
        }
        if self.appid != merchant.appid {
            return Err(meaning("appid_mismatch", "appid"));
        }
        Ok(())
    }
    /// The payment's number, if it has a sound one.
    pub(crate) fn txn(&self) -> Option<&str> {
        self.transaction_id.as_deref().filter(|txn| is_number(txn, 64))
    }
    /// What the order costs; an unpaid one may not say.
    pub(crate) fn amount(&self) -> Result<Option<Money>, Refusal> {
        self.amount.as_ref().map(|paid| yuan(paid.total, paid.currency.as_deref())).transpose()
    }
}

impl Refunded {
    pub(crate) fn money(&self) -> Result<Money, Refusal> {
        yuan(self.refund, self.currency.as_deref())
    }
}

/// Fen. A merchant of the mainland is paid in yuan only, and not every message says so.
fn yuan(fen: i64, currency: Option<&str>) -> Result<Money, Refusal> {
    if currency.is_some_and(|code| code != "CNY") {
        return Err(meaning("currency_mismatch", "currency"));
    }
    if fen <= 0 {
        return Err(meaning("invalid_field", "amount"));
    }
    Ok(Money::new(fen, Currency::CNY))
}

fn number(text: &str, field: &'static str) -> Result<(), Refusal> {
    if is_number(text, 64) { Ok(()) } else { Err(meaning("invalid_field", field)) }
}

/// A number as WeChat Pay allows them: digits, letters and `_-|*@`.
pub(crate) fn is_number(text: &str, max: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
    (1..=max).contains(&text.len()) && text.bytes().all(allowed)
}

fn open<T: DeserializeOwned>(merchant: &Merchant, envelope: &Envelope) -> Result<T, Refusal> {
    let resource = envelope.resource.as_ref().ok_or(meaning("wrong_fields", "resource"))?;
    if resource.algorithm != "AEAD_AES_256_GCM" {
        return Err(meaning("unsupported_algo", "resource.algorithm"));
    }
    let sealed =
        STANDARD.decode(&resource.ciphertext).map_err(|_| meaning("decrypt_failed", "ciphertext"))?;
    let (nonce, aad) = (resource.nonce.as_bytes(), resource.associated_data.as_bytes());
    let plain = aes_256_gcm_open(merchant.apiv3_key.expose().as_bytes(), nonce, aad, &sealed)
        .ok_or(meaning("decrypt_failed", "ciphertext"))?;
    strict_json::from_slice(&plain)
}

/// Kept for a person, under a name that is safe to show.
fn unmapped(kind: &str) -> Ask {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ' ');
    let kind: String = kind.chars().filter(safe).take(64).collect();
    Ask::Unmapped { kind: if kind.is_empty() { "unnamed".to_owned() } else { kind } }
}

/// What was understood: a repeat may be sealed anew.
fn content(kind: &str, ask: &Ask) -> Vec<u8> {
    let facts = match ask {
        Ask::Payment(payment) => format!("{}\n{}\n{}", payment.external_no, payment.txn, payment.amount),
        Ask::RefundSettled(refund) => {
            let amount = refund.amount.map(|amount| amount.to_string()).unwrap_or_default();
            format!("{}\n{}\n{amount}", refund.external_no, refund.refund)
        }
        _ => String::new(),
    };
    format!("{kind}\n{facts}").into_bytes()
}
