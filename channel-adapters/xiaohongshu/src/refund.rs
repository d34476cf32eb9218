//! Agreeing to what a buyer asked for.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::Serialize;
use vocabulary::Timestamp;

use crate::{
    after_sale::{Info, Memo},
    call::{Token, accepted, data, post},
    read::{after_sale_call, is_number},
    settings::Settings,
    status::AfterSaleStatus,
};

/// "Agree to pay back".
const AGREE: u8 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Audit<'a> {
    returns_id: &'a str,
    action: u8,
}

/// Xiaohongshu pays back what a buyer asked for and the seller agreed to; it has no refund of our own making.
fn asked(job: &RefundJob) -> Result<Memo, Unable> {
    let memo = job.memo.as_deref().filter(|_| job.asked_by_channel).ok_or(Unable("not_asked_by_buyer"))?;
    let memo: Memo = serde_json::from_str(memo).map_err(|_| Unable("unreadable_memo"))?;
    if is_number(&memo.returns_id) { Ok(memo) } else { Err(Unable("unreadable_memo")) }
}

impl Refund for Settings {
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let memo = asked(job)?;
        // With goods to come back the agreement is another, and a person's to give.
        if !matches!(memo.return_type, 3..=5) {
            return Err(Unable("return_type_is_decided_by_hand"));
        }
        // Where the after-sale named no amount, it is about all that was paid.
        let whole = memo.amount == 0 && job.amount == job.total;
        if job.amount.minor != memo.amount && !whole {
            return Err(Unable("amount_is_not_what_was_asked"));
        }
        let audit = Audit { returns_id: &memo.returns_id, action: AGREE };
        post(self, "afterSale.auditReturns", Token::With, &audit, now)
    }

    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        accepted(response).map_or_else(|outcome| outcome, |_| CallOutcome::Done(()))
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(asked(job).and_then(|memo| after_sale_call(self, &memo.returns_id, now)))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let info = match data::<Info, _>(response) {
            Ok(info) => info,
            Err(outcome) => return outcome,
        };
        let status = asked(job).ok().and_then(|memo| info.status_of(&memo.returns_id));
        match status {
            Some(AfterSaleStatus::Settled) => CallOutcome::Done(true),
            Some(AfterSaleStatus::Requested) => CallOutcome::Done(false),
            Some(AfterSaleStatus::UnderWay | AfterSaleStatus::Over | AfterSaleStatus::Unlisted) => {
                CallOutcome::Unknown { code: "neither_paid_nor_open".into() }
            }
            None => CallOutcome::Unknown { code: "foreign_after_sale".into() },
        }
    }
}
