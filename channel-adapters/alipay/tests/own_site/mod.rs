//! The merchant's own site, which is paid through the gateway under test.

use channel_world::{Books, PRICE, SKU, World};
use serde_json::{Value, json};
use testkit::{accounts::WebhookSecret, drive};

pub(crate) const OWN: &str = "generic/own";

pub(crate) async fn connect(world: &World) {
    let settings = json!({ "secrets": [WebhookSecret::test_inbound().0.expose()] });
    world.connect(OWN, &settings).await;
}

async fn say(world: &World, id: &str, event: &Value) -> Value {
    let secret = WebhookSecret::test_inbound();
    world.send(OWN, &drive::generic_event(&secret, id, event, world.now())).await.json()
}

/// An order of one unit is placed, and not paid yet.
pub(crate) async fn place(world: &World, number: &str) {
    let data = json!({ "external_order_id": number, "sku": SKU, "quantity": 1, "amount_minor": PRICE,
        "currency": "CNY" });
    say(world, &format!("created-{number}"), &json!({ "type": "order.created", "data": data })).await;
}

/// The codes that the site gets for an order now: none before it is paid.
pub(crate) async fn keys(world: &World, number: &str) -> Vec<String> {
    let request = json!({ "type": "keys.request", "data": { "external_order_id": number } });
    let id = format!("q-{number}-{}", world.position().await.0);
    let keys = say(world, &id, &request).await["keys"].as_array().cloned().unwrap_or_default();
    keys.iter().map(|key| key["code"].as_str().unwrap().to_owned()).collect()
}

/// No key went to two orders, and what the log says was paid back is what the gateway's books say.
pub(crate) async fn agrees(world: &World, refunded: impl IntoIterator<Item = (String, i64)>) {
    let books = Books::of(world).await;
    assert!(books.shared.is_empty(), "{:?}", books.shared);
    let ours: Vec<(String, i64)> = books.refunded.into_iter().collect();
    let mut theirs: Vec<(String, i64)> = refunded.into_iter().filter(|(_, minor)| *minor > 0).collect();
    theirs.sort();
    assert_eq!(ours, theirs, "paid back");
}
