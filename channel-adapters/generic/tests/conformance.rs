//! The generic channel, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod partner;

use channel_conformance::conform;

#[test]
fn the_generic_channel_conforms() {
    conform(&partner::subject());
}
