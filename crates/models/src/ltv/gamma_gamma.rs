//! How much somebody will spend at a time, from how much they did.

use std::collections::BTreeMap;

use crate::{FitError, simplex::minimise};

/// Fewer buyers than this are not fitted to.
const ROWS_MIN: usize = 10;

/// What a buyer spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spending {
    /// Over how many purchases; 0 where nothing is known.
    pub purchases: u32,
    /// On average, in any unit of money; above 0.
    pub mean: f64,
}

/// The model's parameters, all above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    /// The shape of what one buyer spends at a time.
    pub p: f64,
    /// The shape of the buyers' own values.
    pub q: f64,
    /// Their scale, in units of money.
    pub v: f64,
}

impl GammaGamma {
    /// The most likely parameters, from those buyers of whom something is known. The order does not matter.
    pub fn fit(buyers: &[Spending]) -> Result<Self, FitError> {
        let known: Vec<Spending> = buyers.iter().copied().filter(|buyer| buyer.purchases > 0).collect();
        if let Some(row) =
            buyers.iter().position(|it| it.purchases > 0 && !(it.mean > 0.0 && it.mean.is_finite()))
        {
            return Err(FitError::Impossible { row, why: "what was spent is not above 0" });
        }
        if known.len() < ROWS_MIN {
            return Err(FitError::TooFew { have: known.len(), needed: ROWS_MIN });
        }
        let groups = grouped(&known);
        let spent: f64 = groups.iter().map(|(buyer, count)| count * buyer.mean).sum();
        let unit = spent / known.len() as f64;
        let (best, _) = minimise([1.0, 1.0, 0.0], 0.3, 1e-8, |logs| {
            let model = Self::from_logs(logs, unit);
            -groups.iter().map(|(buyer, count)| count * model.log_density(buyer)).sum::<f64>()
                / known.len() as f64
        })?;
        Ok(Self::from_logs(&best, unit))
    }

    fn from_logs(logs: &[f64; 3], unit: f64) -> Self {
        let [p, q, v] = logs.map(libm::exp);
        Self { p, q, v: v * unit }
    }

    fn log_density(&self, buyer: &Spending) -> f64 {
        let Self { p, q, v } = *self;
        let (x, mean) = (f64::from(buyer.purchases), buyer.mean);
        libm::lgamma(p * x + q) - libm::lgamma(p * x) - libm::lgamma(q)
            + q * libm::log(v)
            + (p * x - 1.0) * libm::log(mean)
            + p * x * libm::log(x)
            - (p * x + q) * libm::log(x * mean + v)
    }

    /// What the buyer is expected to spend at a time: their own average, drawn towards everybody's the less of them is
    /// known. Without an average (q <= 1) of everybody's, their own where there is one.
    pub fn expected(&self, buyer: &Spending) -> f64 {
        let x = f64::from(buyer.purchases);
        let spread = self.p * x + self.q - 1.0;
        if spread <= 0.0 || (buyer.purchases == 0 && self.q <= 1.0) {
            return if buyer.purchases > 0 { buyer.mean } else { 0.0 };
        }
        self.p * (self.v + x * buyer.mean) / spread
    }
}

/// Equal buyers together, in a fixed order.
fn grouped(buyers: &[Spending]) -> Vec<(Spending, f64)> {
    let mut groups: BTreeMap<(u32, u64), (Spending, f64)> = BTreeMap::new();
    for buyer in buyers {
        // The bits of numbers that are not negative sort as the numbers do.
        groups.entry((buyer.purchases, buyer.mean.to_bits())).or_insert((*buyer, 0.0)).1 += 1.0;
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_own_parameters_give_its_example() {
        // Fader and Hardie (2013), CDNOW: p 6.25, q 3.74, v 15.44; everybody's average is p·v/(q-1).
        let model = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
        assert!((model.expected(&Spending { purchases: 0, mean: 0.0 }) - 35.22).abs() < 0.05);
        // One purchase of 20 counts for much, but not for all; a hundred count for nearly all.
        let one = model.expected(&Spending { purchases: 1, mean: 20.0 });
        assert!((one - (6.25 * (15.44 + 20.0) / 8.99)).abs() < 1e-9 && one > 20.0, "{one}");
        assert!((model.expected(&Spending { purchases: 100, mean: 20.0 }) - 20.0).abs() < 0.1);
    }

    #[test]
    fn without_a_common_average_only_ones_own_counts() {
        let model = GammaGamma { p: 2.0, q: 0.5, v: 10.0 };
        assert_eq!(model.expected(&Spending { purchases: 0, mean: 0.0 }), 0.0);
        assert!(model.expected(&Spending { purchases: 4, mean: 25.0 }) > 25.0);
    }

    #[test]
    fn impossible_spending_and_too_little_are_said() {
        let free = Spending { purchases: 1, mean: 0.0 };
        assert!(matches!(GammaGamma::fit(&[free]), Err(FitError::Impossible { row: 0, .. })));
        let unknown = Spending { purchases: 0, mean: 0.0 };
        assert_eq!(GammaGamma::fit(&[unknown; 50]), Err(FitError::TooFew { have: 0, needed: 10 }));
    }
}
