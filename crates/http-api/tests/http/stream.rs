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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x1_a_stream_cut_again_and_again_under_load_misses_no_event_and_doubles_none() {
    let world = std::sync::Arc::new(World::stocked(40).await);
    let buyers = world.clone();
    let load = tokio::spawn(async move {
        for n in 0..40 {
            buyers.buy(&format!("A-{n}")).await.good();
        }
    });
    let mut seen: Vec<u64> = Vec::new();
    let mut cuts = 0;
    // Cut after every few events, until the last one was seen.
    loop {
        // Looked at first: what is sold between two looks is still to be seen.
        let is_over = load.is_finished();
        let (last, head) = (seen.last().copied().unwrap_or(0), world.position().await);
        if last == head {
            if is_over {
                break;
            }
            tokio::task::yield_now().await;
            continue;
        }
        let wanted = (1 + cuts % 7).min((head - last) as usize);
        let events = read(&world, "/v1/stream?from_pos=1", Some(last), wanted).await;
        seen.extend(events.iter().map(|(id, _)| *id));
        cuts += 1;
    }
    load.await.unwrap();
    assert!(cuts > 20, "{cuts}");
    assert_eq!(seen, (1..=world.position().await).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reader_that_would_rather_fetch_anew_is_told_what_was_left_out() {
    let world = World::stocked(1).await;
    world.buy("A-1").await.good();
    let head = world.position().await;
    let request = Request::get("/v1/stream?from_pos=1&gap_after=3")
        .header("authorization", format!("Bearer {}", world.token()))
        .body(Body::empty())
        .unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let first = response.into_body().into_data_stream().next().await.unwrap().unwrap();
    let text = String::from_utf8(first.to_vec()).unwrap();
    assert!(text.contains("event: gap") && text.contains(&format!("id: {head}")), "{text}");
    assert!(text.contains(&format!("{{\"from\":1,\"to\":{head}}}")), "{text}");
    let all = read(&world, &format!("/v1/stream?from_pos=1&gap_after={head}"), None, head as usize).await;
    assert_eq!(all.len() as u64, head);
}
