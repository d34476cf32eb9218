//! One buyer, by pseudonym.

mod command;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use decide::Buyer;
pub use state::State;
