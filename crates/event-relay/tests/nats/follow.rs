//! Following: every event once, in order, or a clear word why not.

use std::sync::Arc;

use async_nats::jetstream::{self, consumer::PullConsumer};
use event_relay::{Place, RelayError};
use events::RecordedEvent;
use futures::StreamExt;
use projection::{
    Follower, Projection, Views,
    testkit::{MemoryLog, fold, merchant},
};
use testkit::{
    nats::NatsServer,
    proxy::{Cut, Proxy},
};
use vocabulary::Position;

use crate::world::{self, Running, client, follow, history, in_time, read, server};

/// A server whose stream holds a history.
async fn published(seed: u64, events: usize) -> (NatsServer, Arc<MemoryLog>, Vec<RecordedEvent>) {
    let server = server();
    let history = history(seed, events);
    let log = Arc::new(MemoryLog::holding(history.clone()));
    Running::start(&log, &server.url()).await.reaches(events).await;
    (server, log, history)
}

fn place(event: &RecordedEvent) -> Place {
    Place { position: event.position, hash: event.hash }
}

#[tokio::test]
async fn events_are_handed_over_once_and_in_order_from_any_place_on() {
    let (server, log, history) = published(31, 700).await;
    let mut from_the_start = follow(&server.url(), Place::START).await;
    assert_eq!(read(&mut from_the_start, history.len()).await, history);
    // The server remembers more than is wanted, and then less.
    for start in [0_usize, 1, 250, 699] {
        let place = start.checked_sub(1).map_or(Place::START, |at| place(&history[at]));
        let mut follow = follow(&server.url(), place).await;
        let wanted = &history[start..];
        assert_eq!(read(&mut follow, wanted.len()).await, wanted);
    }
    let more = world::history(31, 760);
    log.add(more[history.len()..].to_vec());
    let mut relay = Running::start(&log, &server.url()).await;
    let mut follow = follow(&server.url(), place(&history[699])).await;
    assert_eq!(read(&mut follow, more.len() - history.len()).await, more[history.len()..]);
    relay.reaches(more.len()).await;
}

#[tokio::test]
async fn what_was_delivered_and_not_acknowledged_comes_again_after_a_crash() {
    let (server, _, history) = published(32, 500).await;
    let mut crashed = follow(&server.url(), Place::START).await;
    let first = in_time(crashed.next()).await.unwrap();
    crashed.applied(first[first.len() / 2].position).await;
    drop(crashed);
    // Another name for it: what it had applied is what its own store says.
    let kept = first.len() / 2 + 1;
    let mut again = follow(&server.url(), place(&history[kept - 1])).await;
    assert_eq!(read(&mut again, history.len() - kept).await, history[kept..]);
}

/// The digests of the read models of a history.
async fn digests(history: &[RecordedEvent]) -> Vec<String> {
    let mut all = Vec::new();
    for model in models() {
        let name = model.name();
        all.push(fold(model, history).await.unwrap().digest(name, &merchant()).await.unwrap());
    }
    all
}

fn models() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(projection_orders::Orders), Arc::new(projection_sales::Sales)]
}

#[tokio::test]
async fn read_models_are_those_of_the_log_through_broken_connections_and_redeliveries() {
    let (server, _, history) = published(33, 2_500).await;
    let cuts: Vec<Cut> = (1..=16)
        .map(|n| if n % 3 == 0 { Cut::Up(1_200 + n * 333) } else { Cut::Down(8_000 + n * 21_000) })
        .collect();
    let proxy = Proxy::start(server.address(), cuts).await.unwrap();
    let mut follow = follow(&format!("nats://{}", proxy.address()), Place::START).await;
    let views = Arc::new(Views::temporary(models()).await.unwrap());
    let mut follower = Follower::new(views.clone(), &merchant()).await.unwrap();
    let mut head = Position(0);
    while head < Position(history.len() as u64) {
        let batch = in_time(follow.next()).await.unwrap();
        assert_eq!(batch[0].position.0, head.0 + 1);
        head = follower.apply(batch).await.unwrap().head;
        follow.applied(head).await;
    }
    assert!(proxy.cuts() >= 3, "only {} connections were cut", proxy.cuts());
    let mut found = Vec::new();
    for model in models() {
        found.push(views.digest(model.name(), &merchant()).await.unwrap());
    }
    assert_eq!(found, digests(&history).await);
}

#[tokio::test]
async fn events_that_went_to_somebody_else_are_waited_for_or_read_by_their_position() {
    let (server, log, history) = published(34, 600).await;
    for with_log in [false, true] {
        let mut follow = follow(&server.url(), Place::START).await;
        if with_log {
            follow = follow.with_log(log.clone());
        }
        let nats = jetstream::new(client(&server.url()).await);
        let stream = in_time(nats.get_stream("kami-demo")).await.unwrap();
        let mut all = in_time(follow.next()).await.unwrap();
        let thief: PullConsumer = stream.get_consumer("test").await.unwrap();
        let mut stolen = 0;
        while all.len() < history.len() {
            // Takes some, and never says a word about them: the server delivers them again, out of order.
            let mut some = thief.fetch().max_messages(7).messages().await.unwrap();
            while let Some(message) = in_time(some.next()).await {
                message.unwrap();
                stolen += 1;
            }
            let batch = in_time(follow.next()).await.unwrap();
            follow.applied(batch.last().unwrap().position).await;
            all.extend(batch);
        }
        assert!(stolen > 0, "nothing was taken away");
        assert_eq!(all, history);
        assert!(stream.delete_consumer("test").await.unwrap().success);
    }
}

#[tokio::test]
async fn a_server_that_lost_everything_is_followed_again_when_it_is_filled() {
    let mut server = server();
    let history = history(35, 900);
    let log = Arc::new(MemoryLog::holding(history[..600].to_vec()));
    let mut relay = Running::start(&log, &server.url()).await;
    relay.reaches(600).await;
    let mut follow = follow(&server.url(), Place::START).await;
    let mut all = read(&mut follow, 600).await;
    server.kill();
    server.erase().unwrap();
    server.restart().unwrap();
    log.add(history[600..].to_vec());
    relay.until(|progress| progress.position < Position(600)).await;
    all.extend(read(&mut follow, 300).await);
    assert_eq!(all, history);
}

#[tokio::test]
async fn a_consumer_that_was_deleted_is_made_again() {
    let (server, _, history) = published(36, 400).await;
    let mut follow = follow(&server.url(), Place::START).await;
    let mut all = in_time(follow.next()).await.unwrap();
    let nats = jetstream::new(client(&server.url()).await);
    let stream = in_time(nats.get_stream("kami-demo")).await.unwrap();
    assert!(stream.delete_consumer("test").await.unwrap().success);
    all.extend(read(&mut follow, history.len() - all.len()).await);
    assert_eq!(all, history);
}

#[tokio::test]
async fn events_that_the_stream_no_longer_has_are_read_from_the_log_or_said_to_be_lost() {
    let (server, log, history) = published(37, 300).await;
    let nats = jetstream::new(client(&server.url()).await);
    let stream = in_time(nats.get_stream("kami-demo")).await.unwrap();
    stream.purge().sequence(101).await.unwrap();
    let error = in_time(follow(&server.url(), Place::START).await.next()).await.unwrap_err();
    let RelayError::Lost { position, first, .. } = &error else { panic!("{error}") };
    assert_eq!((*position, *first), (Position(1), Position(101)));
    let mut with_log = follow(&server.url(), Place::START).await.with_log(log);
    assert_eq!(read(&mut with_log, history.len()).await, history);
}

#[tokio::test]
async fn a_stream_of_another_log_is_noticed_where_we_stand() {
    let (server, ..) = published(38, 300).await;
    let ours = history(39, 300);
    let error = in_time(follow(&server.url(), place(&ours[249])).await.next()).await.unwrap_err();
    assert!(matches!(error, RelayError::AnotherLog { position: Position(250), .. }), "{error}");
}

#[tokio::test]
async fn a_message_that_is_no_event_stops_whoever_follows() {
    let (server, ..) = published(40, 10).await;
    let nats = jetstream::new(client(&server.url()).await);
    nats.publish("kami.demo.order.OrderPlaced", "{}".into()).await.unwrap().await.unwrap();
    let mut follow = follow(&server.url(), Place::START).await;
    // The good ones before it may have been handed over.
    let error = loop {
        match in_time(follow.next()).await {
            Ok(events) => assert!(events.last().unwrap().position <= Position(10)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RelayError::Foreign { sequence: 11, .. }), "{error}");
}
