//! The real binary and clients built on the platforms' own SDKs: each signs with code that had no part in ours, and
//! first makes sure that the SDK itself takes what is genuine and refuses what is forged.
//!
//! The SDKs, whose versions are pinned in `clients/`, are installed once, from the registries that `pip` and `npm`
//! are set up for.

#![expect(clippy::unwrap_used, reason = "a test")]

mod calls;
mod clients;
mod gateways;
#[path = "../running/kami.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod kami;
mod partner;
mod platform;
#[path = "../running/receiver.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod receiver;
mod shops;
mod site;
