//! What SKU decisions read.

use events::sku::SkuDefined;
use serde::{Deserialize, Serialize};
use vocabulary::KeyKind;

/// A SKU: not defined yet, or as last defined.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    defined: Option<SkuDefined>,
}

impl State {
    /// The definition, once there is one.
    pub fn defined(&self) -> Option<&SkuDefined> {
        self.defined.as_ref()
    }
    /// The kind of keys it is sold from, once it is defined.
    pub fn key_kind(&self) -> Option<KeyKind> {
        self.defined().map(|defined| defined.key_kind)
    }

    pub(super) fn define(&mut self, defined: &SkuDefined) {
        self.defined = Some(defined.clone());
    }
}
