//! The vault in PostgreSQL: what holds of it in a file, and what holds when several processes share it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "suite/card_keys.rs"]
mod card_keys;
#[path = "suite/copying.rs"]
mod copying;
#[path = "suite/opening.rs"]
mod opening;
#[path = "suite/secrets.rs"]
mod secrets;
#[path = "suite/shared.rs"]
mod shared;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/tampering.rs"]
mod tampering;

const KIND: support::Kind = support::Kind::Postgres;
