//! Stream `journey-<key>`: what led somebody to an order. It names nobody but by pseudonym.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, OrderId, StreamId};

/// Somebody was in touch with us: saw a video, wrote to the shop, opened a quote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TouchRecorded {
    /// The journey.
    pub journey: StreamId,
    /// What happened.
    pub kind: TouchKind,
    /// On which account.
    pub account: Account,
    /// Where they came from, for example `short-video` or `search`.
    pub source: String,
    /// What they saw: a video, a note, a page, by the merchant's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What sort of content that is, for example `video` or `note`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The campaign it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Who, where the channel says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<BuyerId>,
}

/// What sort of contact a touch was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TouchKind {
    /// Content was seen.
    View,
    /// Content was opened or followed.
    Click,
    /// They wrote to the shop.
    Chat,
    /// They were handed from one channel to another.
    Handoff,
    /// They were told a price.
    Quote,
}

impl TouchKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Click => "click",
            Self::Chat => "chat",
            Self::Handoff => "handoff",
            Self::Quote => "quote",
        }
    }
}

/// A journey led to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyOrdered {
    /// The journey.
    pub journey: StreamId,
    /// The order.
    pub order: OrderId,
}
