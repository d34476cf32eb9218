//! Money back.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable, sign::hmac_sha256};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    answer::{read, unknown},
    session::{List, Refunded},
    settings::Stripe,
};

/// How many refunds of a payment an answer shows at most.
const LISTED_MAX: &str = "100";
/// The longest a value of metadata may be, in characters.
const METADATA_MAX: usize = 500;

/// The payment that the refund is of. A session stands for one where nothing was to be paid.
fn intent(job: &RefundJob) -> Result<&str, Unable> {
    match job.txn.as_deref() {
        Some(txn) if !txn.is_empty() && !txn.starts_with("cs_") => Ok(txn),
        _ => Err(Unable("no_payment_to_refund")),
    }
}

/// Equal for one refund, different for two. Ours may be any text, a header may not.
fn key(job: &RefundJob) -> String {
    hex::encode(hmac_sha256(b"refund", format!("{}\n{}", job.external_no, job.refund).as_bytes()))
}

/// How the refund that we made stands.
fn standing(job: &RefundJob, refund: &Refunded) -> CallOutcome<()> {
    if refund.number() != job.refund || refund.amount().ok() != Some(job.amount) {
        return unknown("answer_about_another_refund");
    }
    match refund.status.as_deref() {
        Some("succeeded") => CallOutcome::Done(()),
        Some("pending" | "requires_action") => unknown("refund_pending"),
        Some("failed" | "canceled") => CallOutcome::Refused { code: "refund_failed".to_owned() },
        _ => unknown("unlisted_status"),
    }
}

impl Refund for Stripe {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        if job.amount.minor <= 0 {
            return Err(Unable("amount_is_not_positive"));
        }
        if job.refund.chars().count() > METADATA_MAX || job.external_no.chars().count() > METADATA_MAX {
            return Err(Unable("number_too_long"));
        }
        let (intent, amount) = (intent(job)?, job.amount.minor.to_string());
        let reason: String = job.reason.chars().take(METADATA_MAX).collect();
        let fields = [
            ("payment_intent", intent),
            ("amount", &amount),
            ("reason", "requested_by_customer"),
            ("metadata[order]", &job.external_no),
            ("metadata[refund]", &job.refund),
            ("metadata[reason]", &reason),
        ];
        Ok(self.post("/v1/refunds", &fields, &key(job)))
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match read::<Created, _>(response) {
            Ok(created) if created.object == "refund" => standing(job, &created.refund),
            Ok(_) => unknown("unreadable_answer"),
            Err(outcome) => outcome,
        }
    }

    /// Within a day, by the idempotency key. After that the key may be forgotten, so Stripe is asked first.
    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let list = |intent| self.get("/v1/refunds", &[("payment_intent", intent), ("limit", LISTED_MAX)]);
        Some(intent(job).map(list))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let list: List<Refunded> = match read(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        match list.data.iter().find(|refund| refund.number() == job.refund) {
            Some(refund) => match standing(job, refund) {
                CallOutcome::Done(()) => CallOutcome::Done(true),
                CallOutcome::Refused { code } => CallOutcome::Refused { code },
                _ => unknown("refund_pending"),
            },
            None if list.has_more => unknown("more_refunds_than_shown"),
            None => CallOutcome::Done(false),
        }
    }
}

#[derive(Deserialize)]
struct Created {
    object: String,
    #[serde(flatten)]
    refund: Refunded,
}
