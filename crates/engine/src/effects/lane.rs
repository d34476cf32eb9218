//! An account's lane: how many calls at once, how fast, and whether it is left alone for now.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use channel::Adapter;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use tokio::sync::Semaphore;
use vocabulary::{Account, Timestamp};

use super::breaker::Breaker;
use crate::ports::Clock;

pub(crate) struct Lane {
    pub(crate) places: Semaphore,
    pace: DefaultDirectRateLimiter,
    breaker: Mutex<Breaker>,
}

impl Lane {
    fn of(adapter: &dyn Adapter) -> Self {
        let limits = adapter.manifest().limits;
        let per_second = NonZeroU32::new(limits.calls_per_s).unwrap_or(NonZeroU32::MIN);
        Self {
            places: Semaphore::new(limits.concurrency.max(1) as usize),
            pace: RateLimiter::direct(governor::Quota::per_second(per_second)),
            breaker: Mutex::new(Breaker::default()),
        }
    }

    /// Returns when the account may be called as far as its pace goes. The pace is of real seconds, so nothing waits
    /// where time is driven by hand.
    pub(crate) async fn ready(&self, clock: &dyn Clock) {
        if !clock.is_manual() {
            self.pace.until_ready().await;
        }
    }

    /// Until when the account is left alone; `None` lets one call through.
    pub(crate) fn left_alone_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).wait_until(now)
    }

    /// A call ended: with an answer, whatever it said, or without.
    pub(crate) fn heard(&self, answered: bool, now: Timestamp) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            breaker.answered();
        } else {
            breaker.failed(now);
        }
    }
}

/// The lanes of all accounts.
#[derive(Default)]
pub(crate) struct Lanes(HashMap<Account, Arc<Lane>>);

impl Lanes {
    pub(crate) fn of(&mut self, adapter: &dyn Adapter) -> Arc<Lane> {
        self.0.entry(adapter.account().clone()).or_insert_with(|| Arc::new(Lane::of(adapter))).clone()
    }
}
