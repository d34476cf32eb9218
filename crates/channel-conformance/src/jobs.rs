//! The jobs that outward calls are built for, and what a subject changes about them.

use channel::{Ask, DeliveryJob, OrderAsk, PaymentJob, RefundJob, Stage, StockJob};
use vocabulary::Timestamp;

use crate::{
    meaning::external_no,
    replies::{line, money, order_id},
    run::Run,
};

/// What must be otherwise in the suite's jobs, so that a channel's calls can be built: an item that is a number, a
/// refund that the buyer asked for, its whole amount. Each function changes the suite's own job, which is about the
/// first order and payment that the subject's cases state.
#[derive(Clone, Copy)]
pub struct Jobs {
    /// The channel's order number; where there is none, that of the first case that states one.
    pub number: Option<&'static str>,
    /// Changes the keys to hand over.
    pub delivery: fn(&mut DeliveryJob),
    /// Changes the payment to ask about.
    pub payment: fn(&mut PaymentJob),
    /// Changes the money to pay back.
    pub refund: fn(&mut RefundJob),
    /// Changes the figure to publish.
    pub stock: fn(&mut StockJob),
}

impl Default for Jobs {
    fn default() -> Self {
        Self { number: None, delivery: |_| {}, payment: |_| {}, refund: |_| {}, stock: |_| {} }
    }
}

/// What the genuine cases state: the jobs are about the same order.
pub(crate) struct Stated {
    pub(crate) number: String,
    txn: String,
    memo: Option<String>,
}

impl Stated {
    pub(crate) fn by(run: &Run<'_>) -> Self {
        let asks = || run.genuine.iter().map(|one| &one.inbound.ask);
        let number = run.subject.jobs.number.or_else(|| asks().find_map(external_no)).unwrap_or("EXT-1");
        let txn = asks().find_map(|ask| match ask {
            Ask::Order(OrderAsk { stage: Stage::Paid { txn }, .. }) => Some(txn.clone()),
            Ask::Payment(payment) => Some(payment.txn.clone()),
            _ => None,
        });
        let memo = asks().find_map(|ask| match ask {
            Ask::Order(order) => order.memo.clone(),
            _ => None,
        });
        Self { number: number.to_owned(), txn: txn.unwrap_or_else(|| "TXN-1".to_owned()), memo }
    }
}

impl Jobs {
    /// One key to hand over.
    pub(crate) fn delivery(&self, stated: &Stated) -> DeliveryJob {
        let mut job = DeliveryJob {
            order: order_id(),
            external_no: stated.number.clone(),
            memo: stated.memo.clone(),
            lines: vec![line(1)],
            total: money(2888),
            txn: Some(stated.txn.clone()),
            idempotency_key: "delivery-1.2:3".into(),
            fulfilled_at: Timestamp::from_secs(1_767_322_801),
        };
        (self.delivery)(&mut job);
        job
    }

    /// A payment to ask about.
    pub(crate) fn payment(&self, stated: &Stated) -> PaymentJob {
        let (external_no, txn) = (stated.number.clone(), stated.txn.clone());
        let mut job = PaymentJob { external_no, txn, amount: money(2888) };
        (self.payment)(&mut job);
        job
    }

    /// A part of the money, to be paid back because we say so.
    pub(crate) fn refund(&self, stated: &Stated) -> RefundJob {
        let mut job = RefundJob {
            external_no: stated.number.clone(),
            txn: Some(stated.txn.clone()),
            refund: "refund-1".into(),
            amount: money(1000),
            total: money(2888),
            reason: "out of stock".into(),
            asked_by_channel: false,
            memo: None,
            order_memo: stated.memo.clone(),
        };
        (self.refund)(&mut job);
        job
    }

    /// A figure to publish.
    pub(crate) fn stock(&self) -> StockJob {
        let mut job = StockJob { item: "steam-50".into(), available: 7, figure: 42 };
        (self.stock)(&mut job);
        job
    }
}
