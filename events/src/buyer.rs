//! Stream `buyer-<pseudonym>`: that a buyer exists, never who.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, OrderId};

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

/// Something was learnt that identifies the buyer beyond one account. Persons are what valid links join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityLinked {
    /// The buyer.
    pub buyer: BuyerId,
    /// What sort of identifier.
    pub kind: IdentifierKind,
    /// A keyed digest of the identifier within its scope; for `buyer` the other buyer's pseudonym.
    pub identifier: String,
    /// Where the identifier means something: an app or a shop; everywhere at the merchant's where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How far the link carries.
    pub strength: LinkStrength,
    /// Where it is known from.
    pub evidence: LinkEvidence,
    /// A keyed digest of a phone number's last four digits, to search by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
}

/// A link was taken back: the timelines are again as if it had never been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityUnlinked {
    /// The buyer.
    pub buyer: BuyerId,
    /// What sort of identifier.
    pub kind: IdentifierKind,
    /// The digest that was linked.
    pub identifier: String,
    /// Why.
    pub reason: String,
}

/// What sort of identifier a link is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// A phone number that was verified by a code or a member binding.
    VerifiedPhone,
    /// WeChat's union id.
    UnionId,
    /// What a platform's app or shop calls the buyer.
    OpenId,
    /// A phone number a platform gave, perhaps a virtual one.
    PlatformPhone,
    /// Another buyer, joined by proof of purchase, a handoff or a person.
    Buyer,
    /// An e-mail address.
    Email,
    /// A device.
    Device,
    /// The account that paid.
    Payer,
}

impl IdentifierKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifiedPhone => "verified_phone",
            Self::UnionId => "union_id",
            Self::OpenId => "open_id",
            Self::PlatformPhone => "platform_phone",
            Self::Buyer => "buyer",
            Self::Email => "email",
            Self::Device => "device",
            Self::Payer => "payer",
        }
    }
}

/// How far a link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkStrength {
    /// It joins.
    Strong,
    /// It suggests; two together suggest strongly, a person decides.
    Medium,
    /// It is for searching only.
    SearchOnly,
}

impl LinkStrength {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Medium => "medium",
            Self::SearchOnly => "search_only",
        }
    }
}

/// Where a link is known from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "source")]
pub enum LinkEvidence {
    /// A message of an account said so.
    Channel {
        /// The account.
        account: Account,
    },
    /// The buyer proved that an order is theirs.
    ProofOfPurchase {
        /// The order.
        order: OrderId,
    },
    /// A person decided.
    Staff {
        /// Why.
        reason: String,
    },
}
