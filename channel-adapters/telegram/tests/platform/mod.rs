//! A pretend Telegram: buyers pay invoices, the bot writes to them and pays back, and books are kept.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use channel::RawRequest;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const SECRET: &str = "TEST_shared-Secret_01";
pub(crate) const TOKEN: &str = "110201543:TESTbotTokenTESTbotTokenTESTbotToke";
pub(crate) const HEADER: &str = "x-telegram-bot-api-secret-token";

/// An update as Telegram posts it.
pub(crate) fn update(body: &Value) -> Signed {
    let headers = vec![("content-type", "application/json".to_owned()), (HEADER, SECRET.to_owned())];
    let body = body.to_string().into_bytes();
    Signed { method: "POST", topic: String::new(), query: String::new(), headers, body }
}

/// The same, as an adapter sees it.
pub(crate) fn raw(body: &Value) -> RawRequest {
    let signed = update(body);
    RawRequest {
        method: signed.method.into(),
        topic: String::new(),
        query: String::new(),
        headers: signed.headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect(),
        body: signed.body,
        received_at: NOW,
    }
}

fn user(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "Test", "language_code": "zh-hans" })
}

/// May this buyer pay?
pub(crate) fn question(buyer: i64, payload: &str, stars: i64) -> Value {
    json!({ "update_id": 100_200_301, "pre_checkout_query": { "id": "3337001112223334445",
        "from": user(buyer), "currency": "XTR", "total_amount": stars, "invoice_payload": payload } })
}

fn message(update_id: i64, buyer: i64, date: i64, what: &str, payment: &Value) -> Value {
    json!({ "update_id": update_id, "message": { "message_id": 42, "from": user(buyer),
        "chat": { "id": buyer, "type": "private", "first_name": "Test" }, "date": date, what: payment } })
}

pub(crate) fn paid(update_id: i64, t: &Transaction) -> Value {
    let payment = json!({ "currency": "XTR", "total_amount": t.stars, "invoice_payload": t.payload,
        "telegram_payment_charge_id": t.id, "provider_payment_charge_id": "0" });
    message(update_id, t.buyer, t.date, "successful_payment", &payment)
}

pub(crate) fn refunded(update_id: i64, t: &Transaction) -> Value {
    let payment = json!({ "currency": "XTR", "total_amount": t.stars, "invoice_payload": t.payload,
        "telegram_payment_charge_id": t.id });
    message(update_id, t.buyer, t.date + 60, "refunded_payment", &payment)
}

#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) id: String,
    pub(crate) buyer: i64,
    pub(crate) payload: String,
    pub(crate) stars: i64,
    pub(crate) date: i64,
    pub(crate) refunds: u32,
}

impl Transaction {
    pub(crate) fn new(id: &str, buyer: i64, payload: &str, stars: i64) -> Self {
        let (id, payload) = (id.to_owned(), payload.to_owned());
        Self { id, buyer, payload, stars, date: NOW.secs(), refunds: 0 }
    }
    /// As the list of transactions shows it, and its refund.
    pub(crate) fn listed(&self) -> Vec<Value> {
        let partner = json!({ "type": "user", "transaction_type": "invoice_payment",
            "user": user(self.buyer), "invoice_payload": self.payload });
        let line =
            |date: i64, way: &str| json!({ "id": self.id, "amount": self.stars, "date": date, way: partner });
        let back = (0..self.refunds).map(|_| line(self.date + 60, "receiver"));
        std::iter::once(line(self.date, "source")).chain(back).collect()
    }
}

/// Telegram's books.
#[derive(Default)]
pub(crate) struct Telegram {
    pub(crate) transactions: Vec<Transaction>,
    /// Messages by chat.
    pub(crate) messages: BTreeMap<i64, Vec<Value>>,
    /// Chats that the bot may not write to.
    pub(crate) blocked: BTreeSet<i64>,
    pub(crate) forged_calls: u32,
}

impl Telegram {
    /// A buyer pays an invoice; the update that tells of it.
    pub(crate) fn pay(&mut self, buyer: i64, payload: &str, stars: i64) -> Transaction {
        let id = format!("stxTESTcharge{:04}", self.transactions.len() + 1);
        let transaction = Transaction::new(&id, buyer, payload, stars);
        self.transactions.push(transaction.clone());
        transaction
    }

    pub(crate) fn refunds(&self, id: &str) -> u32 {
        self.transactions.iter().find(|t| t.id == id).map_or(0, |t| t.refunds)
    }

    /// The codes of all keys that a chat was sent, in order.
    pub(crate) fn codes(&self, chat: i64) -> Vec<String> {
        let texts = self.messages.get(&chat).into_iter().flatten();
        let lines = texts.flat_map(|m| m["text"].as_str().unwrap_or_default().lines());
        lines.filter(|line| line.starts_with("KEY-")).map(str::to_owned).collect()
    }

    fn send_message(&mut self, body: &Value) -> Answer {
        let Some(chat) = body["chat_id"].as_i64() else { return no(400, "Bad Request: chat not found") };
        if self.blocked.contains(&chat) {
            return no(403, "Forbidden: bot was blocked by the user");
        }
        let text = body["text"].as_str().unwrap_or_default();
        if text.is_empty() || text.chars().count() > 4_096 {
            return no(400, "Bad Request: message is too long");
        }
        self.messages.entry(chat).or_default().push(body.clone());
        yes(&json!({ "message_id": 43, "chat": { "id": chat, "type": "private" }, "date": NOW.secs() }))
    }

    fn refund(&mut self, body: &Value) -> Answer {
        let id = body["telegram_payment_charge_id"].as_str().unwrap_or_default();
        let buyer = body["user_id"].as_i64();
        match self.transactions.iter_mut().find(|t| t.id == id && Some(t.buyer) == buyer) {
            Some(found) if found.refunds > 0 => no(400, "Bad Request: CHARGE_ALREADY_REFUNDED"),
            Some(found) => {
                found.refunds += 1;
                yes(&json!(true))
            }
            None => no(400, "Bad Request: CHARGE_NOT_FOUND"),
        }
    }

    fn list(&self, body: &Value) -> Answer {
        let number = |name: &str| usize::try_from(body[name].as_u64().unwrap_or_default()).unwrap();
        let all = self.transactions.iter().flat_map(Transaction::listed);
        let page: Vec<Value> = all.skip(number("offset")).take(number("limit")).collect();
        yes(&json!({ "transactions": page }))
    }
}

fn yes(result: &Value) -> Answer {
    Answer::ok(&json!({ "ok": true, "result": result }))
}

fn no(code: u16, description: &str) -> Answer {
    let body = json!({ "ok": false, "error_code": code, "description": description });
    Answer { status: code, body: body.to_string() }
}

impl Platform for Telegram {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let Some(method) = call.path.strip_prefix(&format!("/bot{TOKEN}/")) else {
            self.forged_calls += 1;
            return no(401, "Unauthorized");
        };
        let answer = match method {
            "sendMessage" => self.send_message(&body),
            "refundStarPayment" => self.refund(&body),
            "getStarTransactions" => self.list(&body),
            _ => no(404, "Not Found"),
        };
        if spoil { Answer { body: "<html>".to_owned(), ..answer } } else { answer }
    }
}
