//! Several nodes: real processes on one machine that share a PostgreSQL and a NATS server, both of which can be killed.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../running/kami.rs"]
#[allow(dead_code, reason = "of the one node's tests not everything is used here")]
mod kami;
mod losing;
mod nodes;
mod sale;
mod sharing;
