//! `kami worker effects`: makes the calls to channels of merchants that nodes serve. One worker at a time has a merchant's,
//! by a lease that PostgreSQL judges, as it does with nodes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use cluster::{AskError, Bus, Door, NewsKind};
use engine::{Http, Owner, SystemClock, Unreached, WorkEnded, WorkerOptions};
use event_log::LogError;
use event_log_postgres::leases::{Leases, Standing, Worker};
use futures::StreamExt;
use tokio::{
    sync::{Notify, watch},
    task::{AbortHandle, JoinError, JoinHandle},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use vault::{MerchantKeys, Vault};
use vocabulary::MerchantId;

use super::{
    calls::Calls,
    sealed::{EFFECTS, Sent},
    tenure::Tenure,
};
use crate::{
    channels,
    cli::say,
    commands::told_to_stop,
    config::{ClusterConfig, Config},
    http_client::HttpClient,
    node::open_vault,
    publishing,
};

/// How often a worker looks and renews, within the time of a lease.
const LOOKS: u32 = 5;
/// How much earlier than PostgreSQL it counts a lease as ended, as a part of its time.
const MARGIN: u32 = 8;
/// The name of the leases.
pub(super) const WORK: &str = "effects";
/// How long a merchant is left alone whose node makes its calls itself.
const REST: Duration = Duration::from_secs(5);
/// How long an answer of a node may take: longer than a node waits for a call to become due.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the calls of the configured merchants until told to stop.
pub(crate) async fn make_calls(config: &Config, cluster: &ClusterConfig) -> anyhow::Result<()> {
    let (Some(log_url), Some(servers)) = (&config.log_url, &config.nats_url) else {
        anyhow::bail!("cluster.node: a worker needs log_url and nats_url");
    };
    let name = format!("kami worker effects {}", cluster.node);
    let client = publishing::connect(servers, &name, config.nats_credentials_file.as_deref()).await?;
    let vault = open_vault(config.vault_place()?, &config.kek_file, None).await?;
    let leases = Leases::open(log_url.expose(), cluster.lease).await.context("the leases cannot be kept")?;
    let process = Uuid::now_v7().to_string();
    let (standing, _) = watch::channel(Arc::default());
    let bench = Bench {
        config: config.clone(),
        at_most: cluster.merchants_max as usize,
        leases,
        // News of a node of the same name are news all the same.
        bus: Bus::new(client, &process),
        worker: Worker { work: WORK, name: cluster.node.clone(), process },
        vault: vault.clone(),
        http: Arc::new(HttpClient::new()?),
        standing,
        changed: Arc::default(),
        seats: HashMap::new(),
        resting: HashMap::new(),
    };
    say(&format!("Calls to channels are made by worker {}", cluster.node));
    bench.run().await;
    vault.close().await;
    Ok(())
}

/// A worker and the merchants whose calls it makes.
struct Bench {
    config: Config,
    at_most: usize,
    leases: Leases,
    bus: Bus,
    worker: Worker,
    vault: Arc<Vault>,
    http: Arc<dyn Http>,
    standing: watch::Sender<Arc<Standing>>,
    /// Told when a look may find something.
    changed: Arc<Notify>,
    seats: HashMap<MerchantId, Seat>,
    /// Merchants that it leaves alone: until when.
    resting: HashMap<MerchantId, Instant>,
}

/// What a worker has of a merchant.
struct Seat {
    term: u64,
    tenure: Arc<Tenure>,
    stop: watch::Sender<bool>,
    work: AbortHandle,
    /// Ends after the work, and has said so.
    ended: JoinHandle<Result<WorkEnded, JoinError>>,
}

impl Bench {
    async fn run(mut self) {
        let hearing = tokio::spawn(hear(self.bus.clone(), self.changed.clone()));
        let mut tick = interval(self.leases.lasts() / LOOKS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = std::pin::pin!(told_to_stop());
        let mut stopping = false;
        while !(stopping && self.seats.is_empty()) {
            tokio::select! {
                _at = tick.tick() => {}
                () = self.changed.notified() => {}
                () = &mut told, if !stopping => {
                    stopping = true;
                    for seat in self.seats.values() {
                        seat.stop.send_replace(true);
                    }
                }
            }
            // The leases go on while calls that are out end.
            if let Err(error) = self.look(!stopping).await {
                tracing::warn!(%error, "the leases cannot be looked at; trying again");
            }
        }
        hearing.abort();
        self.leases.close().await;
    }

    async fn look(&mut self, takes: bool) -> Result<(), LogError> {
        let asked = Instant::now();
        let renewed = self.leases.renew_work(&self.worker).await?;
        for (merchant, seat) in &self.seats {
            if renewed.get(merchant) == Some(&seat.term) {
                seat.tenure.extend(asked + self.time());
            } else {
                tracing::warn!(%merchant, "the lease on the merchant's calls was lost");
                seat.tenure.end();
            }
        }
        self.standing.send_replace(Arc::new(self.leases.standing().await?));
        self.clear().await?;
        self.resting.retain(|_, until| *until > asked);
        let is_free = |merchant: &&MerchantId| {
            !self.seats.contains_key(*merchant) && !self.resting.contains_key(*merchant)
        };
        let free: Vec<MerchantId> = self.config.merchants.iter().filter(is_free).cloned().collect();
        for merchant in free {
            if takes && self.seats.len() < self.at_most {
                self.take(merchant).await?;
            }
        }
        Ok(())
    }

    /// Gives up what this worker has ended with. A merchant is taken again only after that, so that of one worker there
    /// are never two calls for one job.
    async fn clear(&mut self) -> Result<(), LogError> {
        let asked = Instant::now();
        let ended = self.seats.iter().filter(|(_, seat)| seat.work.is_finished());
        let ended: Vec<(MerchantId, u64)> =
            ended.map(|(merchant, seat)| (merchant.clone(), seat.term)).collect();
        for (merchant, term) in ended {
            self.leases.give_up_work(&self.worker, &merchant, term).await?;
            if let Some(seat) = self.seats.remove(&merchant)
                && !matches!(seat.ended.await, Ok(Ok(WorkEnded::Stopped | WorkEnded::LeaseOver)))
            {
                self.resting.insert(merchant.clone(), asked + REST);
            }
            self.bus.tell(NewsKind::Freed, Some(&merchant)).await;
        }
        Ok(())
    }

    async fn take(&mut self, merchant: MerchantId) -> Result<(), LogError> {
        let asked = Instant::now();
        let Some(term) = self.leases.take_work(&self.worker, &merchant).await? else { return Ok(()) };
        let keys = match self.vault.ensure_merchant(&merchant).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(%merchant, %error, "the vault has no key to seal with");
                return self.leases.give_up_work(&self.worker, &merchant, term).await;
            }
        };
        tracing::info!(%merchant, term, "the merchant's calls were taken over");
        let tenure = Tenure::until(asked + self.time());
        let owner = Line {
            merchant: merchant.clone(),
            bus: self.bus.clone(),
            keys,
            standing: self.standing.subscribe(),
            tenure: tenure.clone(),
        };
        let http = Calls { http: self.http.clone(), tenure: tenure.clone(), out: TaskTracker::new() };
        let options = WorkerOptions {
            merchant: merchant.clone(),
            vault: self.vault.clone(),
            http: Arc::new(http),
            clock: Arc::new(SystemClock),
            protocols: channels::PROTOCOLS,
            policy: self.config.policy().effects,
            owner: Arc::new(owner),
            term,
        };
        let (stop, stopped) = watch::channel(false);
        let (changed, working) = (self.changed.clone(), tokio::spawn(engine::make_calls(options, stopped)));
        let work = working.abort_handle();
        let ended = tokio::spawn(async move {
            let ended = working.await;
            changed.notify_one();
            ended
        });
        self.seats.insert(merchant, Seat { term, tenure, stop, work, ended });
        Ok(())
    }

    /// For how long a lease counts from when it was asked for.
    fn time(&self) -> Duration {
        self.leases.lasts() - self.leases.lasts() / MARGIN
    }
}

/// Has the worker look whenever a node or another worker tells something.
async fn hear(bus: Bus, changed: Arc<Notify>) {
    let Ok(news) = bus.news().await else { return };
    let mut news = std::pin::pin!(news);
    while news.next().await.is_some() {
        changed.notify_one();
    }
}

/// The way to a merchant's owner: the node that has its lease, over NATS.
struct Line {
    merchant: MerchantId,
    bus: Bus,
    keys: MerchantKeys,
    standing: watch::Receiver<Arc<Standing>>,
    tenure: Arc<Tenure>,
}

#[async_trait]
impl Owner for Line {
    async fn ask(&self, message: Vec<u8>) -> Result<Vec<u8>, Unreached> {
        tokio::select! {
            answered = self.asked(&message) => answered,
            () = self.tenure.over() => Err(Unreached::Away),
        }
    }

    fn holds(&self) -> bool {
        self.tenure.is_good()
    }
}

impl Line {
    async fn asked(&self, plain: &[u8]) -> Result<Vec<u8>, Unreached> {
        let (node, reads) = self.owner().ok_or(Unreached::Away)?;
        let mut sent =
            Sent::seal(EFFECTS, &self.keys, &self.merchant, reads, plain).map_err(|_| Unreached::TooLarge)?;
        let message = std::mem::take(&mut sent.message);
        match self.bus.ask(&node, Door::Effects, message, PATIENCE).await {
            Ok(answer) => sent.answer(&self.keys, &answer).ok_or(Unreached::Away),
            Err(AskError::TooLarge) => Err(Unreached::TooLarge),
            Err(error) => {
                tracing::debug!(merchant = %self.merchant, node, %error, "the merchant's node was not reached");
                Err(Unreached::Away)
            }
        }
    }

    /// The name of the node that serves the merchant, and the newest form of messages that it reads.
    fn owner(&self) -> Option<(String, i32)> {
        let standing = self.standing.borrow().clone();
        let lease = standing.leases.get(&self.merchant)?.as_ref().filter(|lease| lease.epoch.0 > 0)?;
        let node = standing.nodes.get(&lease.node)?;
        Some((node.name.clone(), node.protocol))
    }
}
