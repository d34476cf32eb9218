//! How long answers took: percentiles of all of them, not of a sample.

use std::time::Duration;

use super::load::Answered;

/// The times of a run, sorted.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// The times of these answers.
    pub(crate) fn of(answered: &[Answered]) -> Self {
        Self::from(answered.iter().map(|one| one.took).collect::<Vec<_>>())
    }

    /// The time within which so many hundredths of the answers came, in milliseconds to the microsecond; 0 without
    /// answers.
    pub(crate) fn percentile_ms(&self, hundredths: usize) -> f64 {
        let rank = (self.0.len() * hundredths).div_ceil(100).max(1);
        self.0.get(rank - 1).map_or(0.0, |time| time.as_micros() as f64 / 1_000.0)
    }
}

impl From<Vec<Duration>> for Times {
    fn from(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_within_which_that_share_was_answered() {
        let times = Times((1..=200).map(Duration::from_millis).collect());
        assert_eq!(times.percentile_ms(50), 100.0);
        assert_eq!(times.percentile_ms(99), 198.0);
        assert_eq!(Times(vec![Duration::from_micros(1_500)]).percentile_ms(99), 1.5);
        assert_eq!(Times(Vec::new()).percentile_ms(50), 0.0);
    }
}
