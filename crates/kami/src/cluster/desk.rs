//! What the node's other tasks see of its membership, and how they speak to it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use event_log_postgres::leases::{Node, Standing};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use vocabulary::MerchantId;

use super::held::Held;

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
    pub(super) events: mpsc::UnboundedSender<Event>,
    process: Arc<str>,
    lasts: Duration,
}

/// How things stood at an instant of this node's clock.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) standing: Arc<Standing>,
    pub(super) at: Option<Instant>,
}

impl Desk {
    /// A desk on which a membership puts what it sees and holds, and from which it hears.
    pub(super) fn new(
        standing: watch::Receiver<Look>,
        events: mpsc::UnboundedSender<Event>,
        process: &str,
        lasts: Duration,
    ) -> Self {
        Self { held: Arc::default(), standing, events, process: process.into(), lasts }
    }

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

    /// A merchant that this node serves, or is just handing over.
    pub(super) fn holder_of(&self, merchant: &MerchantId) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(merchant).cloned()
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

    pub(super) fn put(&self, held: Arc<Held>) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).insert(held.merchant.clone(), held);
        self.count();
    }

    pub(super) fn remove(&self, merchant: &MerchantId) -> Option<Arc<Held>> {
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
pub(super) enum Event {
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
