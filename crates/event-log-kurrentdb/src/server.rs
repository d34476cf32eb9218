//! Calls to the server, and what to think of an answer that did not come.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use event_log::LogError;
use eventstore::{
    AppendToStreamOptions, Client, ClientSettings, Error, ExpectedRevision, ReadStreamOptions, RecordedEvent,
    StreamPosition, SubscribeToStreamOptions, Subscription,
};
use uuid::Uuid;

use crate::{
    error::{Trouble, damaged},
    records::Proposed,
};

/// The pause before the first new attempt; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest that an answer is waited for.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Whether the stream of an append was where the writer believed it to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    Stored,
    Elsewhere,
}

/// The server, by a client that is made anew when it does not answer: the client gives up for good when it cannot
/// connect, and goes on asking a node that is gone.
pub(crate) struct Server {
    settings: ClientSettings,
    patience: Duration,
    current: Mutex<(u64, Client)>,
}

/// Why one attempt came to nothing.
enum Failure {
    Elsewhere,
    Final(LogError),
    /// Whatever was asked for may have been done, may be done later, or never.
    Doubt(Error),
}

/// New attempts, further and further apart, until they would take too long.
struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    fn of(length: Duration) -> Self {
        Self { until: Instant::now() + length, pause: FIRST_PAUSE }
    }

    /// Whether to try again, after a pause.
    async fn goes_on(&mut self) -> bool {
        if Instant::now() + self.pause > self.until {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

impl Server {
    /// Makes the client; does not call the server yet.
    pub(crate) fn new(settings: ClientSettings, patience: Duration) -> Result<Self, LogError> {
        // The client installs its own and panics in the background where there is one.
        static CLEAR: OnceLock<bool> = OnceLock::new();
        if !CLEAR.get_or_init(|| rustls::crypto::CryptoProvider::get_default().is_none()) {
            return Err(Trouble::ProviderInTheWay.into());
        }
        let client = Client::new(settings.clone()).map_err(Trouble::Refused)?;
        Ok(Self { settings, patience, current: Mutex::new((0, client)) })
    }

    fn client(&self) -> (u64, Client) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long one answer is waited for. The client itself only tells the server its deadline, and waits for ever.
    fn wait(&self) -> Duration {
        (self.patience / 3).max(SHORTEST_WAIT)
    }

    /// Replaces a client that did not answer, unless somebody did so already.
    fn renew(&self, used: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != used {
            return;
        }
        match Client::new(self.settings.clone()) {
            Ok(client) => *current = (used + 1, client),
            Err(error) => tracing::warn!(%error, "a new client for KurrentDB could not be made"),
        }
    }

    /// At most `limit` events of a stream from a revision on; none where there is no such stream. Tried again while the
    /// server is not reached.
    pub(crate) async fn read(
        &self,
        stream: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut patience = Patience::of(self.patience);
        loop {
            let (used, client) = self.client();
            match read_once(&client, stream, from, limit, self.wait()).await {
                Ok(events) => return Ok(events),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Elsewhere) => return Err(damaged("a read was answered like an append")),
                Err(Failure::Doubt(error)) => {
                    if !patience.goes_on().await {
                        return Err(Trouble::Unreachable(error).into());
                    }
                    self.renew(used);
                }
            }
        }
    }

    /// Stores events at the end of a stream, all or none, if it has `at` events. When it is not known what became of
    /// them, the stream is read: whatever stands at their place tells by its id. Where nothing stands there, the same is
    /// sent again, and the server recognises what it has.
    pub(crate) async fn append(
        &self,
        stream: &str,
        at: u64,
        events: &[Proposed],
    ) -> Result<Appended, LogError> {
        let Some(first) = events.first().map(|event| event.id) else { return Ok(Appended::Stored) };
        let expected = match at.checked_sub(1) {
            Some(last) => ExpectedRevision::Exact(last),
            None => ExpectedRevision::NoStream,
        };
        let mut patience = Patience::of(self.patience);
        loop {
            let (used, client) = self.client();
            match append_once(&client, stream, expected, events, self.wait()).await {
                Ok(()) => return Ok(Appended::Stored),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Elsewhere) => {
                    return Ok(self.stands_at(stream, at, first).await?.unwrap_or(Appended::Elsewhere));
                }
                Err(Failure::Doubt(error)) => {
                    tracing::debug!(%error, stream, "an append was not answered");
                    if !patience.goes_on().await {
                        return Err(Trouble::InDoubt(error).into());
                    }
                    self.renew(used);
                }
            }
            if let Some(known) = self.stands_at(stream, at, first).await? {
                return Ok(known);
            }
        }
    }

    /// Stores an event that may be there already, wherever the stream ends.
    pub(crate) async fn note(&self, stream: &str, event: Proposed) -> Result<(), LogError> {
        let mut patience = Patience::of(self.patience);
        loop {
            let (used, client) = self.client();
            let events = std::slice::from_ref(&event);
            match append_once(&client, stream, ExpectedRevision::Any, events, self.wait()).await {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Elsewhere) => return Err(damaged("a stream of any length was elsewhere")),
                Err(Failure::Doubt(error)) => {
                    if !patience.goes_on().await {
                        return Err(Trouble::InDoubt(error).into());
                    }
                    self.renew(used);
                }
            }
        }
    }

    /// Whether ours stands at a place, or another's; `None` when nothing does.
    async fn stands_at(&self, stream: &str, at: u64, ours: Uuid) -> Result<Option<Appended>, LogError> {
        let there = self.read(stream, at, 1).await?;
        let told =
            |event: &RecordedEvent| if event.id == ours { Appended::Stored } else { Appended::Elsewhere };
        Ok(there.first().map(told))
    }

    /// All events of a stream after the first `read`, as they come. Ends when the line breaks; [`Server::lost`] is to be
    /// told.
    pub(crate) async fn follow(&self, stream: &str, read: u64) -> (u64, Subscription) {
        let from = read.checked_sub(1).map_or(StreamPosition::Start, StreamPosition::Position);
        let options = SubscribeToStreamOptions::default().start_from(from);
        let (used, client) = self.client();
        (used, client.subscribe_to_stream(stream, &options).await)
    }

    /// A subscription broke off: waits a little and takes another client.
    pub(crate) async fn lost(&self, used: u64, pause: &mut Duration) {
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.renew(used);
    }

    /// The server's version, as it says when a client connects.
    pub(crate) async fn version(&self) -> Result<String, LogError> {
        let (_, client) = self.client();
        let info = in_time(self.wait(), client.server_info()).await.map_err(Trouble::Unreachable)?;
        Ok(info.version().to_string())
    }
}

/// An answer, unless it takes too long.
async fn in_time<T>(
    wait: Duration,
    answer: impl Future<Output = eventstore::Result<T>>,
) -> eventstore::Result<T> {
    tokio::time::timeout(wait, answer).await.unwrap_or(Err(Error::DeadlineExceeded))
}

async fn read_once(
    client: &Client,
    stream: &str,
    from: u64,
    limit: usize,
    wait: Duration,
) -> Result<Vec<RecordedEvent>, Failure> {
    let options = ReadStreamOptions::default().position(StreamPosition::Position(from)).max_count(limit);
    let mut reading = match in_time(wait, client.read_stream(stream, &options)).await {
        Ok(reading) => reading,
        Err(Error::ResourceNotFound) => return Ok(Vec::new()),
        Err(error) => return Err(failure(stream, error)),
    };
    let mut events = Vec::new();
    loop {
        match in_time(wait, reading.next()).await {
            Ok(Some(event)) => events.extend(event.event),
            Ok(None) => return Ok(events),
            Err(Error::ResourceNotFound) => return Ok(Vec::new()),
            Err(error) => return Err(failure(stream, error)),
        }
    }
}

async fn append_once(
    client: &Client,
    stream: &str,
    expected: ExpectedRevision,
    events: &[Proposed],
    wait: Duration,
) -> Result<(), Failure> {
    let options = AppendToStreamOptions::default().expected_revision(expected);
    let data: Vec<_> = events.iter().map(Proposed::data).collect();
    match in_time(wait, client.append_to_stream(stream, &options, data)).await {
        Ok(_) => Ok(()),
        Err(Error::Grpc { message, .. }) if message.contains("Maximum Append") => {
            let bytes = events.iter().map(Proposed::size).sum();
            Err(Failure::Final(Trouble::TooLarge { bytes }.into()))
        }
        Err(error) => Err(failure(stream, error)),
    }
}

fn failure(stream: &str, error: Error) -> Failure {
    match error {
        Error::WrongExpectedVersion { .. } => Failure::Elsewhere,
        Error::ResourceDeleted => Failure::Final(damaged(format!("the stream {stream} was deleted"))),
        Error::AccessDenied | Error::UnsupportedFeature | Error::IllegalStateError(_) => {
            Failure::Final(Trouble::Refused(error).into())
        }
        // What a client specified wrongly is wrong every time.
        Error::Grpc { code, message } if format!("{code:?}") == "InvalidArgument" => {
            Failure::Final(Trouble::Refused(Error::Grpc { code, message }).into())
        }
        error => Failure::Doubt(error),
    }
}
