//! The answer to a question before a payment. It travels in the reply itself, so no call of ours has to arrive within
//! the ten seconds that Telegram waits.

use channel::{Offer, OrderState, OrderView, Outcome, Reply};
use serde::Serialize;
use vocabulary::Reason;

use crate::inbound::Question;

const SOLD_OUT: &str = "Sold out, nothing was charged. 已售罄,未扣款。";
const PRICE_CHANGED: &str = "The price has changed, nothing was charged. 价格已变动,未扣款。";
const NOT_OPEN: &str = "This order cannot be paid any more, nothing was charged. 订单无法支付,未扣款。";
const NOT_ON_SALE: &str = "Not on sale now, nothing was charged. 暂停销售,未扣款。";

#[derive(Serialize)]
struct Answer<'a> {
    method: &'static str,
    pre_checkout_query_id: &'a str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'static str>,
}

/// Lets the payment go ahead only where the order or item is there for exactly this many Stars.
pub(crate) fn answer(question: &Question, outcome: &Outcome) -> Reply {
    let verdict = match outcome {
        Outcome::Order(view) => order(question, view),
        Outcome::Offers(offers) => item(question, offers),
        Outcome::Rejected(rejected) if rejected.reason == Reason::OutOfStock => Err(SOLD_OUT),
        Outcome::Rejected(_) | Outcome::Accepted { .. } | Outcome::Parked => Err(NOT_ON_SALE),
    };
    let answer = Answer {
        method: "answerPreCheckoutQuery",
        pre_checkout_query_id: &question.id,
        ok: verdict.is_ok(),
        error_message: verdict.err(),
    };
    match serde_json::to_string(&answer) {
        Ok(body) => Reply::json(200, body),
        Err(_) => Reply::text(500, ""),
    }
}

fn order(question: &Question, view: &OrderView) -> Result<(), &'static str> {
    if view.state != OrderState::AwaitingPayment {
        return Err(NOT_OPEN);
    }
    if view.total == question.amount { Ok(()) } else { Err(PRICE_CHANGED) }
}

fn item(question: &Question, offers: &[Offer]) -> Result<(), &'static str> {
    let [offer] = offers else { return Err(NOT_ON_SALE) };
    if !offer.on_sale {
        return Err(NOT_ON_SALE);
    }
    if offer.price != Some(question.amount) {
        return Err(PRICE_CHANGED);
    }
    if offer.available < 1 { Err(SOLD_OUT) } else { Ok(()) }
}
