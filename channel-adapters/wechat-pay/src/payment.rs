//! Is a payment real: the order is queried.

use channel::{CallOutcome, CheckPayment, OutboundRequest, PaymentJob, PaymentReport, Response, Unable};
use vocabulary::Timestamp;

use crate::{
    answer::{read, unknown},
    call::encoded,
    inbound::Transaction,
    settings::Merchant,
};

/// Whether a state says that the order is paid; `None` where it does not tell.
fn is_paid(trade_state: &str) -> Option<bool> {
    match trade_state {
        "SUCCESS" => Some(true),
        "NOTPAY" | "CLOSED" | "REVOKED" | "USERPAYING" | "PAYERROR" => Some(false),
        // `REFUND`: it was paid, and some or all of it is no longer ours.
        _ => None,
    }
}

impl CheckPayment for Merchant {
    fn request(&self, job: &PaymentJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let order = encoded(&job.external_no);
        let path = format!("/v3/pay/transactions/out-trade-no/{order}?mchid={}", self.mchid);
        self.call("GET", &path, "", now)
    }

    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        let transaction: Transaction = match read(self, response) {
            Ok(transaction) => transaction,
            Err(outcome) => return outcome,
        };
        if transaction.belongs_to(self).is_err() || transaction.out_trade_no != job.external_no {
            return unknown("answer_about_another_order");
        }
        match (is_paid(&transaction.trade_state), transaction.amount()) {
            (Some(paid), Ok(amount)) if !paid || amount.is_some() => {
                let txn = transaction.txn().map(str::to_owned);
                CallOutcome::Done(PaymentReport { paid, amount, txn })
            }
            (Some(_), _) => unknown("unreadable_answer"),
            (None, _) => unknown("state_does_not_tell"),
        }
    }
}
