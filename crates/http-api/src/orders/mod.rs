//! Orders: finding them, how they came to be what they are, and what support does with them.

pub(crate) mod actions;
mod changes;
pub(crate) mod history;
pub(crate) mod read;
pub(crate) mod reference;

use projection_orders::Order;
use serde::Serialize;

/// An order with what follows from its fields.
#[derive(Serialize)]
pub(crate) struct OrderView<'a> {
    pub(crate) status: &'static str,
    pub(crate) refund_due_fen: i64,
    pub(crate) refunded_fen: i64,
    #[serde(flatten)]
    pub(crate) order: &'a Order,
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
