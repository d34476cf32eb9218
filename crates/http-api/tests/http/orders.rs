use serde_json::{Value, json};

use crate::world::World;

async fn bought(keys: usize) -> (World, String) {
    let world = World::stocked(keys).await;
    let answer = world.buy("A-1").await;
    let order = answer.good()["order_id"].as_str().unwrap().to_owned();
    (world, order)
}

#[tokio::test]
async fn an_order_is_found_under_every_name_it_has() {
    let (world, id) = bought(2).await;
    world.fresh("/v1/channels").await.good();
    for name in [id.as_str(), "generic%2Fown:A-1", "generic:A-1", "A-1"] {
        let found = world.get(&format!("/v1/orders/{name}")).await.good();
        assert_eq!(found["order"]["order"], id.as_str(), "{name}");
        assert_eq!(found["order"]["status"], "delivered", "{name}");
    }
}

#[tokio::test]
async fn a_number_that_two_orders_have_is_ambiguous_until_the_account_is_named() {
    let (world, id) = bought(3).await;
    world.connect("generic/second").await;
    let second = world.buy_on("/v1/in/generic/second", "A-1").await.good();
    world.fresh("/v1/channels").await.good();
    for name in ["A-1", "generic:A-1"] {
        let answer = world.get(&format!("/v1/orders/{name}")).await;
        assert_eq!(answer.problem(), (409, "ambiguous_reference".to_owned()));
        let candidates = answer.json()["candidates"].as_array().unwrap().clone();
        assert_eq!(candidates.len(), 2);
        assert!(candidates.contains(&json!({ "order": id, "ref": "generic/own:A-1" })));
    }
    let found = world.get("/v1/orders/generic%2Fsecond:A-1").await.good();
    assert_eq!(found["order"]["order"], second["order_id"]);
}

#[tokio::test]
async fn the_history_tells_who_why_when_and_what_changed() {
    let (world, id) = bought(2).await;
    world.advance(60);
    world.post(&format!("/v1/orders/{id}/note"), &json!({ "text": "buyer asked twice" })).await.good();
    let history = world.fresh(&format!("/v1/orders/{id}/events")).await.good();
    let events = history["events"].as_array().unwrap();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "OrderPlaced",
            "PaymentConfirmed",
            "KeysAllocated",
            "OrderFulfilled",
            "OrderDelivered",
            "OrderNoted"
        ]
    );
    let paid = &events[1];
    assert_eq!(paid["actor"], json!({ "kind": "channel", "id": "generic/own" }));
    assert_eq!(paid["occurred_at"], "2026-01-02T02:59:59.000000Z");
    assert_eq!(paid["recorded_at"], "2026-01-02T03:00:00.000000Z");
    assert!(paid["message"].as_str().unwrap().starts_with("msg-"));
    assert!(
        paid["changes"].as_array().unwrap().contains(&json!({ "path": "/paid_fen", "from": 0, "to": 2888 }))
    );
    assert_eq!(paid["payload"]["txn"], "A-1");
    assert!(
        events.iter().all(|event| event["sentence"]["en"].is_string() && event["sentence"]["zh"].is_string())
    );
    assert_eq!(events[2]["stream"], "pool-steam-50");
    assert_eq!(events[2]["changes"], json!([]));
    assert_eq!(events[5]["actor"], json!({ "kind": "staff", "id": "Lin Tao" }));
    // The same in pages.
    let mut paged: Vec<Value> = Vec::new();
    let mut after = json!(0);
    while after.is_u64() {
        let page = world.get(&format!("/v1/orders/{id}/events?limit=2&after={after}")).await.good();
        paged.extend(page["events"].as_array().unwrap().iter().cloned());
        after = page["next"].clone();
    }
    assert_eq!(&paged, events);
}

#[tokio::test]
async fn the_state_at_any_event_or_instant_can_be_asked_for() {
    let (world, id) = bought(2).await;
    let first = world.get(&format!("/v1/orders/{id}")).await.good()["order"]["first_pos"].as_u64().unwrap();
    let status = async |at: &str| {
        let path = format!("/v1/orders/{id}/state?at={at}");
        world.get(&path).await.json()["order"]["status"].as_str().map(str::to_owned)
    };
    assert_eq!(status(&(first - 1).to_string()).await, None);
    assert_eq!(status(&first.to_string()).await.unwrap(), "awaiting_payment");
    assert_eq!(status(&(first + 1).to_string()).await.unwrap(), "paid");
    assert_eq!(status("999999").await.unwrap(), "delivered");
    assert_eq!(status("2026-01-02T02:59:59Z").await, None);
    assert_eq!(status("2026-01-02T11:00:00%2B08:00").await.unwrap(), "delivered");
    let head = world.get(&format!("/v1/orders/{id}/state")).await.good();
    assert_eq!(head, world.get(&format!("/v1/orders/{id}")).await.good());
    let listed = world.fresh("/v1/orders").await.good();
    assert_eq!(listed["orders"][0], head["order"], "the read model says the same");
}

#[tokio::test]
async fn orders_are_listed_by_what_is_asked_for_in_pages() {
    let world = World::stocked(5).await;
    for n in 1..=5 {
        world.buy(&format!("A-{n}")).await.good();
    }
    world.post("/v1/orders/generic%2Fown:A-2/hold", &json!({ "reason": "odd" })).await.good();
    let numbers = |answer: &Value| -> Vec<String> {
        let orders = answer["orders"].as_array().unwrap();
        orders.iter().map(|order| order["external_no"].as_str().unwrap().to_owned()).collect()
    };
    let page = world.fresh("/v1/orders?limit=2&status=delivered&sku=steam-50&channel=generic").await.good();
    assert_eq!(numbers(&page), ["A-5", "A-4"]);
    let next = world.get(&format!("/v1/orders?limit=9&cursor={}", page["next"])).await.good();
    assert_eq!(numbers(&next), ["A-3", "A-2", "A-1"]);
    assert!(next["next"].is_null());
    assert_eq!(numbers(&world.get("/v1/orders?held=true").await.good()), ["A-2"]);
    assert_eq!(numbers(&world.get("/v1/orders?q=A-3").await.good()), ["A-3"]);
    assert_eq!(numbers(&world.get("/v1/orders?account=generic/none").await.good()), Vec::<String>::new());
}

#[tokio::test]
async fn keys_are_revealed_for_a_reason_which_is_recorded_first() {
    let (world, id) = bought(2).await;
    let path = format!("/v1/orders/{id}/reveal");
    assert_eq!(world.post(&path, &json!({})).await.problem(), (422, "invalid_body".to_owned()));
    let opened = world.vault.opened_count();
    let answer = world.post(&path, &json!({ "reason": "buyer lost the mail" })).await;
    assert_eq!(answer.good()["keys"], json!([{ "key": "b1-0", "code": "KEY-00000" }]));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(world.vault.opened_count(), opened + 1);
    let history = world.fresh(&format!("/v1/orders/{id}/events")).await;
    let last = history.json()["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["type"], &last["payload"]["reason"]),
        (&json!("KeysRevealed"), &json!("buyer lost the mail"))
    );
    assert!(!history.text().contains("KEY-00000"));
    let kept = world.get("/v1/inbox?account=api/lin-tao&limit=1").await.good();
    assert_ne!(kept["messages"][0]["last_pos"], last["position"], "an answer with keys is not kept unasked");
}

#[tokio::test]
async fn a_bad_key_is_replaced_and_money_paid_back() {
    let (world, id) = bought(3).await;
    let bad = json!({ "key": "b1-0", "reason": "used already", "cost_owner": "supplier" });
    world.post(&format!("/v1/orders/{id}/replace"), &bad).await.good();
    let order = world.get(&format!("/v1/orders/{id}")).await.good()["order"].clone();
    assert_eq!(order["lines"][0]["keys"], json!(["b1-1"]));
    assert_eq!(order["replaced"], json!(["b1-0"]));
    let again = world.post(&format!("/v1/orders/{id}/replace"), &bad).await;
    assert_eq!(again.problem(), (409, "not_replaceable".to_owned()));

    let too_much = json!({ "amount": { "minor": 9999, "currency": "CNY" }, "reason": "angry" });
    let refund = format!("/v1/orders/{id}/refund");
    assert_eq!(world.post(&refund, &too_much).await.problem(), (409, "refund_too_large".to_owned()));
    let usd = json!({ "amount": { "minor": 1, "currency": "USD" }, "reason": "angry" });
    assert_eq!(world.post(&refund, &usd).await.problem(), (422, "currency_mismatch".to_owned()));
    world.post(&refund, &json!({ "reason": "goodwill" })).await.good();
    let order = world.get(&format!("/v1/orders/{id}")).await.good()["order"].clone();
    assert_eq!((&order["status"], &order["refund_due_fen"]), (&json!("refund_due"), &json!(2888)));
    let number = order["refunds"].as_object().unwrap().keys().next().unwrap().clone();
    let settled = json!({ "refund": number });
    world.post(&format!("/v1/orders/{id}/settle-refund"), &settled).await.good();
    assert_eq!(world.get(&format!("/v1/orders/{id}")).await.good()["order"]["status"], "refunded");
}

#[tokio::test]
async fn an_order_is_held_and_released() {
    let (world, id) = bought(2).await;
    let reason = json!({ "reason": "looks odd" });
    world.post(&format!("/v1/orders/{id}/hold"), &reason).await.good();
    assert_eq!(world.get(&format!("/v1/orders/{id}")).await.good()["order"]["is_held"], true);
    world.post(&format!("/v1/orders/{id}/release"), &reason).await.good();
    assert_eq!(world.get(&format!("/v1/orders/{id}")).await.good()["order"]["is_held"], false);
    let resent = world.post(&format!("/v1/orders/{id}/resend"), &json!({})).await;
    assert_eq!(resent.status, 409, "this account fetches its keys: there is nobody to call");
}

#[tokio::test]
async fn a_request_for_money_back_is_turned_down() {
    let (world, id) = bought(2).await;
    let asked = json!({ "type": "order.refund_requested", "timestamp": "2026-01-02T03:00:00Z", "data": {
        "external_order_id": "A-1", "refund_id": "R-1", "reason": "changed my mind",
    } });
    assert_eq!(world.send(world.signed("/v1/in/generic/own", "msg-2", &asked)).await.status, 200);
    let refuse = json!({ "refund": "R-1", "reason": "the key was used" });
    world.post(&format!("/v1/orders/{id}/refuse-refund"), &refuse).await.good();
    let order = world.get(&format!("/v1/orders/{id}")).await.good()["order"].clone();
    assert_eq!(order["refunds"]["R-1"]["state"], "refused");
}

#[tokio::test]
async fn one_search_finds_an_order_by_anything_known_of_it() {
    let (world, id) = bought(2).await;
    let position = world.position().await;
    for (text, reason) in [
        (id.as_str(), "our_id"),
        ("A-1", "order_no"),
        ("generic/own:A-1", "order_no"),
        ("key 00000", "card_key"),
        ("u-1001", "buyer"),
    ] {
        let found = world.post("/v1/find", &json!({ "text": text, "min_pos": position })).await.good();
        assert_eq!(found["matches"][0]["reason"], reason, "{text}");
        assert_eq!(found["matches"][0]["order"]["order"], id.as_str(), "{text}");
    }
    let nothing = world.post("/v1/find", &json!({ "text": "KEY-00001" })).await.good();
    assert_eq!(nothing["matches"], json!([]), "a key in stock belongs to no order");
}

#[tokio::test]
async fn a_buyer_has_a_timeline() {
    let (world, id) = bought(2).await;
    let buyer =
        world.get(&format!("/v1/orders/{id}")).await.good()["order"]["buyer"].as_str().unwrap().to_owned();
    let timeline = world.fresh(&format!("/v1/buyers/{buyer}/timeline")).await.good();
    assert!(timeline["moments"].as_array().unwrap().iter().any(|moment| moment["reference"] == id.as_str()));
    assert!(!timeline.to_string().contains("u-1001"));
}
