//! Against a real server: what is published is the log, what is followed is the log, whatever happens in between.
#![expect(clippy::unwrap_used, reason = "a test")]

mod follow;
mod relay;
mod storm;
mod world;
