//! Publishing a log.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        ContextBuilder,
        context::{PublishAckFuture, PublishErrorKind},
        message::PublishMessage,
        stream::Stream,
    },
};
use event_log::EventLog;
use events::RecordedEvent;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use vocabulary::{MerchantId, Position};

use crate::{
    RelayError, envelope, names,
    retry::Retry,
    shelf::{Shelf, has},
};

/// The oldest server whose known ways of losing acknowledged messages are mended.
pub(crate) const SOUND_SERVER: (i64, i64, i64) = (2, 12, 3);

/// How a log is published.
#[derive(Debug, Clone, Copy)]
pub struct RelayOptions {
    /// How many events may be on their way without an answer, at least 1.
    pub in_flight: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How often to look for events that other processes appended.
    pub poll: Duration,
    /// How often to look whether the stream still ends where it did. What was lost is published again.
    pub check: Duration,
    /// The wait after the first failure; it doubles each time.
    pub retry: Duration,
    /// The longest wait.
    pub retry_max: Duration,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            in_flight: 512,
            timeout: Duration::from_secs(5),
            poll: Duration::from_secs(1),
            check: Duration::from_secs(5),
            retry: Duration::from_millis(100),
            retry_max: Duration::from_secs(5),
        }
    }
}

/// How a relay is getting on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayProgress {
    /// The last event that the stream is known to have.
    pub position: Position,
    /// How often it failed since it began.
    pub failures: u64,
    /// What is wrong now; none while it works.
    pub error: Option<String>,
    /// Whether it gave up, so that somebody has to do something.
    pub stopped: bool,
}

/// Publishes one merchant's log to its stream, and follows it.
///
/// Several relays of one log do no harm: the server takes each event once.
pub struct Relay {
    log: Arc<dyn EventLog>,
    client: Client,
    shelf: Shelf,
    options: RelayOptions,
    progress: watch::Sender<RelayProgress>,
}

impl Relay {
    /// A relay from `log` to the server that `client` is connected to.
    pub fn new(log: Arc<dyn EventLog>, merchant: &MerchantId, client: Client, options: RelayOptions) -> Self {
        let nats = ContextBuilder::new()
            .timeout(options.timeout)
            .ack_timeout(options.timeout)
            .max_ack_inflight(options.in_flight.max(1) * 2)
            .build(client.clone());
        let progress = watch::Sender::new(RelayProgress::default());
        Self { log, client, shelf: Shelf::new(nats, merchant), options, progress }
    }

    /// How it is getting on.
    pub fn progress(&self) -> watch::Receiver<RelayProgress> {
        self.progress.subscribe()
    }

    /// Publishes for ever. Returns only what trying again cannot cure; the log goes on without it.
    pub async fn run(self) -> RelayError {
        let mut retry = Retry::between(self.options.retry, self.options.retry_max);
        loop {
            let before = self.progress.borrow().position;
            let Err(error) = self.follow().await;
            let text = error.in_full();
            let stopped = !error.is_passing();
            self.progress.send_modify(|progress| {
                progress.failures += 1;
                progress.error = Some(text.clone());
                progress.stopped = stopped;
            });
            let (stream, merchant) = (&self.shelf.name, &self.shelf.merchant);
            if stopped {
                tracing::error!(stream, %merchant, error = text, "events are published no more");
                return error;
            }
            tracing::warn!(stream, %merchant, error = text, "events are not published, trying again");
            if self.progress.borrow().position > before {
                retry.reset();
            }
            sleep(retry.wait()).await;
        }
    }

    /// Publishes what there is, then waits for more. Returns only on a failure.
    async fn follow(&self) -> Result<Infallible, RelayError> {
        let mut news = self.log.watch(&self.shelf.merchant);
        let mut end = self.end().await?;
        self.warn_of_the_server();
        let mut checked = Instant::now();
        loop {
            news.borrow_and_update();
            end = self.publish(end).await?;
            tokio::select! {
                told = news.changed() => if told.is_err() { sleep(self.options.poll).await },
                () = sleep(self.options.poll) => {}
            }
            if checked.elapsed() >= self.options.check {
                end = self.end().await?;
                checked = Instant::now();
            }
        }
    }

    /// Where the stream ends, having made sure that it is a stream of this log.
    async fn end(&self) -> Result<Position, RelayError> {
        let stream = self.shelf.made().await?;
        let end = Position(stream.cached_info().state.last_sequence);
        let head = self.log.head(&self.shelf.merchant).await?.map(|head| head.position).unwrap_or_default();
        // A message of somebody else may have taken the place of the first event that was not acknowledged, and the
        // events behind it found theirs.
        let unsure = Position(self.progress.borrow().position.0 + 1);
        for position in [unsure, end] {
            self.check(&stream, position).await?;
        }
        if end > head {
            return Err(self.shelf.another_log(Position(head.0 + 1)));
        }
        self.reached(end);
        Ok(end)
    }

    /// Makes sure that the stream has our event at a position, if it has any there.
    async fn check(&self, stream: &Stream, position: Position) -> Result<(), RelayError> {
        let Some(before) = position.0.checked_sub(1) else { return Ok(()) };
        if !has(&stream.cached_info().state, position) {
            return Ok(());
        }
        // It may be gone by now, by the stream's own limits.
        let Some(published) = self.shelf.event(stream, position).await? else { return Ok(()) };
        match self.log.read_log(&self.shelf.merchant, Position(before), 1).await?.pop() {
            Some(ours) if ours == published => Ok(()),
            _ => Err(self.shelf.another_log(position)),
        }
    }

    /// Publishes everything behind a position, and returns where the log ended.
    async fn publish(&self, mut end: Position) -> Result<Position, RelayError> {
        let mut flying = VecDeque::with_capacity(self.options.in_flight);
        loop {
            let page = self.log.read_log(&self.shelf.merchant, end, self.options.in_flight.max(1)).await?;
            let Some(last) = page.last() else { break };
            end = last.position;
            for event in &page {
                if flying.len() >= self.options.in_flight.max(1) {
                    self.land(&mut flying).await?;
                }
                flying.push_back((event.position, self.send(event).await?));
            }
        }
        while !flying.is_empty() {
            self.land(&mut flying).await?;
        }
        Ok(end)
    }

    async fn send(&self, event: &RecordedEvent) -> Result<PublishAckFuture, RelayError> {
        let position = event.position;
        let payload = envelope::write(event).map_err(|source| RelayError::Envelope { position, source })?;
        let message = PublishMessage::build()
            .message_id(names::id(&event.merchant, position))
            .expected_stream(&self.shelf.name)
            .expected_last_sequence(position.0 - 1)
            .header("Content-Type", envelope::CONTENT_TYPE)
            .payload(payload.into());
        let sent = self.shelf.nats.send_publish(names::subject(event), message).await;
        sent.map_err(RelayError::nats("take an event"))
    }

    /// Waits for the answer to the event that was sent first.
    async fn land(&self, flying: &mut VecDeque<(Position, PublishAckFuture)>) -> Result<(), RelayError> {
        let Some((position, answer)) = flying.pop_front() else { return Ok(()) };
        let misplaced = || RelayError::Misplaced { stream: self.shelf.name.clone(), position };
        let ack = answer.await.map_err(|error| match error.kind() {
            PublishErrorKind::WrongLastSequence => misplaced(),
            _ => RelayError::nats("store an event")(error),
        })?;
        if ack.sequence != position.0 {
            return Err(misplaced());
        }
        self.reached(position);
        Ok(())
    }

    fn reached(&self, position: Position) {
        self.progress.send_modify(|progress| {
            progress.position = position;
            progress.error = None;
        });
    }

    fn warn_of_the_server(&self) {
        let (major, minor, patch) = SOUND_SERVER;
        let version = self.client.server_info().version;
        if !self.client.is_server_compatible(major, minor, patch) {
            tracing::warn!(
                version,
                "the NATS server is older than {major}.{minor}.{patch} and may lose what it acknowledged; Kami then \
                 publishes it again"
            );
        }
        tracing::info!(
            stream = self.shelf.name,
            version,
            "events are published; without the server's setting jetstream.sync_interval = always a power failure may \
             cost it the last two minutes, which are published again"
        );
    }
}
