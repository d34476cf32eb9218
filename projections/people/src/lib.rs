//! Read model of people: which buyers are one person, by what, and since when.
//!
//! Persons are what valid strong links join, as [`persons::Partition`] says. So they follow from the links that hold,
//! however those came to be; taking a link back leaves what would be without it.
#![warn(missing_docs)]

mod fold;
mod graph;
mod query;
mod tables;

use projection::{Fold, Projection, Table, Trace, View};
use vocabulary::MerchantId;

pub use query::{Identity, buyers_of, by_digest, hinted, identities, person_of};

static TABLES: [&Table; 2] = [&tables::EDGE, &tables::BUYER];
static VIEWS: [&View; 1] = [&tables::PERSON];
static TRACES: [Trace; 3] = [
    Trace::streams("dim_identity_edge", "SELECT :buyer_id"),
    Trace::streams("dim_buyer_person", "SELECT :buyer_id"),
    Trace::streams("dim_person", "SELECT buyer_id FROM dim_buyer_person WHERE person_id = :person_id"),
];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct People;

impl Projection for People {
    fn name(&self) -> &'static str {
        "people"
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
    fn traces(&self) -> &'static [Trace] {
        &TRACES
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(fold::PeopleFold::new(merchant))
    }
}
