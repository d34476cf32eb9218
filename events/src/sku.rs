//! Stream `sku-<sku>`: what we sell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{KeyKind, Money, Sku};

/// A sellable item was defined, or its description changed: the newest fact replaces the earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkuDefined {
    /// The item.
    pub sku: Sku,
    /// The name people see.
    pub name: String,
    /// The product family; keys are unique within it.
    pub family: String,
    /// The kind of keys it is sold from.
    pub key_kind: KeyKind,
    /// The value printed on the card, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_value: Option<Money>,
}
