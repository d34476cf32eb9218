//! Whole numbers spread by weights, exactly.

/// Spreads `total` in proportion to `weights`: the parts add up to it exactly. What rounding leaves over goes to the
/// largest remainders, of equal ones to the earlier. Weights that are negative or no numbers count as nothing; where
/// nothing weighs anything, all weigh the same. A negative total is spread like a positive one. Without weights there
/// are no parts.
pub fn apportion(total: i64, weights: &[f64]) -> Vec<i64> {
    let clean = |weight: &f64| if weight.is_finite() && *weight > 0.0 { *weight } else { 0.0 };
    let mut weights: Vec<f64> = weights.iter().map(clean).collect();
    if weights.iter().all(|weight| *weight == 0.0) {
        weights.fill(1.0);
    }
    let greatest = weights.iter().copied().fold(0.0, f64::max);
    // Whole weights, so that the rest is exact: the greatest becomes 2^40.
    const GREATEST: f64 = (1_u64 << 40) as f64;
    let whole: Vec<i128> = weights.iter().map(|weight| (weight / greatest * GREATEST) as i128).collect();
    let sum: i128 = whole.iter().sum();
    if sum == 0 {
        return Vec::new();
    }
    let size = i128::from(total).abs();
    let mut parts: Vec<i128> = whole.iter().map(|weight| size * weight / sum).collect();
    let left = usize::try_from(size - parts.iter().sum::<i128>()).unwrap_or(0);
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|&place| (std::cmp::Reverse(size * whole[place] % sum), place));
    for place in by_remainder.into_iter().take(left) {
        parts[place] += 1;
    }
    let sign = i128::from(total.signum());
    parts.into_iter().map(|part| i64::try_from(sign * part).unwrap_or(total)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainders_and_then_to_the_earlier() {
        assert_eq!(apportion(100, &[1.0, 1.0, 1.0]), [34, 33, 33]);
        assert_eq!(apportion(-100, &[1.0, 1.0, 1.0]), [-34, -33, -33]);
        assert_eq!(apportion(10, &[0.25, 0.20, 0.30, 0.25]), [3, 2, 3, 2]);
        assert_eq!(apportion(7, &[0.0, f64::NAN, -3.0]), [3, 2, 2]);
        assert_eq!(apportion(7, &[]), Vec::<i64>::new());
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_within_one_of_their_share(
            total in -1_000_000_000_000..1_000_000_000_000_i64,
            weights in proptest::collection::vec(0.0..1e6_f64, 1..20),
        ) {
            let parts = apportion(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let sum: f64 = weights.iter().sum();
            if sum > 0.0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let share = total as f64 * weight / sum;
                    // A weight is kept to one part in 2^40 of the greatest, so a share of a big total is off by little.
                    prop_assert!((*part as f64 - share).abs() <= 1.0 + share.abs() * 1e-6 + total.abs() as f64 * 1e-11);
                }
            }
        }
    }
}
