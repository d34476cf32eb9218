//! What we tell a partner: signed events with ids in them, never keys.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    CallOutcome, Deliver, DeliveryJob, OutboundRequest, PushStock, Response, StockJob, Unable,
    sign::hmac_sha256,
};
use serde_json::{Value, json};
use vocabulary::{Secret, Timestamp};

use crate::verify::signed_content;

/// Sends events to one address, signed with one secret.
pub(crate) struct Sender {
    pub(crate) url: String,
    pub(crate) secret: Secret<Vec<u8>>,
}

impl Sender {
    /// The id and the body are the same on every retry; the time and the signature are the attempt's.
    fn event(&self, id: &str, body: &Value, now: Timestamp) -> OutboundRequest {
        let body = body.to_string().into_bytes();
        let sent_at = now.secs().to_string();
        let tag = hmac_sha256(self.secret.expose(), &signed_content(id, &sent_at, &body));
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", sent_at),
            ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
        ];
        OutboundRequest {
            method: "POST",
            url: self.url.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body,
        }
    }
}

impl Deliver for Sender {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let lines: Vec<Value> =
            job.lines.iter().map(|line| json!({ "sku": line.sku, "quantity": line.quantity })).collect();
        let body = json!({
            "type": "order.delivered",
            "timestamp": job.fulfilled_at,
            "data": { "order_id": job.order, "external_order_id": job.external_no, "lines": lines },
        });
        Ok(self.event(&event_id("delivery", &job.idempotency_key), &body, now))
    }
    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        received(response)
    }
    fn repeat_is_safe(&self) -> bool {
        true
    }
}

impl PushStock for Sender {
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let data = json!({ "sku": job.item, "available": job.available, "figure": job.figure });
        // No time in the body: the figure orders the events, and a retry has to be the same bytes.
        let body = json!({ "type": "stock.changed", "data": data });
        Ok(self.event(&event_id("stock", &format!("{}-{}", job.figure, job.item)), &body, now))
    }
    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        received(response)
    }
}

/// An id for the receiver. What could hold a `.` is written in hex: the standard allows none.
fn event_id(prefix: &str, key: &str) -> String {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain { format!("{prefix}_{key}") } else { format!("{prefix}_x{}", hex::encode(key)) }
}

/// The standard's reading of a response: 2xx is received, 410 is never again, all else is tried later.
fn received(response: Response<'_>) -> CallOutcome<()> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return outcome;
    }
    match response {
        Ok(response) if (200..300).contains(&response.status) => CallOutcome::Done(()),
        Ok(response) if response.status == 410 => CallOutcome::Refused { code: "http_410".to_owned() },
        Ok(response) => CallOutcome::RetryAfter {
            secs: response.retry_after.unwrap_or(0),
            code: format!("http_{}", response.status),
        },
        Err(_) => CallOutcome::Unknown { code: "no_answer".to_owned() },
    }
}
