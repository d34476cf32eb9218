//! Reading back: an order by its number, or an after-sale by `after-sale/` and its number.

use channel::{CallOutcome, Inbound, Kind, OutboundRequest, ReadBack, Response, Unable};
use serde::Serialize;
use vocabulary::Timestamp;

use crate::{
    after_sale::{self, AfterSaleNo},
    call::{data, post},
    order,
    settings::Settings,
    wire::Id,
};

/// What stands in front of an after-sale's number, to tell it from an order's.
pub(crate) const AFTER_SALE: &str = "after-sale/";

#[derive(Serialize)]
struct ShopOrderNo<'a> {
    shop_order_id: &'a str,
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let number = external_no.strip_prefix(AFTER_SALE).unwrap_or(external_no);
        let number = Id::read(number).ok_or(Unable("bad_order_no"))?.0;
        if external_no.starts_with(AFTER_SALE) {
            return post(self, after_sale::DETAIL, &AfterSaleNo { after_sale_id: &number }, now);
        }
        post(self, "/order/orderDetail", &ShopOrderNo { shop_order_id: &number }, now)
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        match external_no.strip_prefix(AFTER_SALE) {
            Some(number) => match data::<after_sale::Detail, _>(response) {
                Ok(detail) => known(detail.messages(number)),
                Err(outcome) => outcome,
            },
            None => match data::<order::Detail, _>(response) {
                Ok(detail) => known(detail.messages(external_no)),
                Err(outcome) => outcome,
            },
        }
    }
}

/// An answer about another order must not move this one.
fn known(messages: Option<Vec<Inbound>>) -> CallOutcome<Vec<Inbound>> {
    match messages {
        Some(messages) => CallOutcome::Done(messages),
        None => CallOutcome::Refused { code: "foreign_order".into() },
    }
}

/// A message that was read: its id is made of the state, so that the same state read twice is a repeat. `content`
/// holds what must not differ between two readings of it.
pub(crate) fn message(id: String, at_secs: i64, content: String, ask: channel::Ask) -> Inbound {
    Inbound {
        id: Some(format!("read:{id}")),
        content: content.into_bytes(),
        kind: Kind::Notice,
        occurred_at: (at_secs > 0).then(|| Timestamp::from_secs(at_secs)),
        ask,
    }
}
