//! What a webhook says. Only its body is signed, so only its body says what it is: an order has a `status` and
//! `line_items`, a custom topic has an `action`.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Step, legacy_sign::sha1_hex, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::{order::Order, settings::Settings};

#[derive(Deserialize)]
struct Shape {
    id: Option<u64>,
    status: Option<IgnoredAny>,
    line_items: Option<IgnoredAny>,
    action: Option<String>,
    arg: Option<Value>,
}

/// The unsigned form that a shop posts when a webhook is made: nothing to do but to answer.
pub(crate) fn ping() -> Inbound {
    Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask: Ask::Nothing }
}

/// Reads a verified webhook.
pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "only POST"));
    }
    let shape: Shape = strict_json::from_slice(&request.body)?;
    if shape.status.is_some() && shape.line_items.is_some() {
        let order: Order = strict_json::from_slice(&request.body)?;
        let mut messages = order.messages(settings)?;
        return match messages.len() {
            1 => Ok(messages.remove(0)),
            // An order with refunds is several messages.
            2..=100 => Ok(whole(request, Ask::Batch(messages))),
            _ => Err(Refusal::new(Step::Meaning, "invalid_field", "refunds")),
        };
    }
    let ask = match (shape.action.as_deref(), shape.arg.as_ref().and_then(Value::as_u64), shape.id) {
        (Some(action), Some(order), None) if action.starts_with("woocommerce_order_") => {
            Ask::ReadBack { external_no: order.to_string() }
        }
        (None, None, Some(_)) => Ask::Unmapped { kind: "something was deleted, or is no order".to_owned() },
        _ => Ask::Unmapped { kind: "no order".to_owned() },
    };
    Ok(whole(request, ask))
}

fn whole(request: &RawRequest, ask: Ask) -> Inbound {
    let id = Some(format!("body:{}", sha1_hex(&request.body)));
    Inbound { id, content: request.body.clone(), kind: Kind::Notice, occurred_at: None, ask }
}
