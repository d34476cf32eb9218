//! An order as people and programs are shown it.

use serde::Serialize;

use crate::Order;

/// An order with what follows from its fields.
#[derive(Debug, Serialize)]
pub struct OrderView<'a> {
    /// The state in one word.
    pub status: &'static str,
    /// Owed back and not settled, in minor units.
    pub refund_due_fen: i64,
    /// Settled refunds, in minor units.
    pub refunded_fen: i64,
    /// Its fields.
    #[serde(flatten)]
    pub order: &'a Order,
}

impl<'a> From<&'a Order> for OrderView<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            status: order.status().as_str(),
            refund_due_fen: order.refund_due_fen(),
            refunded_fen: order.refunded_fen(),
            order,
        }
    }
}
