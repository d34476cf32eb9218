//! What the other shop hears: how it ended → reply bytes.

use channel::{Ask, Inbound, OrderView, Outcome, RawRequest, Refusal, Reply};
use serde_json::{Value, json};
use vocabulary::{OrderId, Timestamp};

use crate::{
    cards, catalogue,
    inbound::{Memo, Page},
    settings::{Sell, Settings},
    status::{self, Failure},
    topic::Topic,
};

pub(crate) fn answer(
    settings: &Settings,
    request: &RawRequest,
    inbound: &Inbound,
    outcome: &Outcome,
) -> Reply {
    let topic = Topic::of(request);
    if topic == Topic::Callback {
        return received(outcome);
    }
    let Some(sell) = &settings.sell else { return failed(status::INTERNAL) };
    let now = text_of(request.received_at);
    match (topic, outcome) {
        (_, Outcome::Rejected(no)) => failed(status::of_reason(no.reason)),
        (Topic::Ping, Outcome::Accepted { .. }) => ok(&ping(sell)),
        (Topic::Categories, Outcome::Accepted { .. }) => ok(&json!({ "ok": true, "categories": [] })),
        (Topic::Products, Outcome::Offers(offers)) => match Page::of(request) {
            Ok(page) => ok(&catalogue::page(sell, offers, page, &now)),
            Err(refusal) => failed(status::of_refusal(&refusal)),
        },
        (Topic::Product(id), Outcome::Offers(offers)) => match catalogue::one(sell, offers, &id, &now) {
            Some((product, true)) => ok(&product),
            Some((_, false)) => failed(status::PRODUCT_UNAVAILABLE),
            None => failed(status::PRODUCT_NOT_FOUND),
        },
        (Topic::Create, Outcome::Order(order)) => created(inbound, order),
        (Topic::Order(_), Outcome::Order(order)) => shown(sell, order),
        (Topic::Cancel(id), Outcome::Accepted { order }) => ok(&cancelled(&id, order.as_ref())),
        _ => failed(status::INTERNAL),
    }
}

/// A callback that is a repeat or whose purchase is settled is acknowledged too: repeating cannot help.
fn received(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Rejected(no) => ok(&json!({ "ok": false, "message": no.reason.code() })),
        _ => ok(&json!({ "ok": true, "message": "received" })),
    }
}

/// The shop that calls back reads `ok` of a 200; the shop that asks reads status and code.
pub(crate) fn refuse(request: &RawRequest, refusal: &Refusal) -> Reply {
    let failure = status::of_refusal(refusal);
    if Topic::of(request) == Topic::Callback {
        return ok(&json!({ "ok": false, "message": failure.message }));
    }
    failed(failure)
}

fn ok(body: &Value) -> Reply {
    Reply::json(200, body.to_string())
}

fn failed(failure: Failure) -> Reply {
    let body = json!({ "ok": false, "error_code": failure.code, "error_message": failure.message });
    Reply::json(failure.status, body.to_string())
}

fn ping(sell: &Sell) -> Value {
    json!({
        "ok": true,
        "site_name": sell.site_name,
        "protocol_version": "1.0",
        "user_id": 1,
        "balance": sell.balance,
        "currency": sell.currency.as_str(),
        "member_level": null,
    })
}

fn cancelled(id: &str, order: Option<&OrderId>) -> Value {
    let order_no = order.map(ToString::to_string).unwrap_or_default();
    json!({ "ok": true, "order_id": id.parse::<u64>().unwrap_or(0), "order_no": order_no, "status": "canceled" })
}

/// The reply carries no keys: the protocol's own shops read them from the callback or the query.
fn created(inbound: &Inbound, order: &OrderView) -> Reply {
    let Ask::Order(asked) = &inbound.ask else { return failed(status::INTERNAL) };
    let number = |memo: Option<&str>| Memo::read(memo).map(|memo| memo.downstream_order_no);
    // Two numbers that are one after the folding would be one order, which only one of them bought.
    if number(asked.memo.as_deref()) != number(order.memo.as_deref()) {
        return failed(status::INTERNAL);
    }
    // Nobody has seen the keys yet, whatever is there.
    let status = match status::of_order(order) {
        "delivered" | "fulfilling" => "paid",
        other => other,
    };
    let mut body = summary(order, status);
    if let "canceled" | "refunded" = status {
        body["ok"] = json!(false);
        body["error_code"] = json!("payment_failed");
        body["error_message"] = json!("the order was canceled");
    }
    ok(&body)
}

fn summary(order: &OrderView, status: &str) -> Value {
    json!({
        "ok": true,
        "order_id": order.external_no.parse::<u64>().unwrap_or(0),
        "order_no": order.order.to_string(),
        "status": status,
        "amount": order.total.to_major_text(),
        "currency": order.total.currency.as_str(),
    })
}

fn shown(sell: &Sell, order: &OrderView) -> Reply {
    let payload = cards::payload(&order.lines, &sell.pin_separator);
    let status = match (status::of_order(order), &payload) {
        // Keys that the protocol cannot carry: a person must replace them, so the shop is to keep waiting.
        ("delivered", None) => "fulfilling",
        (status, _) => status,
    };
    let mut body = summary(order, status);
    let items = order.lines.iter().map(|line| {
        let quantity = i64::from(line.quantity.get());
        let unit = vocabulary::Money::new(line.amount.minor / quantity.max(1), line.amount.currency);
        let id = line.item.parse::<u64>().unwrap_or(0);
        json!({
            "product_id": id,
            "sku_id": id,
            "title": { "zh-CN": line.name, "en": line.name },
            "quantity": line.quantity.get(),
            "unit_price": unit.to_major_text(),
            "total_price": line.amount.to_major_text(),
            "fulfillment_type": "auto",
        })
    });
    body["items"] = items.collect();
    if let ("delivered", Some(payload)) = (status, payload) {
        let at = order.ended_at.unwrap_or(order.placed_at);
        body["fulfillment"] = fulfillment(payload.expose(), at);
    }
    ok(&body)
}

/// What was handed over.
pub(crate) fn fulfillment(payload: &str, at: Timestamp) -> Value {
    json!({
        "type": "auto",
        "status": "delivered",
        "payload": payload,
        "delivery_data": null,
        "delivered_at": text_of(at),
    })
}

fn text_of(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
