//! What time alone makes due.

use events::Actor;
use vocabulary::Timestamp;

use super::Sequencer;
use crate::{EngineError, host::lock, unit::Cause};

impl Sequencer {
    pub(super) fn wake_at(&self) -> Timestamp {
        let stock = (!self.stock_dirty.is_empty())
            .then(|| self.stock_published_at.plus_millis(self.policy.stock_publish_every_ms));
        let due = lock(&self.desk).next_due();
        // With nothing due the next look is in a minute; a message comes before that anyway.
        [stock, due, self.next_poll(), self.next_renewal()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| self.now().plus_secs(60))
    }

    /// Does what time alone makes due.
    pub(super) async fn tick(&mut self) -> Result<(), EngineError> {
        let now = self.now();
        let due = lock(&self.desk).due(now);
        for stream in due {
            self.expire(&stream, now).await?;
        }
        let publish_at = self.stock_published_at.plus_millis(self.policy.stock_publish_every_ms);
        if !self.stock_dirty.is_empty() && (publish_at <= now || self.clock.is_manual()) {
            self.publish_stock(now).await?;
        }
        self.start_polls(now).await?;
        self.start_renewals(now).await
    }
}

pub(super) fn timer(name: &str) -> Cause {
    Cause { actor: Actor::timer(name), message: None, channel: None, occurred_at: None }
}
