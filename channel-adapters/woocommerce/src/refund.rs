//! Refunds. The shop does not tell them apart by our number, so it stands at the end of the reason, and a refund
//! whose end is unknown is looked for before another is made.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    order::marked,
    rest::{body, number, unknown},
    settings::Settings,
};

/// An order with the refunds that were made of it.
#[derive(Deserialize)]
struct Refunded {
    id: u64,
    refunds: Vec<Made>,
}

#[derive(Deserialize)]
struct Made {
    id: u64,
    reason: Option<String>,
}

impl Made {
    fn is(&self, job: &RefundJob) -> bool {
        let ours = marked(&job.refund);
        self.id > 0 && self.reason.as_deref().is_some_and(|reason| reason.trim_end().ends_with(&ours))
    }
}

impl Refund for Settings {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let order = number(&job.external_no, "bad_order_no")?;
        let refund = json!({
            "amount": job.amount.to_major_text(),
            "reason": format!("{} {}", job.reason, marked(&job.refund)),
            "api_refund": self.gateway_refunds,
            "api_restock": false,
        });
        Ok(self.send("POST", &format!("orders/{order}/refunds"), &refund))
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match body::<Made, _>(response) {
            Ok(made) if made.is(job) => CallOutcome::Done(()),
            Ok(_) => unknown("answer_about_another_refund"),
            Err(outcome) => outcome,
        }
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let order = number(&job.external_no, "bad_order_no");
        Some(order.map(|order| self.get(&format!("orders/{order}?_fields=id,refunds"))))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        match body::<Refunded, _>(response) {
            Ok(order) if order.id.to_string() != job.external_no => unknown("answer_about_another_order"),
            Ok(order) => CallOutcome::Done(order.refunds.iter().any(|made| made.is(job))),
            Err(outcome) => outcome,
        }
    }
}
