//! The outward side of the contract once more, with all calls made by a worker that the engine hands them to; and what a
//! worker alone can do wrong.

#![expect(clippy::unwrap_used, reason = "a test")]

/// Who makes the calls: a worker.
const BY_WORKER: bool = true;

#[path = "../contract/items.rs"]
mod items;
#[path = "../contract/polls.rs"]
mod polls;
#[path = "../contract/procurements.rs"]
mod procurements;
#[path = "../contract/refunds.rs"]
mod refunds;
#[path = "../contract/renewals.rs"]
mod renewals;
#[path = "../contract/steps.rs"]
mod steps;
#[path = "../contract/toy.rs"]
mod toy;
#[path = "../contract/toy_supplier.rs"]
mod toy_supplier;
mod workers;
#[path = "../contract/world.rs"]
mod world;
