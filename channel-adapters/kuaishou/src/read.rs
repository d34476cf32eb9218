//! Reading back: an order by its number, one whose codes were asked for by `eticket/`, its number and what the codes
//! need, or a refund by `refund/` and its number.

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, ReadBack, Response, Unable};
use serde::{Deserialize, Deserializer, Serialize};
use vocabulary::Timestamp;

use crate::{
    after_sale,
    call::{data, get},
    eticket::Ticket,
    order,
    settings::Settings,
};

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Order(u64, Option<Ticket>),
    Refund(u64),
}

impl Subject {
    pub(crate) fn of(external_no: &str) -> Option<Self> {
        if let Some(number) = external_no.strip_prefix("refund/") {
            return number_of(number).map(Self::Refund);
        }
        match external_no.strip_prefix("eticket/") {
            Some(rest) => {
                let (number, packed) = rest.split_once('/')?;
                Some(Self::Order(number_of(number)?, Some(Ticket::unpacked(packed)?)))
            }
            None => number_of(external_no).map(|oid| Self::Order(oid, None)),
        }
    }
}

pub(crate) fn eticket_no(oid: u64, packed: &str) -> String {
    format!("eticket/{oid}/{packed}")
}

pub(crate) fn refund_no(refund: u64) -> String {
    format!("refund/{refund}")
}

/// A number above zero, written as we would write it.
pub(crate) fn number_of(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

#[derive(Serialize)]
struct OrderNo {
    oid: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundNo {
    refund_id: u64,
}

/// The call that shows an order.
pub(crate) fn order_call(s: &Settings, oid: u64, now: Timestamp) -> Result<OutboundRequest, Unable> {
    get(s, "open.order.detail", &OrderNo { oid }, now)
}

/// The call that shows a refund.
pub(crate) fn refund_call(s: &Settings, refund_id: u64, now: Timestamp) -> Result<OutboundRequest, Unable> {
    get(s, "open.seller.order.refund.detail", &RefundNo { refund_id }, now)
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        match Subject::of(external_no).ok_or(Unable("bad_order_no"))? {
            Subject::Order(oid, _) => order_call(self, oid, now),
            Subject::Refund(refund) => refund_call(self, refund, now),
        }
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let refused = |code: &str| CallOutcome::Refused { code: code.to_owned() };
        match Subject::of(external_no) {
            Some(Subject::Order(oid, ticket)) => match data::<order::Detail, _>(response) {
                // An answer about another order must not move this one.
                Ok(detail) if detail.oid() != oid => refused("foreign_order"),
                // The wish for codes may come before the order shows as paid.
                Ok(detail) if ticket.is_some() && detail.may_still_be_paid() => {
                    CallOutcome::RetryAfter { secs: 0, code: "not_paid_yet".to_owned() }
                }
                Ok(detail) => CallOutcome::Done(vec![detail.message(ticket.as_ref(), self.item_by)]),
                Err(outcome) => outcome,
            },
            Some(Subject::Refund(refund)) => match data::<after_sale::Refund, _>(response) {
                Ok(info) if info.refund_id != refund => refused("foreign_refund"),
                Ok(info) => CallOutcome::Done(vec![info.message()]),
                Err(outcome) => outcome,
            },
            None => refused("bad_order_no"),
        }
    }
}

/// A message that was read: its id is made of the state, so that the same state read twice is a repeat. `content`
/// holds what must not differ between two readings of it.
pub(crate) fn message(id: String, at_millis: i64, content: String, ask: Ask) -> Inbound {
    let at = at_millis.checked_mul(1_000).filter(|micros| *micros > 0).map(Timestamp::from_micros);
    Inbound {
        id: Some(format!("read:{id}")),
        content: content.into_bytes(),
        kind: Kind::Notice,
        occurred_at: at,
        ask,
    }
}

/// A field that may be null, which counts as missing: Java writes what it has not as null.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// At most 64 characters, none of them a control character.
pub(crate) fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
