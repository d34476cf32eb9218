//! Money back. The same `out_refund_no` is paid once, however often it is asked for.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::Deserialize;
use serde_json::{Map, json};
use vocabulary::{Currency, Timestamp};

use crate::{
    answer::{read, unknown},
    call::encoded,
    inbound::{Refunded, is_number},
    settings::Merchant,
};

/// The longest a reason may be, in bytes.
const REASON_MAX: usize = 80;

#[derive(Deserialize)]
struct Standing {
    out_trade_no: String,
    out_refund_no: String,
    status: String,
    amount: Refunded,
}

impl Standing {
    /// How the refund of the job stands.
    fn of(&self, job: &RefundJob) -> CallOutcome<()> {
        let same = self.out_refund_no == job.refund && self.out_trade_no == job.external_no;
        if !same || self.amount.money().ok() != Some(job.amount) {
            return unknown("answer_about_another_refund");
        }
        match self.status.as_str() {
            "SUCCESS" => CallOutcome::Done(()),
            "PROCESSING" => unknown("refund_processing"),
            // The bank would not take it; staff send it elsewhere, in WeChat Pay's back office.
            "ABNORMAL" => unknown("refund_abnormal"),
            "CLOSED" => CallOutcome::Refused { code: "refund_closed".to_owned() },
            _ => unknown("unlisted_status"),
        }
    }
}

/// As much of a reason as fits, cut between characters.
fn reason(text: &str) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    &text[..ends.take_while(|end| *end <= REASON_MAX).last().unwrap_or(0)]
}

impl Refund for Merchant {
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if job.amount.currency != Currency::CNY
            || job.total.currency != Currency::CNY
            || job.amount.minor <= 0
        {
            return Err(Unable("amount_is_not_yuan"));
        }
        if !is_number(&job.refund, 64) {
            return Err(Unable("refund_number_not_allowed"));
        }
        let mut body = Map::new();
        match &job.txn {
            Some(txn) => body.insert("transaction_id".to_owned(), json!(txn)),
            None => body.insert("out_trade_no".to_owned(), json!(job.external_no)),
        };
        body.insert("out_refund_no".to_owned(), json!(job.refund));
        if let Some(reason) = Some(reason(&job.reason)).filter(|reason| !reason.is_empty()) {
            body.insert("reason".to_owned(), json!(reason));
        }
        if let Some(url) = &self.refund_notify_url {
            body.insert("notify_url".to_owned(), json!(url));
        }
        let amount = json!({ "refund": job.amount.minor, "total": job.total.minor, "currency": "CNY" });
        body.insert("amount".to_owned(), amount);
        self.call("POST", "/v3/refund/domestic/refunds", &serde_json::Value::Object(body).to_string(), now)
    }

    /// A `200` means that the refund was accepted; only its status says that it was paid.
    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match read::<Standing, _>(self, response) {
            Ok(standing) => standing.of(job),
            Err(outcome) => outcome,
        }
    }

    fn repeat_is_safe(&self) -> bool {
        true
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.call("GET", &format!("/v3/refund/domestic/refunds/{}", encoded(&job.refund)), "", now))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        match read::<Standing, _>(self, response) {
            Ok(standing) => match standing.of(job) {
                CallOutcome::Done(()) => CallOutcome::Done(true),
                CallOutcome::Refused { code } => CallOutcome::Refused { code },
                CallOutcome::Unknown { code } => CallOutcome::Unknown { code },
                _ => unknown("refund_processing"),
            },
            // It never got there. Asking for it again under its number does no harm in any case.
            Err(CallOutcome::Refused { code }) if code == "RESOURCE_NOT_EXISTS" => CallOutcome::Done(false),
            Err(outcome) => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(reason("卡密售罄"), "卡密售罄");
        assert_eq!(reason(&"卡".repeat(40)), "卡".repeat(26));
        assert_eq!(reason(""), "");
    }
}
