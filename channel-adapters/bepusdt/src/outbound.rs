//! Our question: is this payment real?

use channel::{CallOutcome, CheckPayment, OutboundRequest, PaymentJob, PaymentReport, Response, Unable};
use vocabulary::Timestamp;

use crate::{
    answer::{read, unknown},
    canonical::{Fields, Scalar},
    inbound::is_reference,
    settings::{Confirm, Gateway},
    status::{TradeStatus, trade_status},
};

impl Gateway {
    pub(crate) fn post(&self, path: &str, body: &Fields) -> OutboundRequest {
        OutboundRequest {
            method: "POST",
            url: format!("{}{path}", self.base_url),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_json().into_bytes(),
        }
    }
}

impl CheckPayment for Gateway {
    fn request(&self, job: &PaymentJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_reference(&job.txn) {
            return Err(Unable("trade_id_is_not_plain"));
        }
        match self.confirm {
            Some(Confirm::PayInfo) => {
                let mut body = Fields::default();
                body.put("trade_id", Scalar::Text(job.txn.clone()));
                Ok(self.post("api/v1/pay/info", &body))
            }
            Some(Confirm::CheckStatus) => Ok(OutboundRequest {
                method: "GET",
                url: format!("{}pay/check-status/{}", self.base_url, job.txn),
                headers: Vec::new(),
                body: Vec::new(),
            }),
            None => Err(Unable("nothing_is_confirmed")),
        }
    }

    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        let answer = match read(response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let ours = answer.is("trade_id", &job.txn) && answer.agrees("order_id", &job.external_no);
        // Only the newer answer names the order; where it is asked for, it must.
        let named = self.confirm != Some(Confirm::PayInfo) || answer.get("order_id").is_some();
        if !ours || !named {
            return unknown("answer_about_another_trade");
        }
        if !answer.agrees("fiat", self.currency.as_str()) {
            return unknown("answer_in_another_currency");
        }
        let Some(amount) = answer.money("money", self.currency) else { return unknown("unreadable_answer") };
        let paid = match trade_status(&answer.get("status").unwrap_or_default()) {
            TradeStatus::Paid => true,
            TradeStatus::Unpaid => false,
            TradeStatus::Unlisted => return unknown("unlisted_status"),
        };
        CallOutcome::Done(PaymentReport { paid, amount, txn: Some(job.txn.clone()) })
    }
}
