//! Our calls: how does an order stand, and pay it back.

use channel::{
    CallOutcome, CheckPayment, OutboundRequest, PaymentJob, PaymentReport, Refund, RefundJob, Response,
    Unable,
};
use vocabulary::{Currency, Money, Timestamp};

use crate::{
    answer::{Answer, read},
    canonical::{Pair, form},
    settings::{Gateway, Keys},
    status::{Standing, standing},
};

fn pair(name: &str, value: &str) -> Pair {
    (name.to_owned(), value.to_owned())
}

fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// Yuan for a call; the gateways know no other money.
pub(crate) fn yuan(amount: Money) -> Result<String, Unable> {
    match amount {
        Money { currency: Currency::CNY, minor: 1.. } => Ok(amount.to_major_text()),
        _ => Err(Unable("amount_is_not_yuan")),
    }
}

impl Gateway {
    fn post(&self, path: &str, body: String) -> OutboundRequest {
        let content_type = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        OutboundRequest {
            method: "POST",
            url: format!("{}{path}", self.base_url),
            headers: vec![content_type],
            body: body.into_bytes(),
        }
    }

    /// Asks how an order stands. V1 wants its key in the address: never log it.
    fn order_query(&self, out_trade_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let order = [pair("pid", &self.pid), pair("out_trade_no", out_trade_no)];
        match &self.keys {
            Keys::Md5(key) => {
                let [pid, order] = order;
                let query = form(&[pair("act", "order"), pid, pair("key", key.expose()), order]);
                let url = format!("{}api.php?{query}", self.base_url);
                Ok(OutboundRequest { method: "GET", url, headers: Vec::new(), body: Vec::new() })
            }
            Keys::Rsa { .. } => Ok(self.post("api/pay/query", self.signed_form(order.to_vec(), now)?)),
        }
    }

    /// The order's standing, money and payment number, if the answer is about this order.
    fn standing_of(
        &self,
        answer: &Answer,
        out_trade_no: &str,
    ) -> Result<(Standing, Option<Money>), &'static str> {
        if !answer.agrees("out_trade_no", out_trade_no) || !answer.agrees("pid", &self.pid) {
            return Err("answer_about_another_order");
        }
        let money = answer.get("money").map(|text| Money::from_major_text(text, Currency::CNY)).transpose();
        let money = money.map_err(|_| "unreadable_answer")?;
        match standing(answer.get("status").unwrap_or_default(), &self.paid_status) {
            Standing::Unclear => Err("unlisted_status"),
            known => Ok((known, money)),
        }
    }
}

impl CheckPayment for Gateway {
    fn request(&self, job: &PaymentJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.order_query(&job.external_no, now)
    }

    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        let answer = match read(self, response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        match self.standing_of(&answer, &job.external_no) {
            Ok((standing, amount)) => CallOutcome::Done(PaymentReport {
                paid: standing == Standing::Paid,
                amount,
                txn: answer.get("trade_no").map(str::to_owned),
            }),
            Err(code) => unknown(code),
        }
    }
}

impl Refund for Gateway {
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let order = match &job.txn {
            Some(txn) => pair("trade_no", txn),
            None => pair("out_trade_no", &job.external_no),
        };
        let mut pairs = vec![pair("pid", &self.pid), order, pair("money", &yuan(job.amount)?)];
        match &self.keys {
            Keys::Md5(key) => {
                pairs.push(pair("key", key.expose()));
                Ok(self.post("api.php?act=refund", form(&pairs)))
            }
            Keys::Rsa { .. } => {
                pairs.push(pair("out_refund_no", &job.refund));
                Ok(self.post("api/pay/refund", self.signed_form(pairs, now)?))
            }
        }
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match read(self, response) {
            Ok(answer) if answer.agrees("out_refund_no", &job.refund) => CallOutcome::Done(()),
            Ok(_) => unknown("answer_about_another_refund"),
            Err(outcome) => outcome,
        }
    }

    /// V2 tells refunds apart by `out_refund_no`; V1 would pay twice.
    fn repeat_is_safe(&self) -> bool {
        matches!(self.keys, Keys::Rsa { .. })
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        matches!(self.keys, Keys::Md5(_)).then(|| self.order_query(&job.external_no, now))
    }

    /// V1 tells only whether the order was taken back, so the answer is clear for the whole amount alone.
    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let answer = match read(self, response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        match self.standing_of(&answer, &job.external_no) {
            Ok((Standing::TakenBack, Some(paid))) if paid == job.amount => CallOutcome::Done(true),
            Ok((Standing::Paid, Some(paid))) if paid == job.amount => CallOutcome::Done(false),
            Ok(_) => unknown("standing_does_not_tell"),
            Err(code) => unknown(code),
        }
    }
}
