//! For how long this node may act for a merchant: as long as its lease holds, by the most cautious reckoning, and as long
//! as it has not begun to hand the merchant over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Where a tenure is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The node acts.
    Acting,
    /// It finishes what it began, and begins nothing.
    Leaving,
    /// It does nothing any more.
    Over,
}

/// One node's time with one merchant.
pub(super) struct Tenure {
    begun: Instant,
    /// Microseconds after `begun`.
    until: AtomicU64,
    phase: watch::Sender<Phase>,
}

impl Tenure {
    /// A tenure that holds until an instant, if it is not extended.
    pub(super) fn until(until: Instant) -> Arc<Self> {
        let tenure = Self {
            begun: Instant::now(),
            until: AtomicU64::new(0),
            phase: watch::Sender::new(Phase::Acting),
        };
        tenure.extend(until);
        Arc::new(tenure)
    }

    /// Extends it. An instant that was reckoned from before a question was sent can only be too early.
    pub(super) fn extend(&self, until: Instant) {
        let micros = until.saturating_duration_since(self.begun).as_micros();
        self.until.fetch_max(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Whether something may be begun.
    pub(super) fn is_good(&self) -> bool {
        *self.phase.borrow() == Phase::Acting && self.has_time()
    }

    /// Whether what was begun may go on.
    pub(super) fn holds(&self) -> bool {
        *self.phase.borrow() < Phase::Over && self.has_time()
    }

    /// Nothing new is begun from here on.
    pub(super) fn leave(&self) {
        self.advance(Phase::Leaving);
    }

    /// Nothing is done any more.
    pub(super) fn end(&self) {
        self.advance(Phase::Over);
    }

    /// Returns when it is over, by its end or for want of time.
    pub(super) async fn over(&self) {
        let mut phase = self.phase.subscribe();
        while self.has_time() {
            tokio::select! {
                // The sender is ours, so it is there.
                _there = phase.wait_for(|phase| *phase == Phase::Over) => return,
                () = sleep_until(self.ends_at()) => {}
            }
        }
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = to > *phase;
            *phase = to.max(*phase);
            later
        });
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.ends_at()
    }

    fn ends_at(&self) -> Instant {
        self.begun + Duration::from_micros(self.until.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_tenure_ends_when_its_time_is_up_unless_it_is_extended() {
        let start = Instant::now();
        let short = Tenure::until(start);
        assert!(!short.is_good() && !short.holds());
        short.over().await;
        let long = Tenure::until(start);
        long.extend(start + HOUR);
        long.extend(start);
        assert!(long.is_good() && long.holds());
        assert!(futures::poll!(std::pin::pin!(long.over())).is_pending());
    }

    #[tokio::test]
    async fn whoever_leaves_finishes_and_begins_nothing() {
        let tenure = Tenure::until(Instant::now() + HOUR);
        tenure.leave();
        assert!(!tenure.is_good() && tenure.holds());
        tenure.end();
        tenure.leave();
        assert!(!tenure.holds());
        tenure.over().await;
    }
}
