//! The runner: a queue by time, a lane for each account.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use channel::Adapter;
use events::channel::AttemptOutcome;
use tokio::sync::{Notify, mpsc};
use vault::Vault;
use vocabulary::{Account, MerchantId, Secret, Timestamp};

use super::{
    Found, Job, JobKind, Report,
    call::Call,
    lane::{Lane, Lanes},
};
use crate::{
    adapters::Adapters,
    ports::{Clock, Http},
    work::Work,
};

/// How hard the runner tries.
#[derive(Debug, Clone, Copy)]
pub struct EffectPolicy {
    /// Attempts before a person must look; at least 1.
    pub attempts_max: u32,
    /// The wait after the first failed attempt, in milliseconds; it doubles, with jitter.
    pub backoff_ms: u64,
    /// The longest wait, in milliseconds.
    pub backoff_max_ms: u64,
}

impl Default for EffectPolicy {
    /// Twelve attempts within about an hour and a half.
    fn default() -> Self {
        Self { attempts_max: 12, backoff_ms: 2_000, backoff_max_ms: 1_800_000 }
    }
}

/// Jobs by when they are due, those of one instant in the order they came.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Reverse<Queued>>,
    count: u64,
}

impl Queue {
    fn put(&mut self, job: Job) {
        self.count += 1;
        self.heap.push(Reverse(Queued(job.not_before, self.count, job)));
    }
    fn due_at(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse(queued)| queued.0)
    }
    fn next_due(&mut self, now: Timestamp) -> Option<Job> {
        let due = self.due_at().is_some_and(|at| at <= now);
        due.then(|| self.heap.pop()).flatten().map(|Reverse(queued)| queued.2)
    }
}

struct Queued(Timestamp, u64, Job);
impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// Where outcomes go.
#[async_trait]
pub(crate) trait Sink: Send + Sync {
    /// The first call of a job's attempt may leave from now on; false where it must not, and the job is dropped.
    fn begins(&self, _job: &Job) -> bool {
        true
    }
    /// Takes an outcome in, and returns once that is certain. Gives back what nobody takes any more.
    async fn take(&self, report: Box<Report>) -> Result<(), Box<Report>>;
}

/// Outcomes go to the sequencer of the same process. It is gone only when the process ends; the intent is in the log
/// then, and is taken up at the next start.
#[async_trait]
impl Sink for mpsc::WeakSender<Work> {
    async fn take(&self, report: Box<Report>) -> Result<(), Box<Report>> {
        let Some(works) = self.upgrade() else { return Err(report) };
        match works.send(Work::Report(report)).await {
            Err(mpsc::error::SendError(Work::Report(report))) => Err(report),
            _ => Ok(()),
        }
    }
}

pub(crate) struct Runner {
    pub(crate) merchant: MerchantId,
    pub(crate) adapters: Arc<Adapters>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) http: Arc<dyn Http>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: EffectPolicy,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) load: Arc<Load>,
    /// Puts a job back whose account is being left alone.
    pub(crate) again: mpsc::WeakUnboundedSender<Job>,
}

/// How much there is to do, for whoever waits until nothing is.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// Jobs handed in and not reported on.
    pub(crate) open: AtomicUsize,
    /// How many of them wait in the queue, and when the first of those is due.
    waiting: Mutex<(usize, Option<Timestamp>)>,
    /// Begins a round of the runner, where time is driven by hand.
    pub(crate) nudge: Notify,
}

impl Load {
    /// Whether nothing is under way, and nothing that waits is due.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let (count, due_at) = *self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.open.load(Ordering::SeqCst) == count && due_at.is_none_or(|at| at > now)
    }

    /// So many jobs wait for another process, the first until an instant.
    pub(super) fn wait_elsewhere(&self, count: usize, due_at: Option<Timestamp>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = (count, due_at);
    }

    fn note(&self, queue: &Queue) {
        let waiting = (queue.heap.len(), queue.due_at());
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    }
}

impl Runner {
    /// Runs until the queue's sender is gone.
    pub(crate) async fn run(self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let this = Arc::new(self);
        let mut lanes = Lanes::default();
        let mut queue = Queue::default();
        if this.clock.is_manual() {
            return this.run_by_hand(&mut jobs, &mut queue, &mut lanes).await;
        }
        loop {
            while let Some(job) = queue.next_due(this.clock.now()) {
                this.load.note(&queue);
                this.start(job, &mut lanes).await;
            }
            this.load.note(&queue);
            let wake = queue.due_at();
            let sleep = async {
                match wake {
                    Some(at) => this.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                job = jobs.recv() => match job {
                    Some(job) => queue.put(job),
                    None => return,
                },
                () = sleep => {}
            }
        }
    }

    /// By hand-driven time, jobs run one after another in rounds: what is due when the runner is nudged, in the order
    /// it came. What comes meanwhile waits for the next round, so that the order is never left to chance.
    async fn run_by_hand(
        self: &Arc<Self>,
        jobs: &mut mpsc::UnboundedReceiver<Job>,
        queue: &mut Queue,
        lanes: &mut Lanes,
    ) {
        loop {
            tokio::select! {
                job = jobs.recv() => {
                    let Some(job) = job else { return };
                    queue.put(job);
                    self.load.note(queue);
                    continue;
                }
                () = self.load.nudge.notified() => {}
            }
            while let Ok(job) = jobs.try_recv() {
                queue.put(job);
            }
            let now = self.clock.now();
            let due: Vec<Job> = std::iter::from_fn(|| queue.next_due(now)).collect();
            self.load.note(queue);
            for job in due {
                self.start(job, lanes).await;
            }
        }
    }

    async fn start(self: &Arc<Self>, job: Job, lanes: &mut Lanes) {
        let Some(adapter) = self.adapters.get(&job.account) else {
            let outcome = AttemptOutcome::Abandoned { code: "account_not_connected".to_owned() };
            self.report(job, outcome, None).await;
            return;
        };
        let lane = lanes.of(&*adapter);
        let this = self.clone();
        let task = async move {
            let Ok(_place) = lane.places.acquire().await else { return };
            lane.ready(&*this.clock).await;
            this.attempt(job, &*adapter, &lane).await;
        };
        if self.clock.is_manual() {
            // One after another.
            task.await;
        } else {
            tokio::spawn(task);
        }
    }

    async fn attempt(&self, job: Job, adapter: &dyn Adapter, lane: &Lane) {
        let now = self.clock.now();
        if let Some(until) = lane.left_alone_until(now) {
            // The pause is not an attempt: nothing was sent.
            if let Some(again) = self.again.upgrade() {
                let put_back = again.send(Job { not_before: until, ..job });
                if put_back.is_err() {
                    tracing::debug!("a call was put back after the runner had stopped");
                }
            }
            return;
        }
        if !self.sink.begins(&job) {
            return;
        }
        let call = Call::new(self, adapter, lane);
        let (outcome, found) = match &job.kind {
            JobKind::Deliver(draft) => (call.deliver(draft, job.unknown).await, None),
            JobKind::CheckPayment(payment) => (call.check_payment(payment, job.attempts).await, None),
            JobKind::Refund(refund) => (call.refund(refund, job.unknown).await, None),
            JobKind::ReadBack(external_no) => call.read_back(external_no).await,
            JobKind::PushStock(stock) => (call.push_stock(stock).await, None),
            JobKind::Poll(poll) => call.poll(poll).await,
            JobKind::Procure(draft) => call.procure(draft, job.unknown).await,
            JobKind::Renew(_) => call.renew().await,
        };
        let outcome = self.bounded(&job, outcome);
        self.report(job, outcome, found).await;
    }

    /// Gives up after the last attempt, and fills in the wait before the next.
    fn bounded(&self, job: &Job, outcome: AttemptOutcome) -> AttemptOutcome {
        let attempt = job.attempts.saturating_add(1);
        match outcome {
            AttemptOutcome::RetryAfter { code, .. } | AttemptOutcome::Unknown { code }
                if attempt >= self.policy.attempts_max.saturating_add(job.patience()) && !job.is_upkeep() =>
            {
                AttemptOutcome::Abandoned { code }
            }
            AttemptOutcome::RetryAfter { secs: 0, code } => {
                AttemptOutcome::RetryAfter { secs: self.backoff_secs(attempt), code }
            }
            other => other,
        }
    }

    fn backoff_secs(&self, attempt: u32) -> u32 {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(self.policy.backoff_ms))
            .with_max_delay(Duration::from_millis(self.policy.backoff_max_ms))
            .with_max_times(self.policy.attempts_max as usize + 1)
            .build();
        let delay = delays.nth(attempt.saturating_sub(1) as usize);
        let secs = delay.unwrap_or(Duration::from_millis(self.policy.backoff_max_ms)).as_secs();
        u32::try_from(secs.max(1)).unwrap_or(u32::MAX)
    }

    async fn report(&self, job: Job, outcome: AttemptOutcome, found: Option<Found>) {
        let attempt = job.attempts.saturating_add(1);
        let account = job.account.clone();
        let report = Box::new(Report { job, attempt, outcome, found });
        if let Err(report) = self.sink.take(report).await {
            tracing::debug!("the outcome of a call came after whoever waited for it had stopped");
            self.keep_settings(&account, report.found.and_then(|found| found.settings)).await;
        }
        self.load.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// A token that was renewed while the engine stopped replaces one that is worth nothing any more.
    async fn keep_settings(&self, account: &Account, renewed: Option<Secret<String>>) {
        let Some(settings) = renewed else { return };
        if let Err(error) = self.vault.put_settings(&self.merchant, account, settings.expose()).await {
            tracing::error!(channel.account = %account, %error, "the renewed access could not be kept");
        }
    }
}
