use axum::{body::Body, http::Request};
use futures::StreamExt;
use http_api::Limits;
use tower::ServiceExt;

use crate::world::World;

/// Reads an open stream until it has brought as many events as wanted: their ids and types.
async fn read(world: &World, path: &str, last_id: Option<u64>, wanted: usize) -> Vec<(u64, String)> {
    let mut request = Request::get(path).header("authorization", format!("Bearer {}", world.token()));
    if let Some(last) = last_id {
        request = request.header("last-event-id", last.to_string());
    }
    let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut frames = response.into_body().into_data_stream();
    let mut text = String::new();
    while text.matches("\n\n").count() < wanted {
        text.push_str(std::str::from_utf8(&frames.next().await.unwrap().unwrap()).unwrap());
    }
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    text.split_terminator("\n\n")
        .take(wanted)
        .map(|event| {
            let data: serde_json::Value = serde_json::from_str(&field(event, "data:")).unwrap();
            let id: u64 = field(event, "id:").parse().unwrap();
            assert_eq!(data["position"], id);
            (id, field(event, "event:"))
        })
        .collect()
}

#[tokio::test]
async fn a_stream_is_resumed_where_it_was_left() {
    let world = World::stocked(1).await;
    world.buy("A-1").await.good();
    let head = world.position().await;
    let all = read(&world, "/v1/stream?from_pos=1", None, head as usize).await;
    assert_eq!(all.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (1..=head).collect::<Vec<_>>());
    assert!(all.iter().any(|(_, name)| name == "OrderDelivered"));
    let rest = read(&world, "/v1/stream?from_pos=1", Some(3), head as usize - 3).await;
    assert_eq!(rest, all[3..]);
    let from = read(&world, "/v1/stream?from_pos=3", None, head as usize - 2).await;
    assert_eq!(from, all[2..]);
}

#[tokio::test]
async fn an_open_stream_brings_what_happens_while_it_is_open() {
    let world = World::stocked(1).await;
    let head = world.position().await;
    let path = format!("/v1/stream?from_pos={}", head + 1);
    let (events, answer) = tokio::join!(read(&world, &path, None, 2), world.buy("A-1"));
    answer.good();
    assert_eq!(events[0], (head + 1, "OrderPlaced".to_owned()));
    assert_eq!(events[1].0, head + 2);
}

#[tokio::test]
async fn the_log_is_read_in_pages() {
    let world = World::stocked(1).await;
    let head = world.position().await;
    let page = world.get("/v1/events?limit=2").await.good();
    assert_eq!(page["events"][1]["position"], 2);
    assert_eq!(page["events"][0]["type"], "ChannelConnected");
    assert!(page["events"][0]["payload"]["account"].is_string());
    assert_eq!(page["next"], 2);
    let rest = world.get("/v1/events?after=2").await.good();
    assert_eq!(rest["events"].as_array().unwrap().len() as u64, head - 2);
    assert!(rest["next"].is_null());
}

#[tokio::test]
async fn only_so_many_streams_may_be_open() {
    let world = World::bounded(Limits { streams: 1, ..Limits::default() }).await;
    let request = |world: &World| {
        let request = Request::get("/v1/stream").header("authorization", format!("Bearer {}", world.token()));
        request.body(Body::empty()).unwrap()
    };
    let open = world.router.clone().oneshot(request(&world)).await.unwrap();
    assert_eq!(open.status(), 200);
    assert_eq!(world.send(request(&world)).await.problem(), (503, "busy".to_owned()));
    drop(open);
    assert_eq!(world.router.clone().oneshot(request(&world)).await.unwrap().status(), 200);
    let bad = world.ask("GET", "/v1/stream", &[("last-event-id", "x")], b"").await;
    assert_eq!(bad.problem(), (422, "invalid_parameter".to_owned()));
}
