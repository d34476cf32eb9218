//! A call to be made, and how it ended.

use channel::{
    DeliveryJob, Inbound, LineView, OutboundResponse, PaymentJob, ProcureJob, RefundJob, StockJob, Window,
};
use events::channel::AttemptOutcome;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, CardKey, KeyRef, Money, OrderId, Quantity, Secret, Sku, Timestamp};

/// What makes two jobs the same: one is never queued twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum JobKey {
    Deliver(OrderId),
    CheckPayment(OrderId),
    Refund(OrderId, String),
    ReadBack(Account, String),
    PushStock(Account, String),
    Poll(Account, String),
    Renew(Account),
    Procure(String),
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LineDraft {
    pub(crate) item: String,
    pub(crate) sku: Sku,
    pub(crate) name: String,
    pub(crate) quantity: Quantity,
    pub(crate) amount: Money,
    pub(crate) keys: Vec<KeyRef>,
}

/// A delivery whose keys are still sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DeliveryDraft {
    pub(crate) order: OrderId,
    pub(crate) delivery: u32,
    pub(crate) external_no: String,
    pub(crate) memo: Option<String>,
    pub(crate) txn: Option<String>,
    pub(crate) lines: Vec<LineDraft>,
    pub(crate) total: Money,
    pub(crate) fulfilled_at: Timestamp,
}

impl DeliveryDraft {
    pub(crate) fn key_refs(&self) -> Vec<KeyRef> {
        self.lines.iter().flat_map(|line| line.keys.iter().copied()).collect()
    }
    pub(crate) fn open(&self, keys: Vec<CardKey>) -> DeliveryJob {
        let mut keys = keys.into_iter();
        let lines = self
            .lines
            .iter()
            .map(|line| LineView {
                item: line.item.clone(),
                sku: line.sku.clone(),
                name: line.name.clone(),
                quantity: line.quantity,
                amount: line.amount,
                keys: keys.by_ref().take(line.keys.len()).collect(),
            })
            .collect();
        DeliveryJob {
            order: self.order,
            external_no: self.external_no.clone(),
            memo: self.memo.clone(),
            lines,
            total: self.total,
            txn: self.txn.clone(),
            idempotency_key: format!("{}-{}", self.order, self.delivery),
            fulfilled_at: self.fulfilled_at,
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum JobKind {
    Deliver(Box<DeliveryDraft>),
    CheckPayment(PaymentJob),
    Refund(RefundJob),
    ReadBack(String),
    PushStock(StockJob),
    Poll(PollJob),
    /// The digest of the settings to be renewed.
    Renew(String),
    Procure(Box<ProcureDraft>),
}

/// A purchase, and how far it is known to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcureDraft {
    pub(crate) job: ProcureJob,
    /// The supplier's number.
    pub(crate) reference: Option<String>,
    /// The supplier took it: the keys are still to come.
    pub(crate) accepted: bool,
}

/// One step of a poll.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PollJob {
    /// The poll.
    pub(crate) name: String,
    pub(crate) step: PollStep,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum PollStep {
    /// Fetch a page.
    Fetch(Window),
    /// What was fetched is durable: take it out of the channel's queue, and keep until when was fetched.
    Keep { confirm: Option<String>, mark: Option<Timestamp>, then: Option<Window> },
}

/// A call to be made.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) key: JobKey,
    pub(crate) account: Account,
    pub(crate) kind: JobKind,
    /// Attempts made before.
    pub(crate) attempts: u32,
    /// The last attempt's outcome is unknown: ask first.
    pub(crate) unknown: bool,
    /// Not before this instant.
    pub(crate) not_before: Timestamp,
    /// The number under which another process was handed it; 0 where none was.
    pub(crate) ticket: u64,
}

impl Job {
    /// The same job where a call of it may have left of which nothing is known: what costs something when it is done
    /// twice is asked about first.
    pub(crate) fn in_doubt(mut self) -> Self {
        self.unknown |= match &self.kind {
            JobKind::Deliver(_) | JobKind::Refund(_) => true,
            JobKind::Procure(draft) => !draft.accepted,
            // Asking changes nothing, and a figure replaces the one before it.
            JobKind::CheckPayment(_)
            | JobKind::ReadBack(_)
            | JobKind::PushStock(_)
            | JobKind::Poll(_)
            | JobKind::Renew(_) => false,
        };
        self
    }

    /// How many attempts more than others it may take: a supplier that took a purchase may need a day for it.
    pub(crate) fn patience(&self) -> u32 {
        match &self.kind {
            JobKind::Procure(draft) if draft.accepted => 48,
            _ => 0,
        }
    }

    /// Whether it is tried for as long as its account is there: nothing is lost or owed while it fails.
    pub(crate) fn is_upkeep(&self) -> bool {
        matches!(self.kind, JobKind::Poll(_) | JobKind::Renew(_))
    }
}

/// A response that something is read from.
pub(crate) struct Heard {
    pub(crate) response: OutboundResponse,
    /// When it came.
    pub(crate) at: Timestamp,
    /// Whether it answers a question about a purchase, not the purchase.
    pub(crate) asked: bool,
}

/// What a response says: of a read-back, a poll, a purchase or a renewal.
pub(crate) struct Found {
    pub(crate) heard: Heard,
    pub(crate) messages: Vec<Inbound>,
    /// Where a poll's next page begins.
    pub(crate) next: Option<String>,
    /// What a poll's channel wants to hear once the messages are kept.
    pub(crate) confirm: Option<String>,
    /// The account's new settings.
    pub(crate) settings: Option<Secret<String>>,
}

impl Found {
    /// Nothing yet, in a response.
    pub(crate) fn in_response(heard: Heard) -> Self {
        Self { heard, messages: Vec::new(), next: None, confirm: None, settings: None }
    }
}

/// How a job's attempt ended.
pub(crate) struct Report {
    pub(crate) job: Job,
    pub(crate) attempt: u32,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) found: Option<Found>,
}
