use axum::{body::Body, http::Request};
use serde_json::json;

use crate::world::{World, paid};

#[tokio::test]
async fn a_channel_gets_its_keys_in_its_own_format_and_a_repeat_the_same_bytes() {
    let world = World::stocked(3).await;
    let first = world.buy("A-1").await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.json()["keys"][0]["code"], "KEY-00000");
    let again = world.buy("A-1").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
}

#[tokio::test]
async fn both_names_of_the_address_lead_to_the_adapter_with_the_topic() {
    let world = World::stocked(1).await;
    for address in ["/v1/in/generic/own/some/topic", "/v1/spi/generic/own/reserve"] {
        let answer = world.send(world.signed(address, "msg-1", &paid("A-1"))).await;
        assert_eq!(answer.status, 400, "this protocol has one address: {}", answer.text());
        assert_eq!(answer.json()["code"], "wrong_address");
    }
    let inbox = world.get("/v1/inbox?verdict=refused").await.good();
    let message = inbox["messages"][1]["message"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/v1/inbox/{message}")).await.good();
    assert_eq!(shown["request"]["topic"], "some/topic");
}

#[tokio::test]
async fn a_forged_call_has_no_effect_and_shows_in_the_inbox() {
    let world = World::stocked(1).await;
    let position = world.position().await;
    let mut request = world.signed("/v1/in/generic/own?x=1", "msg-1", &paid("A-1"));
    *request.body_mut() = Body::from(paid("A-2").to_string());
    let answer = world.send(request).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (401, r#"{"status":"unauthorized"}"#));
    assert_eq!(world.position().await, position);
    let inbox = world.get("/v1/inbox?verdict=refused&account=generic/own").await.good();
    assert_eq!(inbox["messages"][0]["reason"], "signature:bad_signature");
    let message = inbox["messages"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("/v1/inbox/{message}")).await.good()["request"]["query"], "x=1");
}

#[tokio::test]
async fn a_call_that_is_too_large_is_refused_and_shows_in_the_inbox() {
    let world = World::stocked(1).await;
    let request = Request::post("/v1/in/generic/own").body(Body::from(vec![b' '; 256 * 1024 + 1])).unwrap();
    assert_eq!(world.send(request).await.status, 413);
    let inbox = world.get("/v1/inbox?verdict=refused").await.good();
    assert_eq!(inbox["messages"][0]["reason"], "size:body_unreadable");
}

#[tokio::test]
async fn an_account_that_is_not_connected_is_not_found_and_its_calls_show_in_the_inbox() {
    let world = World::stocked(0).await;
    for path in ["/v1/in/generic/none", "/v1/in/NO/way", "/v1/in/generic/none/topic", "/v1/spi/x/y/z"] {
        let request = Request::post(path).body(Body::from("{}")).unwrap();
        assert_eq!(world.send(request).await.problem(), (404, "unknown_channel".to_owned()), "{path}");
    }
    let inbox = world.get("/v1/inbox?verdict=refused&account=generic/none").await.good();
    assert_eq!(inbox["messages"][0]["reason"], "meaning:unknown_channel");
}

#[tokio::test]
async fn a_message_of_an_unknown_kind_is_parked() {
    let world = World::stocked(0).await;
    let odd = json!({ "type": "shop.moved", "timestamp": "2026-01-02T03:00:00Z", "data": {} });
    assert_eq!(world.send(world.signed("/v1/in/generic/own", "msg-1", &odd)).await.status, 200);
    assert_eq!(world.get("/v1/inbox?verdict=parked").await.good()["messages"].as_array().unwrap().len(), 1);
}
