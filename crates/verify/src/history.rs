//! I7 and I15, history: an order that was taken over stands alone in its stream but for notes, its total is the sum of
//! its lines (for a refund with the sign turned), and its number stands for it.
//!
//! Whether it ever was sold, and when, a log cannot show.

use std::collections::HashSet;

use events::{Fact, order::PastLine};
use vocabulary::{Money, OrderId};

use crate::report::{At, Findings, Invariant};

/// The orders of one merchant that were taken over.
#[derive(Default)]
pub(crate) struct History {
    past: HashSet<OrderId>,
}

impl History {
    /// `own` is the order of the event's stream; `is_first` whether it is the first of that stream.
    pub(crate) fn fact(
        &mut self,
        fact: &Fact,
        own: Option<OrderId>,
        is_first: bool,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        let Some(id) = own else { return };
        let mut wrong = |what: &str| findings.violation(Invariant::I15, at, what);
        let (order, total, sum) = match fact {
            Fact::PastOrderRecorded(e) => (e.order, e.total, sum(&e.lines)),
            Fact::PastRefundRecorded(e) => (e.order, e.total, sum(&e.lines).map(|sum| -sum)),
            Fact::OrderNoted(_) => return,
            _ if self.past.contains(&id) => return wrong("an order that was taken over as history goes on"),
            _ => return,
        };
        self.past.insert(id);
        if !is_first {
            wrong("an order that was known is taken over as history");
        }
        if order != id {
            wrong("a past order stands in another's stream");
        }
        if sum.is_none_or(|sum| sum != i128::from(total.minor)) || !same_currency(fact, total) {
            wrong("the total of a past order is not the sum of its lines");
        }
    }
}

/// None without lines.
fn sum(lines: &[PastLine]) -> Option<i128> {
    (!lines.is_empty()).then(|| lines.iter().map(|line| i128::from(line.amount.minor)).sum())
}

fn same_currency(fact: &Fact, total: Money) -> bool {
    let lines = match fact {
        Fact::PastOrderRecorded(e) => &e.lines,
        Fact::PastRefundRecorded(e) => &e.lines,
        _ => return true,
    };
    lines.iter().all(|line| line.amount.currency == total.currency)
}
