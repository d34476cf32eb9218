//! I12: nothing is bound, listed, shown or handed over before its order's whole price is confirmed, in its
//! currency.

use events::Fact;
use vocabulary::OrderId;

use crate::{
    orders::{Order, Orders},
    report::{At, Findings, Invariant},
};

/// Takes a confirmed payment in, and checks what may only follow one. `own` is the order of the event's
/// stream.
pub(crate) fn fact(
    fact: &Fact,
    own: Option<OrderId>,
    orders: &mut Orders,
    at: At<'_>,
    findings: &mut Findings,
) {
    let Some(id) = own else { return };
    let what = match fact {
        Fact::PaymentConfirmed(e) => {
            let order = orders.touch(id);
            let sum = match order.paid {
                Some(before) => before.checked_add(e.amount).ok(),
                None => Some(e.amount),
            };
            match sum {
                Some(sum) => order.paid = Some(sum),
                None => findings.violation(Invariant::I12, at, "payments of the order do not add up"),
            }
            let currency = order.placed.as_ref().map(|placed| placed.total.currency);
            if currency.is_some_and(|currency| currency != e.amount.currency) {
                findings.violation(Invariant::I12, at, "the payment is not in the order's currency");
            }
            return;
        }
        Fact::LineAllocated(_) => "given keys",
        Fact::OrderFulfilled(_) => "fulfilled",
        Fact::DeliveryRequested(_) => "to be delivered",
        Fact::OrderDelivered(_) => "delivered",
        Fact::KeysRevealed(_) => "shown its keys",
        _ => return,
    };
    if !orders.get(id).is_some_and(Order::is_paid) {
        findings.violation(Invariant::I12, at, format!("the order is {what}, but not paid"));
    }
}

/// The unit is over: an order that it was about has no keys bound to it unless it is paid.
pub(crate) fn end_unit(id: OrderId, order: &Order, position: u64, findings: &mut Findings) {
    if order.allocated() > 0 && !order.is_paid() {
        let stream = id.to_string();
        findings.violation(
            Invariant::I12,
            At::event(position, &stream),
            "keys are bound to an order that is not paid",
        );
    }
}
