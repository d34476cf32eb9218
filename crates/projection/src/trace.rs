//! From a row back to the events that made it.

/// What a trace's query gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// Positions of events.
    Positions,
    /// Ids of orders: all their history is meant.
    Orders,
    /// Names of streams: all their events are meant.
    Streams,
}

/// How the events behind a row of a table or view are found.
///
/// A table needs none where a column of its key is `pos` (the row is of that event), where it has a column `order_id`
/// (the row is of that order's history), or where its key says by `channel`, `sku`, `currency`, `buyer_id`,
/// `paid_date` or `hour_at` which orders it adds up.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// The table or view.
    pub of: &'static str,
    /// What the query gives.
    pub gives: Gives,
    /// The query, of one column, over tables and views of any projection, with `:x` for the value of the row's column
    /// `x`. It sees one merchant's rows and no column `merchant`.
    pub select: &'static str,
}

impl Trace {
    /// A trace to the histories of orders.
    pub const fn orders(of: &'static str, select: &'static str) -> Self {
        Self { of, gives: Gives::Orders, select }
    }
    /// A trace to whole streams.
    pub const fn streams(of: &'static str, select: &'static str) -> Self {
        Self { of, gives: Gives::Streams, select }
    }
    /// A trace to single events.
    pub const fn positions(of: &'static str, select: &'static str) -> Self {
        Self { of, gives: Gives::Positions, select }
    }
}
