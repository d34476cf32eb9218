//! Read model of stock and quotas: where every key is, what each channel account may sell now, and what
//! was bought from suppliers.
//!
//! A unit without a row in `ops_key` is in stock and was never touched, so importing a batch costs one row.
#![warn(missing_docs)]

mod fold;
mod listings;
mod pool;
mod published;
mod purchases;
mod query;
mod tables;
mod units;

use projection::{Fold, Projection, Table, Trace};
use vocabulary::MerchantId;

pub use listings::listings;
pub use pool::{available, shared};
pub use purchases::{Purchase, PurchaseFilter, PurchaseState, purchases};
pub use query::{AccountQuota, BatchStock, KeyPlace, SkuBoard, StockoutTime, batches, board, key, stockouts};

static TABLES: [&Table; 9] = [
    &tables::SKU,
    &tables::STOCK,
    &tables::QUOTA,
    &tables::KEY_POOL,
    &tables::KEY,
    &tables::STOCKOUT,
    &tables::PUBLISHED,
    &tables::LISTING,
    &tables::PURCHASE,
];

static TRACES: [Trace; 8] = [
    Trace::positions("dim_listing", "SELECT :last_pos"),
    Trace::streams("sku_row", "SELECT 'sku-' || :sku"),
    Trace::streams("ops_stock", "SELECT 'pool-' || :sku"),
    Trace::streams("quota_row", "SELECT 'pool-' || :sku"),
    Trace::streams("batch_row", "SELECT 'pool-' || :sku"),
    Trace::streams("fct_stockout", "SELECT 'pool-' || :sku_id"),
    Trace::streams("ops_key", "SELECT 'pool-' || :sku"),
    Trace::streams("ops_purchase", "SELECT 'procurement-' || :purchase"),
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Quotas;

impl Projection for Quotas {
    fn name(&self) -> &'static str {
        "quotas"
    }
    fn version(&self) -> u32 {
        3
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
