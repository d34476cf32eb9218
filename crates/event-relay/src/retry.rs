//! How long to wait before trying again.

use std::time::Duration;

/// Doubling waits between two bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Retry {
    pub(crate) fn between(least: Duration, most: Duration) -> Self {
        Self { least, most, next: least }
    }
    /// How long to wait now; the next time it is twice as long.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = self.next.saturating_mul(2).min(self.most);
        wait
    }
    /// Something went well.
    pub(crate) fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let ms = Duration::from_millis;
        let mut retry = Retry::between(ms(100), ms(300));
        assert_eq!([retry.wait(), retry.wait(), retry.wait()], [ms(100), ms(200), ms(300)]);
        assert_eq!(retry.wait(), ms(300));
        retry.reset();
        assert_eq!(retry.wait(), ms(100));
    }
}
