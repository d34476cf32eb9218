//! Read model of orders: what each is now, its lines, and its history in sentences; and finding them.
//!
//! An order's row is the fold of its own stream alone ([`Order::fold`]), so the state at any earlier event is
//! found by folding a part of that stream. Events of other streams that name an order belong to its history: what
//! happened to its keys, what led to it, and who of the staff searched for it or wrote it to a file.
//!
//! [`steps`] tells a history, [`causes`] what led to what, [`HistoryFile`] carries it to another instance.
//!
//! Queries ([`find`], [`list`], [`history`], …) take any connection to a database of read models, the live one or
//! one folded as of a position.
#![warn(missing_docs)]

mod causes;
mod changes;
mod channels;
mod file;
mod fold;
mod order;
mod query;
mod reference;
mod steps;
mod tables;
mod view;

use projection::{Fold, Projection, Table, Trace};
use vocabulary::MerchantId;

pub use causes::{Causes, Edge, EdgeKind, Node, NodeEvent, NodeKind, causes, outside};
pub use changes::{Change, changes};
pub use file::{FileError, HistoryFile, Link};
pub use order::{Line, Order, Refund, RefundState, Status};
pub use query::{Filter, Found, HistoryEntry, Page, by_id, find, history, list, positions_elsewhere};
pub use reference::Reference;
pub use steps::{At, HistoryError, Newest, Said, Step, known_at, steps, told};
pub use view::OrderView;

static TABLES: [&Table; 4] = [&tables::ORDER, &tables::ORDER_LINE, &tables::ORDER_EVENT, &tables::CHANNEL];

static TRACES: [Trace; 1] =
    [Trace::streams("channel_row", "SELECT 'channel-' || :channel_code || '.' || :shop")];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Orders;

impl Projection for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn version(&self) -> u32 {
        2
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
