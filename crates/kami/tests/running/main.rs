//! The real binary over HTTP: a flash sale, kills at any moment, bad input, hostile surroundings.

#![expect(clippy::unwrap_used, reason = "a test")]

mod analysts;
mod backups;
mod bad_input;
mod canary;
mod channel_tools;
mod fan_out;
mod flash_sale;
mod kami;
mod purchases;
mod receiver;
mod support_cases;
mod surroundings;
mod webhooks;
