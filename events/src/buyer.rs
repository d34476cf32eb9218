//! Stream `buyer-<pseudonym>`: that a buyer exists, never who.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId};

/// A buyer was seen for the first time. What is known of them lies sealed in the subjects store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuyerRegistered {
    /// The pseudonym.
    pub buyer: BuyerId,
    /// Where they were first seen.
    pub account: Account,
}

/// The buyer's sealing key was destroyed: nothing personal about them can be read any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuyerErased {
    /// The pseudonym.
    pub buyer: BuyerId,
    /// Why, for example `requested by the buyer`.
    pub reason: String,
}
