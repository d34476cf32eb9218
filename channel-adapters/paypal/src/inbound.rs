//! What an event says: that a capture was completed, or nothing that moves money.

use channel::{Ask, Inbound, Kind, PaymentAsk, RawRequest, Refusal, Step, strict_json};
use serde::Deserialize;
use serde_json::Value;
use vocabulary::{Currency, Money, Timestamp};

use crate::refund::is_ours;

#[derive(Deserialize)]
struct Event {
    id: String,
    event_type: String,
    create_time: Option<String>,
    /// Of another shape for every type.
    #[serde(default)]
    resource: Value,
}

#[derive(Deserialize)]
struct Capture {
    id: String,
    amount: Amount,
    custom_id: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Amount {
    pub(crate) currency_code: String,
    /// Decimal text in major units.
    pub(crate) value: String,
}

impl Amount {
    pub(crate) fn money(&self) -> Option<Money> {
        let currency: Currency = self.currency_code.parse().ok()?;
        Money::from_major_text(&self.value, currency).ok().filter(|money| money.minor > 0)
    }
}

const fn wrong(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

/// Reads a verified event.
pub(crate) fn parse(request: &RawRequest) -> Result<Inbound, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "only POST"));
    }
    let event: Event = strict_json::from_slice(&request.body)?;
    let occurred_at = event.create_time.as_deref().map(Timestamp::parse_rfc3339).transpose();
    Ok(Inbound {
        id: Some(reference("id", &event.id, 128)?),
        content: content(&event).into_bytes(),
        kind: Kind::Notice,
        occurred_at: occurred_at.map_err(|_| wrong("create_time"))?,
        ask: ask(&event)?,
    })
}

/// What must be the same in a repeat; links and summaries need not be.
fn content(event: &Event) -> String {
    let facts = ["id", "status", "amount", "custom_id"].map(|name| event.resource[name].to_string());
    format!("{}|{}", event.event_type, facts.join("|"))
}

fn ask(event: &Event) -> Result<Ask, Refusal> {
    let resource = &event.resource;
    if resource["custom_id"].as_str().is_some_and(|number| number.chars().any(char::is_control)) {
        return Err(wrong("custom_id"));
    }
    Ok(match event.event_type.as_str() {
        "PAYMENT.CAPTURE.COMPLETED" if resource["status"] == "COMPLETED" => captured(resource)?,
        "PAYMENT.CAPTURE.COMPLETED" => unmapped("a completed capture that is not"),
        // The own site captures what a buyer approved; the others are not paid.
        "CHECKOUT.ORDER.APPROVED"
        | "PAYMENT.CAPTURE.PENDING"
        | "PAYMENT.CAPTURE.DENIED"
        | "PAYMENT.CAPTURE.DECLINED" => Ask::Nothing,
        // The answer to our own call said so already.
        "PAYMENT.CAPTURE.REFUNDED" if resource["custom_id"].as_str().is_some_and(is_ours) => Ask::Nothing,
        other => unmapped(other),
    })
}

fn captured(resource: &Value) -> Result<Ask, Refusal> {
    let capture = Capture::deserialize(resource).map_err(|_| wrong("resource"))?;
    let Some(order) = capture.custom_id.as_deref() else {
        return Ok(unmapped("capture without custom_id"));
    };
    Ok(Ask::Payment(PaymentAsk {
        external_no: reference("custom_id", order, 64)?,
        txn: reference("resource.id", &capture.id, 64)?,
        amount: capture.amount.money().ok_or(wrong("amount"))?,
        // The signature covers no more of the body than a CRC-32.
        check_first: true,
    }))
}

/// A number: plain characters, at least one.
fn reference(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if (1..=most).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(wrong(field))
}

fn unmapped(kind: &str) -> Ask {
    let kind: String = kind.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).take(64).collect();
    Ask::Unmapped { kind: if kind.is_empty() { "unnamed".to_owned() } else { kind } }
}
