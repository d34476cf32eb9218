//! Marking an order shipped, without express. Youzan has no call that carries a card key.

use channel::{CallOutcome, Deliver, DeliveryJob, LineView, OutboundRequest, Response, Unable};
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    api::{data, done, either},
    outbound::order_of,
    settings::Settings,
    status::OrderStatus,
    wire::is_tid,
};

/// "What was shipped cannot be shipped again."
const SHIPPED_BEFORE: &str = "102570007";

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
        if job.lines.is_empty() || !job.lines.iter().all(complete) {
            return Err(Unable("keys_are_incomplete"));
        }
        if !is_tid(&job.external_no) {
            return Err(Unable("bad_tid"));
        }
        let body = json!({ "tid": job.external_no, "is_no_express": 1 });
        Ok(self.call("youzan.logistics.online.confirm/3.0.0", &body))
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        match done(response) {
            CallOutcome::Refused { code } if code == SHIPPED_BEFORE => CallOutcome::Done(()),
            outcome => outcome,
        }
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &DeliveryJob, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.order_request(&job.external_no))
    }

    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        either(data(response).and_then(|text| {
            Ok(match order_of(&text, &job.external_no)?.status() {
                OrderStatus::Shipped => CallOutcome::Done(true),
                OrderStatus::ToShip => CallOutcome::Done(false),
                OrderStatus::Unpaid | OrderStatus::Waiting | OrderStatus::Closed | OrderStatus::Unlisted => {
                    CallOutcome::Unknown { code: "order_is_neither_shipped_nor_to_ship".into() }
                }
            })
        }))
    }
}
