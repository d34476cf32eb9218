//! What this node has of each merchant: how it comes to serve one, and how it ceases to.

use std::sync::Arc;

use cluster::NewsKind;
use tokio::time::Instant;
use vocabulary::MerchantId;

use super::{
    desk::Event,
    held::Held,
    member::{Member, REST},
    tenure::Tenure,
    worker::WORK,
};

/// What this node has of a merchant.
pub(super) struct Seat {
    pub(super) term: u64,
    pub(super) tenure: Arc<Tenure>,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Opening,
    Serving,
    Leaving,
}

impl Member {
    /// Opens a merchant that was taken, beside everything else.
    pub(super) fn open(&mut self, merchant: MerchantId, term: u64, tenure: Arc<Tenure>) {
        tracing::info!(%merchant, term, "the merchant is being taken over");
        self.seats.insert(merchant.clone(), Seat { term, tenure: tenure.clone(), state: State::Opening });
        let (ground, leases, node) = (self.ground.clone(), self.leases.clone(), self.node.clone());
        let events = self.desk.events.clone();
        tokio::spawn(async move {
            let opened = async {
                if !ground.policy.calls_elsewhere
                    && let Some(worker) = leases.doing(WORK, &merchant).await?
                {
                    // It may have calls in hand that this node would make as well.
                    anyhow::bail!("worker {worker} makes its calls, and cluster.effects says that nodes do");
                }
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

    pub(super) fn opened(&mut self, merchant: MerchantId, term: u64, opened: anyhow::Result<Arc<Held>>) {
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
    pub(super) fn lose(&mut self, merchant: &MerchantId, term: u64, broken: bool) {
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

    pub(super) fn forget(&mut self, merchant: &MerchantId, term: u64) {
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
    pub(super) fn hand_over(&mut self, merchant: &MerchantId) {
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
}
