//! What we tell a shop that buys from us: the callback with the keys of an order.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    cards,
    inbound::Memo,
    reply,
    settings::Sell,
    topic::{CALLBACK, is_id},
    verify,
};

#[derive(Deserialize)]
struct Acknowledged {
    ok: bool,
}

impl Deliver for Sell {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let memo = Memo::read(job.memo.as_deref()).ok_or(Unable("no_address_to_call"))?;
        let url = memo.callback_url.filter(|url| self.may_call(url)).ok_or(Unable("no_address_to_call"))?;
        let order_id = job.external_no.parse::<u64>().ok().filter(|_| is_id(&job.external_no));
        let mut body = json!({
            "event": "order.status",
            "order_id": order_id.ok_or(Unable("order_id_is_no_number"))?,
            "order_no": job.order.to_string(),
            "downstream_order_no": memo.downstream_order_no,
            "status": "canceled",
            "timestamp": now.secs(),
        });
        if job.lines.iter().any(|line| !line.keys.is_empty()) {
            if !cards::all_there(&job.lines) {
                return Err(Unable("keys_are_incomplete"));
            }
            let payload =
                cards::payload(&job.lines, &self.pin_separator).ok_or(Unable("key_outside_limits"))?;
            body["event"] = json!("order.fulfilled");
            body["status"] = json!("delivered");
            body["fulfillment"] = reply::fulfillment(payload.expose(), job.fulfilled_at);
        }
        let body = body.to_string().into_bytes();
        let headers = verify::headers(&self.credentials, "POST", CALLBACK, &body, now);
        Ok(OutboundRequest { method: "POST", url, headers, body })
    }

    /// Success is a 200 with `ok`, and nothing else; the protocol's own sender repeats everything else.
    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        let Ok(response) = response else { return CallOutcome::Unknown { code: "no_answer".into() } };
        match response.status {
            200 => {}
            401 | 403 => return CallOutcome::Refused { code: format!("http_{}", response.status) },
            other => return CallOutcome::RetryAfter { secs: 0, code: format!("http_{other}") },
        }
        match serde_json::from_slice(&response.body) {
            Ok(Acknowledged { ok: true }) => CallOutcome::Done(()),
            Ok(Acknowledged { ok: false }) => CallOutcome::RetryAfter { secs: 0, code: "not_ok".into() },
            Err(_) => CallOutcome::Unknown { code: "unreadable_answer".into() },
        }
    }

    /// The document tells receivers to take a callback twice without harm.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
