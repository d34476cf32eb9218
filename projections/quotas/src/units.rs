//! Which units a fact touches.

use events::{Fact, order::LineKeys};
use projection::Event;
use vocabulary::{KeyRef, Sku};

/// Units of one item that one fact touches.
pub(crate) struct Touched<'e> {
    pub(crate) sku: Sku,
    pub(crate) keys: &'e [KeyRef],
}

/// The items and units an event touches; none where it has nothing to do with stock.
pub(crate) fn touched(event: &Event) -> Vec<Touched<'_>> {
    if let Fact::OrderDelivered(fact) = &event.fact {
        return fact
            .lines
            .iter()
            .map(|LineKeys { sku, keys, .. }| Touched { sku: sku.clone(), keys })
            .collect();
    }
    if event.stream.kind() != "pool" {
        return Vec::new();
    }
    let Ok(sku) = event.stream.key().parse() else { return Vec::new() };
    let keys: &[KeyRef] = match &event.fact {
        Fact::KeysReserved(e) => &e.keys,
        Fact::KeysAllocated(e) => &e.keys,
        Fact::KeysReleased(e) => &e.keys,
        Fact::KeysQuarantined(e) => &e.keys,
        Fact::QuarantineLifted(e) => &e.keys,
        Fact::KeysRevoked(e) => &e.keys,
        Fact::KeysVoided(e) => &e.keys,
        _ => &[],
    };
    vec![Touched { sku, keys }]
}
