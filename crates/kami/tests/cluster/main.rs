//! Several nodes: real processes on one machine that share a PostgreSQL and a NATS server, both of which can be killed.

#![expect(clippy::unwrap_used, reason = "a test")]

mod beside;
mod effects;
#[path = "../running/kami.rs"]
#[allow(dead_code, reason = "of the one node's tests not everything is used here")]
mod kami;
mod losing;
mod market;
mod nodes;
#[path = "../running/receiver.rs"]
#[allow(dead_code, reason = "of the one node's tests not everything is used here")]
mod receiver;
mod sale;
mod sharing;
