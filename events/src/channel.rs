//! Stream `channel-<channel>.<shop>`: a shop account, its listings, and what we ask the channel for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, Currency, Quantity, Sku, Timestamp};

/// A shop account was connected, or its set-up changed: the newest fact replaces the earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelConnected {
    /// The account.
    pub account: Account,
    /// The name people see.
    pub name: String,
    /// The currency its amounts are in.
    pub currency: Currency,
    /// The account whose order numbers this one shares (itself unless two interfaces serve one shop).
    pub orders_of: Account,
    /// SHA-256 (hex) of the set-up text, which holds secrets and lies sealed in the vault.
    pub settings_digest: String,
}

/// Sales on the account were stopped: new purchases are refused, paid orders wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelSuspended {
    /// The account.
    pub account: Account,
    /// Why.
    pub reason: String,
}

/// Sales on the account go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelResumed {
    /// The account.
    pub account: Account,
    /// Why.
    pub reason: String,
}

/// An item of the channel stands for a SKU of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListingMapped {
    /// The account.
    pub account: Account,
    /// The channel's item id (with its own sku id where it has one, as `item/sku`).
    pub item: String,
    /// Our SKU.
    pub sku: Sku,
}

/// An item of the channel stands for nothing of ours any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListingRemoved {
    /// The account.
    pub account: Account,
    /// The channel's item id.
    pub item: String,
}

/// Intent: ask the channel what an order of its really looks like, because its message only hinted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadBackRequested {
    /// The account to ask.
    pub account: Account,
    /// The channel's order number.
    pub external_no: String,
}

/// A read-back ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadBackSettled {
    /// The account that was asked.
    pub account: Account,
    /// The channel's order number.
    pub external_no: String,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// How many attempts it took.
    pub attempts: u32,
}

/// Intent: tell the channel how many units it may sell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StockPushRequested {
    /// The account.
    pub account: Account,
    /// The channel's item id.
    pub item: String,
    /// Our SKU.
    pub sku: Sku,
    /// Units the account may sell now.
    pub available: u64,
}

/// A stock push ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StockPushSettled {
    /// The account.
    pub account: Account,
    /// The channel's item id.
    pub item: String,
    /// The figure that was sent.
    pub available: u64,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// How many attempts it took.
    pub attempts: u32,
}

/// The account's access was renewed: the set-up in the vault holds a new token from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelAccessRenewed {
    /// The account.
    pub account: Account,
    /// SHA-256 (hex) of the new set-up text.
    pub settings_digest: String,
    /// When it is to be renewed again; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// The channel would not renew the account's access: a person must authorise it again and connect it anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelAccessLost {
    /// The account.
    pub account: Account,
    /// Why, as the channel's code.
    pub code: String,
}

/// How one try of something outside ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum AttemptOutcome {
    /// The channel says it is done.
    Done,
    /// The channel says no, for good.
    Refused {
        /// The channel's code or our reason code.
        code: String,
    },
    /// The channel says later, or could not be reached before anything was sent.
    RetryAfter {
        /// Seconds until the next try.
        secs: u32,
        /// Why, as a code.
        code: String,
    },
    /// Nobody knows whether it happened: ask before trying again.
    Unknown {
        /// Why, as a code.
        code: String,
    },
    /// Given up: a person must look.
    Abandoned {
        /// Why, as a code.
        code: String,
    },
}

/// What an account costs and is good for, set by the merchant. The newest fact replaces the earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelTermsSet {
    /// The account.
    pub account: Account,
    /// What sort of place it is.
    pub kind: ChannelKind,
    /// What the channel keeps of a sale, in hundredths of a per cent.
    pub commission_bp: u32,
    /// What taking the payment costs, in hundredths of a per cent.
    pub pay_fee_bp: u32,
    /// How many seconds it takes until a stock figure is shown.
    pub sync_delay_s: u32,
    /// What it is good for, in the merchant's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value_tags: Vec<String>,
}

/// What sort of place an account sells at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A marketplace.
    Marketplace,
    /// A social platform.
    Social,
    /// The merchant's own site.
    Own,
    /// A shop one walks into.
    Offline,
    /// Somebody who resells.
    Partner,
}

impl ChannelKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marketplace => "marketplace",
            Self::Social => "social",
            Self::Own => "own",
            Self::Offline => "offline",
            Self::Partner => "partner",
        }
    }
}

/// Somebody wanted to buy and there was nothing for them. It is demand, though no sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRefused {
    /// Where.
    pub account: Account,
    /// The channel's order number, under which the attempt may come again.
    pub external_no: String,
    /// What was wanted.
    pub lines: Vec<WantedLine>,
    /// Why not: `out_of_stock`, `quota_exhausted`.
    pub reason: String,
}

/// A line of an order that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WantedLine {
    /// Our SKU.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}
