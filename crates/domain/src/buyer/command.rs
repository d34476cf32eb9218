//! What can be asked of a buyer's stream.

use vocabulary::{Account, BuyerId};

/// What can be asked of a buyer's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Note that the buyer exists. No fact when that is known, even where the buyer was erased since.
    Register {
        /// The pseudonym.
        buyer: BuyerId,
        /// Where they were seen.
        account: Account,
    },
    /// Note that the buyer's sealing key is destroyed. No fact the second time; `InvalidValue` for a buyer who
    /// was never registered.
    Erase {
        /// The pseudonym.
        buyer: BuyerId,
        /// Why.
        reason: String,
    },
}
