//! Our calls: read an order or an after-sale back, say that keys are there, agree to a refund.

use channel::{
    CallOutcome, Deliver, DeliveryJob, Inbound, OutboundRequest, ReadBack, Refund, RefundJob, Response,
    Unable, strict_json,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::Timestamp;

use crate::{
    aftersale::Aftersale,
    order::{Line, Order, from_memo},
    settings::{App, Product},
    shop::AFTERSALE,
    status::{AftersaleStatus, CallStatus, call_status},
    wire::is_digits,
    xpay,
};

impl App {
    /// A call with the access token in its address: never log it. While there is none yet, WeChat says so and the call
    /// is made again later. `more` follows the token.
    pub(crate) fn post(&self, path: &str, more: &str, body: Vec<u8>) -> OutboundRequest {
        let token = utf8_percent_encode(self.access_token.expose(), NON_ALPHANUMERIC);
        OutboundRequest {
            method: "POST",
            url: format!("{}{path}?access_token={token}{more}", self.base_url),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
        }
    }

    pub(crate) fn post_json(&self, path: &str, body: &impl Serialize) -> Result<OutboundRequest, Unable> {
        Ok(self.post(path, "", json(body)?))
    }
}

pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, Unable> {
    serde_json::to_vec(body).map_err(|_| Unable("unwritable_body"))
}

#[derive(Deserialize)]
struct Coded {
    errcode: i64,
}

pub(crate) fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// Whether the answer says yes: `Already` where it was so before. Anything else is the outcome.
pub(crate) fn said<T>(response: Response<'_>) -> Result<CallStatus, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    if response.status != 200 {
        return Err(unknown(&format!("http_{}", response.status)));
    }
    let coded: Coded = strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))?;
    let code = format!("errcode_{}", coded.errcode);
    match call_status(coded.errcode) {
        CallStatus::Busy => Err(CallOutcome::RetryAfter { secs: 0, code }),
        CallStatus::Refused => Err(CallOutcome::Refused { code }),
        yes => Ok(yes),
    }
}

/// The body of an answer that says yes.
pub(crate) fn found<T: DeserializeOwned, O>(response: Response<'_>) -> Result<T, CallOutcome<O>> {
    said(response)?;
    let body = response.map(|response| response.body.as_slice()).unwrap_or_default();
    strict_json::from_slice(body).map_err(|_| unknown("unreadable_answer"))
}

#[derive(Serialize)]
struct OrderId<'a> {
    order_id: &'a str,
}

#[derive(Serialize)]
struct AftersaleId<'a> {
    after_sale_order_id: &'a str,
}

#[derive(Deserialize)]
struct OrderAnswer {
    order: Order,
}

#[derive(Deserialize)]
struct AftersaleAnswer {
    after_sale_order: Aftersale,
}

impl ReadBack for App {
    fn request(&self, external_no: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        match external_no.strip_prefix(AFTERSALE) {
            Some(number) if is_digits(number) => self.ask_aftersale(number),
            None if is_digits(external_no) => {
                self.post_json("/channels/ec/order/get", &OrderId { order_id: external_no })
            }
            _ => Err(Unable("number_is_not_digits")),
        }
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let message = match external_no.strip_prefix(AFTERSALE) {
            Some(number) => found::<AftersaleAnswer, _>(response).map(|answer| {
                let found = answer.after_sale_order;
                found.is(number).then(|| found.message(number)).flatten()
            }),
            None => found::<OrderAnswer, _>(response)
                .map(|answer| answer.order.is(external_no).then(|| answer.order.message(external_no))),
        };
        match message {
            Ok(Some(message)) => CallOutcome::Done(vec![message]),
            // An answer about something else must not move this order.
            Ok(None) => CallOutcome::Refused { code: "answer_about_another_order".to_owned() },
            Err(outcome) => outcome,
        }
    }
}

impl App {
    fn ask_aftersale(&self, number: &str) -> Result<OutboundRequest, Unable> {
        self.post_json(
            "/channels/ec/aftersale/getaftersaleorder",
            &AftersaleId { after_sale_order_id: number },
        )
    }
}

#[derive(Serialize)]
struct SendDelivery<'a> {
    order_id: &'a str,
    delivery_list: [Delivery; 1],
}

#[derive(Serialize)]
struct Delivery {
    /// 3: nothing is posted.
    deliver_type: u8,
    product_infos: Vec<Line>,
}

/// Says that the keys are there: the call carries none of them.
impl Deliver for App {
    fn request(&self, job: &DeliveryJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        if let Product::Xpay(xpay) = &self.product {
            return xpay::provide_goods(self, xpay, &job.external_no);
        }
        let product_infos = job.memo.as_deref().and_then(from_memo).ok_or(Unable("the_order_has_no_memo"))?;
        let delivery_list = [Delivery { deliver_type: 3, product_infos }];
        self.post_json(
            "/channels/ec/order/delivery/send",
            &SendDelivery { order_id: &job.external_no, delivery_list },
        )
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        match (said(response), &self.product) {
            (Ok(_), _) => CallOutcome::Done(()),
            // Told in the reply to the push already.
            (Err(CallOutcome::Refused { code }), Product::Xpay(_)) if code == xpay::DUPLICATE => {
                CallOutcome::Done(())
            }
            (Err(outcome), _) => outcome,
        }
    }

    /// A repeat is answered with 109001 (shop) or 268490004 (virtual payment).
    fn repeat_is_safe(&self) -> bool {
        true
    }
}

impl Refund for App {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        if let Product::Xpay(xpay) = &self.product {
            return xpay::refund_order(self, xpay, job);
        }
        let number = aftersale_of(job)?;
        if job.memo.as_deref().is_some_and(|asked| asked != job.amount.minor.to_string()) {
            return Err(Unable("wechat_pays_back_what_was_asked_for"));
        }
        self.post_json("/channels/ec/aftersale/acceptapply", &AftersaleId { after_sale_order_id: number })
    }

    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match said(response) {
            Ok(_) => CallOutcome::Done(()),
            Err(outcome) => outcome,
        }
    }

    /// Virtual payments tell refunds apart by their number; what a shop makes of a second agreement is not documented.
    fn repeat_is_safe(&self) -> bool {
        matches!(self.product, Product::Xpay(_))
    }

    fn ask(&self, job: &RefundJob, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let shop = matches!(self.product, Product::Shop);
        shop.then(|| aftersale_of(job).and_then(|number| self.ask_aftersale(number)))
    }

    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let answer: AftersaleAnswer = match found(response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let aftersale = answer.after_sale_order;
        if !aftersale_of(job).is_ok_and(|number| aftersale.is(number)) {
            return unknown("answer_about_another_order");
        }
        match aftersale.status() {
            AftersaleStatus::Agreed | AftersaleStatus::Settled => CallOutcome::Done(true),
            AftersaleStatus::Asked | AftersaleStatus::Refused => CallOutcome::Done(false),
            AftersaleStatus::Failed | AftersaleStatus::Unlisted => unknown("state_does_not_tell"),
        }
    }
}

/// A shop pays back only what a buyer asked for, under the number of that request.
fn aftersale_of(job: &RefundJob) -> Result<&str, Unable> {
    let number = job.refund.strip_prefix(AFTERSALE).filter(|number| is_digits(number));
    number.ok_or(Unable("the_buyer_must_ask_first"))
}
