//! Read model of orders: what each is now, its lines, and its history in sentences; and finding them.
//!
//! An order's row is the fold of its own stream alone ([`Order::fold`]), so the state at any earlier event is
//! found by folding a part of that stream. Events of key pools that name an order belong to its history.
//!
//! Queries ([`find`], [`list`], [`history`], …) take any connection to a database of read models, the live one or
//! one folded as of a position.
#![warn(missing_docs)]

mod channels;
mod fold;
mod order;
mod query;
mod reference;
mod tables;

use projection::{Fold, Projection, Table, Trace};
use vocabulary::MerchantId;

pub use order::{Line, Order, Refund, RefundState, Status};
pub use query::{Filter, Found, HistoryEntry, Page, by_id, find, history, list};
pub use reference::Reference;

static TABLES: [&Table; 4] = [&tables::ORDER, &tables::ORDER_LINE, &tables::ORDER_EVENT, &tables::CHANNEL];

static TRACES: [Trace; 1] =
    [Trace::streams("dim_channel", "SELECT 'channel-' || :channel_code || '.' || :shop")];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Orders;

impl Projection for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn version(&self) -> u32 {
        1
    }
    fn tables(&self) -> &'static [&'static Table] {
        &TABLES
    }
    fn traces(&self) -> &'static [Trace] {
        &TRACES
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(fold::OrdersFold::new(merchant))
    }
}
