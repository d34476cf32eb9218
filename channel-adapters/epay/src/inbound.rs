//! What a notification says: that an order is paid, or nothing that concerns us.

use channel::{Ask, Inbound, Kind, PaymentAsk, RawRequest, Refusal, Step};
use vocabulary::{Currency, Money};

use crate::{
    canonical::{Pair, value},
    settings::Gateway,
    status::is_paid,
    verify::fields,
};

/// Reads a verified notification.
pub(crate) fn parse(gateway: &Gateway, request: &RawRequest) -> Result<Inbound, Refusal> {
    let pairs = fields(request)?;
    if value(&pairs, "pid") != gateway.pid {
        return Err(Refusal::new(Step::Meaning, "pid_mismatch", "pid"));
    }
    let txn = reference(&pairs, "trade_no")?;
    let external_no = reference(&pairs, "out_trade_no")?;
    let status = value(&pairs, "trade_status");
    let (id, ask) = if is_paid(status) {
        let payment = PaymentAsk {
            external_no,
            txn: txn.clone(),
            amount: money(value(&pairs, "money"))?,
            check_first: gateway.confirm_by_query,
        };
        (txn, Ask::Payment(payment))
    } else {
        // Under an id of its own: the payment that may follow has the same number and other content.
        let words: String =
            status.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
        (format!("{txn}/{words}"), Ask::Nothing)
    };
    Ok(Inbound { id: Some(id), content: content(gateway, pairs), kind: Kind::Notice, occurred_at: None, ask })
}

/// The signed text. V2's time is of the sending, not of the payment: a repeat has another, and is a repeat.
fn content(gateway: &Gateway, mut pairs: Vec<Pair>) -> Vec<u8> {
    pairs.retain(|(name, _)| name != "timestamp");
    gateway.canonical(&pairs).into_bytes()
}

fn reference(pairs: &[Pair], name: &'static str) -> Result<String, Refusal> {
    let text = value(pairs, name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(Step::Meaning, "invalid_field", name))
}

/// Yuan as the gateway writes them: `28.88`, `28.8`, `28`.
fn money(text: &str) -> Result<Money, Refusal> {
    match Money::from_major_text(text, Currency::CNY) {
        Ok(money) if money.minor > 0 => Ok(money),
        _ => Err(Refusal::new(Step::Meaning, "invalid_field", "money")),
    }
}
