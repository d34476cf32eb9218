//! One order as sales see it: what its facts add up to, and its share of the sums.

use events::{Fact, order::OrderLine, pool::AllocationReason};
use projection::Event;
use serde::{Deserialize, Serialize};
use vocabulary::{Currency, KeyRef, Position, Timestamp};

use crate::{
    knowledge::{Knowledge, Terms},
    placed::{Part, Placed, past, spread},
    sums::{COLUMNS, Cell, Values},
};

/// What is kept of an order. Amounts are minor units of its currency.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sale {
    pub(crate) placed: Option<Placed>,
    /// When it was first paid.
    pub(crate) paid_at: Option<Timestamp>,
    /// What the account took when it was first paid.
    pub(crate) terms: Terms,
    pub(crate) paid_fen: i64,
    pub(crate) refund_count: i64,
    pub(crate) refund_fen: i64,
    pub(crate) loss_fen: i64,
    /// The first refund, where there was no payment: then its amounts count there.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_at: Option<Timestamp>,
    pub(crate) delivered_at: Option<Timestamp>,
    /// Units bound to the order and never released, by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Bound>,
    #[serde(skip)]
    pub(crate) last_pos: Position,
}

/// A unit that went into the order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Bound {
    line: u16,
    key: KeyRef,
    /// It came in place of a bad one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    replaces: bool,
}

/// What an order came to, in whole or one item of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) paid: i64,
    pub(crate) refund: i64,
    pub(crate) loss: i64,
    pub(crate) commission: i64,
    pub(crate) pay_fee: i64,
    pub(crate) cost: i64,
    pub(crate) replacement_cost: i64,
    pub(crate) uncosted: i64,
}

impl Figures {
    /// What is left: paid less paid back, commission, fee and cost of keys.
    pub(crate) fn margin(&self) -> i64 {
        let spent = [self.refund, self.commission, self.pay_fee, self.cost];
        spent.into_iter().fold(self.paid, i64::saturating_sub)
    }
}

impl Sale {
    /// Takes in an event that concerns the order. Returns whether it mattered.
    pub(crate) fn apply(&mut self, event: &Event, knowledge: &Knowledge) -> bool {
        let at = event.occurred_at;
        match &event.fact {
            Fact::OrderPlaced(fact) => {
                let list = |line: &OrderLine| {
                    let unit = knowledge.prices()?.at(&line.sku, &fact.account, event.recorded_at)?;
                    (unit.currency == fact.total.currency)
                        .then(|| unit.minor.saturating_mul(line.quantity.get().into()))
                };
                let lines = fact.lines.iter().map(|line| Part {
                    sku: line.sku.as_str().into(),
                    units: line.quantity.get().into(),
                    amount: line.amount.minor,
                    list: list(line),
                });
                let currency = fact.total.currency;
                self.placed = Some(Placed::new(&fact.account, currency, fact.buyer.clone(), at, lines));
            }
            Fact::PastOrderRecorded(fact) => {
                let (currency, lines) = (fact.total.currency, fact.lines.iter().map(|line| past(line, 1)));
                self.placed = Some(Placed::new(&fact.account, currency, fact.buyer.clone(), at, lines));
                self.paid_at = Some(at);
                self.paid_fen = fact.total.minor;
            }
            Fact::PastRefundRecorded(fact) => {
                let (currency, lines) = (fact.total.currency, fact.lines.iter().map(|line| past(line, -1)));
                let placed = Placed::new(&fact.account, currency, fact.buyer.clone(), at, lines);
                self.placed = Some(Placed { is_order: false, ..placed });
                (self.refunded_at, self.refund_count, self.refund_fen) = (Some(at), 1, fact.total.minor);
            }
            Fact::PaymentConfirmed(fact) => {
                if self.paid_at.is_none() {
                    let account = self.placed.as_ref().map_or(&fact.through, |placed| &placed.account);
                    (self.paid_at, self.terms) = (Some(at), knowledge.terms(account));
                }
                self.paid_fen = self.paid_fen.saturating_add(fact.amount.minor);
            }
            Fact::OrderDelivered(_) if self.delivered_at.is_none() => self.delivered_at = Some(at),
            Fact::RefundSettled(fact) => {
                self.refunded_at.get_or_insert(at);
                self.refund_count += 1;
                self.refund_fen = self.refund_fen.saturating_add(fact.amount.minor);
            }
            Fact::LossRecorded(fact) => self.loss_fen = self.loss_fen.saturating_add(fact.amount.minor),
            Fact::KeysAllocated(fact) => {
                let replaces = fact.chosen == AllocationReason::Replacement;
                let bound = |key: &KeyRef| Bound { line: fact.line, key: *key, replaces };
                self.keys.extend(fact.keys.iter().map(bound));
            }
            Fact::KeysReleased(fact) => {
                let before = self.keys.len();
                self.keys.retain(|bound| !fact.keys.contains(&bound.key));
                if self.keys.len() == before {
                    return false;
                }
            }
            _ => return false,
        }
        self.last_pos = event.position;
        true
    }

    /// From payment to first delivery in milliseconds, by the clocks that reported them; at least 0.
    pub(crate) fn deliver_ms(&self) -> Option<i64> {
        let micros = self.delivered_at?.micros().saturating_sub(self.paid_at?.micros());
        Some((micros / 1_000).max(0))
    }

    /// Our list price of the whole order; none where an item had none.
    pub(crate) fn list_fen(&self) -> Option<i64> {
        let mut parts = self.placed.as_ref()?.parts.iter();
        parts.try_fold(0_i64, |sum, part| Some(sum.saturating_add(part.list?)))
    }

    /// What the order came to.
    pub(crate) fn figures(&self, knowledge: &Knowledge) -> Figures {
        let of = |bp: u32, base: i64| {
            // Half a minor unit is rounded up.
            let part = (i128::from(base.max(0)) * i128::from(bp) + 5_000) / 10_000;
            i64::try_from(part).unwrap_or(i64::MAX)
        };
        let mut figures = Figures {
            paid: self.paid_fen,
            refund: self.refund_fen,
            loss: self.loss_fen,
            commission: of(self.terms.commission_bp, self.paid_fen.saturating_sub(self.refund_fen)),
            pay_fee: of(self.terms.pay_fee_bp, self.paid_fen),
            ..Figures::default()
        };
        let Some(placed) = &self.placed else { return figures };
        self.keys.iter().for_each(|bound| bound.count(knowledge, placed.currency, &mut figures));
        figures
    }

    /// What each item of the order came to; the sums are those of [`Sale::figures`].
    pub(crate) fn parts(&self, knowledge: &Knowledge) -> Vec<Figures> {
        let Some(placed) = &self.placed else { return Vec::new() };
        let whole = self.figures(knowledge);
        if let [_] = placed.parts[..] {
            return vec![whole];
        }
        let mut parts = vec![Figures::default(); placed.parts.len()];
        let mut give = |amount: i64, put: fn(&mut Figures) -> &mut i64| {
            for (part, share) in parts.iter_mut().zip(spread(amount, &placed.parts)) {
                *put(part) = share;
            }
        };
        give(whole.paid, |part| &mut part.paid);
        give(whole.refund, |part| &mut part.refund);
        give(whole.loss, |part| &mut part.loss);
        give(whole.commission, |part| &mut part.commission);
        give(whole.pay_fee, |part| &mut part.pay_fee);
        for bound in &self.keys {
            let part =
                placed.lines.get(usize::from(bound.line)).and_then(|part| parts.get_mut(usize::from(*part)));
            // A line that the order does not have is counted with the first.
            if let Some(part) = part {
                bound.count(knowledge, placed.currency, part);
            } else if let Some(first) = parts.first_mut() {
                bound.count(knowledge, placed.currency, first);
            }
        }
        parts
    }

    /// The cells that the order being placed counts in.
    pub(crate) fn placed_cells(&self) -> impl Iterator<Item = (Cell, Values)> {
        let placed = self.placed.as_ref().filter(|placed| placed.is_order);
        let mut values = [0; COLUMNS.len()];
        values[1] = 1;
        placed.into_iter().flat_map(move |placed| {
            placed.parts.iter().map(move |part| (placed.cell(part, placed.at), values))
        })
    }

    /// The cells that all else counts in: those of the hour of payment, or of the first refund where none was paid.
    pub(crate) fn money_cells(&self, knowledge: &Knowledge) -> Vec<(Cell, Values)> {
        let (Some(placed), Some(at)) = (&self.placed, self.paid_at.or(self.refunded_at)) else {
            return Vec::new();
        };
        let is_paid = i64::from(self.paid_at.is_some());
        let is_delivered = i64::from(self.deliver_ms().is_some());
        let figures = self.parts(knowledge);
        let values = |part: &Part, sums: Figures| {
            let discount = part.list.map_or(0, |list| list.saturating_sub(part.amount));
            [
                0,
                0,
                is_paid,
                is_paid * part.units,
                sums.paid,
                is_paid * discount,
                self.refund_count,
                sums.refund,
                sums.loss,
                sums.commission,
                sums.pay_fee,
                sums.cost,
                sums.replacement_cost,
                sums.uncosted,
                is_delivered * part.units,
                is_delivered,
                self.deliver_ms().unwrap_or(0),
            ]
        };
        let parts = placed.parts.iter().zip(figures);
        parts.map(|(part, sums)| (placed.cell(part, at), values(part, sums))).collect()
    }
}

impl Bound {
    fn count(&self, knowledge: &Knowledge, currency: Currency, figures: &mut Figures) {
        match knowledge.cost(self.key, currency) {
            Some(cost) => {
                figures.cost = figures.cost.saturating_add(cost);
                if self.replaces {
                    figures.replacement_cost = figures.replacement_cost.saturating_add(cost);
                }
            }
            None => figures.uncosted += 1,
        }
    }
}
