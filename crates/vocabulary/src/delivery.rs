//! How keys reach a buyer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How keys reach the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMethod {
    /// In the reply to the channel's own call; by our call where the reply had to leave without them.
    Reply,
    /// By our call to the channel (its delivery or call-back interface).
    Api,
    /// The buyer or partner fetches them with proof of who they are.
    Pickup,
}
