//! Requests of other nodes that were taken in lately. Whoever records what passes over NATS could send it again; each is
//! taken in once, and none that is old.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

/// How many seconds a request may be old, and the clocks of two nodes apart.
const FRESH: u64 = 60;

/// The ids of a minute. An id is of version 7, so it says when it was drawn, and it is bound into what is sealed.
#[derive(Default)]
pub(super) struct Seen(Mutex<Ids>);

#[derive(Default)]
struct Ids {
    drawn: HashMap<Uuid, u64>,
    tidied: u64,
}

impl Seen {
    /// Whether a request is fresh and was not taken in before; from then on it was.
    pub(super) fn is_new(&self, id: &str, now: u64) -> bool {
        let Ok(id) = Uuid::parse_str(id) else { return false };
        let Some((drawn, _nanos)) = id.get_timestamp().map(|at| at.to_unix()) else { return false };
        let is_fresh = |drawn: u64| now.abs_diff(drawn) <= FRESH;
        if !is_fresh(drawn) {
            return false;
        }
        // Whole values: sound even if a thread panicked while it held the lock.
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.tidied != now {
            ids.tidied = now;
            ids.drawn.retain(|_, drawn| is_fresh(*drawn));
        }
        ids.drawn.insert(id, drawn).is_none()
    }
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp};

    use super::*;

    #[test]
    fn a_request_is_taken_in_once_and_not_when_it_is_old() {
        let seen = Seen::default();
        let id = |secs| Uuid::new_v7(Timestamp::from_unix(NoContext, secs, 0)).to_string();
        let (first, second) = (id(1_000), id(1_000));
        assert!(seen.is_new(&first, 1_000) && seen.is_new(&second, 1_030));
        assert!(!seen.is_new(&first, 1_060), "sent again");
        assert!(!seen.is_new(&first, 1_061), "forgotten, but too old by then");
        assert!(!seen.is_new(&id(1_200), 1_100), "drawn by a clock that is far ahead");
        assert!(!seen.is_new("no id", 1_000));
        assert!(!seen.is_new(&Uuid::nil().to_string(), 1_000));
    }
}
