//! This node among the others: it says that it lives, renews its leases, and takes and hands over merchants so that all
//! are served and none of the nodes has more than its share.
//!
//! One task does so, a look at a time. Every node looks at the same tables and comes to the same shares, so they need
//! not agree on anything.

use std::{collections::HashMap, sync::Arc, time::Duration};

use cluster::{Bus, Candidate, NewsKind, place, rank};
use event_log::LogError;
use event_log_postgres::leases::{Leases, Node, Standing};
use futures::StreamExt;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use vocabulary::MerchantId;

use super::{
    desk::{Desk, Event, Look},
    ground::Ground,
    seats::{Seat, State},
    tenure::Tenure,
};

/// How often a node looks and renews, within the time of a lease.
const LOOKS: u32 = 5;
/// How much earlier than PostgreSQL this node counts a lease as ended, as a part of its time.
const MARGIN: u32 = 8;
/// How long this node leaves a merchant alone after it could not serve it.
pub(super) const REST: Duration = Duration::from_secs(1);
/// For how many looks a merchant must be another's share before it is handed over.
const PATIENT: u32 = 3;
/// How many merchants are handed over at once to keep the shares even.
const AT_ONCE: usize = 2;
/// How long a node that leaves waits for others to serve what it had: as long as a request waits here.
const OTHERS: Duration = Duration::from_secs(3);
/// How often the tokens are read anew that other nodes may have issued or revoked.
const TOKENS: Duration = Duration::from_secs(2);

/// The membership of a node.
pub(super) struct Member {
    pub(super) ground: Arc<Ground>,
    pub(super) leases: Arc<Leases>,
    pub(super) bus: Bus,
    pub(super) node: Node,
    pub(super) desk: Desk,
    standing: watch::Sender<Look>,
    events: mpsc::UnboundedReceiver<Event>,
    pub(super) seats: HashMap<MerchantId, Seat>,
    /// Merchants that this node could not serve: not before when it tries again.
    pub(super) resting: HashMap<MerchantId, Instant>,
    /// Since when nobody has a merchant.
    free_since: HashMap<MerchantId, Instant>,
    /// For how many looks a merchant of this node has been another's share.
    pub(super) unwanted: HashMap<MerchantId, u32>,
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
        let desk = Desk::new(seen, events, &node.process, leases.lasts());
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
