//! One buyer, by pseudonym.

mod command;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use command::{Command, Link};
pub use decide::Buyer;
pub use state::{Links, State};
