//! The figures of a run.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{Market, ledger::Standing, lock};

/// What the courier counts.
#[derive(Default)]
pub(super) struct Stats {
    pub(super) lost: u64,
    pub(super) duplicates: u64,
    pub(super) given_up: u64,
    answers: BTreeMap<u16, u64>,
    micros: Vec<u64>,
}

impl Stats {
    /// An attempt ended with this status; 0 where there was no answer.
    pub(super) fn attempted(&mut self, status: u16, took: Duration) {
        *self.answers.entry(status).or_default() += 1;
        if status != 0 {
            self.micros.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn forget_probes(&mut self) {
        *self = Self::default();
    }
}

/// The figures of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether it is over.
    pub finished: bool,
    /// Orders placed.
    pub orders: usize,
    /// Orders whose keys came, refunded ones included.
    pub delivered: usize,
    /// Orders the merchant did not take.
    pub refused: usize,
    /// Orders called off and not paid back yet.
    pub cancelled: usize,
    /// Orders paid back in full.
    pub refunded: usize,
    /// Paid orders whose keys are still awaited.
    pub waiting: usize,
    /// Keys received.
    pub keys: usize,
    /// Money paid back, in minor units.
    pub refunded_minor: i64,
    /// Messages that were sent twice.
    pub duplicates: u64,
    /// Attempts that were lost on the way.
    pub lost: u64,
    /// Messages that nobody answered for good.
    pub given_up: u64,
    /// Attempts by the HTTP status of their answer; 0 where there was none.
    pub answers: BTreeMap<u16, u64>,
    /// How long answers took.
    pub latency: Latency,
    /// Calls that were turned away because their signature or time was wrong.
    pub forged_calls: u64,
    /// What must not happen and did.
    pub surprises: Vec<String>,
}

/// How long answers took, in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50_us: u64,
    /// 99 of 100 took no longer.
    pub p99_us: u64,
    /// None took longer.
    pub max_us: u64,
}

impl Latency {
    fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let at = |share: usize| {
            let rank = (micros.len() * share).div_ceil(100).saturating_sub(1);
            micros.get(rank).copied().unwrap_or_default()
        };
        Self { p50_us: at(50), p99_us: at(99), max_us: at(100) }
    }
}

impl Market {
    pub(super) fn report(&self) -> Report {
        let ledger = lock(&self.ledger);
        let stats = lock(&self.stats);
        Report {
            finished: self.finished.load(std::sync::atomic::Ordering::SeqCst),
            orders: ledger.orders.len(),
            delivered: ledger.orders.values().filter(|order| !order.keys.is_empty()).count(),
            refused: ledger.count(Standing::Refused),
            cancelled: ledger.count(Standing::Cancelled),
            refunded: ledger.count(Standing::Refunded),
            waiting: ledger.count(Standing::Paid),
            keys: ledger.keys.len(),
            refunded_minor: ledger.orders.keys().map(|order| ledger.refunded(order)).sum(),
            duplicates: stats.duplicates,
            lost: stats.lost,
            given_up: stats.given_up,
            answers: stats.answers.clone(),
            latency: Latency::of(stats.micros.clone()),
            forged_calls: ledger.forged_calls,
            surprises: ledger.surprises.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn a_percentile_is_the_smallest_value_that_enough_others_do_not_exceed() {
        let latency = Latency::of((1..=200).rev().collect());
        assert_eq!((latency.p50_us, latency.p99_us, latency.max_us), (100, 198, 200));
        assert_eq!(Latency::of(Vec::new()).max_us, 0);
    }
}
