//! Folding one merchant's events into all projections: one transaction per batch, rows and checkpoints together.

use std::{collections::HashMap, sync::Arc};

use events::RecordedEvent;
use sqlx::{Connection, Row, SqliteConnection};
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{
    ApplyError, Event, Fold, Projection, Views, ViewsError, digest::hex, text::iso, views::position,
};

/// Consecutive events of a log, decoded once for all projections.
#[derive(Debug)]
pub(crate) struct Batch {
    first: Position,
    last: Position,
    recorded_at: Timestamp,
    hash: [u8; 32],
    events: Vec<Event>,
    broken: Vec<(Position, String)>,
}

impl Batch {
    /// Decodes stored events, which must be consecutive; none where there are none.
    pub(crate) fn decode(stored: Vec<RecordedEvent>) -> Option<Self> {
        Self::decode_those(stored, |_| true)
    }
    /// Decodes those of consecutive stored events that are wanted. The batch stands for all of them.
    fn decode_those(stored: Vec<RecordedEvent>, wanted: impl Fn(&RecordedEvent) -> bool) -> Option<Self> {
        let (first, last) = (stored.first()?.position, stored.last()?.position);
        let (recorded_at, hash) = (stored.last()?.recorded_at, stored.last()?.hash);
        let mut events = Vec::with_capacity(stored.len());
        let mut broken = Vec::new();
        for event in stored.into_iter().filter(wanted) {
            let position = event.position;
            match Event::decode(event) {
                Ok(event) => events.push(event),
                Err(error) => broken.push((position, chain(&error))),
            }
        }
        Some(Self { first, last, recorded_at, hash, events, broken })
    }
    pub(crate) fn last(&self) -> Position {
        self.last
    }
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.broken.len()
    }
    fn events_after(&self, head: Position) -> &[Event] {
        &self.events[self.events.partition_point(|event| event.position <= head)..]
    }
    fn events_for(&self, lane: &Lane) -> &[Event] {
        self.events_after(lane.head)
    }
    fn broken_for(&self, lane: &Lane) -> Vec<(Position, String)> {
        self.broken.iter().filter(|(position, _)| *position > lane.head).cloned().collect()
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The last position that every projection contains.
    pub head: Position,
    /// How many times an event was put aside because a projection was unable to take it in.
    pub quarantined: usize,
}

/// Whether a batch is expected to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// An event that cannot be folded fails the batch. Savepoints would cost a copy of every page that is changed.
    Hopeful,
    /// An event that cannot be folded is put aside.
    Careful,
}

/// Smaller batches are folded at once: handing them to another thread would take longer.
const HANDED_OVER_MIN: usize = 256;

/// One projection on its way along a log.
struct Lane {
    projection: Arc<dyn Projection>,
    /// None where it is to be started: what it held in memory was not committed.
    fold: Option<Box<dyn Fold>>,
    head: Position,
}

impl Lane {
    fn take_fold(&mut self, merchant: &MerchantId) -> Box<dyn Fold> {
        self.fold.take().unwrap_or_else(|| self.projection.start(merchant))
    }
    fn failed(&self, source: ApplyError) -> ViewsError {
        ViewsError::Fold { name: self.projection.name(), source }
    }
    /// Whether the batch continues where this lane stands.
    fn takes(&self, batch: &Batch) -> bool {
        batch.first.0 <= self.head.0 + 1 && batch.last > self.head
    }
}

/// Follows one merchant's log into the tables of all projections.
///
/// The checkpoint in the database decides: it is read in every transaction, so a batch that comes twice, or after
/// somebody else wrote or rebuilt the rows, has no effect beyond what is missing.
pub struct Follower {
    views: Arc<Views>,
    merchant: MerchantId,
    lanes: Vec<Lane>,
    /// How many times rows were replaced, when this was looked at last.
    replaced: u64,
}

impl Follower {
    /// Starts where the rows of each projection end.
    pub async fn new(views: Arc<Views>, merchant: &MerchantId) -> Result<Self, ViewsError> {
        let lane = |projection: &Arc<dyn Projection>| Lane {
            projection: projection.clone(),
            fold: None,
            head: Position(0),
        };
        let lanes = views.projections.iter().map(lane).collect();
        let mut follower = Self { views, merchant: merchant.clone(), lanes, replaced: 0 };
        follower.refresh().await?;
        Ok(follower)
    }

    /// The database it writes to.
    pub(crate) fn views(&self) -> &Views {
        &self.views
    }

    /// The last position that every projection contains.
    pub fn head(&self) -> Position {
        self.lanes.iter().map(|lane| lane.head).min().unwrap_or_default()
    }

    /// The different positions at which projections stand, the most advanced first.
    pub(crate) fn heads(&self) -> Vec<Position> {
        let mut heads: Vec<Position> = self.lanes.iter().map(|lane| lane.head).collect();
        heads.sort_unstable_by(|a, b| b.cmp(a));
        heads.dedup();
        heads
    }

    /// Looks again where the rows of each projection end, after a rebuild.
    pub async fn refresh(&mut self) -> Result<(), ViewsError> {
        let views = self.views.clone();
        let mut conn = views.writer.acquire().await?;
        Ok(self.adopt_checkpoints(&mut conn).await?)
    }

    /// Takes in stored events, which must be consecutive. Projections that contain some of them take in the rest;
    /// projections that stand further back than the first take in none.
    pub async fn apply(&mut self, stored: Vec<RecordedEvent>) -> Result<Applied, ViewsError> {
        self.apply_those(stored, |_| true).await
    }

    /// [`Follower::apply`], but the events that are not wanted have no effect on rows.
    pub(crate) async fn apply_those(
        &mut self,
        stored: Vec<RecordedEvent>,
        wanted: impl Fn(&RecordedEvent) -> bool,
    ) -> Result<Applied, ViewsError> {
        match Batch::decode_those(stored, wanted) {
            Some(batch) => self.apply_batch(Arc::new(batch)).await,
            None => Ok(Applied { head: self.head(), quarantined: 0 }),
        }
    }

    /// Takes in one event as if nothing stood between it and those before.
    pub(crate) async fn apply_alone(&mut self, event: RecordedEvent) -> Result<(), ViewsError> {
        if let Some(mut batch) = Batch::decode(vec![event]) {
            batch.first = batch.first.min(Position(self.head().0 + 1));
            self.apply_batch(Arc::new(batch)).await?;
        }
        Ok(())
    }

    pub(crate) async fn apply_batch(&mut self, batch: Arc<Batch>) -> Result<Applied, ViewsError> {
        let mut result = self.transact(&batch, Care::Hopeful).await;
        if let Err(ViewsError::Fold { source: ApplyError::Event { .. }, .. }) = result {
            self.forget_uncommitted();
            result = self.transact(&batch, Care::Careful).await;
        }
        if result.is_err() {
            self.forget_uncommitted();
        }
        result
    }

    fn forget_uncommitted(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.fold = None);
    }

    async fn transact(&mut self, batch: &Arc<Batch>, care: Care) -> Result<Applied, ViewsError> {
        let views = self.views.clone();
        let mut conn = views.writer.acquire().await?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        self.adopt_checkpoints(&mut tx).await?;
        let merchant = &self.merchant;
        let mut lanes: Vec<&mut Lane> = self.lanes.iter_mut().filter(|lane| lane.takes(batch)).collect();
        let mut aside: Vec<Vec<(Position, String)>> =
            lanes.iter().map(|lane| batch.broken_for(lane)).collect();
        match care {
            Care::Hopeful => fold_all(&mut lanes, merchant, batch, &mut tx).await?,
            Care::Careful => {
                for (lane, aside) in lanes.iter_mut().zip(&mut aside) {
                    let sifted = sift(lane, merchant, batch.events_for(lane), &mut tx).await;
                    aside.extend(sifted.map_err(|source| lane.failed(source))?);
                }
            }
        }
        for (lane, aside) in lanes.iter().zip(&aside) {
            quarantine(lane.projection.name(), merchant, aside, &mut tx).await?;
            checkpoint(lane.projection.as_ref(), merchant, batch, &mut tx).await?;
        }
        tx.commit().await?;
        lanes.iter_mut().for_each(|lane| lane.head = batch.last);
        Ok(Applied { quarantined: aside.iter().map(Vec::len).sum(), head: self.head() })
    }

    /// Call it while the writer's connection is held: then nobody replaces rows.
    async fn adopt_checkpoints(&mut self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let replaced = *self.views.rebuilds().borrow();
        if replaced != self.replaced {
            // What the folds hold in memory is of rows that may be gone.
            self.forget_uncommitted();
            self.replaced = replaced;
        }
        let rows = sqlx::query("SELECT name, head_pos FROM sys_projection WHERE merchant = ?")
            .bind(self.merchant.as_str())
            .fetch_all(&mut *conn)
            .await?;
        let mut heads = HashMap::with_capacity(rows.len());
        for row in rows {
            heads.insert(row.try_get::<String, _>(0)?, position(row.try_get(1)?));
        }
        for lane in &mut self.lanes {
            let stored = heads.get(lane.projection.name()).copied().unwrap_or_default();
            if stored != lane.head {
                (lane.head, lane.fold) = (stored, None);
            }
        }
        Ok(())
    }
}

/// Folds into each lane what it lacks of a batch. All lanes fold side by side, and while they do, the rows of those
/// that are done are written, in the lanes' order.
async fn fold_all(
    lanes: &mut [&mut Lane],
    merchant: &MerchantId,
    batch: &Arc<Batch>,
    conn: &mut SqliteConnection,
) -> Result<(), ViewsError> {
    for lane in lanes.iter_mut() {
        let mut fold = lane.take_fold(merchant);
        fold.load(batch.events_for(lane), conn).await.map_err(|source| lane.failed(source))?;
        lane.fold = Some(fold);
    }
    let folding: Vec<Folding> = lanes.iter_mut().map(|lane| hand_over(lane, merchant, batch)).collect();
    for (lane, handed_over) in lanes.iter_mut().zip(folding) {
        let (mut fold, folded) = handed_over.done().await?;
        let written = match folded {
            Ok(()) => fold.write(conn).await,
            Err(error) => Err(error),
        };
        written.map_err(|source| lane.failed(source))?;
        lane.fold = Some(fold);
    }
    Ok(())
}

/// Folds a lane's part of a batch, on another thread where that is worth it.
fn hand_over(lane: &mut Lane, merchant: &MerchantId, batch: &Arc<Batch>) -> Folding {
    let (mut fold, batch, after) = (lane.take_fold(merchant), batch.clone(), lane.head);
    let is_small = batch.len() < HANDED_OVER_MIN;
    let work = move || {
        let folded = fold.fold(batch.events_after(after));
        (fold, folded)
    };
    if is_small {
        Folding::Done(Box::new(work()))
    } else {
        Folding::Elsewhere(tokio::task::spawn_blocking(work))
    }
}

/// A fold, and what came of folding.
type Folded = (Box<dyn Fold>, Result<(), ApplyError>);

/// A fold that is being folded, or was.
enum Folding {
    Done(Box<Folded>),
    Elsewhere(tokio::task::JoinHandle<Folded>),
}

impl Folding {
    async fn done(self) -> Result<Folded, ViewsError> {
        match self {
            Self::Done(folded) => Ok(*folded),
            Self::Elsewhere(handle) => match handle.await {
                Ok(folded) => Ok(folded),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(ViewsError::Stopped),
            },
        }
    }
}

/// Folds events but those that cannot be folded, and returns these with the reasons.
async fn sift(
    lane: &mut Lane,
    merchant: &MerchantId,
    events: &[Event],
    conn: &mut SqliteConnection,
) -> Result<Vec<(Position, String)>, ApplyError> {
    let mut aside = Vec::new();
    // Stretches still to fold, the next one last: an event that cannot be folded splits its stretch in two.
    let mut stretches = vec![events];
    while let Some(events) = stretches.pop() {
        if events.is_empty() {
            continue;
        }
        let mut savepoint = conn.begin().await?;
        let mut fold = lane.take_fold(merchant);
        match apply(fold.as_mut(), events, &mut savepoint).await {
            Ok(()) => {
                savepoint.commit().await?;
                lane.fold = Some(fold);
            }
            Err(ApplyError::Event { position, reason }) => {
                savepoint.rollback().await?;
                let at = events.iter().position(|event| event.position == position).ok_or_else(|| {
                    ApplyError::Damaged(format!("the fold blames {position}, which is not in its batch"))
                })?;
                stretches.push(&events[at + 1..]);
                stretches.push(&events[..at]);
                aside.push((position, reason));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(aside)
}

async fn apply(fold: &mut dyn Fold, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
    fold.load(events, conn).await?;
    fold.fold(events)?;
    fold.write(conn).await
}

async fn quarantine(
    name: &str,
    merchant: &MerchantId,
    aside: &[(Position, String)],
    conn: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    for (position, error) in aside {
        tracing::error!(projection = name, %merchant, %position, error, "event was put aside by a read model");
        sqlx::query("INSERT OR REPLACE INTO sys_quarantine (name, merchant, pos, error) VALUES (?, ?, ?, ?)")
            .bind(name)
            .bind(merchant.as_str())
            .bind(i64::try_from(position.0).unwrap_or(i64::MAX))
            .bind(error)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

async fn checkpoint(
    projection: &dyn Projection,
    merchant: &MerchantId,
    batch: &Batch,
    conn: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sys_projection (name, merchant, version, head_pos, head_hash, head_recorded_at)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (name, merchant) DO UPDATE SET
           version = excluded.version, head_pos = excluded.head_pos, head_hash = excluded.head_hash,
           head_recorded_at = excluded.head_recorded_at",
    )
    .bind(projection.name())
    .bind(merchant.as_str())
    .bind(i64::from(projection.version()))
    .bind(i64::try_from(batch.last.0).unwrap_or(i64::MAX))
    .bind(hex(&batch.hash))
    .bind(iso(batch.recorded_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
