//! How the things go that an account does by itself, for people who look.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use vocabulary::{Account, Timestamp};

/// How one thing goes that an account does without being asked: a poll, or the renewal of its access.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct UpkeepStatus {
    /// What: `poll:<name>` or `renew`.
    pub what: String,
    /// A poll: everything before this instant was fetched.
    pub fetched_until: Option<Timestamp>,
    /// How often it has failed since it last went well.
    pub failures: u32,
    /// Why it failed last, as a code; none where it goes well.
    pub problem: Option<String>,
}

/// The status of everything, shared by the sequencer, which writes, and whoever looks.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<BTreeMap<(Account, String), UpkeepStatus>>);

impl Board {
    pub(crate) fn write(&self, account: &Account, status: UpkeepStatus) {
        let labels = [("account", account.to_string()), ("what", status.what.clone())];
        metrics::gauge!("kami_upkeep_failures", &labels).set(f64::from(status.failures));
        let key = (account.clone(), status.what.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, status);
    }

    pub(crate) fn of(&self, account: &Account) -> Vec<UpkeepStatus> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.iter().filter(|((owner, _), _)| owner == account).map(|(_, status)| status.clone()).collect()
    }
}
