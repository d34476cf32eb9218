//! The hash chain, computed anew from its published description, not by the writer's code.
//!
//! `hash[i] = SHA-256(hash[i-1] ‖ field₁ ‖ … ‖ field₁₀)`. Every field is preceded by its length in bytes as a
//! 64-bit big-endian number; a number is itself 64-bit big-endian, and so of length 8. The hash before the
//! first event is 32 zero bytes.

use ring::digest::{Context, SHA256};
use uuid::Uuid;

use crate::rows::EventRow;

/// The hash before the first event.
pub(crate) const START: [u8; 32] = [0; 32];

/// The hash of an event after the event whose hash is `previous`.
pub(crate) fn hash(previous: &[u8; 32], merchant: &str, event: &EventRow<'_>) -> [u8; 32] {
    let fields: [&[u8]; 10] = [
        merchant.as_bytes(),
        &event.position.to_be_bytes(),
        event.stream.as_bytes(),
        &event.version.to_be_bytes(),
        event.type_name.as_bytes(),
        &u64::from(event.schema_version).to_be_bytes(),
        event.payload.as_bytes(),
        event.metadata.as_bytes(),
        &event.occurred_at.to_be_bytes(),
        &event.recorded_at.to_be_bytes(),
    ];
    sha256(previous, &fields)
}

/// The id that the event at a position must carry: the first half of the SHA-256 of `merchant:position` (the
/// position as 8 bytes, big-endian), marked as a UUID of version 8.
pub(crate) fn event_id(merchant: &str, position: u64) -> Uuid {
    let mut context = Context::new(&SHA256);
    for part in [merchant.as_bytes(), b":", &position.to_be_bytes()] {
        context.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&context.finish().as_ref()[..16]);
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    Uuid::from_bytes(id)
}

/// A short name of some texts, to keep many of them in memory. Collisions are out of reach.
pub(crate) fn short(texts: &[&str]) -> u128 {
    let fields: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(&[], &fields)[..16]);
    u128::from_be_bytes(half)
}

fn sha256(start: &[u8], fields: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(start);
    for field in fields {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
