//! Read model of what models say: forecasts, what buyers will still be worth, and what led to orders.
//!
//! A fact that a model was fitted holds its parameters and the position it saw the log up to. The fold keeps what
//! models are fitted to (purchases, what they cost, journeys) as rows that never change, each with its position; so
//! whenever such a fact comes, the rows of its mart are computed anew from the entries up to that position, and are
//! the same however often and from wherever the log is folded. [`purchases`] and [`journeys`] give whoever fits
//! a model exactly what the fold will see.
//!
//! Persons are counted, not pseudonyms: who is whom ([`identities`]) follows from the links that held at the fit's
//! position. A link that was taken back counts until the next fit, and from there on as if it had never been.
#![warn(missing_docs)]

mod attribution;
mod demand;
mod entries;
mod fit;
mod fold;
mod forecast;
mod foretell;
mod history;
mod identity;
mod lost;
mod ltv;
mod marts;
mod tables;

use projection::{Fold, Projection, Table, Trace};
use vocabulary::MerchantId;

pub use attribution::{ATTRIBUTION, AttributionSettings, Journey, journeys};
pub use demand::{Demand, Empty, Outage, calendar, date, demand, number};
pub use fit::{VERSION, fit_attribution, fit_ltv};
pub use foretell::{Unscored, issue, score, unscored};
pub use history::{Purchase, business_day, purchases};
pub use identity::{Identities, identities};
pub use lost::{Assessed, UnitMargin, assess, assessed, unit_margins};
pub use ltv::{LTV, LtvParams, Person, persons};

static TABLES: [&Table; 15] = [
    &tables::ORDER,
    &tables::MONEY,
    &tables::KEYS,
    &tables::KEY_COST,
    &tables::CUT,
    &tables::DEMAND,
    &tables::TOUCH,
    &tables::JOURNEY_ORDER,
    &tables::IDENTITY,
    &marts::FORECAST,
    &marts::STOCKOUT,
    &marts::LTV,
    &marts::PERSON,
    &marts::MODEL,
    &marts::ATTRIBUTION,
];

static TRACES: [Trace; 6] = [
    Trace::orders(
        "mart_ltv",
        "SELECT order_id FROM fct_insight_order WHERE buyer_id = :person_id
         OR buyer_id IN (SELECT buyer_id FROM dim_insight_person WHERE person_id = :person_id)",
    ),
    Trace::streams("mart_attribution", "SELECT 'policy-attribution'"),
    Trace::positions("ops_model", "SELECT :last_pos"),
    Trace::streams("dim_insight_person", "SELECT :buyer_id"),
    Trace::positions("fct_insight_identity", "SELECT :entry_pos"),
    Trace::positions("fct_insight_touch", "SELECT :entry_pos"),
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Insight;

impl Projection for Insight {
    fn name(&self) -> &'static str {
        "insight"
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
        Box::new(fold::InsightFold::new(merchant))
    }
}
