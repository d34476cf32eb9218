//! How often a token holder may have card keys shown in clear. The counts live in memory: each reveal is an event
//! anyhow, and a restart is nothing that staff can bring about.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use serde_json::json;
use vocabulary::Timestamp;

use crate::problem::{self, Problem};

const HOUR_SECS: i64 = 3_600;

/// When each token holder had keys shown within the last hour.
#[derive(Default)]
pub(crate) struct Reveals(Mutex<HashMap<String, VecDeque<Timestamp>>>);

impl Reveals {
    /// Counts one more for `who`, or refuses where there were `most` within the last hour. What is turned down
    /// afterwards counts as well: asking about many orders is what is to be bounded.
    pub(crate) fn take(&self, who: &str, now: Timestamp, most: u32) -> Result<(), Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = all.entry(who.to_owned()).or_default();
        let hour_ago = now.plus_secs(-HOUR_SECS);
        while times.front().is_some_and(|at| *at <= hour_ago) {
            times.pop_front();
        }
        if times.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            let free_at = times.front().map(|at| at.plus_secs(HOUR_SECS));
            return Err(Problem::new(problem::TOO_MANY_REVEALS)
                .detail(format!("at most {most} in an hour"))
                .with("again_at", json!(free_at)));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_moves_on_and_everybody_has_their_own() {
        let reveals = Reveals::default();
        let at = Timestamp::from_secs;
        assert!(reveals.take("Lin", at(0), 2).is_ok());
        assert!(reveals.take("Lin", at(3_000), 2).is_ok());
        assert!(reveals.take("Lin", at(3_599), 2).is_err());
        assert!(reveals.take("Mei", at(3_599), 2).is_ok());
        assert!(reveals.take("Lin", at(3_600), 2).is_ok(), "the first is an hour old");
        assert!(reveals.take("Lin", at(3_601), 2).is_err());
    }
}
