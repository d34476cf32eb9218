//! Analysts' questions over read models that were folded from plausible histories.

#![expect(clippy::unwrap_used, reason = "a test")]

mod cells;
mod dashboards;
mod files;
mod fuzz;
mod sql;
mod world;
