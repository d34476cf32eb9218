//! Read model of what models say: forecasts, what buyers will still be worth, and what led to orders.
//!
//! A fact that a model was fitted holds its parameters and the position it saw the log up to. The fold keeps what
//! models are fitted to (purchases, what they cost, journeys) as rows that never change, each with its position; so
//! whenever such a fact comes, the rows of its mart are computed anew from the entries up to that position, and are
//! the same however often and from wherever the log is folded. [`purchases`] and [`journeys`] give whoever fits
//! a model exactly what the fold will see.
#![warn(missing_docs)]

mod attribution;
mod demand;
mod entries;
mod fit;
mod fold;
mod forecast;
mod foretell;
mod history;
mod lost;
mod ltv;
mod marts;
mod tables;

use projection::{Fold, Projection, Table, Trace};
use vocabulary::MerchantId;

pub use attribution::{ATTRIBUTION, AttributionSettings, Journey, journeys};
pub use demand::{Demand, Outage, calendar, date, demand, number};
pub use fit::{VERSION, fit_attribution, fit_ltv};
pub use foretell::{Unscored, issue, score, unscored};
pub use history::{Purchase, business_day, person_of, purchases};
pub use lost::{Assessed, UnitMargin, assess, assessed, unit_margins};
pub use ltv::{LTV, LtvParams, Person, persons};

static TABLES: [&Table; 12] = [
    &tables::ORDER,
    &tables::MONEY,
    &tables::KEYS,
    &tables::KEY_COST,
    &tables::CUT,
    &tables::DEMAND,
    &tables::TOUCH,
    &tables::JOURNEY_ORDER,
    &marts::FORECAST,
    &marts::STOCKOUT,
    &marts::LTV,
    &marts::ATTRIBUTION,
];

static TRACES: [Trace; 2] = [
    Trace::orders("mart_ltv", "SELECT order_id FROM fct_insight_order WHERE buyer_id = :person_id"),
    Trace::streams("mart_attribution", "SELECT 'policy-attribution'"),
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Insight;

impl Projection for Insight {
    fn name(&self) -> &'static str {
        "insight"
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
        Box::new(fold::InsightFold::new(merchant))
    }
}
