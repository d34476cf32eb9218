//! Handing codes over: the answer to Kuaishou's wish for them, made as a call.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::Serialize;
use vocabulary::{CardKey, Secret, Timestamp};

use crate::{
    call::{accepted, data, post},
    eticket::Ticket,
    order::Detail,
    read::{number_of, order_call},
    settings::Settings,
    status::OrderStatus,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SendCodes<'a> {
    oid: u64,
    etickets: Vec<Code<'a>>,
    send_num: usize,
    send_type: &'static str,
    eticket_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ext: Option<&'a str>,
    token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Code<'a> {
    id: String,
    code: &'a str,
    num: u8,
    valid_start_time: i64,
    valid_end_time: i64,
}

/// Code and PIN with a space between: `eticketSecretKey` is declared as a number, which a PIN need not be.
fn text(key: &CardKey) -> Secret<String> {
    Secret::new(match &key.pin {
        Some(pin) => format!("{} {}", key.code.expose(), pin.expose()),
        None => key.code.expose().clone(),
    })
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let oid = number_of(&job.external_no).ok_or(Unable("bad_order_no"))?;
        let memo = job.memo.as_deref().ok_or(Unable("codes_were_not_asked_for"))?;
        let ticket: Ticket = serde_json::from_str(memo).map_err(|_| Unable("unreadable_memo"))?;
        let texts: Vec<Secret<String>> = job.lines.iter().flat_map(|line| &line.keys).map(text).collect();
        if texts.is_empty() {
            return Err(Unable("no_keys"));
        }
        let (from, to) = ticket.valid(job.fulfilled_at);
        let codes = texts.iter().enumerate().map(|(at, text)| Code {
            id: format!("{oid}-{}", at + 1),
            code: text.expose(),
            num: 1,
            valid_start_time: from,
            valid_end_time: to,
        });
        let send = SendCodes {
            oid,
            etickets: codes.collect(),
            send_num: texts.len(),
            send_type: "virtual",
            eticket_type: &ticket.kind,
            ext: ticket.ext.as_deref(),
            token: &ticket.token,
        };
        post(self, "integration.callback.virtual.eticket.send", &send, now)
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        accepted(response).map_or_else(|outcome| outcome, |_| CallOutcome::Done(()))
    }

    /// No document says what codes that are sent twice do.
    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &DeliveryJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let oid = number_of(&job.external_no).ok_or(Unable("bad_order_no"));
        Some(oid.and_then(|oid| order_call(self, oid, now)))
    }

    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        let detail = match data::<Detail, _>(response) {
            Ok(detail) => detail,
            Err(outcome) => return outcome,
        };
        match detail.status() {
            _ if detail.oid().to_string() != job.external_no => {
                CallOutcome::Unknown { code: "foreign_order".into() }
            }
            OrderStatus::Shipped => CallOutcome::Done(true),
            OrderStatus::Paid => CallOutcome::Done(false),
            OrderStatus::Unpaid | OrderStatus::Failed | OrderStatus::Unlisted => {
                CallOutcome::Unknown { code: "neither_shipped_nor_open".into() }
            }
        }
    }
}
