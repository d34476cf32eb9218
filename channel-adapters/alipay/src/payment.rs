//! Is a payment real: the trade is queried.

use channel::{CallOutcome, CheckPayment, OutboundRequest, PaymentJob, PaymentReport, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    answer::{read, unknown},
    inbound::yuan,
    settings::Merchant,
};

const QUERY: &str = "alipay.trade.query";

#[derive(Deserialize)]
struct Trade {
    out_trade_no: String,
    trade_no: String,
    trade_status: String,
    total_amount: String,
}

impl CheckPayment for Merchant {
    fn request(&self, job: &PaymentJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.call(QUERY, &json!({ "out_trade_no": job.external_no }), now)
    }

    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        let unpaid = PaymentReport { paid: false, amount: None, txn: None };
        let trade: Trade = match read(self, QUERY, response) {
            Ok(trade) => trade,
            // The buyer has not opened the pay page yet.
            Err(CallOutcome::Refused { code }) if code == "ACQ.TRADE_NOT_EXIST" => {
                return CallOutcome::Done(unpaid);
            }
            Err(outcome) => return outcome,
        };
        if trade.out_trade_no != job.external_no {
            return unknown("answer_about_another_order");
        }
        let Some(amount) = yuan(&trade.total_amount) else { return unknown("unreadable_answer") };
        match trade.trade_status.as_str() {
            "TRADE_SUCCESS" | "TRADE_FINISHED" => CallOutcome::Done(PaymentReport {
                paid: true,
                amount: Some(amount),
                txn: Some(trade.trade_no),
            }),
            // Closed: never paid, or paid and all of it paid back.
            "WAIT_BUYER_PAY" | "TRADE_CLOSED" => CallOutcome::Done(unpaid),
            _ => unknown("unlisted_status"),
        }
    }
}
