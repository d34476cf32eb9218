//! Buying from a shop: order, and ask how an order stands.

use channel::{
    CallOutcome, OutboundRequest, OutboundResponse, Procure, ProcureJob, ProcureState, Procured, Response,
    Unable,
};
use serde::Deserialize;
use serde_json::json;
use vocabulary::{Money, Timestamp};

use crate::{
    cards,
    inbound::{Fulfillment, Whole},
    price,
    settings::Buy,
    status::{self, Bought},
    topic::{BASE, CALLBACK, is_id},
    verify,
};

/// The most that a page of the catalogue holds.
const PAGE_SIZE: usize = 100;
/// How long to wait where the shop has no stock, or our wallet there no money.
const WAIT_SECS: u32 = 600;

/// The answer to an order and to a question about one.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    order_id: Option<Whole>,
    status: Option<String>,
    error_code: Option<String>,
    fulfillment: Option<Fulfillment>,
}

impl Buy {
    /// A call of a path, whose query is not signed.
    fn call(&self, method: &'static str, path: &str, body: Vec<u8>, now: Timestamp) -> OutboundRequest {
        let signed = path.split('?').next().unwrap_or_default();
        let headers = verify::headers(&self.credentials, method, signed, &body, now);
        OutboundRequest { method, url: format!("{}{path}", self.base_url), headers, body }
    }

    /// The purchase as an answer shows it.
    fn purchase(&self, job: &ProcureJob, answer: &Answer) -> CallOutcome<Procured> {
        let unknown = |code: &str| CallOutcome::Unknown { code: code.into() };
        let status = answer.status.as_deref().unwrap_or_default();
        let payload = answer.fulfillment.as_ref().and_then(|f| f.payload.as_deref());
        let state = match (status::bought(status), payload) {
            (Bought::Delivered, Some(payload)) => {
                let keys = cards::read(payload, self.pin_separator.as_deref());
                // Cards that fill several lines, or too few of them: nobody but a person can tell them apart.
                if u32::try_from(keys.len()) != Ok(job.quantity) {
                    return unknown("keys_do_not_match_the_quantity");
                }
                ProcureState::Keys(keys)
            }
            // An order is answered without its cards: they are asked for, or called back.
            (Bought::Underway | Bought::Delivered, _) => ProcureState::Accepted,
            (Bought::Cancelled, _) => ProcureState::Failed { code: "canceled".into() },
            (Bought::Unlisted, _) => return unknown("unlisted_status"),
        };
        let reference = answer.order_id.as_ref().map(|id| id.0.clone());
        CallOutcome::Done(Procured { our_no: job.our_no.clone(), reference, state })
    }
}

impl Procure for Buy {
    /// First the currency of our wallet there, then the catalogue, page by page.
    fn quote(&self, _: &ProcureJob, step: u32, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(Ok(match step {
            0 => self.call("POST", &format!("{BASE}/ping"), b"{}".to_vec(), now),
            page => {
                let path = format!("{BASE}/products?page={page}&page_size={PAGE_SIZE}");
                self.call("GET", &path, Vec::new(), now)
            }
        }))
    }

    fn interpret_quote(
        &self,
        job: &ProcureJob,
        step: u32,
        response: Response<'_>,
    ) -> CallOutcome<Option<Money>> {
        price::read(job, step, response)
    }

    fn request(&self, job: &ProcureJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_id(&job.item) {
            return Err(Unable("item_is_no_sku_id"));
        }
        let sku_id: u64 = job.item.parse().map_err(|_| Unable("item_is_no_sku_id"))?;
        let mut body = json!({
            "sku_id": sku_id,
            "quantity": job.quantity,
            "downstream_order_no": job.our_no,
            "trace_id": job.our_no,
        });
        if let Some(inbound) = &job.callback_url {
            body["callback_url"] = json!(format!("{}{CALLBACK}", inbound.trim_end_matches('/')));
        }
        Ok(self.call("POST", &format!("{BASE}/orders"), body.to_string().into_bytes(), now))
    }

    fn interpret(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        read(response, |answer| self.purchase(job, answer))
    }

    /// The same key and number give the first order, says the document.
    fn repeat_is_safe(&self) -> bool {
        true
    }

    /// Without the shop's number, the repeated order is the question.
    fn ask(
        &self,
        _: &ProcureJob,
        reference: Option<&str>,
        now: Timestamp,
    ) -> Option<Result<OutboundRequest, Unable>> {
        let id = reference?;
        if !is_id(id) {
            return Some(Err(Unable("reference_is_no_order_id")));
        }
        Some(Ok(self.call("GET", &format!("{BASE}/orders/{id}"), Vec::new(), now)))
    }

    fn interpret_ask(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        read(response, |answer| self.purchase(job, answer))
    }
}

/// What the answers to both calls have in common. Pages of a firewall come with any status and are no answer.
fn read(
    response: Response<'_>,
    purchase: impl Fn(&Answer) -> CallOutcome<Procured>,
) -> CallOutcome<Procured> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return outcome;
    }
    let Ok(OutboundResponse { status, body, .. }) = response else {
        return CallOutcome::Unknown { code: "no_answer".into() };
    };
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return CallOutcome::Unknown { code: "unreadable_answer".into() };
    };
    let code: String = answer.error_code.clone().unwrap_or_default().chars().take(64).collect();
    match (status, answer.ok) {
        (200, true) => purchase(&answer),
        // 402 is an empty wallet, 409 an empty shelf: nothing was bought yet.
        (402 | 409, _) => CallOutcome::RetryAfter { secs: WAIT_SECS, code },
        (200 | 400 | 401 | 403 | 404, false) => CallOutcome::Refused { code },
        _ => CallOutcome::Unknown { code: format!("http_{status}") },
    }
}
