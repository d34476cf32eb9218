//! What tests of read models share: a log in memory, plausible histories, and the laws every read model obeys.

mod laws;
mod memory_log;
mod rng;
mod scribe;
mod story;

pub use laws::{Law, check_laws, check_laws_of_all, fold, fold_all};
pub use memory_log::MemoryLog;
pub use scribe::Scribe;
pub use story::{Story, merchant, plausible_history};
