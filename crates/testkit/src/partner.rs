//! A partner who receives our signed events (Standard Webhooks 1.0.0).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    accounts::WebhookSecret,
    digest::hmac_base64,
    pretend::{Answer, Call, Platform},
};

/// How far a time stamp may be off, in seconds.
const TOLERANCE_SECS: u64 = 300;

impl WebhookSecret {
    /// The `v1` signature: over `id.timestamp.body`, under what follows `whsec_`.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let text = self.0.expose().strip_prefix("whsec_").unwrap_or_default();
        let key = STANDARD.decode(text).unwrap_or_default();
        let content = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        format!("v1,{}", hmac_base64(&key, &content))
    }
}

/// An event that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its type.
    pub kind: String,
    /// Its data.
    pub data: Value,
    /// How often it came.
    pub times: u32,
}

/// The partner.
pub struct Partner {
    secret: WebhookSecret,
    /// Events by their `webhook-id`.
    pub events: BTreeMap<String, Event>,
    /// Calls with a wrong signature or time.
    pub forged_calls: u32,
    /// Ids that came again with another body.
    pub changed: Vec<String>,
}

impl Partner {
    /// One for tests, with [`WebhookSecret::test_outbound`].
    pub fn test() -> Self {
        Self {
            secret: WebhookSecret::test_outbound(),
            events: BTreeMap::new(),
            forged_calls: 0,
            changed: Vec::new(),
        }
    }

    /// The events of a type, oldest id first.
    pub fn of_kind(&self, kind: &str) -> Vec<Event> {
        self.events.values().filter(|event| event.kind == kind).cloned().collect()
    }

    fn is_genuine(&self, call: &Call) -> bool {
        let (id, timestamp) = (call.header("webhook-id"), call.header("webhook-timestamp"));
        let fresh = timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(call.now.secs()) <= TOLERANCE_SECS);
        let ours = self.secret.sign(id, timestamp, &call.body);
        let signed = call.header("webhook-signature").split(' ').any(|given| given == ours);
        fresh && signed && !id.is_empty() && !id.contains('.')
    }
}

impl Platform for Partner {
    fn answer(&mut self, call: &Call, _spoil: bool) -> Answer {
        if call.method != "POST" || !self.is_genuine(call) {
            self.forged_calls += 1;
            return Answer { status: 401, body: String::new() };
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let id = call.header("webhook-id").to_owned();
        let kind = body["type"].as_str().unwrap_or_default().to_owned();
        let event = Event { kind, data: body["data"].clone(), times: 1 };
        match self.events.get_mut(&id) {
            Some(known) => {
                known.times += 1;
                if (&known.kind, &known.data) != (&event.kind, &event.data) {
                    self.changed.push(id);
                }
            }
            None => {
                self.events.insert(id, event);
            }
        }
        Answer::ok(&json!({}))
    }
}
