//! How it ended, as the partner reads it: one table of statuses, and the JSON bodies.

use channel::{Offer, OrderView, Outcome, Refusal, Rejected, Reply, Step};
use serde_json::{Value, json};
use vocabulary::{CardKey, OrderId, Reason};

/// The reply to a request that was parsed.
pub(crate) fn answer(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Accepted { order } => ok(accepted(*order)),
        Outcome::Parked => ok(accepted(None)),
        Outcome::Order(view) => ok(order(view)),
        Outcome::Offers(offers) => ok(json!({
            "status": "accepted",
            "items": offers.iter().map(offer).collect::<Vec<_>>(),
        })),
        Outcome::Rejected(rejected) => {
            Reply::json(rejection_status(rejected.reason), rejection(rejected).to_string())
        }
    }
}

/// The reply to a request that was refused. Who did not prove to be the partner learns nothing; the partner
/// learns which field is wrong.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let (status, body) = match refusal.step {
        Step::Signature | Step::Time => (401, json!({ "status": "unauthorized" })),
        Step::Size => (413, json!({ "status": "too_large" })),
        Step::Format | Step::Meaning => {
            (400, json!({ "status": "malformed", "code": refusal.code, "detail": refusal.detail }))
        }
    };
    Reply::json(status, body.to_string())
}

/// 409 where a number was used for something else, 422 for every other business "no". Both are for good.
fn rejection_status(reason: Reason) -> u16 {
    match reason {
        Reason::MessageIdReused | Reason::OrderNumberReused => 409,
        _ => 422,
    }
}

fn rejection(rejected: &Rejected) -> Value {
    json!({ "status": "rejected", "code": rejected.reason.code(), "detail": rejected.detail })
}

fn ok(body: Value) -> Reply {
    Reply::json(200, body.to_string())
}

fn accepted(order: Option<OrderId>) -> Value {
    match order {
        Some(order) => json!({ "status": "accepted", "order_id": order }),
        None => json!({ "status": "accepted" }),
    }
}

fn order(view: &OrderView) -> Value {
    let keys: Vec<Value> = view
        .lines
        .iter()
        .flat_map(|line| line.keys.iter().map(|key| self::key(line.sku.as_str(), key)))
        .collect();
    let mut body = json!({
        "status": "accepted",
        "order_id": view.order,
        "external_order_id": view.external_no,
        "state": view.state,
        "amount_minor": view.total.minor,
        "currency": view.total.currency,
    });
    if !keys.is_empty() {
        body["keys"] = Value::Array(keys);
    }
    body
}

fn key(sku: &str, key: &CardKey) -> Value {
    let mut body = json!({ "sku": sku, "code": key.code.expose() });
    if let Some(pin) = &key.pin {
        body["pin"] = json!(pin.expose());
    }
    if let Some(day) = key.expires_on {
        body["expires_on"] = json!(day.to_string());
    }
    body
}

fn offer(offer: &Offer) -> Value {
    json!({
        "sku": offer.item,
        "name": offer.name,
        "available": offer.available,
        "on_sale": offer.on_sale,
        "price_minor": offer.price.map(|price| price.minor),
        "currency": offer.price.map(|price| price.currency),
    })
}
