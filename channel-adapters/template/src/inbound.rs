//! What the platform says: verified request → what it wants, in our words.

use channel::{
    AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, RawRequest, Refusal, Shortage, Stage, Step,
    strict_json,
};
use serde::Deserialize;
use vocabulary::{Currency, DeliveryMethod, Money, Quantity};

use crate::{settings::Settings, status};

/// The envelope of every message. Unknown fields are accepted: platforms add some.
#[derive(Deserialize)]
struct Message {
    shop_no: String,
    event_id: String,
    event: String,
    order: Option<Order>,
}

#[derive(Deserialize)]
struct Order {
    order_no: String,
    item: String,
    quantity: i64,
    amount_fen: i64,
    status: String,
}

/// Reads a verified request.
pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let message: Message = strict_json::from_slice(&request.body)?;
    if message.shop_no != settings.shop_no {
        return Err(invalid("shop_no"));
    }
    let id = plain(&message.event_id, "event_id")?;
    let ask = match (message.event.as_str(), message.order) {
        ("ping", _) => Ask::Nothing,
        ("order", Some(order)) => {
            // Read whole in any case: what is not sound is refused, whatever its status.
            let is_paid = status::is_paid(&order.status);
            let ask = paid(order)?;
            if is_paid { ask } else { Ask::Nothing }
        }
        ("order", None) => return Err(invalid("order")),
        (other, _) => Ask::Unmapped { kind: kind(other) },
    };
    Ok(Inbound { id: Some(id), content: request.body.clone(), kind: Kind::Notice, occurred_at: None, ask })
}

fn paid(order: Order) -> Result<Ask, Refusal> {
    let external_no = plain(&order.order_no, "order_no")?;
    let quantity = Quantity::try_from(order.quantity).map_err(|_| invalid("quantity"))?;
    if order.amount_fen < 0 {
        return Err(invalid("amount_fen"));
    }
    Ok(Ask::Order(OrderAsk {
        lines: vec![LineAsk { item: plain(&order.item, "item")?, quantity }],
        amount: AmountCheck::PlatformPrice(Money::new(order.amount_fen, Currency::CNY)),
        // The platform names no payment of its own.
        stage: Stage::Paid { txn: external_no.clone() },
        external_no,
        buyer: None,
        shortage: Shortage::Backorder,
        delivery: DeliveryMethod::Api,
        journey: None,
        memo: None,
    }))
}

fn invalid(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

/// 1 to 64 letters, digits and `-_.`
fn plain(text: &str, field: &'static str) -> Result<String, Refusal> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_plain = (1..=64).contains(&text.len()) && text.bytes().all(fits);
    if is_plain { Ok(text.to_owned()) } else { Err(invalid(field)) }
}

/// The kind of a message that nobody knows, as it may be shown.
fn kind(event: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let kind: String = event.chars().filter(fits).take(64).collect();
    if kind.is_empty() { "unnamed".to_owned() } else { kind }
}
