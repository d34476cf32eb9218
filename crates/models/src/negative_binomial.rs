//! The negative binomial distribution, by its mean and variance: counts that scatter more than a Poisson's.

/// Counts with a mean and a variance. Where the variance is not above the mean it is a Poisson distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativeBinomial {
    mean: f64,
    /// The size, infinite for a Poisson distribution: variance = mean + mean²/size.
    size: f64,
}

impl NegativeBinomial {
    /// By mean and variance. A negative mean, or one that is no number, counts as 0.
    pub fn new(mean: f64, variance: f64) -> Self {
        let mean = if mean.is_finite() { mean.max(0.0) } else { 0.0 };
        let over = variance - mean;
        let size = if over.is_finite() && over > 1e-9 * mean { mean * mean / over } else { f64::INFINITY };
        Self { mean, size }
    }
    /// By mean and size: variance = mean + mean²/size.
    pub fn with_size(mean: f64, size: f64) -> Self {
        Self::new(mean, mean + mean * mean / size)
    }
    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }
    /// The variance.
    pub fn variance(&self) -> f64 {
        self.mean + self.mean * self.mean / self.size
    }
    /// The size, infinite for a Poisson distribution.
    pub fn size(&self) -> f64 {
        self.size
    }

    /// The probability of a count.
    pub fn probability(&self, count: u64) -> f64 {
        if self.mean == 0.0 {
            return if count == 0 { 1.0 } else { 0.0 };
        }
        let n = count as f64;
        let log = if self.size.is_infinite() {
            n * libm::log(self.mean) - self.mean - libm::lgamma(n + 1.0)
        } else {
            libm::lgamma(n + self.size)
                - libm::lgamma(self.size)
                - libm::lgamma(n + 1.0)
                - self.size * libm::log1p(self.mean / self.size)
                + n * (libm::log(self.mean) - libm::log(self.size + self.mean))
        };
        libm::exp(log)
    }

    /// The least count that is not exceeded with each of the probabilities (each in 0..1, ascending). Counts stop at
    /// the mean and forty standard deviations.
    pub fn quantiles<const N: usize>(&self, probabilities: [f64; N]) -> [f64; N] {
        let reach = 40.0 * libm::sqrt(self.variance());
        let last = libm::ceil(self.mean + reach) as u64;
        // What lies below ten deviations weighs less than any probability that is asked for.
        let mut count = libm::floor(self.mean - reach / 4.0).max(0.0) as u64;
        let mut here = self.probability(count);
        let mut below = here;
        probabilities.map(|wanted| {
            while below < wanted && count < last {
                here *= self.step_up(count);
                below += here;
                count += 1;
            }
            count as f64
        })
    }

    /// How much likelier the next count is.
    fn step_up(&self, count: u64) -> f64 {
        let n = count as f64;
        if self.size.is_infinite() {
            self.mean / (n + 1.0)
        } else {
            (n + self.size) / (n + 1.0) * (self.mean / (self.size + self.mean))
        }
    }

    /// The least count that is not exceeded with a probability in 0..1.
    pub fn quantile(&self, probability: f64) -> f64 {
        self.quantiles([probability])[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_40_and_a_variance_of_120_have_the_known_quantiles() {
        let demand = NegativeBinomial::new(40.0, 120.0);
        assert_eq!(demand.quantiles([0.5, 0.8, 0.9, 0.95]), [39.0, 49.0, 54.0, 59.0]);
        assert!((demand.variance() - 120.0).abs() < 1e-9);
    }

    #[test]
    fn probabilities_add_up_and_have_the_mean_and_the_variance() {
        for (mean, variance) in [(0.3, 0.5), (8.0, 8.0), (40.0, 120.0), (3_000.0, 9_000.0)] {
            let demand = NegativeBinomial::new(mean, variance);
            let of = |value: &dyn Fn(f64) -> f64| {
                (0..20_000).map(|count| demand.probability(count) * value(count as f64)).sum::<f64>()
            };
            assert!((of(&|_| 1.0) - 1.0).abs() < 1e-8, "{mean}");
            assert!((of(&|n| n) / mean - 1.0).abs() < 1e-8, "{mean}");
            assert!((of(&|n| (n - mean) * (n - mean)) / variance - 1.0).abs() < 1e-6, "{mean}");
        }
    }

    #[test]
    fn a_poisson_distribution_is_its_limit() {
        // The shares of the classic table for a mean of 2.
        let demand = NegativeBinomial::new(2.0, 2.0);
        for (count, share) in [(0, 0.1353), (1, 0.2707), (2, 0.2707), (3, 0.1804), (4, 0.0902)] {
            assert!((demand.probability(count) - share).abs() < 5e-5, "{count}");
        }
    }

    #[test]
    fn nothing_is_expected_of_no_demand_and_large_demand_has_quantiles() {
        assert_eq!(NegativeBinomial::new(0.0, 0.0).quantiles([0.1, 0.95]), [0.0, 0.0]);
        assert_eq!(NegativeBinomial::new(f64::NAN, 1.0).quantile(0.9), 0.0);
        // Close to a normal distribution: 1.2816 deviations above the mean.
        let large = NegativeBinomial::new(1e6, 1e6).quantile(0.9);
        assert!((large - 1_001_282.0).abs() < 3.0, "{large}");
    }
}
