//! The routes over a real engine, log, vault and read models, asked in process; and the server over sockets.

#![expect(clippy::unwrap_used, reason = "a test")]

mod analysts;
mod auth;
mod bad_inputs;
mod canary;
mod channels;
mod claim;
mod explain;
mod find;
mod idempotency;
mod identity;
mod import;
mod inbound;
mod inbox;
mod journeys;
mod models;
mod orders;
mod past_orders;
mod procure;
mod server;
mod sql;
mod stream;
mod support;
mod surface;
mod time_machine;
mod views;
mod world;
