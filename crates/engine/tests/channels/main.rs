//! Every channel against the other side of its protocol, over real sockets, on the real log and vault.

#![expect(clippy::unwrap_used, reason = "a test")]

mod books;
mod epay;
mod front;
mod generic;
mod http;
mod jd;
mod sandbox;
mod world;
mod xianyu;
