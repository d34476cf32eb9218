//! Is a payment real: its session is asked for.

use channel::{CallOutcome, CheckPayment, OutboundRequest, PaymentJob, PaymentReport, Response, Unable};
use vocabulary::Timestamp;

use crate::{
    answer::{read, unknown},
    session::{List, Session, Standing},
    settings::{Stripe, is_id},
};

impl CheckPayment for Stripe {
    fn request(&self, job: &PaymentJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        match job.txn.as_str() {
            session if session.starts_with("cs_") && is_id(session) => {
                Ok(self.get(&format!("/v1/checkout/sessions/{session}"), &[]))
            }
            intent => Ok(self.get("/v1/checkout/sessions", &[("payment_intent", intent), ("limit", "1")])),
        }
    }

    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        let session = if job.txn.starts_with("cs_") {
            read(response)
        } else {
            match read::<List<Session>, _>(response) {
                Ok(list) => match list.data.into_iter().next() {
                    Some(session) => Ok(session),
                    None => return CallOutcome::Done(PaymentReport { paid: false, amount: None, txn: None }),
                },
                Err(outcome) => Err(outcome),
            }
        };
        let session: Session = match session {
            Ok(session) => session,
            Err(outcome) => return outcome,
        };
        if session.order().ok().flatten() != Some(job.external_no.as_str()) {
            return unknown("answer_about_another_order");
        }
        match session.standing(false) {
            Ok(Standing::Paid(payment)) => CallOutcome::Done(PaymentReport {
                paid: true,
                amount: Some(payment.amount),
                txn: Some(payment.txn),
            }),
            Ok(Standing::Unpaid) => {
                CallOutcome::Done(PaymentReport { paid: false, amount: session.amount().ok(), txn: None })
            }
            Ok(Standing::Unclear(_)) | Err(_) => unknown("unlisted_status"),
        }
    }
}
