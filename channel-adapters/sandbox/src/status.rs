//! The tables: our endings → the marketplace's words, and its words → ours. Whatever is not listed is never a yes.

use channel::{CallOutcome, Offer, OrderView, Outcome, Refusal, Rejected, Reply, Step};
use serde_json::{Value, json};
use vocabulary::{CardKey, Reason};

/// The reply to a request that was parsed.
pub(crate) fn answer(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Accepted { order } => ok(&json!({ "result": "done", "our_order": order })),
        Outcome::Parked => ok(&json!({ "result": "kept" })),
        Outcome::Order(view) => ok(&order(view)),
        Outcome::Offers(offers) => {
            ok(&json!({ "result": "done", "items": offers.iter().map(offer).collect::<Vec<_>>() }))
        }
        Outcome::Rejected(rejected) => rejection(rejected),
    }
}

/// The reply to a request that was refused. Who did not prove to be the marketplace learns nothing.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let (status, body) = match refusal.step {
        Step::Signature | Step::Time => (401, json!({ "result": "unauthorized" })),
        Step::Size => (413, json!({ "result": "too_large" })),
        Step::Format | Step::Meaning => {
            (400, json!({ "result": "malformed", "code": refusal.code, "detail": refusal.detail }))
        }
    };
    Reply::json(status, body.to_string())
}

/// 404: not known yet, a repeat may help. 409: a number was used for something else. 422: no, for good.
fn rejection(rejected: &Rejected) -> Reply {
    let status = match rejected.reason {
        Reason::UnknownOrder => 404,
        Reason::MessageIdReused | Reason::OrderNumberReused | Reason::TxnReused => 409,
        _ => 422,
    };
    let body = json!({ "result": "rejected", "code": rejected.reason.code(), "detail": rejected.detail });
    Reply::json(status, body.to_string())
}

fn ok(body: &Value) -> Reply {
    Reply::json(200, body.to_string())
}

fn order(view: &OrderView) -> Value {
    let keys = view.lines.iter().flat_map(|line| line.keys.iter().map(|key| self::key(&line.sku, key)));
    json!({
        "result": "done",
        "our_order": view.order,
        "order": view.external_no,
        "state": view.state,
        "amount_minor": view.total.minor,
        "currency": view.total.currency,
        "keys": keys.collect::<Vec<_>>(),
    })
}

/// A key as both replies and deliveries write it.
pub(crate) fn key(sku: &vocabulary::Sku, key: &CardKey) -> Value {
    json!({
        "sku": sku,
        "code": key.code.expose(),
        "pin": key.pin.as_ref().map(|pin| pin.expose()),
        "expires_on": key.expires_on,
    })
}

fn offer(offer: &Offer) -> Value {
    json!({
        "item": offer.item,
        "name": offer.name,
        "available": offer.available,
        "on_sale": offer.on_sale,
        "price_minor": offer.price.map(|price| price.minor),
        "currency": offer.price.map(|price| price.currency),
    })
}

/// How a call ended, by the `result` of its answer; `None` is a yes, and the rest of the body counts.
pub(crate) fn call_result<T>(result: &str, code: &str, seconds: u32) -> Option<CallOutcome<T>> {
    let code = code.to_owned();
    match result {
        "done" => None,
        "refused" => Some(CallOutcome::Refused { code }),
        "later" => Some(CallOutcome::RetryAfter { secs: seconds, code }),
        // The marketplace's own word for "we do not know either".
        "unclear" => Some(CallOutcome::Unknown { code }),
        _ => Some(CallOutcome::Unknown { code: "unlisted_result".to_owned() }),
    }
}

/// How an order stands, by the `status` of its detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Placed,
    Paid,
    Cancelled,
    Unlisted,
}

pub(crate) fn standing(status: &str) -> Standing {
    match status {
        "placed" => Standing::Placed,
        "paid" => Standing::Paid,
        "cancelled" => Standing::Cancelled,
        _ => Standing::Unlisted,
    }
}

/// How a refund stands, by the `status` in an order's detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStanding {
    Requested,
    Refused,
    Settled,
    Unlisted,
}

pub(crate) fn refund_standing(status: &str) -> RefundStanding {
    match status {
        "requested" => RefundStanding::Requested,
        "refused" => RefundStanding::Refused,
        "settled" => RefundStanding::Settled,
        _ => RefundStanding::Unlisted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_words_mean_something() {
        assert_eq!(call_result::<()>("done", "", 0), None);
        for word in ["", "Done", "done ", "ok", "success", "true"] {
            let read = call_result::<()>(word, "x", 0);
            assert_eq!(read, Some(CallOutcome::Unknown { code: "unlisted_result".to_owned() }), "{word}");
        }
        for word in ["", "PAID", "paid ", "settled", "99"] {
            assert_eq!(standing(word), Standing::Unlisted, "{word}");
        }
        assert_eq!(refund_standing("paid"), RefundStanding::Unlisted);
    }
}
