//! One shop account on a channel: its listings, and what we ask the channel for.

mod command;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use decide::Channel;
pub use state::{Figure, Figures, State};
