//! The routes over a real engine, log, vault and read models, asked in process; and the server over sockets.

#![expect(clippy::unwrap_used, reason = "a test")]

mod analysts;
mod auth;
mod bad_inputs;
mod channels;
mod explain;
mod idempotency;
mod import;
mod inbound;
mod inbox;
mod orders;
mod procure;
mod server;
mod sql;
mod stream;
mod surface;
mod views;
mod world;
