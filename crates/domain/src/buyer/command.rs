//! What can be asked of a buyer's stream.

use events::buyer::{IdentifierKind, LinkEvidence, LinkStrength};
use vocabulary::{Account, BuyerId};

/// What can be asked of a buyer's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Note that the buyer exists. No fact when that is known, even where the buyer was erased since.
    Register {
        /// The pseudonym.
        buyer: BuyerId,
        /// Where they were seen.
        account: Account,
    },
    /// Note that the buyer's sealing key is destroyed. No fact the second time; `InvalidValue` for a buyer who
    /// was never registered.
    Erase {
        /// The pseudonym.
        buyer: BuyerId,
        /// Why.
        reason: String,
    },
    /// Link an identifier to the buyer. No fact where the link is there, where the buyer was erased, or where an
    /// account repeats what a person took back. `InvalidValue` for a buyer who was never registered or who is
    /// linked to themselves.
    Link {
        /// The pseudonym.
        buyer: BuyerId,
        /// What is linked.
        link: Link,
    },
    /// Take a link back. `InvalidValue` where there is none.
    Unlink {
        /// The pseudonym.
        buyer: BuyerId,
        /// What sort of identifier.
        kind: IdentifierKind,
        /// The digest that was linked.
        identifier: String,
        /// Why.
        reason: String,
    },
}

/// An identifier that is known of a buyer, by its keyed digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What sort of identifier.
    pub kind: IdentifierKind,
    /// A keyed digest of it within its scope; for `buyer` the other buyer's pseudonym.
    pub identifier: String,
    /// Where it means something; everywhere at the merchant's where `None`.
    pub scope: Option<String>,
    /// How far it carries.
    pub strength: LinkStrength,
    /// Where it is known from.
    pub evidence: LinkEvidence,
    /// A keyed digest of a phone number's last four digits.
    pub last4: Option<String>,
}
