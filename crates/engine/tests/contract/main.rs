//! The outward side of the contract, by an adapter that says little and a network that answers what a test wants.

#![expect(clippy::unwrap_used, reason = "a test")]

mod items;
mod polls;
mod procurements;
mod refunds;
mod renewals;
mod steps;
mod toy;
mod toy_supplier;
mod world;
