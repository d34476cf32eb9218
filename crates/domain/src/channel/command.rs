//! What can be asked of a shop account.

use events::channel::{AttemptOutcome, ChannelTermsSet, WantedLine};
use vocabulary::{Account, Currency, Sku, Timestamp};

/// What can be asked of a shop account. All but `Connect` need a connected account (`UnknownChannel`).
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Connect it, or change its set-up. No fact when it is so already.
    Connect {
        /// The account.
        account: Account,
        /// The name people see: 1 to 200 characters, no control characters.
        name: String,
        /// The currency its amounts are in.
        currency: Currency,
        /// The account whose order numbers this one shares; itself in most cases.
        orders_of: Account,
        /// SHA-256 (hex) of the sealed set-up text.
        settings_digest: String,
    },
    /// Its access was renewed. Rejected (`WrongState`) where the set-up that was renewed is not its set-up any more.
    RecordRenewal {
        /// The account.
        account: Account,
        /// SHA-256 (hex) of the set-up text that was renewed.
        replaces: String,
        /// SHA-256 (hex) of the new one.
        settings_digest: String,
        /// When it is to be renewed again.
        next_at: Option<Timestamp>,
    },
    /// The channel would not renew its access. No fact when that is known.
    RecordAccessLost {
        /// The account.
        account: Account,
        /// Why, as the channel's code.
        code: String,
    },
    /// Stop sales. No fact when they are stopped.
    Suspend {
        /// The account.
        account: Account,
        /// Why.
        reason: String,
    },
    /// Go on. No fact when sales are not stopped.
    Resume {
        /// The account.
        account: Account,
        /// Why.
        reason: String,
    },
    /// Set what it costs and is good for. No fact when it is set so; `InvalidValue` for rates over 100 %, a delay of more
    /// than a week, or tags that are more than 20, empty, repeated or longer than 50 characters.
    SetTerms(ChannelTermsSet),
    /// Somebody wanted to buy and there was nothing for them.
    RecordRefusal {
        /// The account.
        account: Account,
        /// The channel's order number.
        external_no: String,
        /// What was wanted.
        lines: Vec<WantedLine>,
        /// Why not: `out_of_stock`, `quota_exhausted`.
        reason: String,
    },
    /// Let an item of the channel stand for a SKU, whatever it stood for. No fact when it does.
    MapListing {
        /// The account.
        account: Account,
        /// The channel's item id: 1 to 200 characters, no control characters.
        item: String,
        /// Our SKU.
        sku: Sku,
    },
    /// Let an item stand for nothing. No fact when it does.
    RemoveListing {
        /// The account.
        account: Account,
        /// The channel's item id.
        item: String,
    },
    /// Ask the channel about an order of its. No fact while an answer about that order is pending.
    RequestReadBack {
        /// The account.
        account: Account,
        /// The channel's order number: 1 to 200 characters, no control characters.
        external_no: String,
    },
    /// Say how a read-back ended. No fact when none is pending; `RetryAfter` is no end (`InvalidValue`).
    SettleReadBack {
        /// The account.
        account: Account,
        /// The channel's order number.
        external_no: String,
        /// How it ended.
        outcome: AttemptOutcome,
        /// How many attempts it took.
        attempts: u32,
    },
    /// Tell the channel what it may sell; a pending older figure is superseded. No fact when the pending figure, or
    /// else the one the channel has, is the same; `UnknownItem` when the item does not stand for the SKU.
    RequestStockPush {
        /// The account.
        account: Account,
        /// The channel's item id.
        item: String,
        /// Our SKU.
        sku: Sku,
        /// Units the account may sell now.
        available: u64,
    },
    /// Say how the push of a figure ended. No fact when none is pending for the item; a figure that was superseded
    /// leaves the newer one pending; `RetryAfter` is no end (`InvalidValue`).
    SettleStockPush {
        /// The account.
        account: Account,
        /// The channel's item id.
        item: String,
        /// The figure that was sent.
        available: u64,
        /// How it ended.
        outcome: AttemptOutcome,
        /// How many attempts it took.
        attempts: u32,
    },
}
