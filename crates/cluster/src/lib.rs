//! Several nodes: which should serve which merchant ([`place`]), and requests that are passed on to the one that does
//! ([`Bus`]), over NATS.
//!
//! Nothing here keeps anything safe. Who may write is judged by the log, in each append; this crate makes sure that in
//! the usual case there is one node that tries, and that the others find it. It knows no HTTP: a request is a head and
//! a body ([`wire`]), sealed by whoever sends it.
//!
//! Subjects are `kami-node.<node>.http`, where a node takes requests, `kami-node.<node>.effects`, where it hands calls to
//! channels out to workers, and `kami-cluster.news`. They do not begin with
//! `kami.`, which belongs to the merchants' events.
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod bus;
mod placement;
pub mod wire;

pub use bus::{AskError, Asked, Bus, Door, News, NewsKind};
pub use placement::{Candidate, place, rank};
