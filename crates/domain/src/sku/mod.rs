//! The definition of one SKU.

mod command;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use decide::SkuDefinition;
pub use state::State;
