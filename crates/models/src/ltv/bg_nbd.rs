//! How often somebody will buy, from how often and when they did.

use std::collections::BTreeMap;

use crate::{FitError, simplex::minimise};

/// Fewer buyers than this are not fitted to.
const ROWS_MIN: usize = 10;

/// A buyer's purchases, in weeks or any other unit of time, the same for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History {
    /// Purchases after the first one.
    pub repeats: u32,
    /// From the first purchase to the last one; 0 where there was only one.
    pub last: f64,
    /// From the first purchase to the end of what was seen. At least `last`.
    pub seen: f64,
}

/// The model's parameters, all above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    /// The shape of the rates of buying.
    pub r: f64,
    /// Their scale, in units of time.
    pub alpha: f64,
    /// The first parameter of the probabilities of leaving.
    pub a: f64,
    /// The second one.
    pub b: f64,
}

impl BgNbd {
    /// The most likely parameters. The order of the buyers does not matter.
    pub fn fit(buyers: &[History]) -> Result<Self, FitError> {
        for (row, buyer) in buyers.iter().enumerate() {
            let is_possible = buyer.last >= 0.0 && buyer.last <= buyer.seen && buyer.seen.is_finite();
            if !is_possible {
                return Err(FitError::Impossible {
                    row,
                    why: "the last purchase is not within what was seen",
                });
            }
        }
        if buyers.len() < ROWS_MIN {
            return Err(FitError::TooFew { have: buyers.len(), needed: ROWS_MIN });
        }
        let groups = grouped(buyers);
        // Time is scaled so that the search begins near its end whatever the unit is.
        let longest = buyers.iter().map(|buyer| buyer.seen).fold(0.0, f64::max);
        let unit = if longest > 0.0 { longest / 10.0 } else { 1.0 };
        let (best, _) = minimise([0.0; 4], 0.3, 1e-8, |logs| {
            let model = Self::from_logs(logs, unit);
            -model.likelihood_of_groups(&groups) / buyers.len() as f64
        })?;
        Ok(Self::from_logs(&best, unit))
    }

    fn from_logs(logs: &[f64; 4], unit: f64) -> Self {
        let [r, alpha, a, b] = logs.map(libm::exp);
        Self { r, alpha: alpha * unit, a, b }
    }

    /// The logarithm of the probability of what was seen.
    pub fn log_likelihood(&self, buyers: &[History]) -> f64 {
        self.likelihood_of_groups(&grouped(buyers))
    }

    fn likelihood_of_groups(&self, groups: &[(History, f64)]) -> f64 {
        groups.iter().map(|(buyer, count)| count * self.log_probability(buyer)).sum()
    }

    fn log_probability(&self, buyer: &History) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let x = f64::from(buyer.repeats);
        let bought = libm::lgamma(r + x) - libm::lgamma(r) + r * libm::log(alpha);
        let stayed = libm::lgamma(a + b) + libm::lgamma(b + x) - libm::lgamma(b) - libm::lgamma(a + b + x);
        let is_here = -(r + x) * libm::log(alpha + buyer.seen);
        if buyer.repeats == 0 {
            return bought + stayed + is_here;
        }
        let has_left = libm::log(a) - libm::log(b + x - 1.0) - (r + x) * libm::log(alpha + buyer.last);
        let greater = is_here.max(has_left);
        bought + stayed + greater + libm::log(libm::exp(is_here - greater) + libm::exp(has_left - greater))
    }

    /// The probability that the buyer has not left for good. Somebody who bought once has not, by this model: people
    /// leave after a repeated purchase.
    pub fn p_alive(&self, buyer: &History) -> f64 {
        1.0 / (1.0 + self.odds_of_having_left(buyer))
    }

    fn odds_of_having_left(&self, buyer: &History) -> f64 {
        if buyer.repeats == 0 {
            return 0.0;
        }
        let x = f64::from(buyer.repeats);
        let waited = (self.alpha + buyer.seen) / (self.alpha + buyer.last);
        self.a / (self.b + x - 1.0) * libm::pow(waited, self.r + x)
    }

    /// The expected purchases of the buyer within the next `ahead` units of time.
    pub fn expected(&self, buyer: &History, ahead: f64) -> f64 {
        if ahead <= 0.0 {
            return 0.0;
        }
        let x = f64::from(buyer.repeats);
        // The formula divides by a - 1; next to 1 it is smooth, so a little beside it is near enough.
        let a = if (self.a - 1.0).abs() < 1e-6 { 1.0 + 1e-6 } else { self.a };
        let z = ahead / (self.alpha + buyer.seen + ahead);
        // ((α+T)/(α+T+t))^(r+x) · 2F1(r+x, b+x; a+b+x-1; z), by Euler's transformation, which keeps big x in bounds.
        let grown = libm::pow(1.0 - z, a - 1.0)
            * hypergeometric(a + self.b - 1.0 - self.r, a - 1.0, a + self.b + x - 1.0, z);
        let if_here = (a + self.b + x - 1.0) / (a - 1.0) * (1.0 - grown);
        (if_here / (1.0 + self.odds_of_having_left(buyer))).max(0.0)
    }
}

/// Gauss's 2F1(a, b; c; z) as its series, for 0 <= z < 1 and c > 0.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    const TERMS_MAX: u32 = 200_000;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 0..TERMS_MAX {
        let n = f64::from(n);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-15 * sum.abs() {
            break;
        }
    }
    sum
}

/// Equal histories together, in a fixed order.
fn grouped(buyers: &[History]) -> Vec<(History, f64)> {
    let mut groups: BTreeMap<(u32, u64, u64), (History, f64)> = BTreeMap::new();
    for buyer in buyers {
        // The bits of numbers that are not negative sort as the numbers do.
        let key = (buyer.repeats, buyer.last.to_bits(), buyer.seen.to_bits());
        groups.entry(key).or_insert((*buyer, 0.0)).1 += 1.0;
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CDNOW: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

    #[test]
    fn the_papers_own_example_is_met() {
        // Fader, Hardie and Lee: x = 2, t_x = 30.43, T = 38.86 gives 1.226 purchases in the next 39 weeks.
        let buyer = History { repeats: 2, last: 30.43, seen: 38.86 };
        assert!((CDNOW.expected(&buyer, 39.0) - 1.226).abs() < 0.001, "{}", CDNOW.expected(&buyer, 39.0));
        assert!((CDNOW.p_alive(&buyer) - 0.7266).abs() < 0.001, "{}", CDNOW.p_alive(&buyer));
    }

    #[test]
    fn the_series_is_gauss_function() {
        // 2F1(1, 1; 2; z) = -ln(1 - z)/z, and 2F1(a, b; b; z) = (1 - z)^-a.
        for z in [0.0_f64, 0.1, 0.5, 0.9, 0.99] {
            let known = if z == 0.0 { 1.0 } else { -(1.0 - z).ln() / z };
            assert!((hypergeometric(1.0, 1.0, 2.0, z) / known - 1.0).abs() < 1e-12, "{z}");
            assert!((hypergeometric(0.7, 3.0, 3.0, z) / (1.0 - z).powf(-0.7) - 1.0).abs() < 1e-12, "{z}");
        }
    }

    #[test]
    fn a_thousand_purchases_and_a_rate_of_one_stay_in_bounds() {
        let often = History { repeats: 1_000, last: 52.0, seen: 52.0 };
        let expected = CDNOW.expected(&often, 13.0);
        assert!((100.0..260.0).contains(&expected), "{expected}");
        // A week without any, and they are gone.
        assert!(CDNOW.expected(&History { last: 51.0, ..often }, 13.0) < 0.01);
        let at_one = BgNbd { a: 1.0, ..CDNOW };
        let beside = BgNbd { a: 1.001, ..CDNOW };
        let buyer = History { repeats: 3, last: 10.0, seen: 20.0 };
        assert!((at_one.expected(&buyer, 13.0) - beside.expected(&buyer, 13.0)).abs() < 0.001);
    }

    #[test]
    fn nothing_is_expected_of_no_time_and_one_purchase_is_alive() {
        let once = History { repeats: 0, last: 0.0, seen: 30.0 };
        assert_eq!((CDNOW.expected(&once, 0.0), CDNOW.p_alive(&once)), (0.0, 1.0));
    }

    #[test]
    fn impossible_histories_and_too_few_are_said() {
        let bad = History { repeats: 1, last: 3.0, seen: 2.0 };
        assert!(matches!(BgNbd::fit(&[bad]), Err(FitError::Impossible { row: 0, .. })));
        let one = History { repeats: 0, last: 0.0, seen: 2.0 };
        assert_eq!(BgNbd::fit(&[one; 9]), Err(FitError::TooFew { have: 9, needed: 10 }));
    }
}
