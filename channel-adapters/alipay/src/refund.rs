//! Money back. The same `out_request_no` is paid once for a trade, however often it is asked for.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::{Currency, Money, Timestamp};

use crate::{
    answer::{read, unknown},
    inbound::{is_plain, yuan},
    settings::Merchant,
};

const REFUND: &str = "alipay.trade.refund";
const QUERY: &str = "alipay.trade.fastpay.refund.query";
/// The longest a reason may be, in characters.
const REASON_MAX: usize = 80;

#[derive(Deserialize)]
struct Accepted {
    out_trade_no: String,
    /// Whether money moved now: `Y`, or `N` where it had moved before, or does later.
    fund_change: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    out_trade_no: Option<String>,
    out_request_no: Option<String>,
    refund_amount: Option<String>,
    /// Missing where the refund did not get there, or failed.
    refund_status: Option<String>,
}

impl Merchant {
    /// Asks how a refund stands.
    pub(crate) fn refund_query(
        &self,
        order: &str,
        refund: &str,
        now: Timestamp,
    ) -> Result<OutboundRequest, Unable> {
        self.call(QUERY, &json!({ "out_trade_no": order, "out_request_no": refund }), now)
    }

    /// How much a refund paid back; `None` where it is not paid.
    pub(crate) fn refund_found<T>(
        &self,
        order: &str,
        refund: &str,
        response: Response<'_>,
    ) -> Result<Option<Money>, CallOutcome<T>> {
        let found: Found = read(self, QUERY, response)?;
        let other = |field: &Option<String>, ours: &str| field.as_ref().is_some_and(|found| found != ours);
        if other(&found.out_trade_no, order) || other(&found.out_request_no, refund) {
            return Err(unknown("answer_about_another_refund"));
        }
        match found.refund_status.as_deref() {
            Some("REFUND_SUCCESS") => {
                let named = found.out_trade_no.is_some() && found.out_request_no.is_some();
                let amount = found.refund_amount.as_deref().and_then(yuan).filter(|_| named);
                amount.map(Some).ok_or_else(|| unknown("unreadable_answer"))
            }
            None | Some("") => Ok(None),
            Some(_) => Err(unknown("unlisted_status")),
        }
    }
}

impl Refund for Merchant {
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if job.amount.currency != Currency::CNY || job.amount.minor <= 0 {
            return Err(Unable("amount_is_not_yuan"));
        }
        if !is_plain(&job.refund, 64) {
            return Err(Unable("refund_number_not_allowed"));
        }
        let reason: String = job.reason.chars().take(REASON_MAX).collect();
        let content = json!({
            "out_trade_no": job.external_no,
            "refund_amount": job.amount.to_major_text(),
            "out_request_no": job.refund,
            "refund_reason": reason,
        });
        self.call(REFUND, &content, now)
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match read::<Accepted, _>(self, REFUND, response) {
            Ok(accepted) if accepted.out_trade_no != job.external_no => {
                unknown("answer_about_another_refund")
            }
            Ok(accepted) if accepted.fund_change.as_deref() == Some("Y") => CallOutcome::Done(()),
            Ok(_) => unknown("fund_not_changed"),
            Err(outcome) => outcome,
        }
    }

    fn repeat_is_safe(&self) -> bool {
        true
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.refund_query(&job.external_no, &job.refund, now))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        match self.refund_found(&job.external_no, &job.refund, response) {
            Ok(Some(amount)) if amount == job.amount => CallOutcome::Done(true),
            Ok(Some(_)) => unknown("answer_about_another_refund"),
            Ok(None) => CallOutcome::Done(false),
            Err(outcome) => outcome,
        }
    }
}
