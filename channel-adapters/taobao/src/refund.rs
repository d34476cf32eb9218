//! Refunds: how Taobao shows them, what they mean to us, and how one is agreed to.

use channel::{
    Ask, CallOutcome, Inbound, Kind, OutboundRequest, Refund, RefundAsk, RefundJob, Response, Unable,
};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    api::{Parts, either, refused, unreadable},
    settings::Settings,
    status::{RefundStatus, refund_status},
    wire::{Text, clip, is_id, time},
};

/// The fields that are asked for.
pub(crate) const FIELDS: &str = "refund_id,tid,status,refund_fee,modified,refund_version,refund_phase";

/// `refund`. Its amount is yuan.
#[derive(Deserialize)]
pub(crate) struct Detail {
    pub(crate) refund_id: Text,
    pub(crate) tid: Text,
    status: String,
    #[serde(default)]
    refund_fee: Text,
    #[serde(default)]
    modified: Text,
    #[serde(default)]
    refund_version: Text,
    #[serde(default)]
    refund_phase: Text,
}

impl Detail {
    /// What its state says; `None` where it names no trade or refund.
    pub(crate) fn message(&self) -> Option<Inbound> {
        let (id, tid) = (self.refund_id.id()?, self.tid.id()?);
        let amount = self.refund_fee.yuan();
        let open = format!("{}:{}", clip(&self.status), clip(&self.modified.0));
        let refund = RefundAsk {
            external_no: tid.to_owned(),
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
            (RefundStatus::None | RefundStatus::Unlisted, _) => {
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

    /// What the agreement must name: `refund_id|fen|version`, and the phase for Tmall.
    fn agreement(&self, job: &RefundJob, tmall: bool) -> Option<String> {
        let amount = self.refund_fee.yuan().filter(|amount| *amount == job.amount)?;
        let base = format!("{}|{}|{}", self.refund_id.id()?, amount.minor, self.refund_version.id()?);
        match self.refund_phase.0.as_str() {
            _ if !tmall => Some(base),
            phase @ ("onsale" | "aftersale") => Some(format!("{base}|{phase}")),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct RefundAnswer {
    refund: Detail,
}

/// A refund of a trade, out of an answer.
pub(crate) fn detail<T>(parts: &Parts, tid: &str) -> Result<Detail, CallOutcome<T>> {
    let RefundAnswer { refund } = parts.part("refund_get_response")?;
    // An answer about another trade must not move this one.
    if refund.tid.0 != tid { Err(refused("foreign_trade")) } else { Ok(refund) }
}

#[derive(Deserialize)]
struct Agreed {
    #[serde(default)]
    succ: bool,
    #[serde(default)]
    msg_code: Text,
}

impl Settings {
    pub(crate) fn refund_request(&self, refund: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_id(refund) {
            return Err(Unable("not_a_request_of_the_buyer"));
        }
        let params = vec![("fields", FIELDS.to_owned()), ("refund_id", refund.to_owned())];
        Ok(self.call("taobao.refund.get", params, now))
    }

    fn asked<T>(&self, job: &RefundJob, parts: &Parts) -> Result<Detail, CallOutcome<T>> {
        let detail = detail(parts, &job.external_no)?;
        if detail.refund_id.0 != job.refund { Err(refused("foreign_refund")) } else { Ok(detail) }
    }
}

impl Refund for Settings {
    /// The platform has no refund that the merchant begins. An agreement names the refund's version and amount, so
    /// the first call reads them.
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.refund_request(&job.refund, now)
    }

    fn next(&self, _: &RefundJob, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.call("taobao.rp.refunds.agree", vec![("refund_infos", state.to_owned())], now))
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        either(Parts::of(response).and_then(|parts| {
            if parts.has("rp_refunds_agree_response") {
                let agreed: Agreed = parts.part("rp_refunds_agree_response")?;
                let whole = agreed.succ && agreed.msg_code.0 == "OP_SUCC";
                return Ok(if whole { CallOutcome::Done(()) } else { refused("not_agreed") });
            }
            let detail = self.asked(job, &parts)?;
            Ok(match refund_status(&detail.status) {
                RefundStatus::Settled => CallOutcome::Done(()),
                RefundStatus::Requested => match detail.agreement(job, self.tmall) {
                    Some(state) => CallOutcome::Next { state },
                    None => refused("other_amount_or_no_version"),
                },
                _ => refused("no_longer_asked_for"),
            })
        }))
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.refund_request(&job.refund, now))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        either(Parts::of(response).and_then(|parts| {
            Ok(match refund_status(&self.asked(job, &parts)?.status) {
                RefundStatus::Settled => CallOutcome::Done(true),
                RefundStatus::Requested | RefundStatus::Refused => CallOutcome::Done(false),
                _ => unreadable(),
            })
        }))
    }
}
