//! What can be asked of a SKU.

use vocabulary::{KeyKind, Money, Sku};

/// What can be asked of a SKU.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Define it, or change its name or face value. Kind of keys and family are for good (`AlreadyExists`): keys
    /// in stock are counted and told apart by them. No fact when it is so already.
    Define {
        /// The item.
        sku: Sku,
        /// The name people see: 1 to 200 characters, no control characters.
        name: String,
        /// The product family, within which keys are unique: 1 to 200 characters, no control characters.
        family: String,
        /// The kind of keys it is sold from; a use limit is at least 1.
        key_kind: KeyKind,
        /// The value printed on the card, if any; more than nothing.
        face_value: Option<Money>,
    },
}
