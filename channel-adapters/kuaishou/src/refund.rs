//! Agreeing to what a buyer asked for.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::Serialize;
use vocabulary::Timestamp;

use crate::{
    after_sale::{self, Memo},
    call::{accepted, data, post},
    read::refund_call,
    settings::Settings,
    status::{REFUND_ONLY, RefundStatus},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Approve {
    refund_id: u64,
    refund_amount: i64,
    status: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    negotiate_status: Option<i64>,
    /// Spelled so.
    refund_handing_way: i64,
}

/// Kuaishou pays back what a buyer asked for and the seller agreed to; it has no refund of our own making.
fn asked(job: &RefundJob) -> Result<Memo, Unable> {
    let memo = job.memo.as_deref().filter(|_| job.asked_by_channel).ok_or(Unable("not_asked_by_buyer"))?;
    serde_json::from_str(memo).map_err(|_| Unable("unreadable_memo"))
}

impl Refund for Settings {
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let memo = asked(job)?;
        // With goods to come back the agreement is another, and a person's to give.
        if memo.handling_way != REFUND_ONLY {
            return Err(Unable("handling_way_is_decided_by_hand"));
        }
        if job.amount.minor != memo.amount {
            return Err(Unable("amount_is_not_what_was_asked"));
        }
        let approve = Approve {
            refund_id: memo.refund_id,
            refund_amount: memo.amount,
            status: memo.status,
            negotiate_status: memo.negotiate_status,
            refund_handing_way: memo.handling_way,
        };
        post(self, "open.seller.order.refund.approve", &approve, now)
    }

    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        accepted(response).map_or_else(|outcome| outcome, |_| CallOutcome::Done(()))
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(asked(job).and_then(|memo| refund_call(self, memo.refund_id, now)))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let info = match data::<after_sale::Refund, _>(response) {
            Ok(info) => info,
            Err(outcome) => return outcome,
        };
        if asked(job).ok().is_none_or(|memo| memo.refund_id != info.refund_id) {
            return CallOutcome::Unknown { code: "foreign_refund".into() };
        }
        match info.status() {
            // Agreed: Kuaishou pays without our doing.
            RefundStatus::Agreed | RefundStatus::Settled => CallOutcome::Done(true),
            RefundStatus::Requested => CallOutcome::Done(false),
            RefundStatus::UnderWay | RefundStatus::Over | RefundStatus::Unlisted => {
                CallOutcome::Unknown { code: "neither_paid_nor_open".into() }
            }
        }
    }
}
