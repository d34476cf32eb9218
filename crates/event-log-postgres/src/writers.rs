//! The sessions that write: a few of them, so that merchants do not wait for each other, and PostgreSQL flushes the
//! commits of several at once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use event_log::{Head, LogError, Snapshot};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout},
};
use vocabulary::MerchantId;

use crate::{
    append::Batch,
    error::{Unwritable, leaves_in_doubt, store, to_sql},
    reading::head_of,
    schema, settings,
};

/// Sessions that write. More of them than cores of the server gain little.
pub(crate) const SESSIONS: usize = 8;
/// How long one try to connect, or to store, may take before the line counts as broken.
const TRY: Duration = Duration::from_secs(10);
/// The longest wait between two tries.
const PAUSE: Duration = Duration::from_millis(500);

const CLAIM: &str = "INSERT INTO kami_log.merchant AS m (merchant, epoch, position, hash, recorded_at) \
                     VALUES ($1, 1, 0, $2, 0) \
                     ON CONFLICT (merchant) DO UPDATE SET epoch = m.epoch + 1 \
                     RETURNING epoch, position, hash, recorded_at";
const SAVE_SNAPSHOT: &str = "INSERT INTO kami_log.snapshot (merchant, position, hash, shape, state) \
                             VALUES ($1, $2, $3, $4, $5) \
                             ON CONFLICT (merchant) DO UPDATE SET position = excluded.position, \
                             hash = excluded.hash, shape = excluded.shape, state = excluded.state";

/// Writes, each on a session of its own.
pub(crate) struct Writers {
    options: PgConnectOptions,
    patience: Duration,
    permits: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
    read_only: bool,
}

/// The right to write, with a session that was asserted to be safe.
struct Session<'a> {
    connection: PgConnection,
    _permit: SemaphorePermit<'a>,
}

/// How a try to append ended.
enum Tried {
    Stored,
    /// The server said no. Nothing of this try is stored.
    Refused(LogError),
    /// Nobody said anything: this try may be stored, now or soon.
    InDoubt(LogError),
    /// There was no session to try with.
    NotSent(LogError),
}

impl Writers {
    /// Connects once, asserts the settings, and creates or checks the schema. While the line to the server is broken,
    /// writes are tried again for as long as `patience`.
    pub(crate) async fn open(options: PgConnectOptions, patience: Duration) -> Result<Self, LogError> {
        let (permits, idle) = (Semaphore::new(SESSIONS), Mutex::default());
        let writers = Self { options, patience, permits, idle, read_only: false };
        let mut session = writers.session().await?;
        schema::prepare(&mut session.connection).await?;
        writers.give_back(session);
        Ok(writers)
    }

    /// None: for a log that is only read.
    pub(crate) fn barred(options: PgConnectOptions) -> Self {
        let permits = Semaphore::new(0);
        permits.close();
        Self { options, patience: Duration::ZERO, permits, idle: Mutex::default(), read_only: true }
    }

    /// Stores a batch and returns when it is known to be stored or not: a try whose answer got lost is followed by the
    /// same try again. The head's epoch and position let only one of the two through, and if that was the first, the
    /// log holds our hash at that position.
    pub(crate) async fn append(&self, batch: &Batch) -> Result<(), LogError> {
        let (started, mut pause, mut in_doubt) = (Instant::now(), Duration::from_millis(10), false);
        loop {
            let failure = match self.try_to_store(batch, in_doubt).await {
                Tried::Stored => return Ok(()),
                Tried::Refused(error) => return Err(error),
                Tried::InDoubt(error) => {
                    in_doubt = true;
                    error
                }
                Tried::NotSent(error) => error,
            };
            if self.permits.is_closed() || started.elapsed() >= self.patience {
                return Err(if in_doubt { Unwritable::InDoubt(failure).into() } else { failure });
            }
            tracing::warn!(error = %failure, in_doubt, "PostgreSQL was not reached; the append is tried again");
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE);
        }
    }

    async fn try_to_store(&self, batch: &Batch, in_doubt: bool) -> Tried {
        let mut session = match self.session().await {
            Ok(session) => session,
            Err(error) => return Tried::NotSent(error),
        };
        // Silence: the session is dropped in the middle of a statement, and its line with it.
        let tried = match timeout(TRY, ask(batch, &mut session.connection, in_doubt)).await {
            Ok(tried) => tried,
            Err(_elapsed) => Tried::InDoubt(Unwritable::Silent.into()),
        };
        if !matches!(tried, Tried::InDoubt(_)) {
            self.give_back(session);
        }
        tried
    }

    /// Raises a merchant's epoch by one.
    pub(crate) async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError> {
        let mut session = self.session().await?;
        let row = sqlx::query(CLAIM)
            .bind(merchant.as_str())
            .bind(&events::chain::GENESIS[..])
            .fetch_one(&mut session.connection)
            .await
            .map_err(store)?;
        self.give_back(session);
        head_of(&row)
    }

    /// Keeps a snapshot in place of the earlier one.
    pub(crate) async fn save_snapshot(&self, merchant: &MerchantId, kept: &Snapshot) -> Result<(), LogError> {
        let mut session = self.session().await?;
        sqlx::query(SAVE_SNAPSHOT)
            .bind(merchant.as_str())
            .bind(to_sql(kept.position.0)?)
            .bind(&kept.hash[..])
            .bind(&kept.shape)
            .bind(&kept.state)
            .execute(&mut session.connection)
            .await
            .map_err(store)?;
        self.give_back(session);
        Ok(())
    }

    /// Waits for writes in progress and ends the sessions. Every later write fails.
    pub(crate) async fn close(&self) -> Result<(), LogError> {
        if let Ok(all) = self.permits.acquire_many(u32::try_from(SESSIONS).unwrap_or(u32::MAX)).await {
            self.permits.close();
            drop(all);
        }
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            connection.close().await.map_err(store)?;
        }
        Ok(())
    }

    async fn session(&self) -> Result<Session<'_>, LogError> {
        let why = if self.read_only { Unwritable::ReadOnly } else { Unwritable::Closed };
        let permit = self.permits.acquire().await.map_err(|_| why)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => timeout(TRY, self.connect()).await.map_err(|_| Unwritable::Silent)??,
        };
        Ok(Session { connection, _permit: permit })
    }

    async fn connect(&self) -> Result<PgConnection, LogError> {
        let mut connection = self.options.connect().await.map_err(store)?;
        settings::assert_safe(&mut connection).await?;
        Ok(connection)
    }

    /// Only a session that was read to the end of its answer comes back; any other is dropped.
    fn give_back(&self, session: Session<'_>) {
        self.idle().push(session.connection);
    }

    /// A list of whole values is sound even if a thread panicked while it held the lock.
    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a batch once. Where an earlier try may be stored, or may still be on its way inside the server, only a refusal
/// that would meet that try as well says anything.
async fn ask(batch: &Batch, connection: &mut PgConnection, in_doubt: bool) -> Tried {
    let refusal = match batch.store(connection).await {
        Ok(()) => return Tried::Stored,
        Err(error) if leaves_in_doubt(&error) => return Tried::InDoubt(store(error)),
        Err(error) => batch.refusal(error),
    };
    let is_final =
        matches!(refusal, LogError::Fenced { .. } | LogError::WrongPosition { .. } | LogError::Collision(_));
    match in_doubt {
        false => Tried::Refused(refusal),
        true if !is_final => Tried::InDoubt(refusal),
        true => match batch.is_stored(connection).await {
            Ok(true) => Tried::Stored,
            Ok(false) => Tried::Refused(refusal),
            Err(error) => Tried::InDoubt(store(error)),
        },
    }
}
