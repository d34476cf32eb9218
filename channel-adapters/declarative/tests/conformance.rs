//! Platforms that exist in TOML alone, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod described;

use channel_conformance::conform;

#[test]
fn a_payment_gateway_described_in_toml_conforms() {
    conform(&described::epay());
}

#[test]
fn a_buyer_of_keys_described_in_toml_conforms() {
    conform(&described::supply());
}

#[test]
fn a_wholesaler_described_in_toml_conforms() {
    conform(&described::wholesaler());
}
