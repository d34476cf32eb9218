//! Refunds: how Youzan shows them, what they mean to us, and how one is agreed to.

use channel::{
    Ask, CallOutcome, Inbound, Kind, OutboundRequest, Refund, RefundAsk, RefundJob, Response, Unable,
};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    api::{data, done, either, read, refused, unreadable},
    settings::Settings,
    status::{RefundStatus, refund_status},
    wire::{Text, clip, is_id, is_tid, time},
};

/// One refund. Its amount is yuan.
#[derive(Deserialize)]
pub(crate) struct Detail {
    refund_id: Text,
    pub(crate) tid: String,
    status: String,
    #[serde(default)]
    refund_fee: Text,
    #[serde(default)]
    modified: Text,
    #[serde(default)]
    version: Text,
}

impl Detail {
    /// What its state says; `None` where it names no order or refund.
    pub(crate) fn message(&self) -> Option<Inbound> {
        let id = self.refund_id.id().filter(|_| is_tid(&self.tid))?;
        let amount = self.refund_fee.yuan();
        let open = format!("{}:{}", clip(&self.status), clip(&self.modified.0));
        let refund = RefundAsk {
            external_no: self.tid.clone(),
            refund: id.to_owned(),
            amount,
            reason: clip(&self.status),
            memo: None,
        };
        let (seen, ask) = match (refund_status(&self.status), amount) {
            (RefundStatus::Requested, _) => (open, Ask::RefundRequested(refund)),
            (RefundStatus::Refused, _) => (open, Ask::RefundRefused(refund)),
            (RefundStatus::Settled, Some(amount)) => {
                (format!("settled:{}", amount.minor), Ask::RefundSettled(refund))
            }
            // Without an amount nobody can say how much went back, so a person must look.
            (RefundStatus::Settled, None) => {
                (open, Ask::Unmapped { kind: "refund without amount".to_owned() })
            }
            (RefundStatus::UnderWay, _) => (open, Ask::Nothing),
            (RefundStatus::Unlisted, _) => {
                (open, Ask::Unmapped { kind: clip(&format!("refund {}", self.status)) })
            }
        };
        Some(Inbound {
            id: Some(format!("refund:{id}:{seen}")),
            content: amount.map_or(0, |money| money.minor).to_string().into_bytes(),
            kind: Kind::Notice,
            occurred_at: time(&self.modified.0),
            ask,
        })
    }
}

impl Settings {
    fn refund_request(&self, refund: &str) -> Result<OutboundRequest, Unable> {
        if !is_id(refund) {
            return Err(Unable("not_a_request_of_the_buyer"));
        }
        Ok(self.call("youzan.trade.refund.get/3.0.1", &json!({ "refund_id": refund })))
    }
}

/// An answer about another refund or order must not move this one.
fn asked<T>(job: &RefundJob, detail: Detail) -> Result<Detail, CallOutcome<T>> {
    let ours = detail.refund_id.0 == job.refund && detail.tid == job.external_no;
    if ours { Ok(detail) } else { Err(refused("foreign_refund")) }
}

impl Refund for Settings {
    /// An agreement names the refund's latest version, so the first call reads it.
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        self.refund_request(&job.refund)
    }

    /// The state is the version.
    fn next(&self, job: &RefundJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let version: i64 = state.parse().map_err(|_| Unable("bad_version"))?;
        let body = json!({ "refund_id": job.refund, "version": version });
        Ok(self.call("youzan.trade.refund.agree/3.0.1", &body))
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        either(data(response).and_then(|text| {
            // The agreement answers without a refund.
            let Ok(detail) = read::<Detail, ()>(&text) else { return Ok(done(response)) };
            let detail = asked(job, detail)?;
            Ok(match refund_status(&detail.status) {
                RefundStatus::Settled => CallOutcome::Done(()),
                RefundStatus::Requested if detail.refund_fee.yuan() != Some(job.amount) => {
                    refused("other_amount")
                }
                RefundStatus::Requested => match detail.version.id() {
                    Some(version) => CallOutcome::Next { state: version.to_owned() },
                    None => unreadable(),
                },
                _ => refused("no_longer_asked_for"),
            })
        }))
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.refund_request(&job.refund))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        either(data(response).and_then(|text| {
            Ok(match refund_status(&asked(job, read(&text)?)?.status) {
                RefundStatus::Settled => CallOutcome::Done(true),
                RefundStatus::Requested | RefundStatus::Refused => CallOutcome::Done(false),
                RefundStatus::UnderWay | RefundStatus::Unlisted => unreadable(),
            })
        }))
    }
}
