//! Stripe, as far as these tests need it: it signs events, checks our calls, and keeps books of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use ring::hmac;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const SECRET: &str = "whsec_TESTsharedSecret0123456789abcdef";
pub(crate) const OLD_SECRET: &str = "whsec_TESTolderSecret00123456789abcdef";
pub(crate) const API_KEY: &str = "rk_test_0123456789abcdefghijklmn";

/// The header of a body that is sent at a time.
pub(crate) fn signature(secret: &str, time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, &[time.as_bytes(), b".", body].concat());
    format!("t={time},v1={}", hex::encode(tag))
}

/// A payment in Stripe's books.
#[derive(Clone)]
pub(crate) struct Payment {
    pub(crate) order: String,
    pub(crate) minor: i64,
    pub(crate) status: &'static str,
    pub(crate) refunds: Vec<Refund>,
}

#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) minor: i64,
    pub(crate) status: &'static str,
    /// What the caller named it.
    pub(crate) number: Option<String>,
}

impl Payment {
    pub(crate) fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.minor).sum()
    }
}

#[derive(Default)]
pub(crate) struct Books {
    /// By payment intent.
    pub(crate) payments: BTreeMap<String, Payment>,
    /// Calls with a wrong key, version or form.
    pub(crate) forged_calls: u32,
    /// Idempotency keys, with the call and its first answer.
    keys: BTreeMap<String, (Vec<u8>, Value)>,
    /// What the list of events shows.
    pub(crate) events: Vec<Value>,
    /// How the next refunds stand when they are made.
    pub(crate) slow_refunds: bool,
}

impl Books {
    /// A buyer went through Checkout.
    pub(crate) fn pay(&mut self, order: &str, minor: i64, status: &'static str) -> String {
        let intent = format!("pi_{}", self.payments.len() + 1);
        let payment = Payment { order: order.to_owned(), minor, status, refunds: Vec::new() };
        self.payments.insert(intent.clone(), payment);
        intent
    }

    /// Somebody pays back in Stripe's dashboard.
    pub(crate) fn refund(&mut self, intent: &str, minor: i64, number: Option<String>) -> Refund {
        let status = if self.slow_refunds { "pending" } else { "succeeded" };
        let payment = self.payments.get_mut(intent).unwrap();
        let id = format!("re_{intent}_{}", payment.refunds.len() + 1);
        let refund = Refund { id, minor, status, number };
        payment.refunds.push(refund.clone());
        refund
    }

    pub(crate) fn session(&self, intent: &str, expand: bool) -> Value {
        let payment = &self.payments[intent];
        let mut session = json!({
            "id": format!("cs_{intent}"), "object": "checkout.session", "mode": "payment", "livemode": false,
            "client_reference_id": payment.order, "payment_status": payment.status, "status": "complete",
            "amount_subtotal": payment.minor, "amount_total": payment.minor, "currency": "cny",
            "payment_intent": intent, "metadata": {},
        });
        if expand {
            let refunds = json!({ "object": "list", "data": list(payment, intent), "has_more": false });
            session["payment_intent"] = json!({ "id": intent, "object": "payment_intent",
                "latest_charge": { "id": format!("ch_{intent}"), "object": "charge", "refunds": refunds } });
        }
        session
    }

    fn act(&mut self, call: &Call) -> Answer {
        let intent = call.param("payment_intent").to_owned();
        let known = self.payments.contains_key(&intent);
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/v1/checkout/sessions") => {
                let expand = call.param("expand[]") == "data.payment_intent.latest_charge.refunds";
                let data: Vec<Value> = known.then(|| self.session(&intent, expand)).into_iter().collect();
                Answer::ok(&json!({ "object": "list", "data": data, "has_more": false }))
            }
            ("GET", "/v1/refunds") => {
                let data =
                    self.payments.get(&intent).map(|payment| list(payment, &intent)).unwrap_or_default();
                Answer::ok(&json!({ "object": "list", "data": data, "has_more": false }))
            }
            ("GET", "/v1/events") => Answer::ok(&self.list_events(call)),
            ("POST", "/v1/refunds") => self.refund_call(call),
            _ => failure(404, "resource_missing"),
        }
    }

    /// Events of a window, the newest first, one to a page.
    fn list_events(&self, call: &Call) -> Value {
        let at = |name: &str| call.param(name).parse::<i64>().unwrap();
        let window = at("created[gte]")..at("created[lt]");
        let inside = |event: &&Value| window.contains(&event["created"].as_i64().unwrap());
        let found: Vec<&Value> = self.events.iter().rev().filter(inside).collect();
        let after = call.param("starting_after");
        let from = found.iter().position(|event| event["id"] == after).map_or(0, |at| at + 1);
        let page: Vec<&&Value> = found.iter().skip(from).take(1).collect();
        json!({ "object": "list", "data": page, "has_more": from + 1 < found.len() })
    }

    fn refund_call(&mut self, call: &Call) -> Answer {
        let key = call.header("idempotency-key").to_owned();
        assert!(!key.is_empty() && key.len() <= 255);
        if let Some((body, answer)) = self.keys.get(&key) {
            let same = *body == call.body;
            return if same { Answer::ok(answer) } else { failure(400, "idempotency_key_in_use") };
        }
        let form = call.form();
        let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let (intent, minor) = (field("payment_intent").unwrap(), field("amount").unwrap().parse().unwrap());
        let Some(payment) = self.payments.get(&intent) else { return failure(404, "resource_missing") };
        if payment.refunded() + minor > payment.minor {
            return failure(400, "charge_already_refunded");
        }
        let refund = self.refund(&intent, minor, field("metadata[refund]"));
        let answer = shown(&refund, &intent);
        self.keys.insert(key, (call.body.clone(), answer.clone()));
        Answer::ok(&answer)
    }
}

fn shown(refund: &Refund, intent: &str) -> Value {
    let metadata = refund.number.as_ref().map_or(json!({}), |number| json!({ "refund": number }));
    json!({ "id": refund.id, "object": "refund", "amount": refund.minor, "currency": "cny",
        "payment_intent": intent, "status": refund.status, "metadata": metadata })
}

fn list(payment: &Payment, intent: &str) -> Vec<Value> {
    payment.refunds.iter().map(|refund| shown(refund, intent)).collect()
}

fn failure(status: u16, code: &str) -> Answer {
    let body = json!({ "error": { "code": code, "type": "invalid_request_error" } });
    Answer { status, body: body.to_string() }
}

impl Platform for Books {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let genuine = call.header("authorization") == format!("Bearer {API_KEY}")
            && call.header("stripe-version").starts_with("20");
        if !genuine {
            self.forged_calls += 1;
            return failure(401, "invalid_api_key");
        }
        let answer = self.act(call);
        // Answers are not signed: a broken one is no JSON.
        if spoil { Answer { body: "<html>".to_owned(), ..answer } } else { answer }
    }
}

/// An event as the list and the endpoint show it.
pub(crate) fn event(id: &str, kind: &str, object: &Value, now: Timestamp) -> Value {
    json!({ "id": id, "object": "event", "api_version": "2026-01-28.clover", "created": now.secs(),
        "type": kind, "livemode": false, "pending_webhooks": 1, "data": { "object": object },
        "request": { "id": null, "idempotency_key": null } })
}

/// An event on its way to the endpoint.
pub(crate) fn sent(event: &Value, now: Timestamp) -> Signed {
    let body = serde_json::to_vec_pretty(event).unwrap();
    let header = signature(SECRET, &now.secs().to_string(), &body);
    Signed {
        method: "POST",
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type", "application/json".to_owned()), ("stripe-signature", header)],
        body,
    }
}
