//! Following logs for as long as the program runs.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use event_log::EventLog;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};
use vocabulary::{MerchantId, Position};

use crate::{
    Follower, Projection, Views, ViewsError,
    digest::hex,
    follower::{Batch, chain},
};

/// How read models follow a log.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// At most this many events per transaction, at least 1.
    pub batch: usize,
    /// At least this long between transactions that are not full: what is appended meanwhile goes into the next.
    pub pace: Duration,
    /// How often to look for events that other processes appended.
    pub poll: Duration,
    /// How long to wait after a failure before trying again.
    pub retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 16_384,
            pace: Duration::from_millis(100),
            poll: Duration::from_secs(1),
            retry: Duration::from_secs(1),
        }
    }
}

/// How far a projection is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The projection.
    pub name: String,
    /// The version of its rows.
    pub version: u32,
    /// The last position its rows contain.
    pub head: Position,
    /// The last position of the log.
    pub log_head: Position,
    /// How many events it has yet to take in.
    pub events: u64,
}

/// The read models of all merchants, kept up to date until this value is dropped.
pub struct Projections {
    views: Arc<Views>,
    options: Options,
    tails: Mutex<HashMap<MerchantId, Tail>>,
}

struct Tail {
    log: Arc<dyn EventLog>,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<()>,
}

impl Drop for Tail {
    fn drop(&mut self) {
        // A transaction under way is rolled back; it is done again at the next start.
        self.task.abort();
    }
}

/// Where a tail stands, and how many rebuilds it has heard of.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    rebuilds: u64,
    head: Position,
}

impl Projections {
    /// Opens the database of read models ([`Views::open`]). Nothing is followed yet.
    pub async fn open(
        views_path: &Path,
        projections: Vec<Arc<dyn Projection>>,
        options: Options,
    ) -> Result<Self, ViewsError> {
        Ok(Self::new(Arc::new(Views::open(views_path, projections).await?), options))
    }

    /// Keeps the read models of an opened database. Nothing is followed yet.
    pub fn new(views: Arc<Views>, options: Options) -> Self {
        Self { views, options, tails: Mutex::default() }
    }

    /// The database, to ask it.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Follows a merchant's log from where the rows end, until it is forgotten or this value is dropped. A merchant
    /// that is followed already goes on.
    pub fn spawn(&self, log: Arc<dyn EventLog>, merchant: &MerchantId) -> Result<(), ViewsError> {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        if tails.get(merchant).is_some_and(|tail| !tail.task.is_finished()) {
            return Ok(());
        }
        let (sender, progress) = watch::channel(Progress::default());
        let run = Run {
            log: log.clone(),
            merchant: merchant.clone(),
            views: self.views.clone(),
            options: self.options,
            progress: sender,
            prefetched: None,
        };
        tails.insert(merchant.clone(), Tail { log, progress, task: tokio::spawn(run.forever()) });
        Ok(())
    }

    /// Follows the merchant's log no more. Its rows stay.
    pub fn forget(&self, merchant: &MerchantId) {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner).remove(merchant);
    }

    /// Waits until every projection contains the event at `position`. Bound it with a time-out of your own.
    pub async fn wait_for(&self, merchant: &MerchantId, position: Position) -> Result<(), ViewsError> {
        let rebuilds = *self.views.rebuilds().borrow();
        let (mut progress, _) = self.tail(merchant)?;
        let there = |at: &Progress| at.rebuilds >= rebuilds && at.head >= position;
        progress.wait_for(there).await.map(|_| ()).map_err(|_| ViewsError::Stopped)
    }

    /// How far each projection is behind a merchant's log.
    pub async fn lag(&self, merchant: &MerchantId) -> Result<Vec<Lag>, ViewsError> {
        let (_, log) = self.tail(merchant)?;
        let log_head = log.head(merchant).await?.map(|head| head.position).unwrap_or_default();
        let checkpoints = self.views.checkpoints(merchant).await?;
        let lag = |at: crate::Checkpoint| Lag {
            events: log_head.0.saturating_sub(at.head.0),
            name: at.name,
            version: at.version,
            head: at.head,
            log_head,
        };
        Ok(checkpoints.into_iter().map(lag).collect())
    }

    /// Deletes the rows and checkpoints of a projection (or of all) and folds them anew in the background, while
    /// the others go on; [`Projections::wait_for`] tells when it is done.
    pub async fn rebuild(&self, name: Option<&str>) -> Result<(), ViewsError> {
        self.views.rebuild(name).await
    }

    /// [`Views::digest`].
    pub async fn digest(&self, name: &str, merchant: &MerchantId) -> Result<String, ViewsError> {
        self.views.digest(name, merchant).await
    }

    fn tail(
        &self,
        merchant: &MerchantId,
    ) -> Result<(watch::Receiver<Progress>, Arc<dyn EventLog>), ViewsError> {
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = tails.get(merchant).ok_or_else(|| ViewsError::NotFollowed(merchant.clone()))?;
        Ok((tail.progress.clone(), tail.log.clone()))
    }
}

/// A batch that is being read and decoded while the one before it is written.
struct Prefetched {
    after: Position,
    batch: JoinHandle<Result<Option<Batch>, ViewsError>>,
}

/// One tail's task.
struct Run {
    log: Arc<dyn EventLog>,
    merchant: MerchantId,
    views: Arc<Views>,
    options: Options,
    progress: watch::Sender<Progress>,
    prefetched: Option<Prefetched>,
}

impl Run {
    async fn forever(mut self) {
        loop {
            if let Err(error) = self.follow().await {
                tracing::error!(merchant = %self.merchant, error = chain(&error), "read models are behind, trying again");
                self.prefetched = None;
                sleep(self.options.retry).await;
            }
        }
    }

    /// Takes in all there is, then waits for more. Returns only on a failure.
    async fn follow(&mut self) -> Result<(), ViewsError> {
        self.drop_rows_of_another_log().await?;
        let mut news = self.log.watch(&self.merchant);
        let mut rebuilds = self.views.rebuilds();
        // Counted before the checkpoints are read, so that a rebuild in between is seen next time round.
        let mut heard = *rebuilds.borrow_and_update();
        let mut follower = Follower::new(self.views.clone(), &self.merchant).await?;
        loop {
            news.borrow_and_update();
            let mut written = Instant::now();
            while self.round(&mut follower, heard).await? {
                written = Instant::now();
                if rebuilds.has_changed().unwrap_or(false) {
                    break;
                }
            }
            tokio::select! {
                biased;
                _ = rebuilds.changed() => {
                    heard = *rebuilds.borrow_and_update();
                    follower.refresh().await?;
                    continue;
                }
                told = news.changed() => if told.is_err() { sleep(self.options.poll).await },
                () = sleep(self.options.poll) => {}
            }
            sleep_until(written + self.options.pace).await;
        }
    }

    /// A log that was restored from a backup may go on otherwise than the one the rows were folded from.
    async fn drop_rows_of_another_log(&self) -> Result<(), ViewsError> {
        for checkpoint in self.views.checkpoints(&self.merchant).await? {
            let Some(before) = checkpoint.head.0.checked_sub(1) else { continue };
            let event = self.log.read_log(&self.merchant, Position(before), 1).await?.pop();
            if event.is_none_or(|event| hex(&event.hash) != checkpoint.head_hash) {
                let (name, head) = (&checkpoint.name, checkpoint.head);
                tracing::warn!(projection = name, merchant = %self.merchant, %head, "rows are of another log, rebuilding");
                self.views.rebuild(Some(name)).await?;
            }
        }
        Ok(())
    }

    /// One batch for the most advanced projections and one for each group that is behind them, so that a rebuild
    /// holds nobody up. Returns whether there is more to do at once.
    async fn round(&mut self, follower: &mut Follower, heard: u64) -> Result<bool, ViewsError> {
        let (mut more, mut moved) = (false, false);
        let mut ahead: Option<Position> = None;
        for head in follower.heads() {
            // Those behind stop exactly where those ahead of them stand, and go on together.
            let room = ahead.map_or(u64::MAX, |front| front.0 - head.0);
            let limit = self.options.batch.max(1).min(usize::try_from(room).unwrap_or(usize::MAX));
            ahead = Some(head);
            let Some(batch) = self.read(head, limit).await? else { continue };
            if batch.len() == limit {
                self.prefetch(batch.last());
                more = true;
            }
            let applied = follower.apply_batch(Arc::new(batch)).await?;
            moved = true;
            self.progress.send_replace(Progress { rebuilds: heard, head: applied.head });
        }
        self.progress.send_replace(Progress { rebuilds: heard, head: follower.head() });
        Ok(more || moved && follower.heads().len() > 1)
    }

    async fn read(&mut self, after: Position, limit: usize) -> Result<Option<Batch>, ViewsError> {
        match self.prefetched.take() {
            Some(ready) if ready.after == after && limit == self.options.batch => {
                let batch = ready.batch.await.map_err(|_| ViewsError::Stopped)??;
                // What was read ahead may be short or empty by now.
                match batch {
                    Some(batch) if batch.len() == limit => Ok(Some(batch)),
                    _ => read(self.log.as_ref(), &self.merchant, after, limit).await,
                }
            }
            other => {
                self.prefetched = other.filter(|ready| ready.after > after);
                read(self.log.as_ref(), &self.merchant, after, limit).await
            }
        }
    }

    fn prefetch(&mut self, after: Position) {
        let (log, merchant, limit) = (self.log.clone(), self.merchant.clone(), self.options.batch);
        let batch = tokio::spawn(async move { read(log.as_ref(), &merchant, after, limit).await });
        self.prefetched = Some(Prefetched { after, batch });
    }
}

async fn read(
    log: &dyn EventLog,
    merchant: &MerchantId,
    after: Position,
    limit: usize,
) -> Result<Option<Batch>, ViewsError> {
    Ok(Batch::decode(log.read_log(merchant, after, limit).await?))
}
