//! What can be asked of a price book.

use vocabulary::{Account, Money, Sku, Timestamp};

/// What can be asked of a price book.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Set a price. It replaces the one of the same account and start; no fact when that one is the same.
    SetPrice {
        /// The item.
        sku: Sku,
        /// The account it holds for; none means every account without a valid price of its own.
        account: Option<Account>,
        /// The price of one unit; more than nothing.
        unit_price: Money,
        /// From when.
        valid_from: Timestamp,
        /// Until when (exclusive), after the start; none means until replaced.
        valid_until: Option<Timestamp>,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Take back every price of the account, or the general ones. No fact when there is none.
    Withdraw {
        /// The item.
        sku: Sku,
        /// The account, or none for the general price.
        account: Option<Account>,
        /// Why.
        reason: String,
    },
}
