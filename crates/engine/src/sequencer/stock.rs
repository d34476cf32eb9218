//! Publishes how many units each channel may sell, where the channel wants to be told.

use std::collections::BTreeSet;

use domain::channel::Command;
use events::Actor;
use vocabulary::{Account, Sku, Timestamp};

use super::{Sequencer, settle};
use crate::{EngineError, host::lock, unit::Cause, work::Staged};

struct Figure {
    account: Account,
    item: String,
    sku: Sku,
    available: u64,
}

impl Sequencer {
    /// Publishes the figures of SKUs whose availability changed: those that differ by 5 % or more from what the
    /// channel was told, and every change from or to zero.
    pub(super) async fn publish_stock(&mut self, now: Timestamp) -> Result<(), EngineError> {
        self.stock_published_at = now;
        let dirty: BTreeSet<Sku> = self.stock_dirty.drain().collect();
        for figure in self.figures(&dirty, now) {
            let Figure { account, item, sku, available } = figure;
            let stream = account.stream();
            let cause = Cause {
                actor: Actor::process("stock"),
                message: None,
                channel: Some(account.clone()),
                occurred_at: None,
            };
            let command = Command::RequestStockPush { account, item, sku, available };
            if let Err(rejection) = settle(self.hosts.channels.execute(&stream, command).await)? {
                tracing::error!(%rejection, "a stock figure was rejected");
            }
            self.commit(&cause, Staged::default()).await?;
        }
        Ok(())
    }

    fn figures(&self, dirty: &BTreeSet<Sku>, now: Timestamp) -> Vec<Figure> {
        let desk = lock(&self.desk);
        let mut figures = Vec::new();
        for entry in desk.channels.values() {
            let Some(connected) = entry.state.connected() else { continue };
            let account = &connected.account;
            let pushes = self.adapters.get(account).is_some_and(|adapter| adapter.push_stock().is_some());
            if !pushes {
                continue;
            }
            for (item, sku) in entry.state.listings().filter(|(_, sku)| dirty.contains(sku)) {
                let on_sale = !entry.state.suspended();
                let free = desk.pool(sku).map_or(0, |pool| pool.available_to(account, now));
                let available = if on_sale { free } else { 0 };
                let told = entry.state.figures(item).and_then(|f| f.pending.or(f.taken));
                if told.is_none_or(|told| worth_telling(told, available)) {
                    let (item, sku) = (item.to_owned(), sku.clone());
                    figures.push(Figure { account: account.clone(), item, sku, available });
                }
            }
        }
        figures.sort_unstable_by(|a, b| (&a.account, &a.item).cmp(&(&b.account, &b.item)));
        figures
    }
}

fn worth_telling(told: u64, available: u64) -> bool {
    let apart = told.abs_diff(available);
    apart > 0 && ((told == 0) != (available == 0) || apart.saturating_mul(20) >= told)
}

#[cfg(test)]
mod tests {
    use super::worth_telling;

    #[test]
    fn a_figure_is_told_on_five_per_cent_or_when_it_crosses_zero() {
        assert!(!worth_telling(100, 100));
        assert!(!worth_telling(100, 96));
        assert!(worth_telling(100, 95));
        assert!(worth_telling(1_000_000, 0));
        assert!(worth_telling(0, 1));
    }
}
