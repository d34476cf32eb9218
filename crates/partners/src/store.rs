//! What is due to whom, in a database of its own.

use std::{path::Path, sync::Arc, time::Duration};

use events::{Fact, RecordedEvent, policy::SubscriptionSet};
use serde::Serialize;
use sqlx::{
    Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use tokio::sync::watch;
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{
    message,
    schedule::{self, ATTEMPTS_MAX, Outcome},
};

/// The kind of the streams that say who is subscribed.
const SUBSCRIPTIONS: &str = "policy";

/// Why deliveries cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum PartnersError {
    /// The database failed.
    #[error("deliveries to partners cannot be kept")]
    Store(#[from] sqlx::Error),
    /// Events came that do not follow on what was taken in.
    #[error("event {found} came where {wanted} was to come")]
    Gap {
        /// What came.
        found: Position,
        /// What was to come.
        wanted: Position,
    },
    /// Whoever takes events in has stopped.
    #[error("events are not taken in any more")]
    Stopped,
}

/// A partner that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// Where its webhooks go.
    pub url: String,
    /// The public types it wants; all where there are none.
    pub event_types: Vec<String>,
    /// The position at which it began.
    pub since: u64,
    /// Why nothing is sent to it; none while something is.
    pub stopped: Option<String>,
    /// How many deliveries it took.
    pub taken: u64,
    /// How many it has yet to take.
    pub waiting: u64,
    /// How many were put aside after the last try.
    pub dead: u64,
}

/// Whether a delivery is still tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is.
    Waiting,
    /// It was tried for the last time.
    Dead,
}

/// A delivery that was not taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The event.
    pub position: u64,
    /// Its public type.
    pub event_type: String,
    /// Whether it is tried again.
    pub state: State,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub next_at: Timestamp,
    /// What happened at the last try.
    pub last_error: String,
}

/// A delivery that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The subscription.
    pub name: String,
    /// Where to.
    pub url: String,
    /// The id of the message, the same for each try.
    pub id: String,
    /// The body.
    pub body: String,
    /// The event.
    pub position: Position,
    /// How often it was tried before.
    pub tries: u32,
}

/// One merchant's deliveries. Clones share them.
#[derive(Clone)]
pub struct Partners {
    pool: SqlitePool,
    merchant: MerchantId,
    /// Told the place in the log after each change.
    changed: Arc<watch::Sender<Position>>,
}

impl Partners {
    /// Opens the database at `path`, making it where it is absent. One process has it open at a time.
    pub async fn open(path: &Path, merchant: &MerchantId) -> Result<Self, PartnersError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A crash may cost the last changes: they are made again from the log, or sent once more.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await?;
        let partners = Self { pool, merchant: merchant.clone(), changed: Arc::new(watch::Sender::default()) };
        partners.tell(partners.place().await?.0);
        Ok(partners)
    }

    /// The last event that was taken in, and its hash; 0 and zeros at the beginning.
    pub async fn place(&self) -> Result<(Position, [u8; 32]), PartnersError> {
        let row = sqlx::query("SELECT position, hash FROM place WHERE merchant = ?")
            .bind(self.merchant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok((Position(0), [0; 32])) };
        let hash: Vec<u8> = row.try_get(1)?;
        Ok((Position(number(&row, 0)?), hash.try_into().unwrap_or([0; 32])))
    }

    /// Takes in events that follow on the place, all or none: subscriptions change, and deliveries come to be due.
    /// Those that were taken in before are passed over.
    pub async fn take(&self, events: &[RecordedEvent]) -> Result<Position, PartnersError> {
        let (known, _) = self.place().await?;
        let mut at = known;
        let mut tx = self.pool.begin().await?;
        let mut is_anybody_told = self.is_anybody_told(&mut tx).await?;
        for event in events.iter().filter(|event| event.position > known) {
            let wanted = Position(at.0 + 1);
            if event.position != wanted {
                return Err(PartnersError::Gap { found: event.position, wanted });
            }
            if event.stream.kind() == SUBSCRIPTIONS {
                self.follow_subscription(&mut tx, event).await?;
                is_anybody_told = self.is_anybody_told(&mut tx).await?;
            } else if let Some(message) = is_anybody_told.then(|| message::of(event)).flatten() {
                self.expect(&mut tx, event, &message).await?;
            }
            at = event.position;
        }
        if let Some(last) = events.last().filter(|last| last.position == at) {
            sqlx::query(
                "INSERT INTO place (merchant, position, hash) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET position = excluded.position, hash = excluded.hash",
            )
            .bind(self.merchant.as_str())
            .bind(stored(at.0))
            .bind(&last.hash[..])
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        self.tell(at);
        Ok(at)
    }

    /// While there is no subscription, events are not even parsed.
    async fn is_anybody_told(&self, tx: &mut SqliteConnection) -> Result<bool, PartnersError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM subscription WHERE merchant = ?)";
        Ok(sqlx::query_scalar(sql).bind(self.merchant.as_str()).fetch_one(tx).await?)
    }

    async fn follow_subscription(
        &self,
        tx: &mut SqliteConnection,
        event: &RecordedEvent,
    ) -> Result<(), PartnersError> {
        match event.fact() {
            Ok(Fact::SubscriptionSet(set)) => self.set(tx, &set, event.position).await,
            Ok(Fact::SubscriptionEnded(ended)) => self.end(tx, &ended.subscription).await,
            _ => Ok(()),
        }
    }

    /// What waits goes to the new address; what was stopped goes on.
    async fn set(
        &self,
        tx: &mut SqliteConnection,
        set: &SubscriptionSet,
        at: Position,
    ) -> Result<(), PartnersError> {
        sqlx::query(
            "INSERT INTO subscription (merchant, name, url, types, since) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET url = excluded.url, types = excluded.types, stopped = NULL",
        )
        .bind(self.merchant.as_str())
        .bind(&set.subscription)
        .bind(&set.url)
        .bind(set.event_types.join(" "))
        .bind(stored(at.0))
        .execute(tx)
        .await?;
        Ok(())
    }

    async fn end(&self, tx: &mut SqliteConnection, name: &str) -> Result<(), PartnersError> {
        for table in [
            "DELETE FROM delivery WHERE merchant = ? AND name = ?",
            "DELETE FROM subscription WHERE merchant = ? AND name = ?",
        ] {
            sqlx::query(table).bind(self.merchant.as_str()).bind(name).execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn expect(
        &self,
        tx: &mut SqliteConnection,
        event: &RecordedEvent,
        message: &message::Message,
    ) -> Result<(), PartnersError> {
        sqlx::query(
            "INSERT OR IGNORE INTO delivery (merchant, name, position, stream, event_type, body, state, next_at)
             SELECT merchant, name, ?2, ?3, ?4, ?5, 'waiting', 0 FROM subscription
             WHERE merchant = ?1 AND (types = '' OR ' ' || types || ' ' LIKE '% ' || ?4 || ' %')",
        )
        .bind(self.merchant.as_str())
        .bind(stored(event.position.0))
        .bind(event.stream.as_str())
        .bind(message.event_type)
        .bind(&message.body)
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Forgets everything, for a log that goes on otherwise than the one that was taken in.
    pub async fn forget(&self) -> Result<(), PartnersError> {
        let mut tx = self.pool.begin().await?;
        for sql in [
            "DELETE FROM place WHERE merchant = ?",
            "DELETE FROM subscription WHERE merchant = ?",
            "DELETE FROM delivery WHERE merchant = ?",
        ] {
            sqlx::query(sql).bind(self.merchant.as_str()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        self.tell(Position(0));
        Ok(())
    }

    /// Waits until an event was taken in.
    pub async fn wait_for(&self, position: Position) -> Result<(), PartnersError> {
        let mut changed = self.changed.subscribe();
        changed.wait_for(|at| *at >= position).await.map(drop).map_err(|_| PartnersError::Stopped)
    }

    /// Told the place in the log whenever something changed.
    pub fn changed(&self) -> watch::Receiver<Position> {
        self.changed.subscribe()
    }

    /// The subscriptions, by name.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, PartnersError> {
        let rows = sqlx::query(
            "SELECT name, url, types, since, stopped, taken,
                    (SELECT count(*) FROM delivery d WHERE d.merchant = s.merchant AND d.name = s.name
                     AND state = 'waiting'),
                    (SELECT count(*) FROM delivery d WHERE d.merchant = s.merchant AND d.name = s.name
                     AND state = 'dead')
             FROM subscription s WHERE merchant = ? ORDER BY name",
        )
        .bind(self.merchant.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(subscription_of).collect()
    }

    /// Deliveries of a subscription that were not taken, the oldest first: those put aside, or those that wait.
    pub async fn deliveries(
        &self,
        name: &str,
        state: State,
        limit: u32,
    ) -> Result<Vec<Delivery>, PartnersError> {
        let rows = sqlx::query(
            "SELECT position, event_type, tries, next_at, last_error FROM delivery
             WHERE merchant = ? AND name = ? AND state = ? ORDER BY position LIMIT ?",
        )
        .bind(self.merchant.as_str())
        .bind(name)
        .bind(state.as_str())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let delivery = |row: &SqliteRow| {
            Ok(Delivery {
                position: number(row, 0)?,
                event_type: row.try_get(1)?,
                state,
                tries: row.try_get(2)?,
                next_at: Timestamp::from_micros(row.try_get(3)?),
                last_error: row.try_get(4)?,
            })
        };
        rows.iter().map(delivery).collect()
    }

    /// What of a subscription is to be sent now, at most `limit`: of each stream the first that was not taken, so that
    /// a partner hears of one order in order.
    pub async fn due(&self, name: &str, now: Timestamp, limit: u32) -> Result<Vec<Due>, PartnersError> {
        let rows = sqlx::query(
            "SELECT d.position, s.url, d.body, d.tries FROM delivery d
             JOIN subscription s ON s.merchant = d.merchant AND s.name = d.name
             WHERE d.merchant = ?1 AND d.name = ?2 AND d.state = 'waiting' AND d.next_at <= ?3 AND s.stopped IS NULL
               AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.merchant = ?1 AND e.name = ?2
                               AND e.state = 'waiting' AND e.stream = d.stream AND e.position < d.position)
             ORDER BY d.position LIMIT ?4",
        )
        .bind(self.merchant.as_str())
        .bind(name)
        .bind(now.micros())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let due = |row: &SqliteRow| {
            let position = number(row, 0)?;
            Ok(Due {
                name: name.to_owned(),
                url: row.try_get(1)?,
                id: message::id(self.merchant.as_str(), position),
                body: row.try_get(2)?,
                position: Position(position),
                tries: row.try_get(3)?,
            })
        };
        rows.iter().map(due).collect()
    }

    /// When something of a subscription waits for its time; none where nothing waits.
    pub async fn next_at(&self, name: &str) -> Result<Option<Timestamp>, PartnersError> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT min(next_at) FROM delivery WHERE merchant = ? AND name = ? AND state = 'waiting' AND next_at > 0",
        )
        .bind(self.merchant.as_str())
        .bind(name)
        .fetch_one(&self.pool)
        .await?;
        Ok(at.map(Timestamp::from_micros))
    }

    /// Notes what became of a try. Tells whether the delivery was put aside.
    pub async fn settle(&self, due: &Due, outcome: &Outcome, now: Timestamp) -> Result<bool, PartnersError> {
        let mut tx = self.pool.begin().await?;
        let aside = match outcome {
            Outcome::Taken => self.done(&mut tx, due).await.map(|()| false),
            Outcome::Failed { why, retry_after } => {
                self.failed(
                    &mut tx,
                    due,
                    why,
                    schedule::next(now, due.tries + 1, *retry_after, due.position.0),
                )
                .await
            }
            Outcome::Gone => self.gone(&mut tx, due).await.map(|()| false),
        }?;
        tx.commit().await?;
        Ok(aside)
    }

    async fn done(&self, tx: &mut SqliteConnection, due: &Due) -> Result<(), PartnersError> {
        let gone = sqlx::query("DELETE FROM delivery WHERE merchant = ? AND name = ? AND position = ?")
            .bind(self.merchant.as_str())
            .bind(&due.name)
            .bind(stored(due.position.0))
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE subscription SET taken = taken + ? WHERE merchant = ? AND name = ?")
            .bind(stored(gone.rows_affected()))
            .bind(self.merchant.as_str())
            .bind(&due.name)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn failed(
        &self,
        tx: &mut SqliteConnection,
        due: &Due,
        why: &str,
        again: Option<Timestamp>,
    ) -> Result<bool, PartnersError> {
        sqlx::query(
            "UPDATE delivery SET tries = ?, state = ?, next_at = coalesce(?, next_at), last_error = ?
             WHERE merchant = ? AND name = ? AND position = ?",
        )
        .bind((due.tries + 1).min(ATTEMPTS_MAX))
        .bind(if again.is_some() { State::Waiting } else { State::Dead }.as_str())
        .bind(again.map(Timestamp::micros))
        .bind(why)
        .bind(self.merchant.as_str())
        .bind(&due.name)
        .bind(stored(due.position.0))
        .execute(tx)
        .await?;
        Ok(again.is_none())
    }

    async fn gone(&self, tx: &mut SqliteConnection, due: &Due) -> Result<(), PartnersError> {
        sqlx::query("UPDATE subscription SET stopped = 'gone' WHERE merchant = ? AND name = ?")
            .bind(self.merchant.as_str())
            .bind(&due.name)
            .execute(tx)
            .await?;
        Ok(())
    }

    /// Sends again what was put aside of a subscription, or one of it; tells how many.
    pub async fn resend(&self, name: &str, position: Option<Position>) -> Result<u64, PartnersError> {
        let done = sqlx::query(
            "UPDATE delivery SET state = 'waiting', tries = 0, next_at = 0
             WHERE merchant = ?1 AND name = ?2 AND state = 'dead' AND (?3 IS NULL OR position = ?3)",
        )
        .bind(self.merchant.as_str())
        .bind(name)
        .bind(position.map(|position| stored(position.0)))
        .execute(&self.pool)
        .await?;
        self.changed.send_modify(|_| {});
        Ok(done.rows_affected())
    }

    fn tell(&self, at: Position) {
        self.changed.send_replace(at);
    }
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }
}

fn subscription_of(row: &SqliteRow) -> Result<Subscription, PartnersError> {
    let types: String = row.try_get(2)?;
    Ok(Subscription {
        name: row.try_get(0)?,
        url: row.try_get(1)?,
        event_types: types.split_whitespace().map(str::to_owned).collect(),
        since: number(row, 3)?,
        stopped: row.try_get(4)?,
        taken: number(row, 5)?,
        waiting: number(row, 6)?,
        dead: number(row, 7)?,
    })
}

/// A stored counter; negative ones do not occur, and would read as 0.
fn number(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
