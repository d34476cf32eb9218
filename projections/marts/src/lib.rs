//! Read models for analysts: views over the tables of the other projections, under names and columns that stay.
//!
//! Facts are folded elsewhere; here they are joined and added up whenever somebody looks, so a view never differs from
//! its facts and can be asked as of any position. What it costs is what its query costs: the sums by hour and day are
//! kept in tables, so views of sales read few rows.
//!
//! A person is what buyers are joined into. Who is who stands in one view, `dim_buyer_person`; a buyer who is not in
//! it is a person of their own.
#![warn(missing_docs)]

mod channels;
mod columns;
mod journeys;
mod metrics;
mod orders;
mod people;
mod prices;
mod sales;
mod stock;
mod traces;

use async_trait::async_trait;
use projection::{ApplyError, Event, Fold, Projection, Table, Trace, View};
use sqlx::SqliteConnection;
use vocabulary::MerchantId;

pub use metrics::{METRICS, Metric};

static VIEWS: [&View; 19] = [
    &channels::DIM_CHANNEL,
    &stock::DIM_SKU,
    &stock::DIM_BATCH,
    &stock::OPS_QUOTA,
    &stock::OPS_KEY_POOL,
    &orders::FCT_ORDER,
    &prices::FCT_PRICE_CHANGE,
    &prices::FCT_PRICE_MISMATCH,
    &sales::HOUR,
    &sales::DAY_SALES,
    &sales::DAY_YUAN,
    &journeys::FUNNEL,
    &journeys::CONTENT,
    &people::COHORT,
    &people::RFM,
    &channels::VALUE,
    &channels::AFTER_SALE,
    &stock::QUOTA_USE,
    &stock::STOCKOUT,
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Marts;

impl Projection for Marts {
    fn name(&self) -> &'static str {
        "marts"
    }
    fn version(&self) -> u32 {
        1
    }
    fn tables(&self) -> &'static [&'static Table] {
        &[]
    }
    fn views(&self) -> &'static [&'static View] {
        &VIEWS
    }
    fn traces(&self) -> &'static [Trace] {
        &traces::TRACES
    }
    fn start(&self, _: &MerchantId) -> Box<dyn Fold> {
        Box::new(Nothing)
    }
}

/// It has no rows of its own to fold.
struct Nothing;

#[async_trait]
impl Fold for Nothing {
    async fn load(&mut self, _: &[Event], _: &mut SqliteConnection) -> Result<(), ApplyError> {
        Ok(())
    }
    fn fold(&mut self, _: &[Event]) -> Result<(), ApplyError> {
        Ok(())
    }
    async fn write(&mut self, _: &mut SqliteConnection) -> Result<(), ApplyError> {
        Ok(())
    }
}
