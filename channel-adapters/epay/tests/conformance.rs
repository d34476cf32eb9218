//! Both versions of the gateway, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod gateway;

use channel_conformance::conform;

#[test]
fn epay_v1_conforms() {
    conform(&gateway::v1());
}

#[test]
fn epay_v2_conforms() {
    conform(&gateway::v2());
}
