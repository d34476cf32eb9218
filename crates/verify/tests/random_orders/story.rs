//! What a run has come to: whether orders and pools agree, and the last steps of one that failed.

use std::collections::BTreeSet;

use domain::{
    Rejection,
    order::{self, RefundState},
};
use vocabulary::{DeliveryMethod, Sku};

use crate::world::{Wish, World, can_call, skus};

/// A wish and what came of it.
pub(crate) struct Step {
    pub(crate) wish: Wish,
    pub(crate) refused: Option<Rejection>,
    /// The last position of the log after it.
    pub(crate) end: u64,
}

impl World {
    /// Orders and pools must tell the same story of every line, and nobody who has paid waits for nothing.
    pub(crate) fn agrees(&self) -> Result<(), String> {
        skus().iter().try_for_each(|sku| self.pool_agrees(sku))?;
        self.orders.values().try_for_each(|order| self.goes_on(order))
    }

    fn pool_agrees(&self, sku: &Sku) -> Result<(), String> {
        let Some(pool) = self.pools.get(sku) else { return Ok(()) };
        let live = self.orders.values().filter(|order| !order.is_over()).flat_map(order::State::line_keys);
        let live: u64 = live.filter(|line| line.sku == *sku).map(|line| line.keys.len() as u64).sum();
        let counters = pool.counters();
        let out = counters.allocated - counters.revoked;
        if out != live {
            return Err(format!("{out} units of {sku} are out, the orders have {live}"));
        }
        let lapsed = |order: &order::State| order.is_over() || order.expired;
        if let Some(hold) = pool.reservations().find(|hold| lapsed(&self.orders[&hold.order])) {
            return Err(format!("{} holds keys of {sku} for ever", hold.order));
        }
        let waiting: BTreeSet<_> = pool.waiting().map(|w| (w.order, w.line)).collect();
        let short: BTreeSet<_> = self
            .orders
            .values()
            .filter_map(|order| Some((order, order.placed.as_ref()?)))
            .flat_map(|(order, placed)| order.short.iter().map(move |line| (placed, *line)))
            .filter(|(placed, line)| placed.lines[usize::from(*line)].sku == *sku)
            .map(|(placed, line)| (placed.order, line))
            .collect();
        if waiting != short {
            return Err(format!("{waiting:?} wait for {sku}, the orders say {short:?}"));
        }
        Ok(())
    }

    /// Nothing that could happen at once is left undone.
    fn goes_on(&self, order: &order::State) -> Result<(), String> {
        let Some(placed) = &order.placed else { return Ok(()) };
        let wanting = order.lines_wanting_keys();
        if !self.suspended.contains(&placed.account) && !wanting.is_empty() {
            return Err(format!("{} is paid, yet nothing is done for its lines {wanting:?}", placed.order));
        }
        let stopped = order.is_over() || order.held || order.refund_open() || order.delivery_failed;
        let sent = order.all_handed || order.delivering.is_some();
        let sends = placed.delivery != DeliveryMethod::Pickup && can_call(&placed.account);
        if order.fulfilled && sends && !stopped && !sent {
            return Err(format!("{} has its keys, yet they are not being sent", placed.order));
        }
        let left = order.paid.as_ref().map_or(0, |paid| paid.amount.minor - order.refunded_or_due());
        let overlooked = |refund: &&RefundState| match refund {
            RefundState::SettledEarly(amount) => (1..=left).contains(&amount.map_or(left, |a| a.minor)),
            _ => false,
        };
        match order.refunds.values().find(overlooked) {
            Some(refund) => Err(format!("{} is paid, yet {refund:?} is not counted", placed.order)),
            None => Ok(()),
        }
    }

    /// The last `count` steps up to a position, with the events they led to.
    pub(crate) fn story(&self, position: u64, count: usize) -> String {
        let last =
            self.steps.iter().position(|step| step.end >= position).map_or(self.steps.len(), |n| n + 1);
        let first = last.saturating_sub(count);
        let mut end = if first == 0 { 0 } else { self.steps[first - 1].end };
        let mut lines = Vec::new();
        for step in &self.steps[first..last] {
            let refused = step.refused.as_ref().map(|rejection| format!(" - {rejection}"));
            lines.push(format!("{:?}{}", step.wish, refused.unwrap_or_default()));
            for event in &self.log.events[end as usize..step.end as usize] {
                lines.push(format!(
                    "  {} {} {} {}",
                    event.position, event.stream, event.type_name, event.payload
                ));
            }
            end = step.end;
        }
        lines.join("\n")
    }
}
