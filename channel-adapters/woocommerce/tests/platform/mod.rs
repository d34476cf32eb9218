//! A WooCommerce shop: it tells of its orders by webhook, answers REST calls, and keeps books of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::sign::hmac_sha256;
use serde_json::{Map, Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};

pub(crate) const SECRET: &str = "TESTwooSecret0123456789";
pub(crate) const KEY: &str = "ck_TEST0123456789abcdef0123456789abcdef0123";
pub(crate) const KEY_SECRET: &str = "cs_TEST0123456789abcdef0123456789abcdef0123";
/// The product that is sold.
pub(crate) const PRODUCT: &str = "93";
const BASE: &str = "/wp-json/wc/v3/";

/// An order in the shop's books.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) quantity: u32,
    /// Yuan, as text.
    pub(crate) total: String,
    pub(crate) status: &'static str,
    pub(crate) modified: u32,
    pub(crate) notes: Vec<String>,
    pub(crate) refunds: Vec<Refund>,
}

#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) id: u64,
    pub(crate) reason: String,
    pub(crate) amount: String,
}

/// The shop.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) orders: BTreeMap<u64, Order>,
    /// Published quantities by path, figure by figure.
    pub(crate) stock: BTreeMap<String, Vec<u64>>,
    /// Calls with other credentials, or to no place that there is.
    pub(crate) forged_calls: u32,
}

impl Shop {
    /// A buyer pays an order of one product.
    pub(crate) fn pay(&mut self, id: u64, quantity: u32, total: &str) {
        let (total, status) = (total.to_owned(), "processing");
        let (notes, refunds) = (Vec::new(), Vec::new());
        self.orders.insert(id, Order { id, quantity, total, status, modified: 0, notes, refunds });
    }

    /// Money goes back.
    pub(crate) fn pay_back(&mut self, id: u64, amount: &str, reason: &str) -> u64 {
        let number = 900 + self.orders.values().map(|order| order.refunds.len() as u64).sum::<u64>();
        let order = self.orders.get_mut(&id).unwrap();
        order.refunds.push(Refund { id: number, reason: reason.to_owned(), amount: amount.to_owned() });
        if order.total == amount {
            order.status = "refunded";
        }
        order.modified += 1;
        number
    }

    /// The webhook that tells how an order stands.
    pub(crate) fn webhook(&self, id: u64) -> Signed {
        // PHP writes slashes with a backslash.
        signed("order.updated", &whole(&self.orders[&id]).to_string().replace('/', "\\/"))
    }

    fn act(&mut self, call: &Call) -> Option<(u16, Value)> {
        let path = call.path.strip_prefix(BASE)?;
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        if parts[0] == "products" && call.method == "PUT" {
            assert_eq!(body["manage_stock"], true);
            let quantity = body["stock_quantity"].as_u64().unwrap();
            self.stock.entry(parts[1..].join("/")).or_default().push(quantity);
            return Some((200, json!({ "id": 93, "stock_quantity": quantity })));
        }
        if parts == ["orders"] {
            assert_eq!(call.param("dates_are_gmt"), "true");
            let page: usize = call.param("page").parse().unwrap();
            let size: usize = call.param("per_page").parse().unwrap();
            let since = call.param("modified_after");
            let newest = self.orders.values().rev().filter(|order| *modified(order) > *since);
            let orders: Vec<Value> = newest.skip((page - 1) * size).take(size).map(whole).collect();
            return Some((200, Value::Array(orders)));
        }
        let order = self.orders.get_mut(&parts.get(1)?.parse().ok()?)?;
        match (call.method.as_str(), parts.get(2).copied()) {
            ("GET", None) => Some((200, whole(order))),
            ("PUT", None) => {
                assert_eq!(body, json!({ "status": "completed" }));
                order.status = "completed";
                order.modified += 1;
                Some((200, whole(order)))
            }
            ("GET", Some("notes")) => Some((200, order.notes.iter().map(|text| note(text)).collect())),
            ("POST", Some("notes")) => {
                assert_eq!(body["customer_note"], true);
                order.notes.push(body["note"].as_str().unwrap().to_owned());
                Some((201, note(body["note"].as_str().unwrap())))
            }
            ("GET", Some("refunds")) => Some((200, order.refunds.iter().map(refund).collect())),
            ("POST", Some("refunds")) => self.refund(&body, parts[1].parse().ok()?),
            _ => None,
        }
    }

    fn refund(&mut self, body: &Value, id: u64) -> Option<(u16, Value)> {
        assert_eq!((&body["api_refund"], &body["api_restock"]), (&json!(true), &json!(false)));
        let order = &self.orders[&id];
        let fen = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
        let back: i64 = order.refunds.iter().map(|refund| fen(&refund.amount)).sum();
        let amount = body["amount"].as_str()?;
        if back + fen(amount) > fen(&order.total) {
            let no = json!({ "code": "woocommerce_rest_cannot_create_order_refund", "message": "too much" });
            return Some((400, no));
        }
        self.pay_back(id, amount, body["reason"].as_str()?);
        Some((201, refund(self.orders[&id].refunds.last()?)))
    }
}

fn modified(order: &Order) -> String {
    format!("2026-01-02T03:{:02}:00", order.modified)
}

fn note(text: &str) -> Value {
    json!({ "id": 281, "author": "system", "note": text, "customer_note": true })
}

fn refund(refund: &Refund) -> Value {
    json!({ "id": refund.id, "amount": refund.amount, "reason": refund.reason, "line_items": [] })
}

/// An order with all its fields, as any plugin's are among them.
fn whole(order: &Order) -> Value {
    let refunds: Vec<Value> = order
        .refunds
        .iter()
        .map(|r| json!({ "id": r.id, "reason": r.reason, "total": format!("-{}", r.amount) }))
        .collect();
    json!({
        "id": order.id, "number": order.id.to_string(), "order_key": "wc_order_58d2d042d1d",
        "status": order.status, "currency": "CNY", "total": order.total, "customer_note": "",
        "date_created": "2026-01-02T11:00:00", "date_paid": "2026-01-02T11:00:05",
        "date_paid_gmt": "2026-01-02T03:00:05", "date_modified_gmt": modified(order),
        "transaction_id": format!("pi_{}", order.id), "payment_method": "stripe",
        "billing": { "email": "buyer@example.com" },
        "line_items": [{ "id": 315, "name": "Steam 50", "product_id": 93, "variation_id": 0,
            "quantity": order.quantity, "sku": "steam-50", "total": order.total }],
        "refunds": refunds, "meta_data": [], "links": "https://woo.example/",
    })
}

/// What WordPress leaves of an answer where fields were asked for.
fn only(value: Value, fields: &str) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|value| only(value, fields)).collect(),
        Value::Object(all) if !fields.is_empty() => {
            let asked = |(name, _): &(String, Value)| fields.split(',').any(|field| field == name);
            Value::Object(all.into_iter().filter(asked).collect::<Map<_, _>>())
        }
        other => other,
    }
}

impl Platform for Shop {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{KEY}:{KEY_SECRET}")));
        if call.header("authorization") != credentials {
            self.forged_calls += 1;
            let no =
                json!({ "code": "woocommerce_rest_cannot_view", "message": "no", "data": { "status": 401 } });
            return Answer { status: 401, body: no.to_string() };
        }
        let Some((status, body)) = self.act(call) else {
            self.forged_calls += 1;
            let no = json!({ "code": "rest_no_route", "message": "no", "data": { "status": 404 } });
            return Answer { status: 404, body: no.to_string() };
        };
        let body = only(body, call.param("_fields")).to_string();
        Answer { status, body: if spoil { "<html>".to_owned() } else { body } }
    }
}

/// A webhook as the shop sends it, signed with its secret.
pub(crate) fn signed(topic: &str, body: &str) -> Signed {
    let tag = STANDARD.encode(hmac_sha256(SECRET.as_bytes(), body.as_bytes()));
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-wc-webhook-source", "https://woo.example/".to_owned()),
        ("x-wc-webhook-topic", topic.to_owned()),
        ("x-wc-webhook-signature", tag),
        ("x-wc-webhook-id", "4".to_owned()),
        ("x-wc-webhook-delivery-id", "3c6e0b8a9c15224a8228b9a98ca1531d".to_owned()),
    ];
    Signed { method: "POST", topic: String::new(), query: String::new(), headers, body: body.into() }
}
