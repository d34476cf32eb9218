//! What partners are told: that something happened to something, by ids. No card key, no person, no fingerprint, no text
//! that people wrote.

use events::{Fact, RecordedEvent};
use serde_json::{Value, json};

/// The public types of events, as partners name them.
pub const EVENT_TYPES: [&str; 12] = [
    "order.created",
    "order.paid",
    "order.backordered",
    "order.delivered",
    "order.cancelled",
    "order.disputed",
    "order.refund_requested",
    "order.refunded",
    "order.closed",
    "stock.changed",
    "price.changed",
    "listing.changed",
];

/// A public event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// One of [`EVENT_TYPES`].
    pub(crate) event_type: &'static str,
    /// The body, as it is sent and signed.
    pub(crate) body: String,
}

/// The id of an event's message, the same for every try: a receiver drops what it has.
pub(crate) fn id(merchant: &str, position: u64) -> String {
    format!("kami-{merchant}-{position}")
}

/// What is public about an event; none where nothing is.
pub(crate) fn of(event: &RecordedEvent) -> Option<Message> {
    // An event of a newer program is not public to this one; the next version of it is not for partners to miss, so an
    // upgrade begins with the workers.
    let (event_type, mut data) = told(&event.fact().ok()?)?;
    data["position"] = json!(event.position.0);
    if let ("order", false) = (event.stream.kind(), data.get("order").is_some()) {
        data["order"] = json!(event.stream.as_str());
    }
    let body = json!({ "type": event_type, "timestamp": event.recorded_at, "data": data });
    Some(Message { event_type, body: body.to_string() })
}

fn told(fact: &Fact) -> Option<(&'static str, Value)> {
    Some(match fact {
        Fact::OrderPlaced(e) => {
            let lines = e.lines.iter().map(|line| json!({ "sku": line.sku, "quantity": line.quantity }));
            let lines: Vec<Value> = lines.collect();
            let data = json!({
                "order": e.order, "account": e.account, "external_order_id": e.external_no,
                "total": e.total, "lines": lines,
            });
            ("order.created", data)
        }
        Fact::PaymentConfirmed(e) => ("order.paid", json!({ "amount": e.amount, "through": e.through })),
        Fact::OrderBackordered(e) => ("order.backordered", json!({ "until": e.until })),
        Fact::OrderDelivered(e) => ("order.delivered", json!({ "delivery": e.delivery })),
        Fact::OrderCancelled(_) => ("order.cancelled", json!({})),
        Fact::PaymentDisputed(e) => ("order.disputed", json!({ "amount": e.amount })),
        Fact::RefundRequested(e) => ("order.refund_requested", json!({ "refund": e.refund })),
        Fact::RefundSettled(e) => ("order.refunded", json!({ "refund": e.refund, "amount": e.amount })),
        Fact::OrderClosed(_) => ("order.closed", json!({})),
        Fact::KeysImported(e) => ("stock.changed", json!({ "sku": e.sku })),
        Fact::KeysQuarantined(e) => ("stock.changed", json!({ "sku": e.sku })),
        Fact::QuarantineLifted(e) => ("stock.changed", json!({ "sku": e.sku })),
        Fact::PriceSet(e) => ("price.changed", json!({ "sku": e.sku, "account": e.account })),
        Fact::ListingMapped(e) => ("listing.changed", json!({ "account": e.account, "item": e.item })),
        Fact::ListingRemoved(e) => ("listing.changed", json!({ "account": e.account, "item": e.item })),
        _ => return None,
    })
}
