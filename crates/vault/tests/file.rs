//! The vault in a file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "suite/card_keys.rs"]
mod card_keys;
#[path = "suite/only_file.rs"]
mod only_file;
#[path = "suite/opening.rs"]
mod opening;
#[path = "suite/secrets.rs"]
mod secrets;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/tampering.rs"]
mod tampering;

const KIND: support::Kind = support::Kind::File;
