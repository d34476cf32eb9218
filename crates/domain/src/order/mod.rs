//! One order, from the first word of it to its close.
//!
//! Channels tell things twice, late and in any order, so the state is a set of facts that only grow (placed, paid,
//! cancelled, refunded, …), and every message has a defined answer in every state.

mod claim;
mod command;
mod decide;
mod past;
pub mod purchase;
mod refund;
mod state;
#[cfg(test)]
mod tests;

pub use claim::{CLAIM_TRIES, Claims};
pub use command::{Command, DeliverBy, Placing};
pub use decide::{CHANNEL_QUERY, Order};
pub use past::{Past, PastKind, Taken};
pub use state::{Paid, Pending, Placed, RefundState, State, Status};
