//! The time of the living world. While it is built, time stands still between steps
//! ([`engine::ManualClock`]).

use std::time::{Duration, Instant};

use async_trait::async_trait;
use engine::Clock;
use vocabulary::Timestamp;

/// How many seconds pass in the living world while one passes outside.
pub(crate) const SPEED: u32 = 60;

/// A clock that goes on from an instant, [`SPEED`] times as fast as the computer's.
#[derive(Debug)]
pub(crate) struct LiveClock {
    from: Timestamp,
    began: Instant,
}

impl LiveClock {
    /// A clock that shows `from` now.
    pub(crate) fn from(from: Timestamp) -> Self {
        Self { from, began: Instant::now() }
    }
}

#[async_trait]
impl Clock for LiveClock {
    fn now(&self) -> Timestamp {
        let micros = self.began.elapsed().as_micros().saturating_mul(u128::from(SPEED));
        let passed = i64::try_from(micros).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.from.micros().saturating_add(passed))
    }
    async fn sleep_until(&self, at: Timestamp) {
        let micros = at.micros().saturating_sub(self.now().micros()).max(0).unsigned_abs();
        tokio::time::sleep(Duration::from_micros(micros) / SPEED).await;
    }
}
