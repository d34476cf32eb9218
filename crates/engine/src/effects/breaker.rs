//! A circuit breaker: after a row of failures an account is left alone for a while, then tried with one call.

use vocabulary::Timestamp;

/// Consecutive failures that open it.
const FAILURES: u32 = 5;
/// How long it stays open, in seconds.
const OPEN_SECS: i64 = 30;

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breaker {
    /// When the next call may go out; `None` means now. Asking after the pause lets one call through.
    pub(crate) fn wait_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        let until = self.open_until?;
        if now < until {
            return Some(until);
        }
        self.open_until = Some(now.plus_secs(OPEN_SECS));
        None
    }
    /// The channel answered, whatever it said.
    pub(crate) fn answered(&mut self) {
        *self = Self::default();
    }
    /// The channel did not answer.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.open_until = Some(now.plus_secs(OPEN_SECS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_five_failures_and_lets_one_call_through_after_the_pause() {
        let mut breaker = Breaker::default();
        let t0 = Timestamp::from_secs(1_000);
        for _ in 0..FAILURES {
            assert_eq!(breaker.wait_until(t0), None);
            breaker.failed(t0);
        }
        assert_eq!(breaker.wait_until(t0), Some(t0.plus_secs(OPEN_SECS)));
        let later = t0.plus_secs(OPEN_SECS);
        assert_eq!(breaker.wait_until(later), None, "one call goes through");
        assert!(breaker.wait_until(later).is_some(), "and only one");
        breaker.answered();
        assert_eq!(breaker.wait_until(later), None);
    }
}
