//! Our calls to the marketplace: signed `POST`s under `/api/`, read without wishful thinking.

use channel::{
    CallOutcome, CheckPayment, Deliver, DeliveryJob, OutboundRequest, PaymentJob, PaymentReport, PushStock,
    Refund, RefundJob, Response, StockJob, Unable, strict_json,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use vocabulary::{Money, Timestamp};

use crate::{
    settings::Settings,
    status::{self, call_result},
    verify::{Signed, TO_MARKETPLACE, is_reference},
};

impl Settings {
    /// A call. Its message id and body are the same on every retry; the time and the signature are the attempt's.
    pub(crate) fn call(
        &self,
        topic: &str,
        message: &str,
        body: &Value,
        now: Timestamp,
    ) -> Result<OutboundRequest, Unable> {
        if !is_reference(message) {
            return Err(Unable("a_number_is_not_plain"));
        }
        let body = body.to_string().into_bytes();
        let sent_at = now.secs().to_string();
        let shop = self.shop.as_str();
        let signed = Signed { way: TO_MARKETPLACE, topic, shop, message, sent_at: &sent_at, body: &body };
        let signature = signed.signature(self.secret.expose());
        let headers = [
            ("content-type", "application/json"),
            ("x-sandbox-shop", shop),
            ("x-sandbox-message", message),
            ("x-sandbox-timestamp", &sent_at),
            ("x-sandbox-signature", &signature),
        ];
        Ok(OutboundRequest {
            method: "POST",
            url: format!("{}/api/{topic}", self.base_url),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body,
        })
    }
}

/// The part of every answer that says how the call ended.
#[derive(Deserialize)]
struct Ending {
    result: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    seconds: u32,
}

/// Reads a response; what is no clear yes is the outcome already.
pub(crate) fn read<B: DeserializeOwned, T>(response: Response<'_>) -> Result<B, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let unreadable = || CallOutcome::Unknown { code: "unreadable_answer".to_owned() };
    let response = response.map_err(|_| unreadable())?;
    if response.status != 200 {
        return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
    }
    let ending: Ending = strict_json::from_slice(&response.body).map_err(|_| unreadable())?;
    let code: String =
        ending.code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
    match call_result(&ending.result, &code, ending.seconds) {
        Some(outcome) => Err(outcome),
        None => strict_json::from_slice(&response.body).map_err(|_| unreadable()),
    }
}

/// The outcome where the answer must also be about what was asked.
fn about<B: DeserializeOwned, T>(
    response: Response<'_>,
    found: impl FnOnce(B) -> Option<T>,
) -> CallOutcome<T> {
    match read(response) {
        Ok(body) => match found(body) {
            Some(found) => CallOutcome::Done(found),
            None => CallOutcome::Unknown { code: "answer_about_something_else".to_owned() },
        },
        Err(outcome) => outcome,
    }
}

#[derive(Deserialize)]
struct DeliveryAnswer {
    delivery: String,
    #[serde(default)]
    delivered: bool,
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let complete = |line: &channel::LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
        if job.lines.is_empty() || !job.lines.iter().all(complete) {
            return Err(Unable("keys_are_incomplete"));
        }
        let keys: Vec<Value> = job
            .lines
            .iter()
            .flat_map(|line| line.keys.iter().map(|key| status::key(&line.sku, key)))
            .collect();
        let number = &job.idempotency_key;
        self.call(
            "deliveries",
            number,
            &json!({ "delivery": number, "order": job.external_no, "keys": keys }),
            now,
        )
    }
    fn interpret(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        about(response, |body: DeliveryAnswer| (body.delivery == job.idempotency_key).then_some(()))
    }
    /// The marketplace knows deliveries by their number.
    fn repeat_is_safe(&self) -> bool {
        true
    }
    fn ask(&self, job: &DeliveryJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let number = &job.idempotency_key;
        Some(self.call("deliveries-find", number, &json!({ "delivery": number }), now))
    }
    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        about(response, |body: DeliveryAnswer| {
            (body.delivery == job.idempotency_key).then_some(body.delivered)
        })
    }
}

#[derive(Deserialize)]
struct StockAnswer {
    item: String,
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let body = json!({ "item": job.item, "available": job.available, "figure": job.figure });
        self.call("stock", &format!("stock-{}", job.figure), &body, now)
    }
    /// A figure older than one the marketplace has is "done" as well: there is nothing left to tell.
    fn interpret(&self, job: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        about(response, |body: StockAnswer| (body.item == job.item).then_some(()))
    }
}

#[derive(Deserialize)]
struct PaymentAnswer {
    payment: String,
    order: Option<String>,
    paid: bool,
    amount_minor: Option<i64>,
    currency: Option<String>,
}

impl PaymentAnswer {
    fn report(self, job: &PaymentJob) -> Option<PaymentReport> {
        let same_order = self.order.as_ref().is_none_or(|order| *order == job.external_no);
        let amount = match (self.amount_minor, self.currency) {
            (Some(minor), Some(currency)) => Some(Money::new(minor, currency.parse().ok()?)),
            _ => None,
        };
        // A payment is good for the order it was made for, and only with its amount stated.
        let paid = self.paid && same_order && self.order.is_some() && amount.is_some();
        (self.payment == job.txn).then_some(PaymentReport { paid, amount, txn: Some(self.payment) })
    }
}

impl CheckPayment for Settings {
    fn request(&self, job: &PaymentJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.call("payments-find", &job.txn, &json!({ "payment": job.txn }), now)
    }
    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport> {
        about(response, |body: PaymentAnswer| body.report(job))
    }
}

#[derive(Deserialize)]
struct RefundAnswer {
    refund: String,
    #[serde(default)]
    paid_back: bool,
}

impl Refund for Settings {
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let body = json!({
            "refund": job.refund,
            "order": job.external_no,
            "payment": job.txn,
            "amount_minor": job.amount.minor,
            "currency": job.amount.currency,
            "reason": job.reason,
        });
        self.call("refunds", &job.refund, &body, now)
    }
    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        about(response, |body: RefundAnswer| (body.refund == job.refund).then_some(()))
    }
    /// The marketplace knows refunds by their number.
    fn repeat_is_safe(&self) -> bool {
        true
    }
    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.call("refunds-find", &job.refund, &json!({ "refund": job.refund }), now))
    }
    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        about(response, |body: RefundAnswer| (body.refund == job.refund).then_some(body.paid_back))
    }
}
