//! Read model of sales: what every order brought in and cost, and sums of that by account, item and hour or day.
//!
//! All that happens to an order later (delivery, refund, loss) counts in the hour it was paid in, so the net of a
//! day is what was really earned with that day's orders; that an order was placed, or refused, counts when it was.
//! Amounts of an order are spread over its items in proportion to what they cost; the shares add up exactly.
//!
//! Orders that were taken over as history count like others, at the time they were sold. Money that was given back
//! elsewhere counts when it was: nobody knows the order it belonged to.
//!
//! The sums are kept; what is no sum (distinct buyers, percentiles) is asked of the lines by views of other crates.
#![warn(missing_docs)]

mod decision;
mod fold;
mod knowledge;
mod placed;
mod prices;
mod query;
mod sale;
mod sums;
mod tables;

use projection::{Fold, Projection, Table};
use vocabulary::MerchantId;

pub use query::{DaySales, Filter, by_day};

static TABLES: [&Table; 11] = [
    &tables::SALE,
    &tables::SALE_LINE,
    &tables::SALES_HOUR,
    &tables::SALES_DAY,
    &tables::REFUSED,
    &tables::REPLACED,
    &tables::DISPUTED,
    &tables::PRICE,
    &tables::TERMS,
    &tables::BATCH_COST,
    &tables::DECISION,
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sales;

impl Projection for Sales {
    fn name(&self) -> &'static str {
        "sales"
    }
    fn version(&self) -> u32 {
        2
    }
    fn tables(&self) -> &'static [&'static Table] {
        &TABLES
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(fold::SalesFold::new(merchant))
    }
}
