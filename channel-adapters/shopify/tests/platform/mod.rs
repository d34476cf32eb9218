//! A shop at Shopify: it tells of its orders by webhook, answers GraphQL calls, and keeps books of its own.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::sign::hmac_sha256;
use serde_json::{Value, json};
use testkit::{
    drive::Signed,
    pretend::{Answer, Call, Platform},
};
use vocabulary::Timestamp;

pub(crate) const SHOP: &str = "test-shop.myshopify.com";
pub(crate) const SECRET: &str = "shpss_TESTshared0123456789abcdef01";
pub(crate) const TOKEN: &str = "shpat_TESTtoken0123456789abcdef0123";
/// The variant that is sold, and its inventory item.
pub(crate) const VARIANT: &str = "808950810";
pub(crate) const INVENTORY_ITEM: &str = "gid://shopify/InventoryItem/43729076";
const PATH: &str = "/admin/api/2026-04/graphql.json";

/// An order in the shop's books.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) quantity: u32,
    /// Yuan, as text.
    pub(crate) total: String,
    pub(crate) status: &'static str,
    pub(crate) cancelled: bool,
    pub(crate) updated: u32,
    /// What stands in the metafield, write by write.
    pub(crate) keys: Vec<String>,
    /// How each fulfilment order stands.
    pub(crate) fulfilments: Vec<&'static str>,
    /// How often a fulfilment order was fulfilled.
    pub(crate) fulfilled: u32,
    pub(crate) refunds: Vec<Refund>,
}

#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) id: u64,
    pub(crate) note: String,
    pub(crate) amount: String,
}

/// The shop.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) orders: BTreeMap<u64, Order>,
    /// Published quantities by inventory item, figure by figure.
    pub(crate) stock: BTreeMap<String, Vec<u64>>,
    pub(crate) idempotency_keys: BTreeSet<String>,
    /// Calls with another token or path.
    pub(crate) forged_calls: u32,
    /// How many calls are throttled before one is served.
    pub(crate) throttled: u32,
}

impl Shop {
    /// A buyer pays an order of one variant.
    pub(crate) fn pay(&mut self, id: u64, quantity: u32, total: &str) {
        let order = Order {
            id,
            quantity,
            total: total.to_owned(),
            status: "PAID",
            cancelled: false,
            updated: 0,
            keys: Vec::new(),
            fulfilments: vec!["OPEN"],
            fulfilled: 0,
            refunds: Vec::new(),
        };
        self.orders.insert(id, order);
    }

    /// Somebody pays back in the shop's own pages.
    pub(crate) fn pay_back(&mut self, id: u64, amount: &str, note: &str) -> u64 {
        let number = 509_562_969 + self.orders.values().map(|order| order.refunds.len() as u64).sum::<u64>();
        let order = self.orders.get_mut(&id).unwrap();
        order.refunds.push(Refund { id: number, note: note.to_owned(), amount: amount.to_owned() });
        order.status = if order.total == amount { "REFUNDED" } else { "PARTIALLY_REFUNDED" };
        order.updated += 1;
        number
    }

    /// The webhook that tells how an order stands.
    pub(crate) fn order_webhook(&self, topic: &str, id: u64) -> Signed {
        let order = &self.orders[&id];
        let body = json!({
            "id": id, "name": "#1001", "currency": "CNY", "total_price": order.total,
            "financial_status": order.status.to_ascii_lowercase(),
            "fulfillment_status": if order.fulfilments == ["CLOSED"] { json!("fulfilled") } else { Value::Null },
            "email": "buyer@example.com",
            "created_at": "2026-01-02T11:00:00+08:00", "updated_at": updated_at(order),
            "cancelled_at": if order.cancelled { json!("2026-01-02T12:00:00+08:00") } else { Value::Null },
            "cancel_reason": "customer", "test": false,
            "line_items": [{ "id": 866_550_311_766_439_020_u64, "variant_id": VARIANT.parse::<u64>().unwrap(),
                "sku": "steam-50", "quantity": order.quantity, "price": order.total, "title": "Steam 50" }],
        });
        webhook(topic, &body.to_string())
    }

    /// The webhook that tells of an order's last refund.
    pub(crate) fn refund_webhook(&self, id: u64) -> Signed {
        let refund = self.orders[&id].refunds.last().unwrap();
        let body = json!({
            "id": refund.id, "order_id": id, "created_at": "2026-01-02T12:30:00+08:00", "note": refund.note,
            "restock": false, "refund_line_items": [],
            "transactions": [{ "id": 1, "kind": "refund", "status": "success", "amount": refund.amount,
                "currency": "CNY" }],
        });
        webhook("refunds/create", &body.to_string())
    }

    fn order_of(&mut self, gid: &Value) -> Option<&mut Order> {
        let id = gid.as_str()?.strip_prefix("gid://shopify/Order/")?.parse().ok()?;
        self.orders.get_mut(&id)
    }

    fn act(&mut self, query: &str, variables: &Value) -> Value {
        if query.contains("inventorySetQuantities") {
            return self.set_stock(query, &variables["input"]);
        }
        if query.contains("refundCreate") {
            return self.refund(query, &variables["input"]);
        }
        if query.contains("metafieldsSet") {
            return self.write_keys(&variables["metafields"][0]);
        }
        if query.contains("fulfillmentCreate") {
            return self
                .fulfil(&variables["fulfillment"]["lineItemsByFulfillmentOrder"][0]["fulfillmentOrderId"]);
        }
        if query.contains("productVariant(") {
            let known = variables["id"] == format!("gid://shopify/ProductVariant/{VARIANT}");
            let found = json!({ "inventoryItem": { "id": INVENTORY_ITEM } });
            return json!({ "productVariant": if known { found } else { Value::Null } });
        }
        if query.contains("orders(") {
            return self.list(variables);
        }
        let Some(order) = self.order_of(&variables["id"]) else { return json!({ "order": null }) };
        json!({ "order": node(order, query) })
    }

    /// Orders that changed in the window of a search such as `updated_at:>='…' AND updated_at:<'…'`.
    fn list(&self, variables: &Value) -> Value {
        let search: Vec<&str> = variables["query"].as_str().unwrap().split('\'').collect();
        assert_eq!((search[0], search[2]), ("updated_at:>=", " AND updated_at:<"));
        let time = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let window = time(search[1])..time(search[3]);
        let nodes: Vec<Value> = self
            .orders
            .values()
            .filter(|order| window.contains(&time(&updated_at(order))))
            .map(|order| json!({ "legacyResourceId": order.id.to_string(), "updatedAt": updated_at(order) }))
            .collect();
        json!({ "orders": { "nodes": nodes, "pageInfo": { "hasNextPage": false, "endCursor": null } } })
    }

    /// Whether the directive names a key that is new.
    fn is_new(&mut self, query: &str) -> bool {
        let (_, rest) = query.split_once("@idempotent(key: \"").expect("the directive is mandatory");
        let key = rest.split('"').next().unwrap();
        assert_eq!(key.len(), 36, "{key}");
        self.idempotency_keys.insert(key.to_owned())
    }

    fn set_stock(&mut self, query: &str, input: &Value) -> Value {
        let new = self.is_new(query);
        assert_eq!((&input["name"], &input["reason"]), (&json!("available"), &json!("correction")));
        let quantity = &input["quantities"][0];
        assert_eq!(quantity["locationId"], "gid://shopify/Location/655441491");
        assert!(quantity.as_object().unwrap().contains_key("changeFromQuantity"));
        if new {
            let item = quantity["inventoryItemId"].as_str().unwrap().to_owned();
            self.stock.entry(item).or_default().push(quantity["quantity"].as_u64().unwrap());
        }
        json!({ "inventorySetQuantities": { "userErrors": [] } })
    }

    fn refund(&mut self, query: &str, input: &Value) -> Value {
        let new = self.is_new(query);
        let transaction = &input["transactions"][0];
        assert_eq!((&transaction["kind"], &transaction["gateway"]), (&json!("REFUND"), &json!("bogus")));
        assert_eq!(transaction["orderId"], input["orderId"]);
        let (amount, note) = (transaction["amount"].as_str().unwrap(), input["note"].as_str().unwrap());
        let id = self.order_of(&input["orderId"]).unwrap().id;
        assert_eq!(transaction["parentId"], format!("gid://shopify/OrderTransaction/{id}"));
        if new {
            self.pay_back(id, amount, note);
        }
        json!({ "refundCreate": { "refund": { "id": "gid://shopify/Refund/1" }, "userErrors": [] } })
    }

    fn write_keys(&mut self, field: &Value) -> Value {
        let name = (&field["namespace"], &field["key"], &field["type"]);
        assert_eq!(name, (&json!("kami"), &json!("keys"), &json!("multi_line_text_field")));
        let order = self.order_of(&field["ownerId"]).unwrap();
        order.keys.push(field["value"].as_str().unwrap().to_owned());
        order.updated += 1;
        json!({ "metafieldsSet": { "metafields": [{ "id": "gid://shopify/Metafield/1" }], "userErrors": [] } })
    }

    fn fulfil(&mut self, gid: &Value) -> Value {
        let name = gid.as_str().and_then(|gid| gid.strip_prefix("gid://shopify/FulfillmentOrder/")).unwrap();
        let (id, at) = name.split_once('-').unwrap();
        let order = self.orders.get_mut(&id.parse().unwrap()).unwrap();
        let standing = &mut order.fulfilments[at.parse::<usize>().unwrap()];
        if *standing != "OPEN" {
            return json!({ "fulfillmentCreate": { "fulfillment": null,
                "userErrors": [{ "field": ["fulfillment"], "message": "closed" }] } });
        }
        *standing = "CLOSED";
        order.fulfilled += 1;
        order.updated += 1;
        json!({ "fulfillmentCreate": { "fulfillment": { "id": "gid://shopify/Fulfillment/1" }, "userErrors": [] } })
    }
}

fn updated_at(order: &Order) -> String {
    format!("2026-01-02T03:{:02}:00Z", order.updated)
}

/// Everything that any of our queries asks of an order; a GraphQL server would leave out what was not asked.
fn node(order: &Order, query: &str) -> Value {
    let money = |amount: &str| {
        let money = json!({ "amount": amount, "currencyCode": "CNY" });
        json!({ "shopMoney": money, "presentmentMoney": money })
    };
    let fulfilments: Vec<Value> = order
        .fulfilments
        .iter()
        .enumerate()
        .map(|(at, status)| {
            json!({ "id": format!("gid://shopify/FulfillmentOrder/{}-{at}", order.id), "status": status })
        })
        .collect();
    let refunds: Vec<Value> = order
        .refunds
        .iter()
        .map(|refund| {
            let transaction =
                json!({ "kind": "REFUND", "status": "SUCCESS", "amountSet": money(&refund.amount) });
            json!({ "legacyResourceId": refund.id.to_string(), "note": refund.note,
                "createdAt": "2026-01-02T04:30:00Z", "transactions": { "nodes": [transaction] } })
        })
        .collect();
    let all = json!({
        "id": format!("gid://shopify/Order/{}", order.id),
        "legacyResourceId": order.id.to_string(),
        "displayFinancialStatus": order.status,
        "displayFulfillmentStatus": if order.fulfilments == ["CLOSED"] { "FULFILLED" } else { "UNFULFILLED" },
        "test": false,
        "cancelledAt": if order.cancelled { json!("2026-01-02T04:00:00Z") } else { Value::Null },
        "cancelReason": if order.cancelled { json!("CUSTOMER") } else { Value::Null },
        "updatedAt": updated_at(order),
        "email": "buyer@example.com",
        "totalPriceSet": money(&order.total),
        "lineItems": { "nodes": [{ "quantity": order.quantity, "variant": { "legacyResourceId": VARIANT } }],
            "pageInfo": { "hasNextPage": false } },
        "refunds": refunds,
        "transactions": [{ "id": format!("gid://shopify/OrderTransaction/{}", order.id), "kind": "SALE",
            "status": "SUCCESS", "gateway": "bogus", "amountSet": money(&order.total) }],
        "metafield": order.keys.last().map(|value| json!({ "value": value })),
        "fulfillmentOrders": { "nodes": fulfilments },
    });
    let Value::Object(mut fields) = all else { unreachable!("written as an object above") };
    fields.retain(|name, _| query.contains(name.as_str()));
    Value::Object(fields)
}

impl Platform for Shop {
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer {
        if call.path != PATH || call.method != "POST" {
            self.forged_calls += 1;
            return Answer { status: 404, body: String::new() };
        }
        if call.header("x-shopify-access-token") != TOKEN {
            self.forged_calls += 1;
            return Answer { status: 401, body: json!({ "errors": "Invalid API key" }).to_string() };
        }
        if self.throttled > 0 {
            self.throttled -= 1;
            let errors = json!([{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }]);
            return Answer::ok(&json!({ "errors": errors }));
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let data = self.act(body["query"].as_str().unwrap(), &body["variables"]);
        if spoil {
            Answer { status: 200, body: "<html>".to_owned() }
        } else {
            Answer::ok(&json!({ "data": data }))
        }
    }
}

/// A webhook as Shopify sends it, signed with the app's secret.
pub(crate) fn webhook(topic: &str, body: &str) -> Signed {
    let tag = STANDARD.encode(hmac_sha256(SECRET.as_bytes(), body.as_bytes()));
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-shopify-topic", topic.to_owned()),
        ("x-shopify-hmac-sha256", tag),
        ("x-shopify-shop-domain", SHOP.to_owned()),
        ("x-shopify-api-version", "2026-04".to_owned()),
        ("x-shopify-webhook-id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043".to_owned()),
        ("x-shopify-event-id", "98880550-7158-44d4-b7cd-2c97c8a091b5".to_owned()),
    ];
    Signed { method: "POST", topic: String::new(), query: String::new(), headers, body: body.into() }
}
