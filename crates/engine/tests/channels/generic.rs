//! The generic channel: keys in the reply, keys that are fetched, and a partner who is told.

use serde_json::{Value, json};
use testkit::{Fault, accounts::WebhookSecret, drive, partner::Partner};

use channel_world::{Books, PRICE, SKU, Told, World, code, sha256};

const OWN: &str = "generic/own";

pub(crate) fn settings(more: &Value) -> Value {
    let mut settings = json!({ "secrets": [WebhookSecret::test_inbound().0.expose()] });
    let (Some(all), Some(more)) = (settings.as_object_mut(), more.as_object()) else { panic!("objects") };
    all.extend(more.clone());
    settings
}

pub(crate) fn order(kind: &str, number: &str, quantity: i64) -> Value {
    json!({ "type": kind, "data": { "external_order_id": number, "sku": SKU, "quantity": quantity,
        "amount_minor": PRICE * quantity, "currency": "CNY" } })
}

pub(crate) async fn say(world: &World, id: &str, event: &Value) -> Told {
    world.send(OWN, &drive::generic_event(&WebhookSecret::test_inbound(), id, event, world.now())).await
}

pub(crate) fn keys_request(number: &str) -> Value {
    json!({ "type": "keys.request", "data": { "external_order_id": number } })
}

fn codes(told: &Told) -> Vec<String> {
    let json = told.json();
    let keys = json["keys"].as_array().cloned().unwrap_or_default();
    keys.iter().map(|key| key["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn keys_come_in_the_reply_and_a_repeat_is_the_same_reply() {
    let world = crate::open_world().await;
    world.connect(OWN, &settings(&json!({ "return_keys": true }))).await;
    world.stock(0, 3).await;
    let first = say(&world, "m-1", &order("order.paid", "A-1", 2)).await;
    assert_eq!((first.status, codes(&first)), (200, vec![code(0), code(1)]));
    world.advance(60).await;
    assert_eq!(say(&world, "m-1", &order("order.paid", "A-1", 2)).await, first);
    let short = say(&world, "m-2", &order("order.paid", "A-2", 2)).await;
    assert_eq!((short.status, &short.json()["code"]), (422, &json!("out_of_stock")));
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn keys_wait_until_they_are_fetched_and_every_look_is_recorded() {
    let world = crate::open_world().await;
    world.connect(OWN, &settings(&json!({}))).await;
    world.stock(0, 3).await;
    let paid = say(&world, "m-1", &order("order.paid", "A-1", 1)).await;
    assert_eq!((codes(&paid).len(), &paid.json()["state"]), (0, &json!("fulfilled")));
    for (times, recorded) in [(1, "OrderDelivered"), (2, "KeysRevealed")] {
        let fetched = say(&world, &format!("q-{times}"), &keys_request("A-1")).await;
        assert_eq!(codes(&fetched), [code(0)]);
        assert_eq!(world.count(recorded).await, 1);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_partner_is_told_once_of_each_delivery_even_if_it_did_not_answer() {
    let world = crate::open_world().await;
    let partner = world.pretend(Partner::test()).await;
    let hooks = json!({ "deliver_url": partner.url(), "stock_url": partner.url(),
        "outbound_secret": WebhookSecret::test_outbound().0.expose() });
    world.connect(OWN, &settings(&hooks)).await;
    world.list(OWN, SKU).await;
    world.stock(0, 5).await;
    world.settle().await;
    partner.next(Fault::HangUpAfter);
    partner.next(Fault::TooMany(30));
    say(&world, "m-1", &order("order.paid", "A-1", 2)).await;
    world.settle().await;
    world.advance(120).await;
    world.advance(120).await;
    let delivered = partner.with(|partner| partner.of_kind("order.delivered"));
    assert_eq!(delivered.len(), 1, "{delivered:?}");
    assert_eq!(delivered[0].data["external_order_id"], "A-1");
    assert!(!delivered[0].data.to_string().contains("KEY-"), "events carry ids, never keys");
    assert_eq!(world.count("OrderDelivered").await, 1);
    let mut stock = partner.with(|partner| partner.of_kind("stock.changed"));
    stock.sort_by_key(|event| event.data["figure"].as_u64());
    let figures: Vec<_> = stock.iter().map(|event| event.data["available"].as_u64().unwrap()).collect();
    assert_eq!((figures.first(), figures.last()), (Some(&5), Some(&3)), "{figures:?}");
    assert_eq!(partner.with(|p| (p.forged_calls, p.changed.len(), partner.faults_left())), (0, 0, 0));
    world.stop().await;
}

#[tokio::test]
async fn money_that_went_back_revokes_the_keys_once_however_often_and_early_it_is_told() {
    let world = crate::open_world().await;
    world.connect(OWN, &settings(&json!({ "return_keys": true }))).await;
    world.stock(0, 5).await;
    let back = |number: &str| {
        json!({ "type": "order.refunded", "data": { "external_order_id": number, "refund_id": "R-1",
            "amount_minor": PRICE, "currency": "CNY", "reason": "regret" } })
    };
    // News of money that went back may overtake its order, which is then not delivered.
    assert_eq!(say(&world, "r-0", &back("A-0")).await.status, 200);
    assert_eq!(codes(&say(&world, "m-0", &order("order.paid", "A-0", 1)).await), Vec::<String>::new());
    let sold = codes(&say(&world, "m-1", &order("order.paid", "A-1", 1)).await);
    for id in ["r-1", "r-1", "r-2"] {
        assert_eq!(say(&world, id, &back("A-1")).await.status, 200, "{id}");
    }
    say(&world, "m-1", &order("order.paid", "A-1", 1)).await;
    // Of two keys one is paid back: the keys stay, and the money is a loss.
    say(&world, "m-2", &order("order.paid", "A-2", 2)).await;
    say(&world, "r-3", &back("A-2")).await;
    let books = Books::of(&world).await;
    assert_eq!(books.delivered["A-1"], sold.iter().map(|code| sha256(code)).collect());
    assert_eq!(books.revoked, [("A-1".to_owned(), books.delivered["A-1"].clone())].into());
    assert_eq!(books.refunded, ["A-0", "A-1", "A-2"].map(|number| (number.to_owned(), PRICE)).into());
    assert_eq!((books.lost, books.shared.len()), ([("A-2".to_owned(), PRICE)].into(), 0));
    world.stop().await;
}
