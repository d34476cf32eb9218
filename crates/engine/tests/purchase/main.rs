//! The purchase path on the real log and vault: signed requests in, keys out, history kept.

#![expect(clippy::unwrap_used, reason = "a test")]

mod world;

use channel::Reply;
use engine::{OperatorCommand, OrderRef};
use event_log::{EventLog, InboxFilter, Verdict};
use events::{Actor, Fact};
use serde_json::{Value, json};
use vocabulary::{Position, Sku};
use world::World;

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}
fn paid(number: &str, quantity: i64, minor: i64) -> Value {
    json!({"type": "order.paid", "timestamp": "2026-01-02T03:00:00Z", "data": {
        "external_order_id": number, "sku": "steam-50", "quantity": quantity,
        "amount_minor": minor, "currency": "CNY", "occurred_at": "2026-01-02T03:00:00Z"}})
}

#[tokio::test]
async fn a_paid_order_is_answered_with_its_keys_and_every_step_is_recorded() {
    let world = World::open().await;
    world.stock(5).await;
    let reply = world.send("msg-1", &paid("A-1", 2, 5776)).await;
    assert_eq!(reply.status, 200, "{}", body(&reply));
    let keys: Vec<Value> = body(&reply)["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0]["code"], "KEY-00000");
    let names: Vec<String> = world.facts().await.iter().map(|f| f.type_name().to_owned()).collect();
    assert!(
        names.ends_with(
            &["OrderPlaced", "PaymentConfirmed", "KeysAllocated", "OrderFulfilled", "OrderDelivered"]
                .map(str::to_owned)
        )
    );
    world.stop().await;
}

#[tokio::test]
async fn a_repeat_gets_the_stored_answer_byte_for_byte_also_after_a_restart() {
    let world = World::open().await;
    world.stock(5).await;
    let first = world.send("msg-1", &paid("A-1", 1, 2888)).await;
    let again = world.send("msg-1", &paid("A-1", 1, 2888)).await;
    assert!(first == again);
    let world = world.reopen().await;
    let after = world.send("msg-1", &paid("A-1", 1, 2888)).await;
    assert!(first == after);
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_message_id_with_other_content_is_a_conflict_without_effect() {
    let world = World::open().await;
    world.stock(5).await;
    world.send("msg-1", &paid("A-1", 1, 2888)).await;
    let before = world.position().await;
    let reply = world.send("msg-1", &paid("A-2", 1, 2888)).await;
    assert_eq!(reply.status, 409);
    assert_eq!(world.position().await, before);
    let filter = InboxFilter { verdict: Some(Verdict::Conflict), ..InboxFilter::default() };
    assert_eq!(world.log.list_inbox(&world.merchant, &filter, 10).await.unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn many_repeats_at_once_have_one_effect_and_one_answer() {
    let world = World::open().await;
    world.stock(5).await;
    let message = paid("A-1", 1, 2888);
    let replies = futures_join(&world, &message, 100).await;
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    assert_eq!(world.count("OrderPlaced").await, 1);
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

async fn futures_join(world: &World, message: &Value, times: usize) -> Vec<Reply> {
    let mut tasks = Vec::new();
    for _ in 0..times {
        let (engine, account, request) =
            (world.engine.clone(), world.account.clone(), world.signed("msg-1", message));
        tasks.push(tokio::spawn(async move { engine.receive(&account, request).await.unwrap() }));
    }
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await.unwrap());
    }
    replies
}

#[tokio::test]
async fn a_refused_request_leaves_the_log_unchanged_and_shows_in_the_inbox() {
    let world = World::open().await;
    world.stock(5).await;
    let before = world.position().await;
    let mut request = world.signed("msg-1", &paid("A-1", 1, 2888));
    request.body.push(b' ');
    let reply = world.engine.receive(&world.account, request).await.unwrap();
    assert_eq!(reply.status, 401);
    assert_eq!(world.position().await, before);
    let filter = InboxFilter { verdict: Some(Verdict::Refused), ..InboxFilter::default() };
    let rows = world.log.list_inbox(&world.merchant, &filter, 10).await.unwrap();
    assert_eq!(rows[0].reason, "signature:bad_signature");
    world.stop().await;
}

#[tokio::test]
async fn wrong_facts_in_a_genuine_message_deliver_nothing() {
    let world = World::open().await;
    world.stock(5).await;
    let before = world.position().await;
    let mut usd = paid("A-3", 1, 2888);
    usd["data"]["currency"] = json!("USD");
    let mut sku = paid("A-4", 1, 2888);
    sku["data"]["sku"] = json!("nothing");
    let cases = [
        (paid("A-1", 1, 2887), "amount_mismatch"),
        (paid("A-2", 1, 2889), "amount_mismatch"),
        (usd, "currency_mismatch"),
        (sku, "unknown_item"),
    ];
    for (number, (message, code)) in cases.iter().enumerate() {
        let reply = world.send(&format!("msg-{number}"), message).await;
        assert_eq!(reply.status, 422, "{code}");
        assert_eq!(body(&reply)["code"], *code);
    }
    assert_eq!(world.position().await, before);
    world.stop().await;
}

#[tokio::test]
async fn no_more_keys_are_sold_than_there_are_and_every_refusal_says_why() {
    let world = World::open().await;
    world.stock(3).await;
    let mut sold = Vec::new();
    for n in 0..6 {
        let reply = world.send(&format!("msg-{n}"), &paid(&format!("A-{n}"), 1, 2888)).await;
        match reply.status {
            200 => sold.push(body(&reply)["keys"][0]["code"].as_str().unwrap().to_owned()),
            _ => assert_eq!(body(&reply)["code"], "out_of_stock"),
        }
    }
    sold.sort();
    sold.dedup();
    assert_eq!(sold.len(), 3);
    world.stop().await;
}

#[tokio::test]
async fn a_restart_continues_from_the_log_with_and_without_a_snapshot() {
    let world = World::open().await;
    world.stock(5).await;
    world.send("msg-1", &paid("A-1", 2, 5776)).await;
    let world = world.reopen().await;
    let reply = world.send("msg-2", &paid("A-2", 1, 2888)).await;
    assert_eq!(body(&reply)["keys"][0]["code"], "KEY-00002");
    let world = world.reopen_after_crash().await;
    let reply = world.send("msg-3", &paid("A-3", 1, 2888)).await;
    assert_eq!(body(&reply)["keys"][0]["code"], "KEY-00003");
    world.stop().await;
}

#[tokio::test]
async fn a_bad_key_is_replaced_by_another_and_revealed_on_the_record() {
    let world = World::open().await;
    world.stock(5).await;
    world.send("msg-1", &paid("A-1", 1, 2888)).await;
    let order = OrderRef::Number(world.account.clone(), "A-1".to_owned());
    let replace = OperatorCommand::Replace {
        order: order.clone(),
        key: "b1-0".parse().unwrap(),
        reason: "dead".to_owned(),
        cost_owner: "supplier".to_owned(),
    };
    let answer = world.engine.operate(Actor::staff("lin"), replace.clone()).await.unwrap();
    assert!(answer.positions.is_some());
    world.engine.operate(Actor::staff("lin"), replace).await.unwrap_err();
    let reveal = OperatorCommand::Reveal { order, reason: "buyer asked".to_owned() };
    let shown = world.engine.operate(Actor::staff("lin"), reveal).await.unwrap();
    assert_eq!(shown.keys, ["b1-1".parse().unwrap()]);
    let facts = world.facts().await;
    let [.., delivered, revealed] = facts.as_slice() else { panic!("{facts:?}") };
    assert!(matches!(delivered, Fact::OrderDelivered(_)), "the new key's first showing is its delivery");
    assert!(matches!(revealed, Fact::KeysRevealed(e) if e.reason == "buyer asked"), "{revealed:?}");
    world.stop().await;
}

#[tokio::test]
async fn an_operators_repeat_gets_the_stored_answer() {
    let world = World::open().await;
    let sku: Sku = "steam-50".parse().unwrap();
    let call = || engine::OperatorCall {
        actor: Actor::staff("lin"),
        command: OperatorCommand::OpenBatch {
            sku: sku.clone(),
            supplier: None,
            unit_cost: None,
            sell_until: None,
        },
        idempotency_key: Some("k-1".to_owned()),
        request: Some(world.signed("x", &json!({}))),
    };
    async fn ask(world: &World, call: engine::OperatorCall) -> Reply {
        let render = |result: &Result<engine::OperatorAnswer, domain::Rejection>, _keys: Vec<_>| {
            Reply::text(200, &result.as_ref().unwrap().batch.unwrap().to_string())
        };
        world.engine.call(call, Box::new(render)).await.unwrap()
    }
    let first = ask(&world, call()).await;
    let again = ask(&world, call()).await;
    assert!(first == again);
    assert_eq!(world.count("BatchOpened").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_reservation_lapses_on_the_clock_and_gives_its_keys_back() {
    let world = World::open().await;
    world.stock(1).await;
    let mut created = paid("A-1", 1, 2888);
    created["type"] = json!("order.created");
    assert_eq!(world.send("msg-1", &created).await.status, 200);
    created["data"]["external_order_id"] = json!("A-2");
    assert_eq!(body(&world.send("msg-2", &created).await)["code"], "out_of_stock");
    world.advance(901).await;
    assert_eq!(world.count("ReservationExpired").await, 1);
    created["data"]["external_order_id"] = json!("A-3");
    assert_eq!(world.send("msg-3", &created).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn the_chain_links_every_event_to_the_one_before() {
    let world = World::open().await;
    world.stock(3).await;
    world.send("msg-1", &paid("A-1", 1, 2888)).await;
    let events = world.log.read_log(&world.merchant, Position(0), 1_000).await.unwrap();
    let mut hash = events::chain::GENESIS;
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position.0, index as u64 + 1);
        assert_eq!(event.hash, events::chain::link(&hash, event));
        hash = event.hash;
    }
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_finds_no_keys_is_told_of_once_however_often_it_comes() {
    let world = World::open().await;
    world.stock(1).await;
    for (id, number) in [("msg-1", "A-1"), ("msg-1", "A-1"), ("msg-2", "A-1"), ("msg-3", "A-2")] {
        let refused = world.send(id, &paid(number, 2, 5776)).await;
        assert_eq!(body(&refused)["code"], "out_of_stock", "{}", body(&refused));
    }
    let facts = world.facts().await;
    let refusals: Vec<_> =
        facts.iter().filter_map(|f| if let Fact::AttemptRefused(e) = f { Some(e) } else { None }).collect();
    let told: Vec<_> = refusals.iter().map(|e| (e.external_no.as_str(), e.reason.as_str())).collect();
    assert_eq!(told, [("A-1", "out_of_stock"), ("A-2", "out_of_stock")]);
    assert_eq!((refusals[0].lines[0].sku.as_str(), refusals[0].lines[0].quantity.get()), ("steam-50", 2));
    assert_eq!(world.count("OrderPlaced").await, 0);
    let unpriced = world.send("msg-4", &paid("A-3", 2, 5775)).await;
    assert_eq!(body(&unpriced)["code"], "amount_mismatch");
    assert_eq!(world.count("AttemptRefused").await, 2, "what was not for want of keys is no demand");
    world.stop().await;
}

#[tokio::test]
async fn a_new_order_tells_which_journey_led_to_it_once() {
    let world = World::open().await;
    world.stock(5).await;
    let with_journey = |kind: &str, number: &str, journey: &str| {
        let mut message = paid(number, 1, 2888);
        message["type"] = json!(kind);
        message["data"]["journey"] = json!(journey);
        message
    };
    world.send("msg-1", &with_journey("order.created", "A-1", "j-7")).await;
    world.send("msg-2", &with_journey("order.paid", "A-1", "j-7")).await;
    world.send("msg-3", &with_journey("order.paid", "A-2", "j-7")).await;
    world.send("msg-4", &paid("A-3", 1, 2888)).await;
    let facts = world.facts().await;
    let ordered: Vec<_> =
        facts.iter().filter_map(|f| if let Fact::JourneyOrdered(e) = f { Some(e) } else { None }).collect();
    assert_eq!(ordered.len(), 2, "an order that is paid later is no other order");
    assert!(ordered.iter().all(|e| e.journey.as_str() == "journey-j-7"));
    assert_ne!(ordered[0].order, ordered[1].order);
    let world = world.reopen().await;
    world.send("msg-5", &with_journey("order.paid", "A-4", "j-7")).await;
    assert_eq!(world.count("JourneyOrdered").await, 3, "a journey that memory has forgotten goes on");
    let wrong = world.send("msg-6", &with_journey("order.paid", "A-5", "j 7")).await;
    assert_eq!(wrong.status, 400, "{}", body(&wrong));
    world.stop().await;
}
