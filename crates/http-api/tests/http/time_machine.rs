//! The time machine of one order: history, state at any moment, causes, and a file that opens elsewhere.

use engine::OperatorCommand;
use events::{Actor, staff::SearchRun};
use projection_orders::HistoryFile;
use serde_json::{Value, json};

use crate::world::World;

/// An order with a long life: bought, a key replaced, held, released, partly and then wholly refunded.
async fn long_life() -> (World, String) {
    let world = World::stocked(4).await;
    let order = world.buy("A-1").await.good()["order_id"].as_str().unwrap().to_owned();
    let act = async |what: &str, body: Value| {
        world.advance(7);
        world.post(&format!("/v1/orders/{order}/{what}"), &body).await.good();
    };
    act("note", json!({ "text": "buyer says it is refused" })).await;
    act("replace", json!({ "key": "b1-0", "reason": "dead", "cost_owner": "supplier" })).await;
    act("hold", json!({ "reason": "odd" })).await;
    act("release", json!({ "reason": "checked" })).await;
    act("reveal", json!({ "reason": "read to the buyer" })).await;
    act("refund", json!({ "amount": { "minor": 100, "currency": "CNY" }, "reason": "goodwill" })).await;
    act("refund", json!({ "reason": "agreed" })).await;
    (world, order)
}

async fn history(world: &World, order: &str) -> Vec<Value> {
    let told = world.fresh(&format!("/v1/orders/{order}/events?limit=500")).await.good();
    assert!(told["next"].is_null());
    told["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn s2_every_event_tells_who_why_when_what_and_its_raw_form_twice() {
    let (world, order) = long_life().await;
    let events = history(&world, &order).await;
    for event in &events {
        assert!(event["actor"]["kind"].is_string() && event["actor"]["id"].is_string(), "{event}");
        assert!(event["occurred_at"].is_string() && event["recorded_at"].is_string(), "{event}");
        assert!(event["sentence"]["en"].is_string() && event["sentence"]["zh"].is_string(), "{event}");
        assert!(event["payload"].is_object() && event["metadata"].is_object(), "{event}");
        assert_eq!(event["newest"]["payload"], event["payload"], "nothing was stored by an earlier build");
        assert_eq!(event["newest"]["schema_version"], event["schema_version"]);
        for member in ["cause", "message", "channel", "reason_code", "elapsed_ms", "changes", "hash"] {
            assert!(event.get(member).is_some(), "{member} of {event}");
        }
    }
    let of = |name: &str| events.iter().find(|event| event["type"] == name).unwrap();
    assert!(events[0]["elapsed_ms"].is_null());
    assert_eq!(of("OrderNoted")["elapsed_ms"], 7_000);
    assert_eq!(of("KeysRevoked")["reason_code"], "bad_key");
    assert_eq!(of("KeysRevoked")["stream"], "pool-steam-50");
    assert_eq!(of("KeyReplaced")["reason_code"], "dead");
    assert!(of("KeysRevealed")["reason_code"].is_null(), "a person's words are no code");
    assert_eq!(of("OrderHeld")["changes"], json!([{ "path": "/is_held", "from": false, "to": true }]));
    assert!(of("OrderPlaced")["message"].as_str().unwrap().starts_with("msg-"));
    assert_eq!(of("PaymentConfirmed")["cause"], of("OrderPlaced")["position"]);
}

#[tokio::test]
async fn s5_a_search_by_staff_that_found_the_order_stands_in_its_history() {
    let (world, order) = long_life().await;
    let before = history(&world, &order).await;
    world.advance(5);
    let searched = SearchRun {
        kinds: vec!["card_key".to_owned()],
        digest: "60303ae22b998861".to_owned(),
        orders: vec![order.parse().unwrap()],
    };
    let record = OperatorCommand::Record(vec![("staff-mei".parse().unwrap(), searched.into())]);
    world.engine.operate(Actor::staff("mei"), record).await.unwrap();
    let after = history(&world, &order).await;
    assert_eq!(after[..before.len()], before);
    let [search] = &after[before.len()..] else { panic!("{after:?}") };
    assert_eq!((&search["type"], &search["stream"]), (&json!("SearchRun"), &json!("staff-mei")));
    assert_eq!((&search["actor"]["id"], &search["elapsed_ms"]), (&json!("mei"), &json!(5_000)));
    assert_eq!(search["changes"], json!([]));
}

#[tokio::test]
async fn s3_the_state_after_every_event_is_the_one_the_changes_lead_to_and_the_last_is_the_live_one() {
    let (world, order) = long_life().await;
    let state = async |at: String| {
        world.get(&format!("/v1/orders/{order}/state?at={at}")).await.good()["order"].clone()
    };
    let mut before: Option<Value> = None;
    let events = history(&world, &order).await;
    for event in &events {
        let now = state(event["position"].to_string()).await;
        assert_eq!(now, state(event["position"].to_string()).await, "the address reproduces it");
        for change in event["changes"].as_array().unwrap() {
            let path = change["path"].as_str().unwrap();
            assert_eq!(now.pointer(path).unwrap_or(&Value::Null), &change["to"], "{path}");
            if let Some(before) = &before {
                assert_eq!(before.pointer(path).unwrap_or(&Value::Null), &change["from"], "{path}");
            }
        }
        before = Some(now);
    }
    let head = before.unwrap();
    assert_eq!(head["status"], "refund_due");
    let last = events.last().unwrap()["recorded_at"].as_str().unwrap();
    assert_eq!(state(last.to_owned()).await, head);
    let listed = world.fresh("/v1/orders").await.good();
    assert_eq!(listed["orders"][0], head, "the read model says the same");
}

#[tokio::test]
async fn w6_from_any_event_to_its_message_and_back_is_one_call() {
    let (world, order) = long_life().await;
    for event in history(&world, &order).await {
        let position = &event["position"];
        let shown = world.get(&format!("/v1/events/{position}")).await.good();
        assert_eq!(shown["event"]["sentence"], event["sentence"]);
        // A reveal is not kept unasked: then there is a record of it, and no message.
        if event["message"].is_null() {
            assert!(shown["message"].is_null(), "{shown}");
            assert!(["OrderDelivered", "KeysRevealed"].contains(&event["type"].as_str().unwrap()));
            continue;
        }
        assert_eq!(shown["message"]["message"], event["message"]);
        let id = event["message"].as_str().unwrap();
        let message = world.get(&format!("/v1/inbox/{id}")).await.good();
        let caused = message["events"].as_array().unwrap();
        assert!(caused.iter().any(|caused| caused["position"] == *position), "{id} caused {position}");
    }
    assert_eq!(world.get("/v1/events/0").await.problem(), (404, "not_found".to_owned()));
    assert_eq!(world.get("/v1/events/9999").await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn s7_a_refund_leads_back_to_what_came_in_and_on_to_its_keys() {
    let (world, order) = long_life().await;
    let graph = world.fresh(&format!("/v1/orders/{order}/causes")).await.good();
    let (nodes, edges) = (graph["nodes"].as_array().unwrap(), graph["edges"].as_array().unwrap());
    let node = |id: &Value| nodes.iter().find(|node| node["id"] == *id).unwrap();
    for edge in edges {
        assert!(node(&edge["from"]).is_object() && node(&edge["to"]).is_object());
    }
    let refund = nodes.iter().rfind(|node| node["type"] == "RefundDue").unwrap();
    let message = node(&json!(format!("message:{}", refund["message"].as_str().unwrap())));
    assert_eq!((&message["kind"], &message["account"]), (&json!("message"), &json!("api/lin-tao")));
    let began = edges.iter().find(|edge| edge["kind"] == "began" && edge["to"] == refund["id"]).unwrap();
    assert_eq!(began["from"], message["id"], "one step back");
    let gave = edges.iter().find(|edge| edge["kind"] == "gave_back" && edge["from"] == refund["id"]).unwrap();
    let keys = node(&gave["to"]);
    assert_eq!((&keys["kind"], &keys["type"]), (&json!("stock"), &json!("KeysRevoked")), "one step on");
    let bought = node(&edges.iter().find(|edge| edge["kind"] == "began").unwrap()["to"]);
    assert_eq!(bought["type"], "OrderPlaced");
}

#[tokio::test]
async fn s7_a_call_that_went_out_hangs_on_what_asked_for_it_and_keys_that_came_late_on_their_import() {
    let world = World::stocked(0).await;
    world.connect_pushing("generic/far").await;
    let bought = world.buy_on("/v1/in/generic/far", "A-1").await;
    assert_eq!(bought.status, 200, "{}", bought.text());
    world.import("text/plain", "KEY-1\n").await.good();
    let order = world.fresh("/v1/orders").await.good()["orders"][0]["order"].as_str().unwrap().to_owned();
    world.until_in_history(&order, "DeliveryAttempted").await;
    let graph = world.fresh(&format!("/v1/orders/{order}/causes")).await.good();
    let (nodes, edges) = (graph["nodes"].as_array().unwrap(), graph["edges"].as_array().unwrap());
    let id_of = |name: &str| nodes.iter().find(|node| node["type"] == name).unwrap()["id"].clone();
    let leads = |from: &str, to: &str, kind: &str| {
        let (from, to) = (id_of(from), id_of(to));
        edges.iter().any(|edge| edge["from"] == from && edge["to"] == to && edge["kind"] == kind)
    };
    assert!(leads("DeliveryRequested", "DeliveryAttempted", "attempted"), "{graph}");
    assert!(leads("KeysImported", "KeysAllocated", "led_to"), "{graph}");
    let kind_of = |name: &str| nodes.iter().find(|node| node["type"] == name).unwrap()["kind"].clone();
    assert_eq!(
        (kind_of("DeliveryRequested"), kind_of("DeliveryAttempted")),
        (json!("effect"), json!("attempt"))
    );
}

#[tokio::test]
async fn s8_a_history_opens_on_another_instance_with_the_same_sentences_changes_and_states() {
    let (world, order) = long_life().await;
    let told = history(&world, &order).await;
    let exported = world.get(&format!("/v1/orders/{order}/export")).await;
    exported.good();
    assert!(exported.header("content-disposition").contains(&order));
    for secret in ["KEY-0000", "u-1001"] {
        assert!(!exported.text().contains(secret), "{secret}");
    }
    let after = history(&world, &order).await;
    let made = after.last().unwrap();
    assert_eq!((&made["type"], &made["actor"]["id"]), (&json!("ExportMade"), &json!("Lin Tao")));
    assert_eq!(made["payload"]["order"], order.as_str(), "the export stands in the order's own history");

    let other = World::empty().await;
    let position = other.position().await;
    let taken = other.ask("POST", "/v1/imported", &[], &exported.body).await.good();
    assert_eq!(other.ask("POST", "/v1/imported", &[], &exported.body).await.good(), taken, "kept once");
    let id = taken["id"].as_str().unwrap();
    assert_eq!(other.get("/v1/imported").await.good()["imported"], json!([taken]));
    let shown = other.get(&format!("/v1/imported/{id}")).await.good();
    assert_eq!(shown["events"], json!(told));
    let graph = world.get(&format!("/v1/orders/{order}/causes")).await.good();
    assert_eq!(shown["causes"]["edges"], graph["edges"]);
    for event in &told {
        let at = &event["position"];
        let here = world.get(&format!("/v1/orders/{order}/state?at={at}")).await.good();
        assert_eq!(other.get(&format!("/v1/imported/{id}/state?at={at}")).await.good(), here, "at {at}");
    }
    assert_eq!(other.position().await, position, "nothing of it is in the log");
    assert_eq!(other.get(&format!("/v1/orders/{order}")).await.problem().1, "unknown_order");
}

#[tokio::test]
async fn s8_a_file_that_was_changed_is_refused_and_nothing_outside_is_read() {
    let (world, order) = long_life().await;
    let exported = world.get(&format!("/v1/orders/{order}/export")).await;
    let file = HistoryFile::read(&exported.body).unwrap();
    let position = file.history()[2].position;
    let changed = exported.text().replacen("goodwill", "goodness", 1);
    let refused = world.ask("POST", "/v1/imported", &[], changed.as_bytes()).await;
    assert_eq!(refused.problem(), (422, "invalid_history".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("was changed: its hash does not fit"));
    assert!(position.0 > 0);
    for id in ["..%2Fkek", "0000000000000000", "x"] {
        let missing = world.get(&format!("/v1/imported/{id}")).await;
        assert_eq!(missing.problem(), (404, "unknown_import".to_owned()), "{id}");
    }
    assert_eq!(world.get("/v1/imported").await.good()["imported"], json!([]));
}
