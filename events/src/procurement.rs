//! Stream `procurement-<our number>`: keys that we buy from a supplier, from the wish to what came of it.
//!
//! The number has 32 hex digits and is the one the supplier knows. No event here holds a key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BatchId, Money, Quantity, Sku};

/// Intent: buy keys from a supplier. The number of the batch that they will become is set aside with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcurementRequested {
    /// Our number of the purchase.
    pub our_no: String,
    /// Our SKU that the keys are for.
    pub sku: Sku,
    /// The account at the supplier.
    pub account: Account,
    /// The supplier's item id.
    pub item: String,
    /// How many keys.
    pub quantity: Quantity,
    /// What all of them may cost at most.
    pub max_price: Money,
    /// The batch that is kept free for them.
    pub batch: BatchId,
    /// Why.
    pub reason: String,
}

/// The supplier took the purchase and has not handed the keys over yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcurementAccepted {
    /// Our number of the purchase.
    pub our_no: String,
    /// The supplier's number, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A purchase ended. Keys that come after all are taken in, and a second such fact says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcurementSettled {
    /// Our number of the purchase.
    pub our_no: String,
    /// How it ended.
    pub end: ProcurementEnd,
    /// The supplier's number, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// How a purchase ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ProcurementEnd {
    /// Keys came and are in stock.
    Keys {
        /// The batch they are.
        batch: BatchId,
        /// How many are in stock now; may differ from what was asked for.
        count: u32,
        /// How many were asked for.
        asked: u32,
        /// How many others came that we had before: they were not taken in.
        duplicates: u32,
    },
    /// Nothing was bought, or the money was given back.
    Failed {
        /// The supplier's code.
        code: String,
    },
    /// Nobody knows whether something was bought, or no new key came for the money: a person must look.
    ForAPerson {
        /// Why, as a code.
        code: String,
    },
}
