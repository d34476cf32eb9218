//! What JD hears: how it ended → reply bytes. HTTP 200 always; `retCode` says how it went.

use channel::{Offer, OrderView, Outcome, RawRequest, Refusal, Reply};
use serde::Serialize;

use crate::{
    cards::{CardInfo, card_infos},
    inbound::{self, Topic},
    status::{self, OrderStatus, RetCode},
    wire,
};

pub(crate) fn answer(request: &RawRequest, outcome: &Outcome) -> Reply {
    match (Topic::of(request), outcome) {
        (Topic::CardQuery, Outcome::Rejected(no)) => code(status::of_query_reason(no.reason)),
        (_, Outcome::Rejected(no)) => code(status::of_reason(no.reason)),
        (Topic::CardOrder, Outcome::Order(order)) => ordered(order),
        (Topic::CardQuery, Outcome::Order(order)) => queried(order),
        (Topic::Precheck, Outcome::Offers(offers)) => sellable(request, offers),
        // Nothing that was asked for came back: JD is to ask again.
        _ => code(status::BUSY),
    }
}

/// A query is never refused for good: a final code would make JD refund a buyer who may hold the keys
/// already.
pub(crate) fn refuse(request: &RawRequest, refusal: &Refusal) -> Reply {
    let refused = status::of_refusal(refusal);
    let final_for_query = Topic::of(request) == Topic::CardQuery && !refused.retry;
    code(if final_for_query { status::SYSTEM } else { refused })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    ret_code: String,
    ret_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

fn code(code: RetCode) -> Reply {
    envelope(code, None)
}

fn data<T: Serialize>(data: &T) -> Reply {
    match serde_json::to_vec(data) {
        Ok(json) => envelope(status::OK, Some(wire::base64(&json))),
        Err(_) => code(status::SYSTEM),
    }
}

fn envelope(code: RetCode, data: Option<String>) -> Reply {
    let body = Envelope { ret_code: code.code.to_string(), ret_message: code.message, data };
    // Plain text always serialises; if it ever does not, JD must ask again.
    let text =
        serde_json::to_string(&body).unwrap_or_else(|_| r#"{"retCode":"999","retMessage":""}"#.to_owned());
    Reply::json(200, text)
}

#[derive(Serialize)]
struct Ordered<'a> {
    cardinfos: Vec<CardInfo<'a>>,
}

fn ordered(order: &OrderView) -> Reply {
    match status::of_order(order) {
        OrderStatus::Failed => code(status::NOT_SELLABLE),
        // Taken; the keys come by call-back or query.
        OrderStatus::Working => code(status::OK),
        OrderStatus::Success => match card_infos(&order.external_no, &order.lines) {
            Some(cardinfos) => data(&Ordered { cardinfos }),
            None => code(status::OK),
        },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queried<'a> {
    order_status: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cardinfos: Vec<CardInfo<'a>>,
}

fn queried(order: &OrderView) -> Reply {
    let (status, cardinfos) = match status::of_order(order) {
        OrderStatus::Success => match card_infos(&order.external_no, &order.lines) {
            Some(cards) => (OrderStatus::Success, cards),
            // Keys that JD cannot take: a person must replace them, so JD is to keep waiting.
            None => (OrderStatus::Working, Vec::new()),
        },
        other => (other, Vec::new()),
    };
    data(&Queried { order_status: status as u8, cardinfos })
}

#[derive(Serialize)]
struct Sellable {
    status: u8,
}

fn sellable(request: &RawRequest, offers: &[Offer]) -> Reply {
    let Ok(wanted) = inbound::wanted(request) else { return code(status::BAD_PARAMETER) };
    let Some(offer) = offers.iter().find(|offer| offer.item == wanted.item) else {
        return code(status::GOODS_UNKNOWN);
    };
    let available = offer.on_sale && offer.available >= u64::from(wanted.quantity.get());
    let Some(price) = offer.price.filter(|_| available) else { return data(&Sellable { status: 1 }) };
    match price.checked_mul(wanted.quantity.get()) {
        Ok(total) if total == wanted.total => data(&Sellable { status: 0 }),
        _ => code(status::PRICE_DIFFERS),
    }
}
