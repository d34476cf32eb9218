//! Read model of stock and quotas: where every key is, and what each channel account may sell now.
//!
//! A unit without a row in `ops_key` is in stock and was never touched, so importing a batch costs one row.
#![warn(missing_docs)]

mod fold;
mod listings;
mod pool;
mod published;
mod query;
mod tables;
mod units;

use projection::{Fold, Projection, Table, Trace};
use vocabulary::MerchantId;

pub use listings::listings;
pub use pool::{available, shared};
pub use query::{AccountQuota, BatchStock, KeyPlace, SkuBoard, StockoutTime, batches, board, key, stockouts};

static TABLES: [&Table; 8] = [
    &tables::SKU,
    &tables::STOCK,
    &tables::QUOTA,
    &tables::KEY_POOL,
    &tables::KEY,
    &tables::STOCKOUT,
    &tables::PUBLISHED,
    &tables::LISTING,
];

static TRACES: [Trace; 7] = [
    Trace::positions("dim_listing", "SELECT :last_pos"),
    Trace::streams("sku_row", "SELECT 'sku-' || :sku"),
    Trace::streams("ops_stock", "SELECT 'pool-' || :sku"),
    Trace::streams("quota_row", "SELECT 'pool-' || :sku"),
    Trace::streams("batch_row", "SELECT 'pool-' || :sku"),
    Trace::streams("fct_stockout", "SELECT 'pool-' || :sku_id"),
    Trace::streams("ops_key", "SELECT 'pool-' || :sku"),
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Quotas;

impl Projection for Quotas {
    fn name(&self) -> &'static str {
        "quotas"
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
        Box::new(fold::QuotasFold::new(merchant))
    }
}
