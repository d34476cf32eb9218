//! Reading back: an order by its number, or an after-sale by `after-sale/` and its number.

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, ReadBack, Response, Unable};
use serde::Serialize;
use vocabulary::Timestamp;

use crate::{
    after_sale,
    call::{Token, data, post},
    order,
    settings::Settings,
};

/// What stands in front of an after-sale's number, to tell it from an order's.
pub(crate) const AFTER_SALE: &str = "after-sale/";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderNo<'a> {
    order_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AfterSaleNo<'a> {
    returns_id: &'a str,
}

/// 1 to 64 letters, digits, `-` or `_`.
pub(crate) fn is_number(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain && (1..=64).contains(&text.len())
}

/// The call that shows an order.
pub(crate) fn order_call(s: &Settings, number: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
    if !is_number(number) {
        return Err(Unable("bad_order_no"));
    }
    post(s, "order.getOrderDetail", Token::With, &OrderNo { order_id: number }, now)
}

/// The call that shows an after-sale.
pub(crate) fn after_sale_call(s: &Settings, number: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
    if !is_number(number) {
        return Err(Unable("bad_order_no"));
    }
    post(s, "afterSale.getAfterSaleInfo", Token::With, &AfterSaleNo { returns_id: number }, now)
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        match external_no.strip_prefix(AFTER_SALE) {
            Some(number) => after_sale_call(self, number, now),
            None => order_call(self, external_no, now),
        }
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let messages = match external_no.strip_prefix(AFTER_SALE) {
            Some(number) => match data::<after_sale::Info, _>(response) {
                Ok(info) => info.messages(number),
                Err(outcome) => return outcome,
            },
            None => match data::<order::Detail, _>(response) {
                Ok(detail) => detail.messages(external_no, self.item_by),
                Err(outcome) => return outcome,
            },
        };
        match messages {
            Some(messages) => CallOutcome::Done(messages),
            // An answer about another order must not move this one.
            None => CallOutcome::Refused { code: "foreign_order".into() },
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
