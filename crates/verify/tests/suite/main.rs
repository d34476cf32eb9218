//! The checker against logs made by hand: clean ones, tampered ones, and ones with a planted lie. A checker
//! that never fails is no evidence, so there is at least one planted violation of every invariant.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod clean;
mod directory;
mod history;
mod planted;
mod purchases;
mod support;
mod tamper;
