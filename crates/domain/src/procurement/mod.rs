//! A purchase of keys from a supplier: asked for once, settled once, and keys that come are never turned away.

mod command;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use decide::Procurement;
pub use state::State;
