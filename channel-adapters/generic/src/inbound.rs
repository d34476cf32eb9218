//! What a partner's message wants. Every field is checked before it is believed.

use channel::{
    AmountCheck, Ask, BuyerAsk, Identifier, IdentifierKind, Inbound, Kind, LineAsk, OrderAsk, RawRequest,
    RefundAsk, Refusal, Stage, Step, strict_json,
};
use serde::{Deserialize, Serialize};
use vocabulary::{Money, OrderId, Quantity, Secret, Timestamp};

use crate::{settings::Settings, verify::message_id};

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    timestamp: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
struct Data {
    external_order_id: Option<String>,
    order_id: Option<OrderId>,
    sku: Option<String>,
    quantity: Option<i64>,
    lines: Option<Vec<Line>>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    txn: Option<String>,
    refund_id: Option<String>,
    reason: Option<String>,
    journey: Option<String>,
    buyer_ref: Option<String>,
    buyer: Option<Buyer>,
    occurred_at: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    quantity: i64,
}

/// The personal details that are kept, sealed; others are dropped.
#[derive(Deserialize, Serialize)]
struct Buyer {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The partner has sent the number a code, or the buyer has bound it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    phone_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    union_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

/// Reads a verified request.
pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if request.method != "POST" || !request.topic.is_empty() {
        return Err(Refusal::new(Step::Format, "wrong_address", "only POST to the shop's own address"));
    }
    let id = message_id(request)?;
    let message: Message = strict_json::from_slice(&request.body)?;
    let data = &message.data;
    let (kind, ask) = match message.kind.as_str() {
        "order.created" => {
            let stage = Stage::Placed { reserve_secs: settings.reserve_secs };
            (Kind::Call, Ask::Order(order(settings, data, stage)?))
        }
        "order.paid" => {
            let number =
                data.txn.as_deref().map_or_else(|| external_no(data), |txn| reference("txn", txn))?;
            (Kind::Call, Ask::Order(order(settings, data, Stage::Paid { txn: number })?))
        }
        "order.cancelled" => (
            Kind::Notice,
            Ask::Cancel { external_no: external_no(data)?, reason: reason(data, "cancelled")? },
        ),
        "order.refunded" => (Kind::Notice, Ask::RefundSettled(refund(data, id, "refunded")?)),
        "order.refund_requested" => {
            (Kind::Notice, Ask::RefundRequested(refund(data, id, "refund_requested")?))
        }
        "order.disputed" => {
            let ask = RefundAsk { reason: "disputed".to_owned(), ..refund(data, id, "disputed")? };
            (Kind::Notice, Ask::RefundRequested(ask))
        }
        "ping" => (Kind::Notice, Ask::Nothing),
        "keys.request" => (Kind::Query, order_query(data, true)?),
        "order.query" => (Kind::Query, order_query(data, false)?),
        "stock.query" => (Kind::Query, stock_query(data)?),
        other => (Kind::Notice, Ask::Unmapped { kind: kind_name(other)? }),
    };
    Ok(Inbound {
        id: (kind != Kind::Query).then(|| id.to_owned()),
        content: request.body.clone(),
        kind,
        occurred_at: occurred_at(&message)?,
        ask,
    })
}

const fn wrong(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

/// A number of the partner's: 1 to 64 letters, digits, `-`, `_`, `.`, `:`.
fn reference(field: &'static str, text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(wrong(field))
    }
}

/// Free text of 1 to `most` characters, none of them a control character.
fn words(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    let length = text.chars().count();
    if (1..=most).contains(&length) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(wrong(field))
    }
}

fn external_no(data: &Data) -> Result<String, Refusal> {
    let text = data.external_order_id.as_deref().ok_or_else(|| wrong("external_order_id"))?;
    reference("external_order_id", text)
}

fn order(settings: &Settings, data: &Data, stage: Stage) -> Result<OrderAsk, Refusal> {
    Ok(OrderAsk {
        external_no: external_no(data)?,
        lines: lines(data)?,
        amount: AmountCheck::Exactly(amount(data)?.ok_or_else(|| wrong("amount_minor"))?),
        stage,
        buyer: buyer(data)?,
        shortage: settings.shortage,
        delivery: settings.delivery,
        journey: journey(data)?,
        memo: None,
    })
}

/// Either `sku` and `quantity`, or `lines`.
fn lines(data: &Data) -> Result<Vec<LineAsk>, Refusal> {
    let one = |sku: &str, quantity: i64| {
        Ok(LineAsk {
            item: words("sku", sku, 64)?,
            quantity: Quantity::try_from(quantity).map_err(|_| wrong("quantity"))?,
        })
    };
    match (&data.lines, &data.sku, data.quantity) {
        (Some(lines), None, None) if (1..=100).contains(&lines.len()) => {
            lines.iter().map(|line| one(&line.sku, line.quantity)).collect()
        }
        (None, Some(sku), Some(quantity)) => Ok(vec![one(sku, quantity)?]),
        _ => Err(wrong("sku and quantity, or lines")),
    }
}

/// The amount, which is stated with its currency or not at all.
fn amount(data: &Data) -> Result<Option<Money>, Refusal> {
    match (data.amount_minor, &data.currency) {
        (None, None) => Ok(None),
        (Some(minor), Some(currency)) if minor > 0 => {
            let currency = currency.parse().map_err(|_| wrong("currency"))?;
            Ok(Some(Money::new(minor, currency)))
        }
        (Some(_), None) => Err(wrong("currency")),
        _ => Err(wrong("amount_minor")),
    }
}

fn buyer(data: &Data) -> Result<Option<BuyerAsk>, Refusal> {
    let Some(text) = data.buyer_ref.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let details = match &data.buyer {
        Some(buyer) => {
            let Buyer { name, phone, email, union_id, device, .. } = buyer;
            for text in [name, phone, email, union_id, device].into_iter().flatten() {
                words("buyer", text, 128)?;
            }
            Some(Secret::new(serde_json::to_string(buyer).map_err(|_| wrong("buyer"))?))
        }
        None => None,
    };
    Ok(Some(BuyerAsk { reference: Secret::new(words("buyer_ref", text, 128)?), details }))
}

/// What of a buyer's details identifies them.
pub(crate) fn identifiers(buyer: &BuyerAsk) -> Vec<Identifier> {
    let details = buyer.details.as_ref().and_then(|text| serde_json::from_str::<Buyer>(text.expose()).ok());
    let Some(details) = details else { return Vec::new() };
    let told = [
        (IdentifierKind::Phone, details.phone, details.phone_verified),
        (IdentifierKind::UnionId, details.union_id, true),
        (IdentifierKind::Email, details.email, false),
        (IdentifierKind::Device, details.device, false),
    ];
    let identifier = |(kind, value, verified): (IdentifierKind, Option<String>, bool)| {
        let value = Secret::new(value.filter(|value| !value.is_empty())?);
        Some(Identifier { kind, value, scope: None, verified })
    };
    told.into_iter().filter_map(identifier).collect()
}

/// The journey's key: it names a stream of ours, so it is held to what such a name may hold.
fn journey(data: &Data) -> Result<Option<String>, Refusal> {
    let Some(key) = data.journey.as_deref() else { return Ok(None) };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=80).contains(&key.len()) && key.bytes().all(plain) {
        Ok(Some(key.to_owned()))
    } else {
        Err(wrong("journey"))
    }
}

fn reason(data: &Data, otherwise: &str) -> Result<String, Refusal> {
    data.reason.as_deref().map_or_else(|| Ok(otherwise.to_owned()), |text| words("reason", text, 200))
}

fn refund(data: &Data, id: &str, otherwise: &str) -> Result<RefundAsk, Refusal> {
    let refund = match data.refund_id.as_deref() {
        Some(text) => reference("refund_id", text)?,
        None => id.to_owned(),
    };
    Ok(RefundAsk {
        external_no: external_no(data)?,
        refund,
        amount: amount(data)?,
        reason: reason(data, otherwise)?,
        memo: None,
    })
}

/// The order is named by the partner's number or by ours.
fn order_query(data: &Data, with_keys: bool) -> Result<Ask, Refusal> {
    let number =
        data.external_order_id.as_deref().map(|text| reference("external_order_id", text)).transpose()?;
    if number.is_none() && data.order_id.is_none() {
        return Err(wrong("external_order_id"));
    }
    Ok(Ask::OrderQuery { external_no: number, order: data.order_id, with_keys })
}

fn stock_query(data: &Data) -> Result<Ask, Refusal> {
    let item = words("sku", data.sku.as_deref().unwrap_or_default(), 64)?;
    let quantity =
        data.quantity.map_or(Ok(Quantity::ONE), Quantity::try_from).map_err(|_| wrong("quantity"))?;
    Ok(Ask::Availability { item, quantity })
}

fn kind_name(kind: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if (1..=64).contains(&kind.len()) && kind.bytes().all(plain) {
        Ok(kind.to_owned())
    } else {
        Err(wrong("type"))
    }
}

/// When it happened: the sale's time where the partner was offline, else the event's.
fn occurred_at(message: &Message) -> Result<Option<Timestamp>, Refusal> {
    let text = message.data.occurred_at.as_deref().or(message.timestamp.as_deref());
    text.map(|text| Timestamp::parse_rfc3339(text).map_err(|_| wrong("occurred_at"))).transpose()
}
