//! Stream `price-<sku>`: what we ask, per channel account and time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, Money, Sku, Timestamp};

/// A price was set. A later fact for the same account and start replaces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriceSet {
    /// The item.
    pub sku: Sku,
    /// The account it holds for; none means every account without a price of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The price of one unit.
    pub unit_price: Money,
    /// From when.
    pub valid_from: Timestamp,
    /// Until when (exclusive); none means until replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// A price was taken back: the account is without a price of its own from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriceWithdrawn {
    /// The item.
    pub sku: Sku,
    /// The account, or none for the general price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Why.
    pub reason: String,
}
