//! The newest position of each merchant, told to whoever follows.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use vocabulary::{MerchantId, Position};

/// One watched position per merchant.
#[derive(Default)]
pub(crate) struct Heads(Mutex<HashMap<MerchantId, watch::Sender<Position>>>);

impl Heads {
    /// Follows a merchant; one without a log stands at 0.
    pub(crate) fn watch(&self, merchant: &MerchantId) -> watch::Receiver<Position> {
        self.senders().entry(merchant.clone()).or_default().subscribe()
    }

    /// Tells a merchant's position, if it is a newer one.
    pub(crate) fn advance(&self, merchant: &MerchantId, position: Position) {
        self.senders().entry(merchant.clone()).or_default().send_if_modified(|known| {
            let newer = position > *known;
            *known = position.max(*known);
            newer
        });
    }

    /// The merchants that somebody follows.
    pub(crate) fn watched(&self) -> Vec<MerchantId> {
        let senders = self.senders();
        senders
            .iter()
            .filter(|(_, sender)| sender.receiver_count() > 0)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// A map of whole values is sound even if a thread panicked while it held the lock.
    fn senders(&self) -> MutexGuard<'_, HashMap<MerchantId, watch::Sender<Position>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
