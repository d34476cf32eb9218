//! What buyer decisions read.

use serde::{Deserialize, Serialize};
use vocabulary::Account;

/// A buyer's life with us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Never seen.
    #[default]
    Unknown,
    /// Seen.
    Registered {
        /// Where first.
        account: Account,
    },
    /// Nothing personal can be read any more.
    Erased,
}
