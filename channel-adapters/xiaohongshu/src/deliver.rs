//! Virtual delivery: the card text goes where a parcel's number would.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::Serialize;
use vocabulary::{CardKey, Secret, Timestamp};

use crate::{
    call::{Token, accepted, data, post},
    order::Detail,
    read::{is_number, order_call},
    settings::Settings,
    status::OrderStatus,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderDeliver<'a> {
    order_id: &'a str,
    express_company_code: &'static str,
    express_no: &'a str,
}

/// All keys of an order as one line of text: code and PIN with a space between, keys with a bar.
fn content(job: &DeliveryJob) -> Secret<String> {
    let text = |key: &CardKey| match &key.pin {
        Some(pin) => format!("{} {}", key.code.expose(), pin.expose()),
        None => key.code.expose().clone(),
    };
    let keys: Vec<String> = job.lines.iter().flat_map(|line| &line.keys).map(text).collect();
    Secret::new(keys.join(" | "))
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_number(&job.external_no) {
            return Err(Unable("bad_order_no"));
        }
        let content = content(job);
        match content.expose().chars().count() {
            0 => return Err(Unable("no_keys")),
            // A text that Xiaohongshu cuts off would be a key lost.
            count if count > self.content_max_chars => return Err(Unable("content_too_long")),
            _ => {}
        }
        let delivery = OrderDeliver {
            order_id: &job.external_no,
            express_company_code: "selfdelivery",
            express_no: content.expose(),
        };
        post(self, "order.orderDeliver", Token::With, &delivery, now)
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        accepted(response).map_or_else(|outcome| outcome, |_| CallOutcome::Done(()))
    }

    /// No document says what a second delivery of an order does.
    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &DeliveryJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(order_call(self, &job.external_no, now))
    }

    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        let detail = match data::<Detail, _>(response) {
            Ok(detail) => detail,
            Err(outcome) => return outcome,
        };
        let told = detail.express_tracking_no.as_deref().filter(|text| !text.is_empty());
        let other = told.is_some_and(|text| text != content(job).expose());
        match detail.status() {
            _ if detail.order_id != job.external_no => CallOutcome::Unknown { code: "foreign_order".into() },
            OrderStatus::Shipped if other => CallOutcome::Unknown { code: "shipped_otherwise".into() },
            OrderStatus::Shipped => CallOutcome::Done(true),
            OrderStatus::ToShip => CallOutcome::Done(false),
            _ => CallOutcome::Unknown { code: "neither_shipped_nor_open".into() },
        }
    }
}
