//! The outward side of the contract, by an adapter that says little and a network that answers what a test wants.

#![expect(clippy::unwrap_used, reason = "a test")]

/// Who makes the calls: the engine's own process.
const BY_WORKER: bool = false;

mod items;
mod polls;
mod procurements;
mod refunds;
mod renewals;
mod steps;
mod toy;
mod toy_supplier;
#[allow(dead_code, reason = "some of it is for the tests of workers")]
mod world;
