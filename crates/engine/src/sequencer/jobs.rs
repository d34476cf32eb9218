//! The calls that the state asks for: made anew from state after every unit and at start, so that no intent is
//! forgotten and none is queued twice.

use channel::{PaymentJob, RefundJob, StockJob};
use domain::order::{Pending, Placed, RefundState, State};
use vocabulary::{Account, OrderId, Timestamp};

use super::{Sequencer, answer::name_of};
use crate::{
    EngineError,
    effects::{DeliveryDraft, Job, JobKey, JobKind, LineDraft},
    host::lock,
    hot::{Desk, Entry},
    work::Staged,
};

/// The calls a shop account waits for.
pub(super) struct ChannelJobs(pub(super) Account);

impl ChannelJobs {
    pub(super) fn pending(&self, desk: &Desk, figure: u64) -> Vec<Job> {
        let Some(state) = desk.channel(&self.0) else { return Vec::new() };
        let read_backs = state.pending_read_backs().map(|number| {
            let key = JobKey::ReadBack(self.0.clone(), number.to_owned());
            fresh(key, self.0.clone(), JobKind::ReadBack(number.to_owned()))
        });
        let pushes = state.pending_pushes().map(|push| {
            let key = JobKey::PushStock(self.0.clone(), push.item.to_owned());
            let job = StockJob { item: push.item.to_owned(), available: push.available, figure };
            fresh(key, self.0.clone(), JobKind::PushStock(job))
        });
        read_backs.chain(pushes).collect()
    }
}

pub(super) fn fresh(key: JobKey, account: Account, kind: JobKind) -> Job {
    Job { key, account, kind, attempts: 0, unknown: false, not_before: Timestamp::default(), ticket: 0 }
}

fn continued(key: JobKey, account: Account, kind: JobKind, pending: &Pending) -> Job {
    let mut job = fresh(key, account, kind);
    job.attempts = pending.attempts;
    job.unknown = pending.unknown;
    job
}

impl Sequencer {
    /// The calls an order waits for.
    pub(super) fn order_jobs(&self, id: &OrderId, jobs: &mut Vec<Job>) {
        let desk = lock(&self.desk);
        let Some(entry) = desk.order(id) else { return };
        let Some(placed) = &entry.state.placed else { return };
        let state = &entry.state;
        if let Some((paid, pending)) = &state.checking {
            let job = PaymentJob {
                external_no: placed.external_no.clone(),
                txn: paid.txn.clone(),
                amount: paid.amount,
            };
            let key = JobKey::CheckPayment(*id);
            jobs.push(continued(key, paid.through.clone(), JobKind::CheckPayment(job), pending));
        }
        let suspended = desk.channel(&placed.account).is_some_and(|channel| channel.suspended());
        let stopped = state.held || state.refund_open() || state.given_back() || suspended;
        if let (Some(pending), false) = (&state.delivering, stopped) {
            let draft = delivery(&desk, entry, placed, pending);
            let key = JobKey::Deliver(*id);
            jobs.push(continued(key, placed.account.clone(), JobKind::Deliver(Box::new(draft)), pending));
        }
        if !state.held {
            jobs.extend(refunds(state, placed, *id));
        }
    }

    /// The open orders of an account, oldest first: their calls go on when its sales do.
    pub(super) fn open_orders_of(&self, account: &Account) -> Vec<OrderId> {
        let desk = lock(&self.desk);
        let own = desk.open_orders.values().filter_map(|entry| entry.state.placed.as_ref());
        let mut orders: Vec<OrderId> = own.filter(|p| p.account == *account).map(|p| p.order).collect();
        orders.sort_unstable();
        orders
    }

    /// Drops the calls that are queued already, and marks the others as queued.
    pub(super) fn keep_new_jobs(&mut self, jobs: &mut Vec<Job>) {
        jobs.retain_mut(|job| {
            if let Some(at) = self.delayed.remove(&job.key) {
                job.not_before = at;
            }
            self.scheduled.insert(job.key.clone())
        });
    }

    /// At start: everything that was under way when the process ended. A call that may have left then has an
    /// unknown outcome now.
    pub(super) async fn take_up_pending(&mut self) -> Result<(), EngineError> {
        let mut jobs = Vec::new();
        let (accounts, mut orders) = {
            let desk = lock(&self.desk);
            let accounts: Vec<Account> =
                desk.channels.values().filter_map(|e| Some(e.state.connected()?.account.clone())).collect();
            let orders: Vec<OrderId> =
                desk.open_orders.keys().filter_map(|stream| stream.as_str().parse().ok()).collect();
            (accounts, orders)
        };
        for account in accounts {
            jobs.extend(ChannelJobs(account).pending(&lock(&self.desk), self.head.position.0));
        }
        orders.sort_unstable();
        for order in orders {
            let mut own = Vec::new();
            self.order_jobs(&order, &mut own);
            jobs.extend(own.into_iter().map(Job::in_doubt));
        }
        jobs.extend(self.pending_procurements());
        self.stock_dirty.extend(lock(&self.desk).pools.keys().filter_map(|s| s.key().parse().ok()));
        self.keep_new_jobs(&mut jobs);
        let staged = Staged { jobs, ..Staged::default() };
        self.writer.send(staged).await.map_err(|_| EngineError::Stopped)
    }
}

fn delivery(desk: &Desk, entry: &Entry<State>, placed: &Placed, pending: &Pending) -> DeliveryDraft {
    let lines = placed.lines.iter().enumerate().map(|(number, line)| {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        LineDraft {
            item: line.item().to_owned(),
            sku: line.sku.clone(),
            name: name_of(desk, &line.sku),
            quantity: line.quantity,
            amount: line.amount,
            keys: entry.state.keys.get(&number).cloned().unwrap_or_default(),
        }
    });
    DeliveryDraft {
        order: placed.order,
        delivery: pending.number,
        external_no: placed.external_no.clone(),
        memo: placed.memo.clone(),
        txn: entry.state.paid.as_ref().map(|paid| paid.txn.clone()),
        lines: lines.collect(),
        total: placed.total,
        fulfilled_at: entry.last_at,
    }
}

/// The number under which channels know a refund. Those that we make up are unique within their order only, so its id
/// goes in front: a channel that tells refunds apart by number would take two orders' refunds for one.
pub(super) fn number_outside(order: OrderId, number: &str) -> String {
    match number {
        "cancelled" | "backorder" => format!("{order}-{number}"),
        other => other.to_owned(),
    }
}

/// Our number of a refund that a channel speaks of.
pub(super) fn number_inside(order: OrderId, number: &str) -> String {
    let own = number.strip_prefix(&format!("{order}-")).filter(|own| number_outside(order, own) == number);
    own.unwrap_or(number).to_owned()
}

fn refunds<'a>(state: &'a State, placed: &'a Placed, id: OrderId) -> impl Iterator<Item = Job> + 'a {
    state.refunds.iter().filter_map(move |(number, refund)| {
        let RefundState::Due { amount, through: Some(through), pending, abandoned: false } = refund else {
            return None;
        };
        let job = RefundJob {
            external_no: placed.external_no.clone(),
            txn: state.paid.as_ref().map(|paid| paid.txn.clone()),
            refund: number_outside(id, number),
            amount: *amount,
            total: placed.total,
            reason: "refund".to_owned(),
            asked_by_channel: state.asked.contains_key(number),
            memo: state.asked.get(number).cloned().flatten(),
            order_memo: placed.memo.clone(),
        };
        let key = JobKey::Refund(id, number.clone());
        Some(continued(key, through.clone(), JobKind::Refund(job), pending))
    })
}

#[cfg(test)]
mod tests {
    use super::{number_inside, number_outside};

    #[test]
    fn a_refund_of_our_own_making_has_another_number_for_every_order_and_is_known_by_it_when_it_comes_back() {
        let order = |n: u128| vocabulary::OrderId::from_uuid(uuid::Uuid::from_u128(n));
        for number in ["cancelled", "backorder"] {
            assert_ne!(number_outside(order(1), number), number_outside(order(2), number));
            assert_eq!(number_inside(order(1), &number_outside(order(1), number)), number);
        }
        assert_eq!(number_outside(order(1), "RF-1"), "RF-1");
        assert_eq!(number_inside(order(1), "RF-1"), "RF-1");
        let foreign = number_outside(order(2), "cancelled");
        assert_eq!(number_inside(order(1), &foreign), foreign);
    }
}
