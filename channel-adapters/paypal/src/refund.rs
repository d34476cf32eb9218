//! Money back against a capture. PayPal knows a repeat by its request id, for 45 days.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable, sign::hmac_sha256};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    answer::{body, capture, unknown},
    settings::Settings,
    status::{RefundStanding, refund_standing},
};

/// The most that PayPal keeps as a `custom_id`.
const CUSTOM_ID_MAX: usize = 127;

#[derive(Deserialize)]
struct Made {
    id: String,
    status: String,
}

/// The `custom_id` of a refund of ours: no order number holds a `|`.
fn mark(job: &RefundJob) -> String {
    format!("{}|{}", job.external_no, job.refund)
}

/// Whether a refund's `custom_id` is one that we gave.
pub(crate) fn is_ours(custom_id: &str) -> bool {
    custom_id.contains('|')
}

/// The same for every attempt at a refund, another for every other refund.
fn request_id(job: &RefundJob) -> String {
    let tag = hmac_sha256(b"PayPal-Request-Id", mark(job).as_bytes());
    tag.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Refund for Settings {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let txn = job.txn.as_deref().ok_or(Unable("no_capture_to_refund"))?;
        let mark = mark(job);
        if mark.len() > CUSTOM_ID_MAX {
            return Err(Unable("numbers_are_too_long"));
        }
        let amount =
            json!({ "value": job.amount.to_major_text(), "currency_code": job.amount.currency.as_str() });
        let refund = json!({ "amount": amount, "custom_id": mark });
        let path = format!("/v2/payments/captures/{}/refund", capture(txn)?);
        let mut call = self.call("POST", &path, refund.to_string().into_bytes());
        call.headers.push(("paypal-request-id".to_owned(), request_id(job)));
        Ok(call)
    }

    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match body::<Made, _>(response) {
            Ok(made) if made.id.is_empty() => unknown("unreadable_answer"),
            Ok(made) => match refund_standing(&made.status) {
                RefundStanding::Done => CallOutcome::Done(()),
                // The repeat, which is known by its id, tells how it stands then.
                RefundStanding::Pending => {
                    CallOutcome::RetryAfter { secs: 3_600, code: "refund_pending".to_owned() }
                }
                RefundStanding::Failed => CallOutcome::Refused { code: "refund_failed".to_owned() },
                RefundStanding::Unlisted => unknown("unlisted_status"),
            },
            // All of the money is with the buyer already.
            Err(CallOutcome::Refused { code }) if code == "CAPTURE_FULLY_REFUNDED" => CallOutcome::Done(()),
            Err(outcome) => outcome,
        }
    }

    fn repeat_is_safe(&self) -> bool {
        true
    }
}
