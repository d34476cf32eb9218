//! Read model of sales: orders, units and money by account, item and hour of payment, and rolled up by day.
//!
//! All that happens to an order later (delivery, refund, loss) counts where the order was paid, so the net of a
//! day is what was really earned with that day's orders. Amounts of an order are spread over its lines in
//! proportion to what the lines cost; the shares add up exactly.
#![warn(missing_docs)]

mod fold;
mod query;
mod sale;
mod tables;

use projection::{Fold, Projection, Table, View};
use vocabulary::MerchantId;

pub use query::{DaySales, Filter, by_day};

static TABLES: [&Table; 2] = [&tables::SALE, &tables::SALES_HOUR];
static VIEWS: [&View; 1] = [&tables::SALES_DAY];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sales;

impl Projection for Sales {
    fn name(&self) -> &'static str {
        "sales"
    }
    fn version(&self) -> u32 {
        1
    }
    fn tables(&self) -> &'static [&'static Table] {
        &TABLES
    }
    fn views(&self) -> &'static [&'static View] {
        &VIEWS
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(fold::SalesFold::new(merchant))
    }
}
