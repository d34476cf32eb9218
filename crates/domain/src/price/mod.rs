//! The price book of one SKU: what we ask, in general and per account, and when.

mod command;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use decide::PriceBook;
pub use state::{Price, State};
