//! A server, a log, and how to look at both.

use std::{path::Path, sync::Arc, time::Duration};

use async_nats::{Client, ConnectOptions, jetstream};
use event_relay::{Follow, FollowOptions, Place, Relay, RelayError, RelayOptions, RelayProgress, envelope};
use events::RecordedEvent;
use projection::testkit::{MemoryLog, merchant, plausible_history};
use testkit::nats::NatsServer;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use vocabulary::Position;

/// Long enough for any machine; a test that gets here hangs.
const GUARD: Duration = Duration::from_secs(120);

pub(crate) fn server() -> NatsServer {
    NatsServer::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

pub(crate) async fn client(url: &str) -> Client {
    let options = ConnectOptions::new()
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(|_| Duration::from_millis(20));
    options.connect(url).await.unwrap()
}

/// Fails instead of hanging.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(GUARD, future).await.expect("it hangs")
}

/// A history of exactly so many events.
pub(crate) fn history(seed: u64, events: usize) -> Vec<RecordedEvent> {
    let mut history = plausible_history(seed, events);
    history.truncate(events);
    history
}

/// Impatient: nothing is waited for longer than a test needs.
pub(crate) const QUICK: RelayOptions = RelayOptions {
    in_flight: 64,
    timeout: Duration::from_millis(500),
    poll: Duration::from_millis(20),
    check: Duration::from_millis(50),
    retry: Duration::from_millis(20),
    retry_max: Duration::from_millis(100),
};

/// Impatient, too.
pub(crate) const KEEN: FollowOptions = FollowOptions {
    batch: 64,
    patience: Duration::from_millis(50),
    ack_wait: Duration::from_millis(200),
    timeout: Duration::from_secs(2),
    retry: Duration::from_millis(20),
    retry_max: Duration::from_millis(100),
};

/// A relay that is running, until it is dropped.
pub(crate) struct Running {
    pub(crate) task: JoinHandle<RelayError>,
    progress: watch::Receiver<RelayProgress>,
}

impl Running {
    pub(crate) async fn start(log: &Arc<MemoryLog>, url: &str) -> Self {
        let relay = Relay::new(log.clone(), &merchant(), client(url).await, QUICK);
        let progress = relay.progress();
        Self { task: tokio::spawn(relay.run()), progress }
    }

    /// Waits until it has published so many events.
    pub(crate) async fn reaches(&mut self, events: usize) {
        let wanted = Position(events as u64);
        self.until(|progress| progress.position >= wanted).await;
    }

    /// Waits until its progress is what is wanted.
    pub(crate) async fn until(&mut self, wanted: impl FnMut(&RelayProgress) -> bool) {
        let shown = self.progress.clone();
        let waited = timeout(GUARD, self.progress.wait_for(wanted)).await;
        let is_there = waited.is_ok_and(|progress| progress.is_ok());
        assert!(is_there, "it hangs: {:?}", shown.borrow());
    }

    /// Waits until it gives up.
    pub(crate) async fn gives_up(mut self) -> RelayError {
        self.until(|progress| progress.stopped).await;
        in_time(&mut self.task).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Everything in the stream, and its sequence numbers checked to be 1, 2, 3, …
pub(crate) async fn stored(url: &str) -> Vec<RecordedEvent> {
    let nats = jetstream::new(client(url).await);
    let stream = in_time(nats.get_stream("kami-demo")).await.unwrap();
    let state = &stream.cached_info().state;
    assert_eq!((state.first_sequence, state.messages), (1, state.last_sequence));
    let mut events = Vec::new();
    for sequence in 1..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        events.push(envelope::read(&message.payload).unwrap());
        let subject = event_relay::names::subject(events.last().unwrap());
        assert_eq!(message.subject.as_str(), subject);
    }
    events
}

/// A follower from a place.
pub(crate) async fn follow(url: &str, place: Place) -> Follow {
    Follow::new(client(url).await, &merchant(), "test", place, KEEN)
}

/// Follows until so many events were handed over, acknowledging each batch.
pub(crate) async fn read(follow: &mut Follow, events: usize) -> Vec<RecordedEvent> {
    let mut all = Vec::new();
    while all.len() < events {
        let batch = in_time(follow.next()).await.unwrap();
        follow.applied(batch.last().unwrap().position).await;
        all.extend(batch);
    }
    all
}
