//! What the merchant can call, with all misbehaviour, and the two pages that show the books.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Market,
    books::{Booked, Deliver, PayBack},
    fate::Fate,
    ledger::{Ledger, RefundStatus},
    lock,
    sign::Message,
};

/// In how many pieces a slow answer trickles.
const PIECES: usize = 4;

pub(super) fn routes(market: Arc<Market>) -> Router {
    Router::new()
        .route("/api/{topic}", post(call))
        .route("/ledger", get(ledger))
        .route("/report", get(report))
        .with_state(market)
}

async fn ledger(State(market): State<Arc<Market>>) -> Json<Ledger> {
    Json(lock(&market.ledger).clone())
}

/// 202 while the run goes on, 200 when it is over.
async fn report(State(market): State<Arc<Market>>) -> Response {
    let report = market.report();
    let status = if report.finished { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, Json(report)).into_response()
}

async fn call(
    State(market): State<Arc<Market>>,
    Path(topic): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (shop, id) = (field("x-sandbox-shop"), field("x-sandbox-message"));
    let message = Message { topic: &topic, shop, id, sent_at: field("x-sandbox-timestamp"), body: &body };
    let (options, now) = (&market.options, (market.options.clock)());
    let genuine = message.is_genuine(options.secret.expose(), field("x-sandbox-signature"), now);
    if !genuine || shop != options.shop {
        lock(&market.ledger).forged_calls += 1;
        return (StatusCode::UNAUTHORIZED, Json(json!({ "result": "unauthorized" }))).into_response();
    }
    let fate = market.fate(&topic, id);
    if fate == Fate::TooMany {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], "").into_response();
    }
    let booked = market.book(&topic, &body);
    let answer = match booked {
        Ok(Value::Object(mut facts)) => {
            facts.insert("result".to_owned(), json!("done"));
            Value::Object(facts)
        }
        Ok(_) => json!({ "result": "done" }),
        Err(code) => json!({ "result": "refused", "code": code }),
    };
    market.answer(fate, &answer).await
}

impl Market {
    /// Acts on a genuine call.
    fn book(self: &Arc<Self>, topic: &str, body: &[u8]) -> Booked {
        match topic {
            "deliveries" => {
                let call: Deliver = read(body)?;
                let booked = lock(&self.ledger).deliver(&call);
                if booked.is_ok() {
                    self.after_delivery(&call.order);
                }
                booked
            }
            "refunds" => {
                let call: PayBack = read(body)?;
                let booked = lock(&self.ledger).pay_back(&call, &self.options);
                if booked.is_ok() {
                    self.after_refund(call.refund);
                }
                booked
            }
            "stock" => lock(&self.ledger).push_stock(&read(body)?),
            _ => self.find(topic, body),
        }
    }

    fn find(&self, topic: &str, body: &[u8]) -> Booked {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Find {
            order: String,
            delivery: String,
            payment: String,
            refund: String,
        }
        let Find { order, delivery, payment, refund } = read(body)?;
        let ledger = lock(&self.ledger);
        match topic {
            "orders-find" => ledger.detail(&order, &self.options),
            "deliveries-find" => {
                let delivered = ledger.deliveries.contains_key(&delivery);
                Ok(json!({ "delivery": delivery, "delivered": delivered }))
            }
            "refunds-find" => {
                let settled = |refund: &super::Refund| refund.status == RefundStatus::Settled;
                let paid_back = ledger.refunds.get(&refund).is_some_and(settled);
                Ok(json!({ "refund": refund, "paid_back": paid_back }))
            }
            "payments-find" => Ok(match ledger.payments.get(&payment) {
                Some(found) => json!({
                    "payment": payment,
                    "paid": true,
                    "order": found.order,
                    "amount_minor": found.amount_minor,
                    "currency": self.options.currency,
                }),
                None => json!({ "payment": payment, "paid": false }),
            }),
            _ => Err("unknown_topic"),
        }
    }

    /// Answers, or breaks off, as fate wills.
    async fn answer(&self, fate: Fate, answer: &Value) -> Response {
        let (status, text) = match fate {
            Fate::Well | Fate::TooMany => (StatusCode::OK, answer.to_string()),
            Fate::Error => (StatusCode::INTERNAL_SERVER_ERROR, "oops".to_owned()),
            Fate::Unclear => (StatusCode::OK, json!({ "result": "unclear", "code": "internal" }).to_string()),
            Fate::HangUp => {
                tokio::time::sleep(Duration::from_millis(self.options.hold_ms)).await;
                let broken: Result<Bytes, io::Error> = Err(io::ErrorKind::ConnectionReset.into());
                return Body::from_stream(stream::iter([broken])).into_response();
            }
        };
        let kind = [(header::CONTENT_TYPE, "application/json")];
        if self.options.slow_ms == 0 {
            return (status, kind, text).into_response();
        }
        let wait = Duration::from_millis(self.options.slow_ms / PIECES as u64);
        let bytes = Bytes::from(text);
        let length = bytes.len().div_ceil(PIECES).max(1);
        let pieces: Vec<Bytes> = bytes.chunks(length).map(Bytes::copy_from_slice).collect();
        let trickle = stream::iter(pieces).then(move |piece| async move {
            tokio::time::sleep(wait).await;
            Ok::<_, io::Error>(piece)
        });
        (status, kind, Body::from_stream(trickle)).into_response()
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, &'static str> {
    serde_json::from_slice(body).map_err(|_| "malformed")
}
