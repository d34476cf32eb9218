//! What the engine needs from outside: the time, new ids, and a way to call channels.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};
use vocabulary::Timestamp;

/// The time.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns at an instant, or never where time is advanced by hand.
    async fn sleep_until(&self, at: Timestamp);
    /// Whether time is advanced by hand: nothing then happens by itself, only by [`crate::Engine::settle`].
    fn is_manual(&self) -> bool {
        false
    }
}

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }
    async fn sleep_until(&self, at: Timestamp) {
        let micros = at.micros().saturating_sub(self.now().micros()).max(0);
        tokio::time::sleep(Duration::from_micros(micros.unsigned_abs())).await;
    }
}

/// A clock that stands still until it is set: for tests, and for building a world from a seed.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock at an instant.
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.micros()))
    }
    /// Moves the clock. It never goes back.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.fetch_max(at.micros(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
    async fn sleep_until(&self, _at: Timestamp) {
        std::future::pending::<()>().await;
    }
    fn is_manual(&self) -> bool {
        true
    }
}

/// New ids: time-ordered UUIDs (version 7).
pub trait Ids: Send + Sync + 'static {
    /// A new id; ids drawn later sort later.
    fn next(&self, now: Timestamp) -> Uuid;
}

/// Ids from the system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self, _now: Timestamp) -> Uuid {
        Uuid::now_v7()
    }
}

/// Ids from a seed: the same calls give the same ids.
pub struct SeededIds(Mutex<(StdRng, u64)>);

impl SeededIds {
    /// Ids that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new((StdRng::seed_from_u64(seed), 0)))
    }
}

impl Ids for SeededIds {
    fn next(&self, now: Timestamp) -> Uuid {
        let mut guard = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (rng, last) = &mut *guard;
        let millis = now.micros().max(0).unsigned_abs() / 1_000;
        *last = millis.max(*last);
        let mut random = [0; 10];
        rng.fill_bytes(&mut random);
        Builder::from_unix_timestamp_millis(*last, &random).into_uuid()
    }
}

/// Sends calls to channels.
#[async_trait]
pub trait Http: Send + Sync + 'static {
    /// Sends a request and reads the whole response: at most 1 MiB, no redirects followed.
    async fn send(
        &self,
        request: &OutboundRequest,
        timeout: Duration,
    ) -> Result<OutboundResponse, TransportFailure>;
}
