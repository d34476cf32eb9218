//! Whether a capture that an event told of is real, and whose it is.

use channel::{CallOutcome, CheckPayment, OutboundRequest, PaymentJob, PaymentReport, Response, Unable};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    answer::{body, capture, unknown},
    inbound::Amount,
    settings::Settings,
    status::is_paid,
};

#[derive(Deserialize)]
struct Capture {
    id: String,
    status: String,
    amount: Amount,
    custom_id: Option<String>,
}

impl CheckPayment for Settings {
    fn request(&self, job: &PaymentJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.call("GET", &format!("/v2/payments/captures/{}", capture(&job.txn)?), Vec::new()))
    }

    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        let found: Capture = match body(response) {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        if found.id != job.txn {
            return unknown("answer_about_another_capture");
        }
        // The capture is real; that it is for this order is what a forged event would be about.
        if found.custom_id.as_deref() != Some(&job.external_no) {
            return CallOutcome::Refused { code: "capture_of_another_order".to_owned() };
        }
        let Some(amount) = found.amount.money() else { return unknown("unreadable_amount") };
        let paid = is_paid(&found.status);
        CallOutcome::Done(PaymentReport { paid, amount: Some(amount), txn: Some(found.id) })
    }
}
