//! The hash chain: each event's hash covers the hash before it and every stored byte of the event.
//!
//! `hash[i] = SHA-256(hash[i-1] ‖ field₁ ‖ … ‖ field₁₀)`, where each field, text (UTF-8) or number (64-bit
//! big-endian), is preceded by its length in bytes as a 64-bit big-endian number, in the order of
//! [`link`]. The hash before the first event is [`GENESIS`]. Anyone can recompute it with ordinary tools; nothing
//! is re-serialised.

use ring::digest;
use uuid::Uuid;
use vocabulary::{MerchantId, Position};

use crate::RecordedEvent;

/// The hash before the first event of every log.
pub const GENESIS: [u8; 32] = [0; 32];

/// The hash of `event` when `previous` is the hash of the event before it. `event.hash` is not read.
pub fn link(previous: &[u8; 32], event: &RecordedEvent) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    let mut text = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    text(event.merchant.as_str().as_bytes());
    text(&event.position.0.to_be_bytes());
    text(event.stream.as_str().as_bytes());
    text(&event.version.0.to_be_bytes());
    text(event.type_name.as_bytes());
    text(&u64::from(event.schema_version).to_be_bytes());
    text(event.payload.as_bytes());
    text(event.metadata.as_bytes());
    text(&event.occurred_at.micros().to_be_bytes());
    text(&event.recorded_at.micros().to_be_bytes());
    into_array(&context.finish())
}

/// The id of the event at a position: a UUID (version 8) made from merchant and position, so that a retried
/// append carries the same id on every backend.
pub fn event_id(merchant: &MerchantId, position: Position) -> Uuid {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(merchant.as_str().as_bytes());
    context.update(b":");
    context.update(&position.0.to_be_bytes());
    let hash = into_array(&context.finish());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn into_array(digest: &digest::Digest) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}
