use serde_json::json;

use crate::world::World;

async fn stored(world: &World) -> String {
    let listed = world.get("/v1/inbox?account=generic/own&verdict=accepted").await.good();
    listed["messages"][0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_shown_with_its_request_its_events_and_a_digest_of_its_answer() {
    let world = World::stocked(1).await;
    let answer = world.buy("A-1").await;
    let message = stored(&world).await;
    let shown = world.get(&format!("/v1/inbox/{message}")).await;
    let body = shown.good();
    assert!(body["request"]["body"].as_str().unwrap().contains("A-1"));
    assert_eq!(body["request"]["method"], "POST");
    assert!(
        body["request"]["headers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|h| h[0] == "webhook-id" && h[1] == "msg-A-1")
    );
    assert_eq!(body["answer"]["status"], 200);
    assert_eq!(body["answer"]["bytes"], answer.body.len());
    assert_eq!(body["events"].as_array().unwrap().len(), 6, "{body}");
    assert!(!shown.text().contains("KEY-00000"), "the answer holds a key");
}

#[tokio::test]
async fn the_answer_is_shown_for_a_reason_that_is_written_into_the_order() {
    let world = World::stocked(1).await;
    let answer = world.buy("A-1").await;
    let order = answer.good()["order_id"].as_str().unwrap().to_owned();
    let message = stored(&world).await;
    let private = world.get(&format!("/v1/inbox/{message}?reveal=for+13800000000")).await;
    assert_eq!(private.problem(), (422, "private_text".to_owned()));
    let shown = world.get(&format!("/v1/inbox/{message}?reveal=partner+dispute")).await.good();
    assert_eq!(shown["answer"]["body"], answer.text());
    let history = world.get(&format!("/v1/orders/{order}/events")).await.good();
    let note = history["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(note["type"], "OrderNoted");
    assert_eq!(note["payload"]["text"], format!("the stored answer to {message} was shown: partner dispute"));
    assert_eq!(note["actor"], json!({ "kind": "staff", "id": "Lin Tao" }));
}

#[tokio::test]
async fn an_event_leads_back_to_the_message_that_caused_it() {
    let world = World::stocked(2).await;
    world.buy("A-1").await.good();
    world.advance(1);
    world.buy("A-2").await.good();
    let message = stored(&world).await;
    let position = world.position().await;
    let found = world.get(&format!("/v1/inbox?caused={position}")).await.good();
    assert_eq!(found["messages"].as_array().unwrap().len(), 1);
    assert_eq!(found["messages"][0]["message"], message.as_str());
    let newest = world.get("/v1/inbox?limit=1").await.good();
    let older =
        world.get(&format!("/v1/inbox?limit=1&before={}", newest["next"].as_str().unwrap())).await.good();
    assert_ne!(newest["messages"][0]["message"], older["messages"][0]["message"]);
}
