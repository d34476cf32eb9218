//! Decisions that are in the log: which keys, which quota, which price, whether a payment or a refund holds.

use events::{Fact, channel::AttemptOutcome, pool::AllocationReason};
use projection::{Event, Rows, Value, Words};
use vocabulary::{Account, Sku};

/// A decision, as its event tells it.
pub(crate) struct Decision<'e> {
    kind: &'static str,
    chosen: &'static str,
    reason: Option<&'e str>,
    account: Option<&'e Account>,
    sku: Option<&'e Sku>,
    units: Option<u64>,
}

impl<'e> Decision<'e> {
    /// The decision that an event is; none where it only says that something happened.
    pub(crate) fn of(event: &'e Event) -> Option<Self> {
        let of = |kind, chosen| Self { kind, chosen, reason: None, account: None, sku: None, units: None };
        Some(match &event.fact {
            Fact::KeysAllocated(e) => Self {
                reason: Some(allocation(e.chosen)),
                account: Some(&e.account),
                units: Some(e.keys.len() as u64),
                ..of("alloc", "allocated")
            },
            Fact::AllocationWaitlisted(e) => Self {
                account: Some(&e.account),
                units: Some(e.quantity.into()),
                ..of("alloc", "waitlisted")
            },
            Fact::AttemptRefused(e) => Self {
                reason: Some(&e.reason),
                account: Some(&e.account),
                units: Some(e.lines.iter().map(|line| u64::from(line.quantity.get())).sum()),
                ..of("alloc", "refused")
            },
            Fact::QuotaSet(e) => Self {
                reason: Some(&e.reason),
                account: Some(&e.account),
                sku: Some(&e.sku),
                units: Some(e.floor),
                ..of("quota", "floor_set")
            },
            Fact::PriceSet(e) => Self {
                reason: Some(&e.reason),
                account: e.account.as_ref(),
                sku: Some(&e.sku),
                ..of("price", "set")
            },
            Fact::PriceWithdrawn(e) => Self {
                reason: Some(&e.reason),
                account: e.account.as_ref(),
                sku: Some(&e.sku),
                ..of("price", "withdrawn")
            },
            Fact::PaymentDisputed(e) => {
                Self { reason: Some(&e.reason), account: Some(&e.through), ..of("payment", "disputed") }
            }
            Fact::PaymentCheckSettled(e) => {
                let (chosen, reason) = checked(&e.outcome);
                Self { reason, account: Some(&e.through), ..of("payment", chosen) }
            }
            Fact::RefundDue(e) => {
                Self { reason: Some(&e.reason), account: e.through.as_ref(), ..of("refund", "agreed") }
            }
            Fact::RefundRefused(e) => Self { reason: Some(&e.reason), ..of("refund", "refused") },
            _ => return None,
        })
    }

    /// Its row.
    pub(crate) fn put(&self, event: &Event, words: &mut Words, rows: &mut Rows) {
        let of_pool = (event.stream.kind() == "pool").then(|| event.stream.key());
        let account = self.account.or(event.meta.channel.as_ref());
        let values = [
            event.position.into(),
            words.share(self.kind),
            words.share("live"),
            words.share(self.chosen),
            words.share_maybe(self.reason),
            event.order.as_ref().map(|order| Value::from(&order.text)).into(),
            words.share_maybe(account.map(Account::as_str)),
            words.share_maybe(self.sku.map(Sku::as_str).or(of_pool)),
            self.units.map(Value::count).into(),
            words.share(&event.meta.actor.id),
            event.meta.causation.into(),
            (&event.occurred_text).into(),
        ];
        rows.push(event.position, values);
    }
}

fn allocation(chosen: AllocationReason) -> &'static str {
    match chosen {
        AllocationReason::Reserved => "reserved",
        AllocationReason::Stock => "stock",
        AllocationReason::Waitlist => "waitlist",
        AllocationReason::Replacement => "replacement",
    }
}

fn checked(outcome: &AttemptOutcome) -> (&'static str, Option<&str>) {
    match outcome {
        AttemptOutcome::Done => ("confirmed", None),
        AttemptOutcome::Refused { code } => ("refused", Some(code)),
        AttemptOutcome::RetryAfter { code, .. }
        | AttemptOutcome::Unknown { code }
        | AttemptOutcome::Abandoned { code } => ("left_open", Some(code)),
    }
}
