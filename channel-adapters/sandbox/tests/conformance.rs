//! The sandbox, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod shop;

use channel_conformance::conform;

#[test]
fn the_sandbox_conforms() {
    conform(&shop::subject());
}
