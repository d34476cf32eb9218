//! What a webhook says. Only its body is signed, so only its body says what it is: an order has a
//! `financial_status`, a refund has an `order_id` and `transactions`.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Step, legacy_sign::sha1_hex, strict_json};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    order::{Line, Order, Refund, Transaction},
    settings::Settings,
    verify::check_shop,
};

#[derive(Deserialize)]
struct Shape {
    financial_status: Option<IgnoredAny>,
    order_id: Option<IgnoredAny>,
    transactions: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct OrderBody {
    id: u64,
    financial_status: String,
    fulfillment_status: Option<String>,
    #[serde(default)]
    test: bool,
    cancelled_at: Option<String>,
    cancel_reason: Option<String>,
    updated_at: Option<String>,
    currency: Option<String>,
    total_price: Option<String>,
    email: Option<String>,
    #[serde(default)]
    line_items: Vec<LineBody>,
    #[serde(default)]
    refunds: Vec<RefundBody>,
}

#[derive(Deserialize)]
struct LineBody {
    variant_id: Option<u64>,
    quantity: i64,
}

#[derive(Deserialize)]
struct RefundBody {
    id: u64,
    order_id: u64,
    note: Option<String>,
    created_at: Option<String>,
    transactions: Vec<TransactionBody>,
}

#[derive(Deserialize)]
struct TransactionBody {
    kind: String,
    status: String,
    amount: String,
    currency: String,
}

/// Reads a verified webhook.
pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "only POST"));
    }
    check_shop(settings, request)?;
    let shape: Shape = strict_json::from_slice(&request.body)?;
    if shape.financial_status.is_some() {
        let body: OrderBody = strict_json::from_slice(&request.body)?;
        let mut messages = Order::from(body).messages(settings)?;
        return Ok(if messages.len() == 1 { messages.remove(0) } else { batch(request, messages)? });
    }
    if shape.order_id.is_some() && shape.transactions.is_some() {
        let body: RefundBody = strict_json::from_slice(&request.body)?;
        return Refund::from(body).message();
    }
    let ask = Ask::Unmapped { kind: "neither order nor refund".to_owned() };
    Ok(notice(format!("body:{}", sha1_hex(&request.body)), request, ask))
}

/// An order that was paid and partly refunded before we heard of it is several messages.
fn batch(request: &RawRequest, messages: Vec<Inbound>) -> Result<Inbound, Refusal> {
    if messages.len() > 100 {
        return Err(Refusal::new(Step::Meaning, "invalid_field", "refunds"));
    }
    Ok(notice(format!("body:{}", sha1_hex(&request.body)), request, Ask::Batch(messages)))
}

fn notice(id: String, request: &RawRequest, ask: Ask) -> Inbound {
    Inbound { id: Some(id), content: request.body.clone(), kind: Kind::Notice, occurred_at: None, ask }
}

impl From<OrderBody> for Order {
    fn from(body: OrderBody) -> Self {
        let line = |line: LineBody| Line { variant: line.variant_id, quantity: line.quantity };
        Self {
            id: body.id,
            financial_status: body.financial_status,
            fulfilled: body.fulfillment_status.as_deref() == Some("fulfilled"),
            test: body.test,
            cancelled_at: body.cancelled_at,
            cancel_reason: body.cancel_reason,
            updated_at: body.updated_at,
            currency: body.currency,
            total: body.total_price,
            email: body.email,
            lines: body.line_items.into_iter().map(line).collect(),
            refunds: body.refunds.into_iter().map(Refund::from).collect(),
        }
    }
}

impl From<RefundBody> for Refund {
    fn from(body: RefundBody) -> Self {
        let transaction = |t: TransactionBody| Transaction {
            kind: t.kind,
            status: t.status,
            amount: t.amount,
            currency: t.currency,
        };
        Self {
            id: body.id,
            order: body.order_id,
            note: body.note,
            created_at: body.created_at,
            transactions: body.transactions.into_iter().map(transaction).collect(),
        }
    }
}
