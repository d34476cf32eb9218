//! The key pool of one SKU: batches, units in stock, quotas per account, holds, waiting lines.
//!
//! A unit is in exactly one place: in stock, quarantined, held for an unpaid line, void, or out (bound to a paid
//! line, whose order knows it; the pool only counts these). Quotas are ceilings and set-asides over what is in
//! stock, never places of their own, so moving a quota moves no key.

mod command;
mod decide;
mod evolve;
mod keeping;
mod lines;
mod state;
#[cfg(test)]
mod tests;
mod units;
mod waiting;

/// Why keys are revoked when a buyer is given others for them.
pub const BAD_KEY: &str = "bad_key";
/// Why a batch is quarantined when too many of its keys were bad.
pub const BAD_BATCH: &str = "bad_keys_in_batch";

pub use command::{Command, Shortage};
pub use decide::Pool;
pub use state::{Batch, Counters, Hold, Quota, State};
pub use waiting::Waiting;
