//! What support does with an order: once, however often it is clicked, and on the record.

use serde_json::{Value, json};

use crate::world::{Answer, World};

/// A click: the key is made when the dialog opens.
async fn click(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    world.ask("POST", path, &headers, body.to_string().as_bytes()).await
}

async fn types(world: &World, order: &str) -> Vec<String> {
    let told = world.fresh(&format!("/v1/orders/{order}/events?limit=500")).await.good();
    let events = told["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

async fn count(world: &World, order: &str, name: &str) -> usize {
    types(world, order).await.iter().filter(|found| *found == name).count()
}

#[tokio::test]
async fn s4_a_double_click_on_replace_gives_one_new_key_and_says_who_bears_the_cost() {
    let world = World::stocked(4).await;
    let order = world.buy("A-1").await.good()["order_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/orders/{order}/replace");
    let bad = json!({ "key": "b1-0", "reason": "dead", "cost_owner": "us" });
    let (first, second) = tokio::join!(click(&world, &path, "d-1", &bad), click(&world, &path, "d-1", &bad));
    assert_eq!(first.good(), second.good());
    assert_eq!(count(&world, &order, "KeyReplaced").await, 1);
    assert_eq!(click(&world, &path, "d-2", &bad).await.problem(), (409, "not_replaceable".to_owned()));
    let old = world.fresh("/v1/keys/b1-0").await.good();
    assert_eq!(old["state"], "revoked", "{old}");
    let order = world.get(&format!("/v1/orders/{order}/events")).await.good();
    let replaced = order["events"].as_array().unwrap().iter().find(|e| e["type"] == "KeyReplaced").unwrap();
    assert_eq!(replaced["payload"]["cost_owner"], "us");
}

#[tokio::test]
async fn s4_a_double_click_on_resend_asks_for_one_delivery_which_says_why() {
    let world = World::stocked(2).await;
    world.connect_pushing("generic/far").await;
    world.buy_on("/v1/in/generic/far", "A-1").await;
    let order = world.fresh("/v1/orders").await.good()["orders"][0]["order"].as_str().unwrap().to_owned();
    world.until_in_history(&order, "OrderDelivered").await;
    let path = format!("/v1/orders/{order}/resend");
    let body = json!({ "reason": "the buyer lost them" });
    let first = click(&world, &path, "d-1", &body).await;
    let second = click(&world, &path, "d-1", &body).await;
    assert_eq!((first.good(), &first.body), (second.good(), &second.body));
    assert_eq!(count(&world, &order, "DeliveryRequested").await, 2, "the first delivery and the resend");
    let told = world.get(&format!("/v1/orders/{order}/events")).await.good();
    let again = told["events"]
        .as_array()
        .unwrap()
        .iter()
        .rfind(|e| e["type"] == "DeliveryRequested")
        .unwrap()
        .clone();
    assert_eq!(again["payload"]["reason"], "the buyer lost them");
    assert_eq!(again["actor"], json!({ "kind": "staff", "id": "Lin Tao" }));
    let private = click(&world, &path, "d-2", &json!({ "reason": "call 13800000000" })).await;
    assert_eq!(private.problem(), (422, "private_text".to_owned()));
}

#[tokio::test]
async fn s5_whatever_support_does_is_one_event_of_the_same_history_however_often_it_is_clicked() {
    let world = World::stocked(3).await;
    let order = world.buy("A-1").await.good()["order_id"].as_str().unwrap().to_owned();
    let part = json!({ "amount": { "minor": 100, "currency": "CNY" }, "reason": "goodwill" });
    for (what, body, name) in [
        ("note", json!({ "text": "asked twice" }), "OrderNoted"),
        ("hold", json!({ "reason": "odd" }), "OrderHeld"),
        ("release", json!({ "reason": "checked" }), "OrderReleased"),
        ("reveal", json!({ "reason": "read to the buyer" }), "KeysRevealed"),
        ("refund", part, "RefundDue"),
    ] {
        let path = format!("/v1/orders/{order}/{what}");
        let first = click(&world, &path, &format!("d-{what}"), &body).await;
        let second = click(&world, &path, &format!("d-{what}"), &body).await;
        assert_eq!((first.good(), &first.body), (second.good(), &second.body), "{what}");
        assert_eq!(count(&world, &order, name).await, 1, "{what}");
    }
    let (path, rest) = (format!("/v1/orders/{order}/refund"), json!({ "reason": "agreed" }));
    click(&world, &path, "d-rest", &rest).await.good();
    assert_eq!(world.get(&format!("/v1/orders/{order}")).await.good()["order"]["refund_due_fen"], 2888);
}

#[tokio::test]
async fn reveals_are_bounded_per_hour_and_repeats_of_one_do_not_count() {
    let world = World::bounded_and_stocked(2, 3).await;
    let order = world.buy("A-1").await.good()["order_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/orders/{order}/reveal");
    let why = json!({ "reason": "read to the buyer" });
    click(&world, &path, "d-1", &why).await.good();
    click(&world, &path, "d-1", &why).await.good();
    world.advance(600);
    world.post(&path, &why).await.good();
    let opened = world.vault.opened_count();
    let refused = world.post(&path, &why).await;
    assert_eq!(refused.problem(), (429, "too_many_reveals".to_owned()));
    assert_eq!(refused.json()["again_at"], "2026-01-02T04:00:00.000000Z");
    assert_eq!(world.vault.opened_count(), opened, "nothing was opened");
    let message = world.get("/v1/inbox?account=generic/own").await.good()["messages"][0]["message"].clone();
    let message = message.as_str().unwrap();
    let by_inbox = world.get(&format!("/v1/inbox/{message}?reveal=dispute")).await;
    assert_eq!(
        by_inbox.problem(),
        (429, "too_many_reveals".to_owned()),
        "the other way to see keys counts, too"
    );
    world.advance(3_000);
    world.post(&path, &why).await.good();
}

#[tokio::test]
async fn the_third_bad_key_of_a_batch_has_the_whole_batch_quarantined() {
    let world = World::stocked(9).await;
    let mut orders = Vec::new();
    for n in 1..=3 {
        orders.push(world.buy(&format!("A-{n}")).await.good()["order_id"].as_str().unwrap().to_owned());
    }
    let left = async || world.fresh("/v1/skus/steam-50/batches").await.good()["batches"][0].clone();
    for (n, order) in orders.iter().enumerate() {
        assert_ne!(left().await["is_quarantined"], true, "before bad key {}", n + 1);
        let bad = json!({ "key": format!("b1-{n}"), "reason": "dead", "cost_owner": "supplier" });
        world.post(&format!("/v1/orders/{order}/replace"), &bad).await.good();
    }
    assert_eq!(left().await["is_quarantined"], true, "{}", left().await);
    let event = world.get(&format!("/v1/events/{}", world.position().await)).await.good()["event"].clone();
    assert_eq!(
        (&event["type"], &event["reason_code"]),
        (&json!("KeysQuarantined"), &json!("bad_keys_in_batch"))
    );
    assert_eq!(event["actor"], json!({ "kind": "process", "id": "purchase" }));
    assert_eq!(world.buy("A-4").await.json()["code"], "out_of_stock");

    world.post("/v1/batches/b1/lift", &json!({ "reason": "the supplier says they are fine" })).await.good();
    let order = world.buy("A-5").await.good()["order_id"].as_str().unwrap().to_owned();
    let key = world.get(&format!("/v1/orders/{order}")).await.good()["order"]["lines"][0]["keys"][0].clone();
    let bad = json!({ "key": key, "reason": "dead", "cost_owner": "supplier" });
    world.post(&format!("/v1/orders/{order}/replace"), &bad).await.good();
    assert_ne!(left().await["is_quarantined"], true, "somebody looked: the count begins anew");
}
