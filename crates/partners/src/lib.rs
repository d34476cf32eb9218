//! Signed webhooks to partners, by Standard Webhooks.
//!
//! Who is told what is in the log ([`events::policy::SubscriptionSet`]). What is due is kept beside the read models, in a
//! database of its own, and can be lost like them: it is made again from the log, at the cost of repeats with the same
//! `webhook-id`. Each event of interest becomes one delivery per subscription, in the transaction that moves the place in
//! the log; it is sent until it is taken, in order within each stream, and put aside after the last try.
//!
//! The crate knows no vault, no HTTP client and no clock: [`Secrets`], [`Post`] and the instants come from outside.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod address;
mod lanes;
mod message;
mod schedule;
mod sign;
mod store;
#[cfg(test)]
mod tests;

pub use address::{Address, AddressError, is_public};
pub use lanes::{Answer, Post, PostFailure, Secrets, Webhook, send_for_ever};
pub use message::EVENT_TYPES;
pub use schedule::{ATTEMPTS_MAX, Outcome};
pub use sign::{new_secret, secrets_digest, sign};
pub use store::{Delivery, Due, Partners, PartnersError, State, Subscription};
