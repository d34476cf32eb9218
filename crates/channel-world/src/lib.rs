//! A merchant to test a channel adapter against: the real engine on a log and a vault of its own, served on a socket,
//! by a clock that the test moves. For tests only.
//!
//! ```no_run
//! # async fn story(protocols: &'static [channel::Protocol], platform: impl testkit::pretend::Platform,
//! #     settings: serde_json::Value, paid: testkit::drive::Signed) {
//! use channel_world::World;
//! let world = World::open(protocols).await;            // one item, `SKU`, at `PRICE`, no keys
//! let pretend = world.pretend(platform).await;         // the platform, on a socket, by the same clock
//! world.connect("acme/main", &settings).await;
//! world.list("acme/main", "item-7").await;             // the platform's item is our SKU
//! world.stock(0, 10).await;                            // keys `code(0)` to `code(9)`
//! let told = world.send("acme/main", &paid).await;     // the platform's webhook, over the socket
//! world.settle().await;                                // every call that is due was made
//! # drop((pretend, told)); world.stop().await; }
//! ```
#![warn(missing_docs)]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

mod books;
mod buying;
mod front;
mod http;
mod world;

pub use books::{Books, Keys, sha256};
pub use world::{PRICE, SKU, Told, World, account, code};
