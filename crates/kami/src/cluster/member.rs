//! This node among the others: it says that it lives, renews its leases, and takes and hands over merchants so that all
//! are served and none of the nodes has more than its share.
//!
//! One task does so, a look at a time. Every node looks at the same tables and comes to the same shares, so they need
//! not agree on anything.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use cluster::{Bus, Candidate, NewsKind, place, rank};
use event_log::LogError;
use event_log_postgres::leases::{Leases, Node, Standing};
use futures::StreamExt;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use vocabulary::MerchantId;

use super::{ground::Ground, held::Held, tenure::Tenure};

/// How often a node looks and renews, within the time of a lease.
const LOOKS: u32 = 5;
/// How much earlier than PostgreSQL this node counts a lease as ended, as a part of its time.
const MARGIN: u32 = 8;
/// How long this node leaves a merchant alone after it could not serve it.
const REST: Duration = Duration::from_secs(1);
/// For how many looks a merchant must be another's share before it is handed over.
const PATIENT: u32 = 3;
/// How many merchants are handed over at once to keep the shares even.
const AT_ONCE: usize = 2;
/// How long a node that leaves waits for others to serve what it had: as long as a request waits here.
const OTHERS: Duration = Duration::from_secs(3);
/// How often the tokens are read anew that other nodes may have issued or revoked.
const TOKENS: Duration = Duration::from_secs(2);

/// Where a merchant's requests belong.
pub(super) enum Place {
    /// Here.
    Here(Arc<Held>),
    /// With another node.
    There(Box<Node>),
    /// With nobody at the moment, or with a node that is just taking it or handing it over.
    Nobody,
    /// Nowhere: no node knows such a merchant.
    Unknown,
}

/// What the node's other tasks see of the membership. Clones share it.
#[derive(Clone)]
pub(super) struct Desk {
    held: Arc<RwLock<BTreeMap<MerchantId, Arc<Held>>>>,
    standing: watch::Receiver<Look>,
    events: mpsc::UnboundedSender<Event>,
    process: Arc<str>,
    lasts: Duration,
}

/// How things stood at an instant of this node's clock.
#[derive(Clone)]
struct Look {
    standing: Arc<Standing>,
    at: Option<Instant>,
}

impl Desk {
    /// Where a merchant's requests belong, as far as this node knows.
    pub(super) fn place(&self, merchant: &MerchantId) -> Place {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).get(merchant).cloned();
        if let Some(held) = held {
            return if held.tenure.is_good() { Place::Here(held) } else { Place::Nobody };
        }
        let standing = self.standing.borrow().standing.clone();
        let Some(lease) = standing.leases.get(merchant) else {
            return if standing.leases.is_empty() { Place::Nobody } else { Place::Unknown };
        };
        let Some(lease) = lease else { return Place::Nobody };
        match standing.nodes.get(&lease.node) {
            // One that has just taken it is not ready yet; and what is this node's own by the tables alone is nobody's.
            Some(node) if lease.epoch.0 > 0 && *lease.process != *self.process => {
                Place::There(Box::new(node.clone()))
            }
            _ => Place::Nobody,
        }
    }

    /// The merchants that this node serves.
    pub(super) fn held(&self) -> Vec<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// How things stand; `None` where that has not been known for the time of a lease.
    pub(super) fn fresh(&self) -> Option<Arc<Standing>> {
        let look = self.standing.borrow();
        look.at.filter(|at| at.elapsed() < self.lasts).map(|_| look.standing.clone())
    }

    /// Returns when something may have changed.
    pub(super) async fn changed(&self) {
        let mut standing = self.standing.clone();
        standing.mark_unchanged();
        if standing.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Hands everything over, and returns when others serve it, so that who waits here has been passed on.
    pub(super) async fn leave(&self) {
        let (done, left) = oneshot::channel();
        if self.events.send(Event::Leave(done)).is_ok() {
            // A membership that has ended has left.
            let _ended = left.await;
        }
    }

    /// Ends the membership.
    pub(super) fn end(&self) {
        // One that has ended needs no telling.
        let _ended = self.events.send(Event::End);
    }

    /// Returns when another process than a node's serves a merchant, or nobody does.
    pub(super) async fn given_up(&self, merchant: &MerchantId, node: &Node) {
        let mut standing = self.standing.clone();
        let is_gone = |look: &Look| {
            let lease = look.standing.leases.get(merchant).and_then(Option::as_ref);
            lease.is_none_or(|lease| lease.process != node.process)
        };
        if standing.wait_for(is_gone).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn put(&self, held: Arc<Held>) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).insert(held.merchant.clone(), held);
        self.count();
    }

    fn remove(&self, merchant: &MerchantId) -> Option<Arc<Held>> {
        let held = self.held.write().unwrap_or_else(PoisonError::into_inner).remove(merchant);
        self.count();
        held
    }

    fn count(&self) {
        let count = self.held.read().unwrap_or_else(PoisonError::into_inner).len();
        metrics::gauge!("kami_cluster_merchants").set(count as f64);
    }
}

/// What happens to a membership.
enum Event {
    /// Something has changed somewhere.
    News,
    /// A merchant that was taken is served from now on, or cannot be.
    Opened(MerchantId, u64, anyhow::Result<Arc<Held>>),
    /// A merchant can be served no more: the engine broke down (true) or the time was up.
    Lost(MerchantId, u64, bool),
    /// A merchant was handed over.
    HandedOver(MerchantId, u64),
    /// The node is to hand over everything.
    Leave(oneshot::Sender<()>),
    /// The node is not a member any more.
    End,
}

/// What this node has of a merchant.
struct Seat {
    term: u64,
    tenure: Arc<Tenure>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Opening,
    Serving,
    Leaving,
}

/// The membership of a node.
pub(super) struct Member {
    ground: Arc<Ground>,
    leases: Arc<Leases>,
    bus: Bus,
    node: Node,
    desk: Desk,
    standing: watch::Sender<Look>,
    events: mpsc::UnboundedReceiver<Event>,
    seats: HashMap<MerchantId, Seat>,
    /// Merchants that this node could not serve: not before when it tries again.
    resting: HashMap<MerchantId, Instant>,
    /// Since when nobody has a merchant.
    free_since: HashMap<MerchantId, Instant>,
    /// For how many looks a merchant of this node has been another's share.
    unwanted: HashMap<MerchantId, u32>,
    tokens_read: Instant,
    leaving: Option<Leaving>,
    ended: bool,
}

/// A node that hands everything over.
struct Leaving {
    /// Told when others serve what it had.
    done: oneshot::Sender<()>,
    /// When it waits for them no longer.
    until: Instant,
}

impl Member {
    pub(super) fn new(ground: Arc<Ground>, leases: Arc<Leases>, bus: Bus, node: Node) -> (Self, Desk) {
        let (standing, seen) = watch::channel(Look { standing: Arc::default(), at: None });
        let (events, heard) = mpsc::unbounded_channel();
        let (process, lasts) = (node.process.as_str().into(), leases.lasts());
        let desk = Desk { held: Arc::default(), standing: seen, events, process, lasts };
        let member = Self {
            ground,
            leases,
            bus,
            node,
            desk: desk.clone(),
            standing,
            events: heard,
            seats: HashMap::new(),
            resting: HashMap::new(),
            free_since: HashMap::new(),
            unwanted: HashMap::new(),
            tokens_read: Instant::now(),
            leaving: None,
            ended: false,
        };
        (member, desk)
    }

    /// Runs until the node has left, or may not go on: another process has its name.
    pub(super) async fn run(mut self) -> anyhow::Result<()> {
        let listening = tokio::spawn(listen(self.bus.clone(), self.desk.events.clone()));
        let mut tick = interval(self.leases.lasts() / LOOKS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = loop {
            tokio::select! {
                _at = tick.tick() => {}
                event = self.events.recv() => {
                    let Some(event) = event else { break Ok(()) };
                    self.hear(event);
                    // What else has happened is seen by the same look.
                    while let Ok(event) = self.events.try_recv() {
                        self.hear(event);
                    }
                }
            }
            match self.look().await {
                Ok(true) => {}
                Ok(false) => {
                    break Err(anyhow::anyhow!("stopping: another process is node {}", self.node.name));
                }
                Err(error) => tracing::warn!(%error, "the leases cannot be looked at; trying again"),
            }
            self.tell_whoever_leaves();
            if self.ended {
                break Ok(());
            }
        };
        listening.abort();
        if let Err(error) = self.leases.leave(&self.node).await {
            tracing::warn!(%error, "the others see that this node is gone when its sign of life ends");
        }
        self.bus.tell(NewsKind::Nodes, None).await;
        ended
    }

    /// Says that the node has left, once others serve what it had, or do not.
    fn tell_whoever_leaves(&mut self) {
        let standing = self.standing.borrow().standing.clone();
        let is_served = standing.leases.values().flatten().filter(|lease| lease.epoch.0 > 0).count()
            == standing.leases.len();
        let left = self
            .leaving
            .take_if(|leaving| self.seats.is_empty() && (is_served || Instant::now() >= leaving.until));
        if let Some(left) = left {
            // Whoever asked may be gone.
            let _gone = left.done.send(());
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::News => {}
            Event::Opened(merchant, term, opened) => self.opened(merchant, term, opened),
            Event::Lost(merchant, term, broken) => self.lose(&merchant, term, broken),
            Event::HandedOver(merchant, term) => self.forget(&merchant, term),
            Event::Leave(done) => {
                self.node.takes = false;
                self.leaving = Some(Leaving { done, until: Instant::now() + OTHERS });
            }
            Event::End => self.ended = true,
        }
    }

    /// One look; false where another process has this node's name.
    async fn look(&mut self) -> Result<bool, LogError> {
        self.renew().await?;
        if !self.leases.live(&self.node).await? {
            return Ok(false);
        }
        let standing = Arc::new(self.leases.standing().await?);
        self.standing.send_replace(Look { standing: standing.clone(), at: Some(Instant::now()) });
        self.ground.follow(standing.leases.keys());
        self.read_tokens().await;
        if !self.node.takes {
            let all: Vec<MerchantId> = self.seats.keys().cloned().collect();
            all.iter().for_each(|merchant| self.hand_over(merchant));
            return Ok(true);
        }
        self.share(&standing).await?;
        Ok(true)
    }

    /// Renews all leases; what was not renewed is lost.
    async fn renew(&mut self) -> Result<(), LogError> {
        let asked = Instant::now();
        let renewed = self.leases.renew(&self.node).await?;
        let until = asked + self.time();
        let mut lost = Vec::new();
        for (merchant, seat) in &self.seats {
            match renewed.get(merchant) {
                Some(term) if *term == seat.term => seat.tenure.extend(until),
                // Somebody who leaves has given it up already.
                _ if seat.state == State::Leaving => {}
                _ => lost.push((merchant.clone(), seat.term)),
            }
        }
        for (merchant, term) in lost {
            self.lose(&merchant, term, false);
        }
        Ok(())
    }

    /// Takes what is free and this node's share, and hands over what is another's.
    async fn share(&mut self, standing: &Standing) -> Result<(), LogError> {
        let taking: Vec<&Node> = standing.nodes.values().filter(|node| node.takes).collect();
        let candidates: Vec<Candidate<'_>> = taking
            .iter()
            .map(|node| Candidate {
                name: &node.name,
                merchants: &node.merchants,
                at_most: node.at_most as usize,
            })
            .collect();
        let placed = place(standing.leases.keys(), &candidates);
        let mut leaving = self.seats.values().filter(|seat| seat.state == State::Leaving).count();
        for (merchant, lease) in &standing.leases {
            let wanted = placed.get(merchant).copied();
            let is_ours = wanted == Some(self.node.name.as_str());
            match (lease, self.seats.get(merchant).map(|seat| seat.state)) {
                (None, None) => self.take_if_due(merchant, is_ours, &candidates).await?,
                (Some(lease), None) => {
                    self.free_since.remove(merchant);
                    if lease.process == self.node.process {
                        self.leases.give_up(&self.node, merchant, lease.term).await?;
                    }
                }
                (_, Some(State::Serving)) if !is_ours && wanted.is_some() => {
                    let looks = self.unwanted.entry(merchant.clone()).or_default();
                    *looks += 1;
                    if *looks >= PATIENT && leaving < AT_ONCE {
                        leaving += 1;
                        self.hand_over(merchant);
                    }
                }
                (_, Some(_)) => drop(self.unwanted.remove(merchant)),
            }
        }
        Ok(())
    }

    /// Takes a free merchant: at once where it is this node's share, and later where whoever should have taken it did
    /// not.
    async fn take_if_due(
        &mut self,
        merchant: &MerchantId,
        is_ours: bool,
        candidates: &[Candidate<'_>],
    ) -> Result<(), LogError> {
        let now = Instant::now();
        let since = *self.free_since.entry(merchant.clone()).or_insert(now);
        let ranked = rank(merchant, candidates);
        let Some(turn) = ranked.iter().position(|node| node.name == self.node.name) else { return Ok(()) };
        let turn = if is_ours { 0 } else { u32::try_from(turn).unwrap_or(u32::MAX).saturating_add(1) };
        let rests = self.resting.get(merchant).is_some_and(|until| *until > now);
        let is_full = self.seats.len() >= self.node.at_most as usize;
        if rests || is_full || now.duration_since(since) < self.leases.lasts().saturating_mul(turn) / 2 {
            return Ok(());
        }
        if let Some(term) = self.leases.take(&self.node, merchant).await? {
            self.free_since.remove(merchant);
            self.open(merchant.clone(), term, Tenure::until(now + self.time()));
        }
        Ok(())
    }

    /// Opens a merchant that was taken, beside everything else.
    fn open(&mut self, merchant: MerchantId, term: u64, tenure: Arc<Tenure>) {
        tracing::info!(%merchant, term, "the merchant is being taken over");
        self.seats.insert(merchant.clone(), Seat { term, tenure: tenure.clone(), state: State::Opening });
        let (ground, leases, node) = (self.ground.clone(), self.leases.clone(), self.node.clone());
        let events = self.desk.events.clone();
        tokio::spawn(async move {
            let opened = async {
                let held = Held::open(&ground, &merchant, term, tenure.clone()).await?;
                if leases.serve(&node, &merchant, term, held.epoch).await? && tenure.holds() {
                    return Ok(held);
                }
                held.abandon();
                anyhow::bail!("the lease ended before the merchant was taken over")
            };
            let opened = opened.await;
            // A membership that has ended needs no more.
            let _gone = events.send(Event::Opened(merchant, term, opened));
        });
    }

    fn opened(&mut self, merchant: MerchantId, term: u64, opened: anyhow::Result<Arc<Held>>) {
        let held = match opened {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%merchant, error = format!("{error:#}"), "the merchant could not be taken over");
                return self.lose(&merchant, term, true);
            }
        };
        let seat = self.seats.get_mut(&merchant).filter(|seat| seat.term == term && seat.tenure.holds());
        let Some(seat) = seat else { return held.abandon() };
        seat.state = State::Serving;
        tracing::info!(%merchant, term, epoch = %held.epoch, "the merchant is served by this node");
        metrics::counter!("kami_cluster_taken_total").increment(1);
        self.desk.put(held.clone());
        let (events, bus) = (self.desk.events.clone(), self.bus.clone());
        tokio::spawn(async move {
            bus.tell(NewsKind::Serves, Some(&merchant)).await;
            let broken = held.lost().await;
            // A membership that has ended needs no more.
            let _gone = events.send(Event::Lost(merchant, term, broken));
        });
    }

    /// Drops a merchant at once: what others do with it must not meet this node.
    fn lose(&mut self, merchant: &MerchantId, term: u64, broken: bool) {
        if self.seats.get(merchant).is_none_or(|seat| seat.term != term || seat.state == State::Leaving) {
            return;
        }
        tracing::warn!(%merchant, term, broken, "the merchant is served by this node no more");
        metrics::counter!("kami_cluster_lost_total").increment(1);
        self.forget(merchant, term);
        self.resting.insert(merchant.clone(), Instant::now() + REST);
        let (leases, node, merchant) = (self.leases.clone(), self.node.clone(), merchant.clone());
        tokio::spawn(async move {
            // Where this fails the lease ends by itself.
            if let Err(error) = leases.give_up(&node, &merchant, term).await {
                tracing::debug!(%merchant, %error, "the lease was not given up");
            }
        });
    }

    fn forget(&mut self, merchant: &MerchantId, term: u64) {
        if self.seats.get(merchant).is_none_or(|seat| seat.term != term) {
            return;
        }
        if let Some(seat) = self.seats.remove(merchant) {
            seat.tenure.end();
        }
        self.unwanted.remove(merchant);
        if let Some(held) = self.desk.remove(merchant) {
            held.abandon();
        }
    }

    /// Begins to hand a merchant over that is served here.
    fn hand_over(&mut self, merchant: &MerchantId) {
        let Some(seat) = self.seats.get_mut(merchant).filter(|seat| seat.state == State::Serving) else {
            return;
        };
        let held = self.desk.held().into_iter().find(|held| held.merchant == *merchant);
        let Some(held) = held else { return };
        seat.state = State::Leaving;
        let (leases, node, bus) = (self.leases.clone(), self.node.clone(), self.bus.clone());
        let (events, term) = (self.desk.events.clone(), seat.term);
        tokio::spawn(async move {
            let took = held.hand_over().await;
            metrics::histogram!("kami_cluster_hand_over_seconds").record(took.as_secs_f64());
            tracing::info!(merchant = %held.merchant, ms = took.as_millis(), "the merchant is handed over");
            if let Err(error) = leases.give_up(&node, &held.merchant, term).await {
                tracing::warn!(%error, "the lease was not given up; it ends by itself");
            }
            bus.tell(NewsKind::Freed, Some(&held.merchant)).await;
            // A membership that has ended needs no more.
            let _gone = events.send(Event::HandedOver(held.merchant.clone(), term));
        });
    }

    async fn read_tokens(&mut self) {
        if self.tokens_read.elapsed() < TOKENS {
            return;
        }
        self.tokens_read = Instant::now();
        if let Err(error) = self.ground.vault.reload_tokens().await {
            tracing::warn!(%error, "the tokens cannot be read anew");
        }
    }

    /// For how long a lease counts from when it was asked for.
    fn time(&self) -> Duration {
        self.leases.lasts() - self.leases.lasts() / MARGIN
    }
}

/// Has the membership look whenever another node tells something.
async fn listen(bus: Bus, events: mpsc::UnboundedSender<Event>) {
    bus.tell(NewsKind::Nodes, None).await;
    let Ok(news) = bus.news().await else { return };
    let mut news = std::pin::pin!(news);
    while news.next().await.is_some() && events.send(Event::News).is_ok() {}
}
