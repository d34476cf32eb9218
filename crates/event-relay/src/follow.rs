//! Following a stream.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, ContextBuilder,
        consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
        context::ConsumerInfoErrorKind,
        message::Acker,
        stream::Stream,
    },
};
use event_log::EventLog;
use events::RecordedEvent;
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep, timeout_at};
use vocabulary::{MerchantId, Position};

use crate::{
    Place, RelayError,
    assembly::Assembly,
    retry::Retry,
    shelf::{Shelf, has},
};

/// How a stream is followed.
#[derive(Debug, Clone, Copy)]
pub struct FollowOptions {
    /// At most this many events are handed over at once, at least 1.
    pub batch: usize,
    /// How long an event may be missing before it is read by its position.
    pub patience: Duration,
    /// How long the server waits for an acknowledgement before it delivers an event again.
    pub ack_wait: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// The wait after the first failure; it doubles each time.
    pub retry: Duration,
    /// The longest wait.
    pub retry_max: Duration,
}

impl Default for FollowOptions {
    fn default() -> Self {
        Self {
            batch: 1_024,
            patience: Duration::from_secs(1),
            ack_wait: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            retry: Duration::from_millis(100),
            retry_max: Duration::from_secs(5),
        }
    }
}

/// Reads a merchant's stream through a durable consumer: every event once, in order, its hash checked against the one
/// before. What comes twice is dropped; what is missing is read by its position, from the log where one is given.
///
/// Where it begins is for the caller to say, and the server's idea of it is moved there: the consumer on the server
/// only remembers what was acknowledged, for people to look at. Its name must not be used by anybody else.
pub struct Follow {
    shelf: Shelf,
    durable: String,
    log: Option<Arc<dyn EventLog>>,
    options: FollowOptions,
    assembly: Assembly,
    /// The last event that is kept for good.
    applied: Position,
    /// How to acknowledge what is not.
    acks: BTreeMap<Position, Vec<Acker>>,
    messages: Option<pull::Stream>,
    was_open: bool,
    /// What the server delivered to an earlier connection: it waits before it delivers that again, we do not.
    owed: Position,
    /// Since when the next event is missing, and which one it is.
    missing: Option<(Position, Instant)>,
}

impl Follow {
    /// Follows the stream of a merchant from behind `place`, under the name `durable` (letters, digits, `-`, `_`).
    /// Nothing is asked of the server yet.
    pub fn new(
        client: Client,
        merchant: &MerchantId,
        durable: &str,
        place: Place,
        options: FollowOptions,
    ) -> Self {
        let nats = ContextBuilder::new().timeout(options.timeout).build(client);
        let shelf = Shelf::new(nats, merchant);
        let assembly = Assembly::new(&shelf.name, place);
        Self {
            shelf,
            durable: durable.to_owned(),
            log: None,
            options,
            assembly,
            applied: place.position,
            acks: BTreeMap::new(),
            messages: None,
            was_open: false,
            owed: Position(0),
            missing: None,
        }
    }

    /// Reads missing events from a log.
    #[must_use]
    pub fn with_log(mut self, log: Arc<dyn EventLog>) -> Self {
        self.log = Some(log);
        self
    }

    /// The last event that was handed over.
    pub fn place(&self) -> Place {
        self.assembly.place()
    }

    /// The next events, at least one: waits until there is one, through failures of the server and the connection.
    /// Fails only where trying again does not help. May be dropped while it waits; nothing is lost.
    pub async fn next(&mut self) -> Result<Vec<RecordedEvent>, RelayError> {
        let mut retry = Retry::between(self.options.retry, self.options.retry_max);
        loop {
            let ready = self.assembly.ready(self.options.batch.max(1))?;
            if !ready.is_empty() {
                self.missing = None;
                return Ok(ready);
            }
            match self.gather().await {
                Ok(()) => retry.reset(),
                Err(error) if error.is_passing() => {
                    let (stream, text) = (&self.shelf.name, error.in_full());
                    tracing::warn!(stream, error = text, "events cannot be followed, trying again");
                    self.messages = None;
                    sleep(retry.wait()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Acknowledges everything up to a position, once it is kept for good. An acknowledgement that is lost does no
    /// harm: the event comes again, and is dropped.
    pub async fn applied(&mut self, position: Position) {
        self.applied = self.applied.max(position);
        let later = self.acks.split_off(&Position(position.0 + 1));
        for acker in std::mem::replace(&mut self.acks, later).into_values().flatten() {
            acknowledge(&acker).await;
        }
    }

    /// Takes in what has come, having waited for something to come.
    async fn gather(&mut self) -> Result<(), RelayError> {
        if self.messages.is_none() {
            self.messages = Some(self.open().await?);
        }
        let deadline = self.deadline();
        let Some(messages) = &mut self.messages else { return Ok(()) };
        let first = match deadline {
            Some(deadline) => match timeout_at(deadline, messages.next()).await {
                Ok(first) => first,
                Err(_) => return self.fill_gap().await,
            },
            None => messages.next().await,
        };
        let mut next = Some(first);
        while let Some(message) = next {
            let Some(message) = message else {
                self.messages = None;
                return Ok(());
            };
            self.take_in(message.map_err(RelayError::nats("deliver events"))?).await?;
            let is_room = self.assembly.waiting() < self.options.batch;
            next = self.messages.as_mut().filter(|_| is_room).and_then(|all| all.next().now_or_never());
        }
        Ok(())
    }

    /// Until when the next event may be missing; none while nothing tells that it is.
    fn deadline(&mut self) -> Option<Instant> {
        self.gap_end()?;
        let at = self.place().position;
        match self.missing {
            Some((position, since)) if position == at => Some(since + self.options.patience),
            _ => {
                self.missing = Some((at, Instant::now()));
                Some(Instant::now() + self.options.patience)
            }
        }
    }

    /// Where the events end that should have come by now.
    fn gap_end(&self) -> Option<Position> {
        self.assembly.gap_end().or_else(|| (self.owed > self.place().position).then_some(self.owed))
    }

    async fn take_in(&mut self, message: jetstream::Message) -> Result<(), RelayError> {
        let sequence = message.info().map_err(RelayError::nats("number a message"))?.stream_sequence;
        let (message, acker) = message.split();
        let event = self.shelf.read(sequence, &message.payload)?;
        let position = event.position;
        self.assembly.offer(event)?;
        if position <= self.applied {
            acknowledge(&acker).await;
        } else {
            self.acks.entry(position).or_default().push(acker);
        }
        Ok(())
    }

    /// Reads events that did not come.
    async fn fill_gap(&mut self) -> Result<(), RelayError> {
        let Some(end) = self.gap_end() else { return Ok(()) };
        let after = self.place().position;
        let limit = usize::try_from(end.0 - after.0).unwrap_or(usize::MAX).min(self.options.batch.max(1));
        self.missing = None;
        if let Some(log) = &self.log {
            for event in log.read_log(&self.shelf.merchant, after, limit).await? {
                self.assembly.offer(event)?;
            }
            return Ok(());
        }
        let stream = self.shelf.found().await?;
        for position in (after.0 + 1..).take(limit).map(Position) {
            match self.shelf.event(&stream, position).await? {
                Some(event) => {
                    self.assembly.offer(event)?;
                }
                // It was lost with the end of the stream, and is published again.
                None if position.0 > stream.cached_info().state.last_sequence => return Ok(()),
                None => {
                    let first = Position(stream.cached_info().state.first_sequence);
                    return Err(RelayError::Lost { stream: self.shelf.name.clone(), position, first });
                }
            }
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<pull::Stream, RelayError> {
        let stream = self.shelf.found().await?;
        let Place { position, hash } = self.place();
        if position.0 > 0 && has(&stream.cached_info().state, position) {
            let theirs = self.shelf.event(&stream, position).await?;
            if theirs.is_some_and(|event| event.hash != hash) {
                return Err(self.shelf.another_log(position));
            }
        }
        let consumer = self.consumer(&stream).await?;
        self.was_open = true;
        let delivered = consumer.cached_info().delivered.stream_sequence;
        self.owed = Position(delivered.min(stream.cached_info().state.last_sequence));
        // The server answers idle pulls twice a minute, and tells in between that it is alive.
        let messages = consumer.stream().max_messages_per_batch(self.options.batch.max(1));
        let messages = messages.expires(self.options.timeout * 6).heartbeat(self.options.timeout);
        messages.messages().await.map_err(RelayError::nats("deliver events"))
    }

    /// The consumer, which does not stand further than we do.
    async fn consumer(&self, stream: &Stream) -> Result<Consumer<pull::Config>, RelayError> {
        let position = self.place().position;
        let found = match stream.consumer_info(&self.durable).await {
            Ok(info) => Some(info),
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => None,
            Err(error) => return Err(RelayError::nats("find the consumer")(error)),
        };
        if let Some(info) = &found {
            if info.num_waiting > 0 && !self.was_open {
                let name = &self.durable;
                tracing::warn!(name, "somebody else follows under this name, and gets a part of the events");
            }
            if info.ack_floor.stream_sequence > position.0 {
                stream
                    .delete_consumer(&self.durable)
                    .await
                    .map_err(RelayError::nats("delete the consumer"))?;
            }
        }
        let config = pull::Config {
            durable_name: Some(self.durable.clone()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: position.0 + 1 },
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.options.ack_wait,
            max_ack_pending: i64::try_from(self.options.batch.max(1)).unwrap_or(i64::MAX).saturating_mul(4),
            ..pull::Config::default()
        };
        stream
            .get_or_create_consumer(&self.durable, config)
            .await
            .map_err(RelayError::nats("open the consumer"))
    }
}

async fn acknowledge(acker: &Acker) {
    if let Err(error) = acker.ack().await {
        tracing::debug!(error, "an acknowledgement was not sent; the event comes again");
    }
}
