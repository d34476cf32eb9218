//! What people and programs with a token can ask for.

use domain::{order::Past, sku};
use events::{
    Fact,
    buyer::{IdentifierKind, LinkEvidence},
    channel::ChannelTermsSet,
    order::ClaimAttempted,
    sku::SkuDefined,
};
use vocabulary::{
    Account, BatchId, BuyerId, Currency, KeyKind, KeyRef, Money, OrderId, Position, Quantity, Sku, StreamId,
    Timestamp,
};

use crate::work::OrderRef;

/// A wish of a token holder.
#[derive(Debug, Clone, PartialEq)]
pub enum OperatorCommand {
    /// Define or rename a SKU.
    DefineSku(SkuDefined),
    /// Connect a shop account, or record that its set-up changed.
    Connect {
        /// The account.
        account: Account,
        /// Its name.
        name: String,
        /// Its currency.
        currency: Currency,
        /// Whose order numbers it shares.
        orders_of: Account,
        /// Digest of its settings.
        settings_digest: String,
    },
    /// Stop sales on an account.
    Suspend {
        /// The account.
        account: Account,
        /// Why.
        reason: String,
    },
    /// Let sales go on.
    Resume {
        /// The account.
        account: Account,
        /// Why.
        reason: String,
    },
    /// A channel's item stands for a SKU.
    MapListing {
        /// The account.
        account: Account,
        /// The channel's item id.
        item: String,
        /// Our SKU.
        sku: Sku,
    },
    /// A channel's item stands for nothing any more.
    RemoveListing {
        /// The account.
        account: Account,
        /// The channel's item id.
        item: String,
    },
    /// Set a price.
    SetPrice {
        /// The SKU.
        sku: Sku,
        /// For one account, or for all without their own.
        account: Option<Account>,
        /// The price of one unit.
        unit_price: Money,
        /// From when; now where not given.
        valid_from: Option<Timestamp>,
        /// Until when.
        valid_until: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Set a quota.
    SetQuota {
        /// The SKU.
        sku: Sku,
        /// The account.
        account: Account,
        /// Units set aside.
        floor: u64,
        /// Units in all.
        cap: Option<u64>,
        /// Why.
        reason: String,
    },
    /// Begin a batch of keys; the answer names its number.
    OpenBatch {
        /// The SKU.
        sku: Sku,
        /// Who supplied them.
        supplier: Option<String>,
        /// What one key cost.
        unit_cost: Option<Money>,
        /// Not to be sold from then on.
        sell_until: Option<Timestamp>,
    },
    /// Put sealed keys on stock.
    ImportKeys {
        /// The SKU.
        sku: Sku,
        /// The batch.
        batch: BatchId,
        /// The index of the first.
        first_index: u32,
        /// Their fingerprints.
        fingerprints: Vec<String>,
    },
    /// Buy keys of a SKU from a supplier; the answer names the purchase and the batch kept free for it.
    Procure {
        /// The SKU.
        sku: Sku,
        /// The account at the supplier.
        account: Account,
        /// The supplier's item id.
        item: String,
        /// How many.
        quantity: Quantity,
        /// What all of them may cost at most.
        max_price: Money,
        /// Why.
        reason: String,
    },
    /// Keep units of a batch (all, where none are named) from being sold.
    Quarantine {
        /// The SKU.
        sku: Sku,
        /// The batch.
        batch: BatchId,
        /// Which.
        keys: Vec<KeyRef>,
        /// Why.
        reason: String,
    },
    /// Sell them again.
    LiftQuarantine {
        /// The SKU.
        sku: Sku,
        /// The batch.
        batch: BatchId,
        /// Which.
        keys: Vec<KeyRef>,
        /// Why.
        reason: String,
    },
    /// Take units in stock out for good.
    Void {
        /// The SKU.
        sku: Sku,
        /// Which.
        keys: Vec<KeyRef>,
        /// Why.
        reason: String,
    },
    /// Hand an order's keys over once more.
    Resend {
        /// The order.
        order: OrderRef,
        /// Why.
        reason: Option<String>,
    },
    /// Show an order's keys to the caller.
    Reveal {
        /// The order.
        order: OrderRef,
        /// Why.
        reason: String,
    },
    /// Replace a bad key.
    Replace {
        /// The order.
        order: OrderRef,
        /// The bad key.
        key: KeyRef,
        /// Why.
        reason: String,
        /// Who bears the cost.
        cost_owner: String,
    },
    /// Agree to pay money back.
    Refund {
        /// The order.
        order: OrderRef,
        /// The refund's number; made from the order where not given.
        refund: Option<String>,
        /// How much; all that is left where not given.
        amount: Option<Money>,
        /// Why.
        reason: String,
    },
    /// Turn a refund request down.
    RefuseRefund {
        /// The order.
        order: OrderRef,
        /// The refund's number.
        refund: String,
        /// Why.
        reason: String,
    },
    /// Record that a refund was paid by hand.
    SettleRefund {
        /// The order.
        order: OrderRef,
        /// The refund's number.
        refund: String,
    },
    /// Stop everything about an order.
    Hold {
        /// The order.
        order: OrderRef,
        /// Why.
        reason: String,
    },
    /// Let it go on.
    Release {
        /// The order.
        order: OrderRef,
        /// Why.
        reason: String,
    },
    /// Write facts down in journals: journeys, what staff looked at, what models were fitted. All or none.
    Record(Vec<(StreamId, Fact)>),
    /// Link a buyer to another one.
    Link {
        /// The buyer.
        buyer: BuyerId,
        /// The other.
        to: BuyerId,
        /// Where it is known from.
        evidence: LinkEvidence,
        /// The account that knows the buyer, where they may be new to us; a stranger is turned down where not given.
        met_on: Option<Account>,
    },
    /// Take a link of a buyer back.
    Unlink {
        /// The buyer.
        buyer: BuyerId,
        /// What sort of identifier.
        kind: IdentifierKind,
        /// The digest that was linked; for `buyer` the other buyer's pseudonym.
        identifier: String,
        /// Why.
        reason: String,
    },
    /// Note that somebody claimed an order. Turned down where guessable proofs were tried too often.
    Claim {
        /// The order.
        order: OrderRef,
        /// With what, and whether it fits.
        attempt: ClaimAttempted,
    },
    /// Write facts down in journals that happened at times of their own. All or none.
    RecordAt(Vec<(StreamId, Fact, Timestamp)>),
    /// Set what an account costs and is good for.
    SetTerms(ChannelTermsSet),
    /// Take orders over that were sold, or given back, elsewhere: at most [`PAST_ORDERS_MAX`], all or none. Those that were
    /// taken over before add nothing.
    TakeOver(Vec<PastOrder>),
    /// Write something down.
    Note {
        /// The order.
        order: OrderRef,
        /// What.
        text: String,
    },
}

/// How many orders are taken over at once: far fewer than memory holds at rest.
pub const PAST_ORDERS_MAX: usize = 5_000;

/// An order to take over, and when it was booked.
#[derive(Debug, Clone, PartialEq)]
pub struct PastOrder {
    /// The order.
    pub past: Past,
    /// When it was booked, by the clock of those books.
    pub occurred_at: Timestamp,
}

/// What came of orders that were to be taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Orders that are new.
    pub recorded: u64,
    /// Orders that had been taken over before.
    pub known: u64,
    /// Buyers who are new.
    pub buyers: u64,
}

/// What an operator's command led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperatorAnswer {
    /// The first and last event; none where the wish was fulfilled already.
    pub positions: Option<(Position, Position)>,
    /// The order concerned.
    pub order: Option<OrderId>,
    /// The batch that was begun, or is kept free for a purchase.
    pub batch: Option<BatchId>,
    /// Our number of the purchase that was asked for.
    pub procurement: Option<String>,
    /// What came of orders that were to be taken over.
    pub taken_over: TakenOver,
    /// The keys that are shown, in the order of the clear texts given to the renderer.
    pub keys: Vec<KeyRef>,
}

impl OperatorCommand {
    pub(crate) fn order(&self) -> Option<&OrderRef> {
        match self {
            Self::Resend { order, .. }
            | Self::Reveal { order, .. }
            | Self::Replace { order, .. }
            | Self::Refund { order, .. }
            | Self::RefuseRefund { order, .. }
            | Self::SettleRefund { order, .. }
            | Self::Hold { order, .. }
            | Self::Release { order, .. }
            | Self::Claim { order, .. }
            | Self::Note { order, .. } => Some(order),
            _ => None,
        }
    }
}

/// The kind of keys of a SKU, for its batches.
pub(crate) fn key_kind(state: &sku::State) -> KeyKind {
    state.defined().map_or(KeyKind::OneShot, |defined| defined.key_kind)
}
