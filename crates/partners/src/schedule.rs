//! When a delivery is tried again, and when it is put aside.

use vocabulary::Timestamp;

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The partner took it.
    Taken,
    /// It did not, or nobody knows.
    Failed {
        /// What happened, without anything of the partner's answer but its status.
        why: String,
        /// When the partner wants it again, in seconds.
        retry_after: Option<u64>,
    },
    /// The partner says that nobody wants it there any more (410).
    Gone,
}

/// How often a delivery is tried before it is put aside.
pub const ATTEMPTS_MAX: u32 = 10;

/// The wait after each failed try, in seconds: about three days in all.
const WAITS: [i64; ATTEMPTS_MAX as usize - 1] =
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// A partner is not obeyed beyond this.
const WAIT_MAX: i64 = 86_400;

/// When to try again after so many failed tries; `None` where that was the last. The wait is longer by up to a tenth,
/// by `salt`, so that what failed together does not come back together.
pub(crate) fn next(now: Timestamp, failed: u32, retry_after: Option<u64>, salt: u64) -> Option<Timestamp> {
    let wait = *WAITS.get(usize::try_from(failed).ok()?.checked_sub(1)?)?;
    let asked = retry_after.and_then(|secs| i64::try_from(secs).ok()).unwrap_or(0).min(WAIT_MAX);
    let wait_ms = wait.max(asked) * 1_000;
    // A well-known mixer: neighbours must not stay neighbours.
    let mixed = salt.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let jitter = wait_ms / 10 * i64::try_from(mixed % 1_000).unwrap_or(0) / 1_000;
    Some(now.plus_millis(wait_ms + jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(retry_after: Option<u64>, salt: u64) -> Vec<i64> {
        let now = Timestamp::from_secs(1_000_000);
        let after =
            |failed| next(now, failed, retry_after, salt).map(|at| (at.micros() - now.micros()) / 1_000);
        (1..).map_while(after).collect()
    }

    #[test]
    fn waits_grow_are_spread_by_a_tenth_and_end() {
        for salt in 0..100 {
            let waits = waits(None, salt);
            assert_eq!(waits.len(), WAITS.len());
            for (wait, planned) in waits.iter().zip(WAITS) {
                assert!((planned * 1_000..=planned * 1_100).contains(wait), "{wait} for {planned}");
            }
        }
        assert_ne!(waits(None, 1), waits(None, 2));
    }

    #[test]
    fn a_partner_that_names_a_later_time_is_obeyed_for_a_day_at_most() {
        assert!(waits(Some(60), 0)[0] >= 60_000);
        assert!(waits(Some(1), 0)[1] >= 300_000);
        assert!(waits(Some(u64::MAX), 0).iter().all(|wait| *wait <= WAIT_MAX * 1_100));
    }
}
