//! Value types every other crate speaks in: ids, money, quantities, time, secrets.
//!
//! This crate knows nothing of events, storage, HTTP or channels. Every id is a newtype with a
//! private field and a checked parser, so a value of a type is always well formed.
//!
//! ```
//! use vocabulary::{Currency, Money, Sku};
//! let sku: Sku = "steam-50".parse().unwrap();
//! let price = Money::new(2888, Currency::CNY);
//! assert_eq!(price.to_string(), "28.88 CNY");
//! assert_eq!(sku.as_str(), "steam-50");
//! ```
#![warn(missing_docs)]

mod delivery;
mod ids;
mod key;
mod money;
mod reason;
mod secret;
mod time;

pub use delivery::DeliveryMethod;
pub use ids::{
    Account, BuyerId, ChannelCode, Epoch, MerchantId, MessageId, OrderId, Position, ShopId, Sku, StreamId,
    StreamVersion, Unit,
};
pub use key::{BatchId, KeyKind, KeyRef};
pub use money::{Currency, Money, MoneyError, Quantity};
pub use reason::Reason;
pub use secret::{CardKey, Secret};
pub use time::{BusinessDay, Timestamp};

/// Why a text is not a value of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {why}")]
pub struct ParseError {
    /// The type's name in words, for example `sku`.
    pub what: &'static str,
    /// What is wrong with the text. Never repeats the text itself, which may be secret or hostile.
    pub why: &'static str,
}
