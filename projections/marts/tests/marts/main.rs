//! The analysts' views against the log.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod book;
mod laws;
mod people;
mod real;
mod scenes;
mod shop;
mod support;
mod totals;
