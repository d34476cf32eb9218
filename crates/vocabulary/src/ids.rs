//! Identifiers: text with a checked alphabet, UUIDs with a readable prefix, and plain counters.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ParseError;

/// A text id: `$max` bytes at most, every byte accepted by `$ok`.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = ParseError;
            fn from_str(text: &str) -> Result<Self, ParseError> {
                let fail = |why| Err(ParseError { what: $what, why });
                let ok: fn(u8) -> bool = $ok;
                if text.is_empty() {
                    return fail("is empty");
                }
                if text.len() > $max {
                    return fail(concat!("is longer than ", $max, " bytes"));
                }
                if !text.bytes().all(ok) {
                    return fail("has a character outside its alphabet");
                }
                Ok(Self(text.into()))
            }
        }
        impl TryFrom<String> for $name {
            type Error = ParseError;
            fn try_from(text: String) -> Result<Self, ParseError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_slug(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

text_id!(
    /// One merchant (tenant): the unit of order, isolation and scale. A slug, at most 32 bytes.
    MerchantId, "merchant", 32, is_slug
);
text_id!(
    /// The code of a channel protocol, which is also the name of its adapter, for example `jd-game-card`.
    ChannelCode, "channel", 32, is_slug
);
text_id!(
    /// One shop of a merchant on a channel. A slug, at most 32 bytes.
    ShopId, "shop", 32, is_slug
);
text_id!(
    /// A sellable item of the merchant: letters, digits, `.`, `_`, `-`; at most 64 bytes.
    Sku, "sku", 64, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')
);
text_id!(
    /// The name of a stream, for example `order-0198c1…` or `pool-steam-50`; at most 96 bytes.
    StreamId, "stream", 96, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')
);
text_id!(
    /// A stored inbound message (`msg-…`): the id under which its raw bytes and answer are kept.
    MessageId, "message", 64, |b| b.is_ascii_alphanumeric() || b == b'-'
);
text_id!(
    /// A buyer's pseudonym (`buyer-` and hex digits): a keyed digest of what the channel calls them.
    BuyerId, "buyer", 64, |b| b.is_ascii_alphanumeric() || b == b'-'
);

impl MessageId {
    /// Wraps a time-ordered UUID.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(format!("msg-{}", id.simple()).into())
    }
}

/// A shop account on a channel, written `channel/shop`. Quotas and prices are kept per account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Account {
    text: std::sync::Arc<str>,
    slash: u8,
}

impl Account {
    /// The account of `shop` on `channel`.
    pub fn new(channel: &ChannelCode, shop: &ShopId) -> Self {
        let text = format!("{channel}/{shop}");
        Self { text: text.into(), slash: u8::try_from(channel.as_str().len()).unwrap_or(32) }
    }
    /// The account as `channel/shop`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// The channel's code.
    pub fn channel(&self) -> &str {
        &self.text[..usize::from(self.slash)]
    }
    /// The shop's slug.
    pub fn shop(&self) -> &str {
        &self.text[usize::from(self.slash) + 1..]
    }
    /// The stream that holds this account's set-up.
    pub fn stream(&self) -> StreamId {
        StreamId(format!("channel-{}.{}", self.channel(), self.shop()).into())
    }
}
impl FromStr for Account {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (channel, shop) = text
            .split_once('/')
            .ok_or(ParseError { what: "account", why: "is not of the form channel/shop" })?;
        Ok(Self::new(&channel.parse()?, &shop.parse()?))
    }
}
impl TryFrom<String> for Account {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}
impl From<Account> for String {
    fn from(account: Account) -> String {
        account.text.to_string()
    }
}
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An order of ours: `order-` and a time-ordered UUID, which is also its stream's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct OrderId(Uuid);

impl OrderId {
    /// Wraps a time-ordered UUID (version 7): random ones cost four times the write rate.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }
    /// The UUID alone.
    pub fn uuid(&self) -> Uuid {
        self.0
    }
    /// The order's stream.
    pub fn stream(&self) -> StreamId {
        StreamId(self.to_string().into())
    }
}
impl FromStr for OrderId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.strip_prefix("order-")
            .and_then(|id| Uuid::try_parse(id).ok())
            .map(Self)
            .ok_or(ParseError { what: "order", why: "is not order- and a UUID" })
    }
}
impl TryFrom<String> for OrderId {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}
impl From<OrderId> for String {
    fn from(id: OrderId) -> String {
        id.to_string()
    }
}
impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order-{}", self.0.simple())
    }
}
impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Sku {
    /// The stream of this SKU's definition.
    pub fn stream(&self) -> StreamId {
        StreamId(format!("sku-{self}").into())
    }
    /// The stream of this SKU's key pool.
    pub fn pool_stream(&self) -> StreamId {
        StreamId(format!("pool-{self}").into())
    }
    /// The stream of this SKU's price book.
    pub fn price_stream(&self) -> StreamId {
        StreamId(format!("price-{self}").into())
    }
}

impl BuyerId {
    /// The buyer's stream.
    pub fn stream(&self) -> StreamId {
        StreamId(self.0.clone())
    }
}

impl StreamId {
    /// The part before the first `-`, which names the kind of aggregate: `order`, `pool`, ...
    pub fn kind(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
    /// The part after the first `-`.
    pub fn key(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, key)| key)
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
counter!(
    /// The place of an event in its merchant's log: 1, 2, 3, … without a gap. 0 means before the first.
    Position
);
counter!(
    /// The place of an event in its stream: 0, 1, 2, … without a gap.
    StreamVersion
);
counter!(
    /// The fencing token of the sequencer that owns a merchant; it never decreases along the log.
    Epoch
);
counter!(
    /// The position of the first event of an atomic unit: all events one command caused carry the same.
    Unit
);
