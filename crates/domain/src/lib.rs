//! Pure deciders: state and command in, events or a rejection out.
//!
//! One folder per aggregate, each with `state.rs` (what a decision reads, and `evolve`), `command.rs`, `decide.rs`
//! and `tests.rs`. No clock, randomness, I/O or async here: `now`, new ids and prices arrive inside the command.
//! `evolve` is total: it never fails on an event that its decider made.
#![warn(missing_docs)]

use events::Fact;
use vocabulary::Reason;

pub mod buyer;
pub mod channel;
pub mod journal;
pub mod order;
pub mod pool;
pub mod price;
pub mod procurement;
pub mod sku;

/// A business "no": nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// What exactly, in English; holds no secret and no personal data.
    pub detail: String,
}

impl Rejection {
    /// A rejection with a detail.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// A decider: decide, evolve and the initial state (the state's `Default`) of one kind of stream.
pub trait Decider {
    /// What it is called in stream names: `order`, `pool`, …
    const KIND: &'static str;
    /// What decisions read; `Default` is "nothing happened yet".
    type State: Default
        + Clone
        + std::fmt::Debug
        + serde::Serialize
        + serde::de::DeserializeOwned
        + Send
        + Sync;
    /// What can be wished for.
    type Command: std::fmt::Debug + Send + Sync;

    /// What follows from the wish; no fact at all where it is fulfilled already.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Fact>, Rejection>;
    /// The state after a fact. Facts of other streams change nothing.
    fn evolve(state: &mut Self::State, fact: &Fact);
}
