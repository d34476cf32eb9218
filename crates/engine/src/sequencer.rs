//! One task that decides for one merchant, one command at a time, with the merchant's state in memory. While a
//! batch is being synced it already decides the next; it never waits for the log except to look old things up.

mod answer;
mod commands;
mod history;
mod jobs;
mod lookup;
mod message;
mod operate;
mod orders;
mod polls;
mod procurements;
mod renewals;
mod reports;
mod stock;
mod time;

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::Arc,
};

use channel::{Protocol, Reply};
use domain::{
    Rejection, buyer::Buyer, channel::Channel, journal::Journal, order::Order, pool::Pool, price::PriceBook,
    procurement::Procurement, sku::SkuDefinition,
};
use event_log::{EventLog, Head, NumberKind};
use events::Fact;
use lru::LruCache;
use tokio::sync::{mpsc, watch};
use vault::{MerchantKeys, PollMark, Vault};
use vocabulary::{MerchantId, OrderId, Sku, Timestamp};

use crate::{
    EngineError, Policy,
    adapters::Adapters,
    effects::JobKey,
    host::{Host, HostError, SharedDesk, lock},
    ports::{Clock, Ids},
    unit::{self, Cause},
    upkeep::Board,
    work::{Passed, Staged, Work},
};

/// How many works are decided before the next look-ups.
const BATCH: usize = 256;
/// How many recent answers and numbers are kept in memory; far more than can be on their way to the log at once.
const RECENT: NonZeroUsize = match NonZeroUsize::new(65_536) {
    Some(n) => n,
    None => NonZeroUsize::MIN,
};

/// A message that was answered not long ago, or is being answered.
#[derive(Clone)]
struct Recent {
    content_hash: [u8; 32],
    answer: watch::Receiver<Option<Arc<Reply>>>,
}

type NumberKey = (NumberKind, String, String);

/// The hosts of all deciders.
struct Hosts {
    skus: Host<SkuDefinition>,
    pools: Host<Pool>,
    prices: Host<PriceBook>,
    channels: Host<Channel>,
    buyers: Host<Buyer>,
    orders: Host<Order>,
    procurements: Host<Procurement>,
    journals: Host<Journal>,
}

pub(crate) struct Sequencer {
    merchant: MerchantId,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    adapters: Arc<Adapters>,
    vault: Arc<Vault>,
    keys: MerchantKeys,
    policy: Policy,
    desk: SharedDesk,
    hosts: Hosts,
    head: Head,
    writer: mpsc::Sender<Staged>,
    recent: LruCache<String, Recent>,
    recent_numbers: LruCache<NumberKey, OrderId>,
    /// Orders that were refused for want of keys not long ago, and are told of once.
    refused_lately: LruCache<NumberKey, ()>,
    looked_up: lookup::LookedUp,
    /// Calls that are queued or under way.
    scheduled: HashSet<JobKey>,
    /// Calls that are to wait: not before when.
    delayed: HashMap<JobKey, Timestamp>,
    /// SKUs whose availability changed since stock was last published.
    stock_dirty: HashSet<Sku>,
    stock_published_at: Timestamp,
    snapshot_due_at: u64,
    polls: polls::Polls,
    renewals: renewals::Renewals,
    protocols: &'static [Protocol],
    board: Arc<Board>,
    /// Calls that were handed out since the last look.
    handed: usize,
}

/// What the sequencer starts from.
pub(crate) struct Start {
    pub(crate) merchant: MerchantId,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) adapters: Arc<Adapters>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) keys: MerchantKeys,
    pub(crate) policy: Policy,
    pub(crate) desk: SharedDesk,
    pub(crate) head: Head,
    pub(crate) writer: mpsc::Sender<Staged>,
    pub(crate) marks: Vec<PollMark>,
    pub(crate) board: Arc<Board>,
    pub(crate) protocols: &'static [Protocol],
}

impl Sequencer {
    pub(crate) fn new(start: Start) -> Self {
        let desk = start.desk;
        let hosts = Hosts {
            skus: Host::new(&desk),
            pools: Host::new(&desk),
            prices: Host::new(&desk),
            channels: Host::new(&desk),
            buyers: Host::new(&desk),
            orders: Host::new(&desk),
            procurements: Host::new(&desk),
            journals: Host::new(&desk),
        };
        Self {
            snapshot_due_at: start.head.position.0 + start.policy.snapshot_every,
            merchant: start.merchant,
            log: start.log,
            clock: start.clock,
            ids: start.ids,
            adapters: start.adapters,
            vault: start.vault,
            keys: start.keys,
            policy: start.policy,
            desk,
            hosts,
            head: start.head,
            writer: start.writer,
            recent: LruCache::new(RECENT),
            recent_numbers: LruCache::new(RECENT),
            refused_lately: LruCache::new(RECENT),
            looked_up: lookup::LookedUp::default(),
            scheduled: HashSet::new(),
            delayed: HashMap::new(),
            stock_dirty: HashSet::new(),
            stock_published_at: Timestamp::default(),
            polls: polls::Polls::new(start.marks),
            renewals: renewals::Renewals::default(),
            protocols: start.protocols,
            board: start.board,
            handed: 0,
        }
    }

    /// Runs until every sender of work is gone.
    pub(crate) async fn run(mut self, mut works: mpsc::Receiver<Work>) -> Result<(), EngineError> {
        self.take_up_pending().await?;
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.polls.refresh(&self.adapters);
            self.renewals.refresh(&self.adapters);
            let wake = self.wake_at();
            let clock = self.clock.clone();
            tokio::select! {
                biased;
                count = works.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                }
                () = clock.sleep_until(wake) => {
                    self.tick().await?;
                    continue;
                }
            }
            let wanted = self.wanted(&batch);
            self.look_up(wanted).await?;
            for work in batch.drain(..) {
                self.handle(work).await?;
            }
            if self.head.position.0 >= self.snapshot_due_at {
                self.snapshot().await;
            }
            // A queue that is never empty must not starve timers.
            if !self.clock.is_manual() && wake <= self.clock.now() {
                self.tick().await?;
            }
        }
        self.snapshot().await;
        Ok(())
    }

    async fn handle(&mut self, work: Work) -> Result<(), EngineError> {
        match work {
            Work::Message(work) => self.message(*work).await.map(|_| ()),
            Work::Refused(work) => self.refused(*work).await,
            Work::Operator(work) => self.operator(*work).await,
            Work::Report(report) => self.report(*report).await,
            Work::Tick(done) => {
                let before = self.head.position;
                self.tick().await?;
                let did = self.head.position != before || std::mem::take(&mut self.handed) > 0;
                let told = (did, self.head.position);
                let passed: Passed = Box::new(move || {
                    // Nobody waits any more where the receiver is gone.
                    let _gone = done.send(told);
                });
                let staged = Staged { passed: Some(passed), ..Staged::default() };
                self.writer.send(staged).await.map_err(|_| EngineError::Stopped)
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Seals what is staged and sends the unit to the writer.
    async fn commit(&mut self, cause: &Cause, mut staged: Staged) -> Result<(), EngineError> {
        let now = self.now();
        let (events, pools, mut orders, procurements, resumed) = {
            let mut desk = lock(&self.desk);
            let mut pools: Vec<Sku> = Vec::new();
            let mut orders: Vec<OrderId> = Vec::new();
            let mut channels = Vec::new();
            let mut procurements = Vec::new();
            let mut resumed = None;
            for (stream, fact) in &desk.staged {
                if let Fact::ChannelResumed(e) = fact {
                    resumed = Some(e.account.clone());
                }
                match stream.kind() {
                    "pool" => pools.extend(stream.key().parse::<Sku>().ok()),
                    "order" => orders.extend(stream.as_str().parse::<OrderId>().ok()),
                    // A refusal leaves nothing to be called about; there may be thousands a second.
                    "channel" if !matches!(fact, Fact::AttemptRefused(_)) => channels.push(stream.clone()),
                    "procurement" => procurements.push(stream.clone()),
                    _ => {}
                }
            }
            orders.dedup();
            let events = unit::seal(&mut desk, &self.merchant, &mut self.head, cause, now)
                .map_err(EngineError::Serialise)?;
            for stream in channels {
                let account = desk.channels.get(&stream).and_then(|e| e.state.connected().cloned());
                staged.jobs.extend(
                    account
                        .map(|c| jobs::ChannelJobs(c.account))
                        .into_iter()
                        .flat_map(|c| c.pending(&desk, self.head.position.0)),
                );
            }
            (events, pools, orders, procurements, resumed)
        };
        orders.extend(resumed.into_iter().flat_map(|account| self.open_orders_of(&account)));
        for order in orders {
            self.order_jobs(&order, &mut staged.jobs);
        }
        staged.jobs.extend(procurements.iter().filter_map(|stream| self.procurement_job(stream, false)));
        self.keep_new_jobs(&mut staged.jobs);
        self.stock_dirty.extend(pools);
        if events.is_empty() {
            self.forget_numbers(&mut staged);
        }
        staged.events = events;
        self.handed += staged.jobs.len();
        self.writer.send(staged).await.map_err(|_| EngineError::Stopped)
    }

    async fn snapshot(&mut self) {
        self.snapshot_due_at = self.head.position.0 + self.policy.snapshot_every;
        let state = lock(&self.desk).save();
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!(%error, "no snapshot: the state could not be written");
                return;
            }
        };
        let (position, hash) = (self.head.position, self.head.hash);
        let snapshot = event_log::Snapshot { position, hash, shape: crate::hot::SHAPE.to_owned(), state };
        // A snapshot ahead of the log after a crash is not used: its position and hash are not in the log.
        if let Err(error) = self.log.save_snapshot(&self.merchant, &snapshot).await {
            tracing::warn!(%error, "no snapshot: the next start replays more of the log");
        }
    }
}

/// A business "no" goes to the caller; anything else stops the process.
fn settle(result: Result<(), HostError>) -> Result<Result<(), Rejection>, EngineError> {
    match result {
        Ok(()) => Ok(Ok(())),
        Err(HostError::Rejected(rejection)) => Ok(Err(rejection)),
        Err(HostError::Broken(what)) => Err(EngineError::Broken(what)),
    }
}
