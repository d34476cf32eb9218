//! Publishing: the stream is the log, event by event.

use std::sync::Arc;

use async_nats::jetstream::{self, context::PublishErrorKind, message::PublishMessage};
use event_relay::{RelayError, envelope, names};
use projection::testkit::MemoryLog;
use testkit::proxy::{Cut, Proxy};
use vocabulary::Position;

use crate::world::{Running, client, history, in_time, server, stored};

#[tokio::test]
async fn the_stream_is_the_log_wherever_the_relay_is_stopped_and_started_again() {
    let server = server();
    let history = history(21, 3_000);
    let log = Arc::new(MemoryLog::default());
    let mut told = 0;
    // Stops while it publishes what was there, while it follows, and while there is nothing to do.
    for (grows_to, stops_at) in
        [(700, 1), (700, 333), (1_400, 700), (1_400, 1_399), (1_400, 1_400), (2_500, 1_401)]
    {
        let mut relay = Running::start(&log, &server.url()).await;
        log.add(history[told..grows_to].to_vec());
        told = grows_to;
        relay.reaches(stops_at).await;
    }
    log.add(history[told..].to_vec());
    Running::start(&log, &server.url()).await.reaches(history.len()).await;
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn a_server_that_is_killed_gets_the_rest_when_it_is_back() {
    let mut server = server();
    let history = history(22, 4_000);
    let log = Arc::new(MemoryLog::default());
    let mut relay = Running::start(&log, &server.url()).await;
    for (cut, events) in history.chunks(1_000).enumerate() {
        log.add(events.to_vec());
        relay.reaches(cut * 1_000 + 100).await;
        server.kill();
        // Something more happens while it is away.
        server.restart().unwrap();
    }
    relay.reaches(history.len()).await;
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn a_server_that_lost_everything_is_filled_from_the_first_event_on() {
    let mut server = server();
    let history = history(23, 1_500);
    let log = Arc::new(MemoryLog::holding(history.clone()));
    let mut relay = Running::start(&log, &server.url()).await;
    relay.reaches(history.len()).await;
    server.kill();
    server.erase().unwrap();
    server.restart().unwrap();
    // Nothing new is said: the relay looks from time to time.
    relay.until(|progress| progress.position < Position(1_500)).await;
    relay.reaches(history.len()).await;
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn a_server_that_lost_its_last_events_gets_them_again() {
    let mut server = server();
    let history = history(24, 1_500);
    let log = Arc::new(MemoryLog::holding(history[..500].to_vec()));
    let mut relay = Running::start(&log, &server.url()).await;
    relay.reaches(500).await;
    server.kill();
    server.keep().unwrap();
    server.restart().unwrap();
    log.add(history[500..1_200].to_vec());
    relay.reaches(1_200).await;
    server.kill();
    server.go_back().unwrap();
    server.restart().unwrap();
    log.add(history[1_200..].to_vec());
    relay.reaches(history.len()).await;
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn two_relays_at_once_publish_each_event_once() {
    let server = server();
    let history = history(25, 3_000);
    let log = Arc::new(MemoryLog::default());
    let mut relays = Vec::new();
    for _ in 0..2 {
        relays.push(Running::start(&log, &server.url()).await);
    }
    for events in history.chunks(250) {
        log.add(events.to_vec());
        tokio::task::yield_now().await;
    }
    for relay in &mut relays {
        relay.reaches(history.len()).await;
    }
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn a_repeat_is_refused_for_its_place_long_after_its_id_is_forgotten() {
    let server = server();
    let history = history(29, 30);
    let log = Arc::new(MemoryLog::holding(history.clone()));
    Running::start(&log, &server.url()).await.reaches(30).await;
    let nats = jetstream::new(client(&server.url()).await);
    // Without an id, as if the server's memory of ids, which is two minutes long, were over.
    for event in [&history[0], &history[11], &history[29]] {
        let message = PublishMessage::build()
            .expected_last_sequence(event.position.0 - 1)
            .payload(envelope::write(event).unwrap().into());
        let answer = nats.send_publish(names::subject(event), message).await.unwrap().await;
        assert_eq!(answer.unwrap_err().kind(), PublishErrorKind::WrongLastSequence);
    }
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn a_connection_that_breaks_at_any_byte_doubles_and_loses_nothing() {
    let server = server();
    let history = history(26, 1_200);
    let log = Arc::new(MemoryLog::holding(history.clone()));
    let cuts: Vec<Cut> = (1..=20)
        .map(|n| if n % 2 == 0 { Cut::Up(900 + n * 4_321) } else { Cut::Down(600 + n * 777) })
        .collect();
    let proxy = Proxy::start(server.address(), cuts).await.unwrap();
    let mut relay = Running::start(&log, &format!("nats://{}", proxy.address())).await;
    relay.reaches(history.len()).await;
    assert!(proxy.cuts() >= 5, "only {} connections were cut", proxy.cuts());
    assert_eq!(stored(&server.url()).await, history);
}

#[tokio::test]
async fn a_stream_of_another_log_is_left_alone_and_the_relay_says_so() {
    let server = server();
    let theirs = Arc::new(MemoryLog::holding(history(1, 900)));
    Running::start(&theirs, &server.url()).await.reaches(900).await;
    let before = stored(&server.url()).await;
    // One log that is longer than the stream, and one that is shorter.
    for events in [1_000, 300] {
        let ours = Arc::new(MemoryLog::holding(history(2, events)));
        let error = Running::start(&ours, &server.url()).await.gives_up().await;
        assert!(matches!(error, RelayError::AnotherLog { .. }), "{error}");
    }
    assert_eq!(stored(&server.url()).await, before);
}

#[tokio::test]
async fn a_message_that_somebody_else_published_stops_the_relay() {
    let server = server();
    let history = history(27, 20);
    let log = Arc::new(MemoryLog::holding(history[..10].to_vec()));
    let mut relay = Running::start(&log, &server.url()).await;
    relay.reaches(10).await;
    let nats = jetstream::new(client(&server.url()).await);
    let answer = nats.publish("kami.demo.order.OrderPlaced", "{}".into()).await.unwrap();
    assert_eq!(answer.await.unwrap().sequence, 11);
    log.add(history[10..].to_vec());
    let error = relay.gives_up().await;
    assert!(matches!(error, RelayError::Foreign { sequence: 11, .. }), "{error}");
}

#[tokio::test]
async fn a_stream_that_was_emptied_goes_on_at_its_place() {
    let server = server();
    let history = history(28, 60);
    let log = Arc::new(MemoryLog::holding(history[..40].to_vec()));
    Running::start(&log, &server.url()).await.reaches(40).await;
    let nats = jetstream::new(client(&server.url()).await);
    let stream = in_time(nats.get_stream("kami-demo")).await.unwrap();
    assert!(stream.purge().await.unwrap().success);
    log.add(history[40..].to_vec());
    Running::start(&log, &server.url()).await.reaches(60).await;
    let state = stream.get_info().await.unwrap().state;
    assert_eq!((state.first_sequence, state.last_sequence), (41, 60));
}
