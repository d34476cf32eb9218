//! What can be asked of a key pool.

use vocabulary::{Account, BatchId, KeyKind, KeyRef, Money, OrderId, Quantity, Sku, Timestamp};

/// What can be asked of a key pool.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Begin a batch. Refused (`AlreadyExists`) when the number is taken by a different batch.
    OpenBatch {
        /// The item.
        sku: Sku,
        /// The number, drawn by the engine: one more than any before it in the merchant's log.
        batch: BatchId,
        /// What kind of keys.
        key_kind: KeyKind,
        /// Who supplied them.
        supplier: Option<String>,
        /// What one key cost.
        unit_cost: Option<Money>,
        /// Not to be sold from this instant on.
        sell_until: Option<Timestamp>,
    },
    /// Put keys on stock; then serve waiting lines, first come first served.
    ImportKeys {
        /// The item.
        sku: Sku,
        /// The batch, begun before.
        batch: BatchId,
        /// Must be the count of keys that the batch has so far.
        first_index: u32,
        /// One keyed fingerprint per key; not empty.
        fingerprints: Vec<String>,
        /// Now.
        now: Timestamp,
    },
    /// Set an account's quota, counted from now on.
    SetQuota {
        /// The item.
        sku: Sku,
        /// The account.
        account: Account,
        /// Units set aside for it.
        floor: u64,
        /// Units it may sell in all; at least the floor.
        cap: Option<u64>,
        /// Why.
        reason: String,
    },
    /// Hold units for an unpaid order line, within the account's quota. No fact when the line holds some already.
    Reserve {
        /// The order.
        order: OrderId,
        /// Its line.
        line: u16,
        /// The account.
        account: Account,
        /// How many.
        quantity: Quantity,
        /// Until when.
        until: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Bind units to a paid order line: its own reservation where it has one, else the oldest sellable units.
    Allocate {
        /// The order.
        order: OrderId,
        /// Its line.
        line: u16,
        /// The account.
        account: Account,
        /// How many.
        quantity: Quantity,
        /// What to do when too few are left. `Refuse` looks at the quota; `Waitlist` is for money that is taken: it
        /// takes any sellable unit, and waits where there are too few.
        shortage: Shortage,
        /// Now.
        now: Timestamp,
    },
    /// Bind one unit in place of a bad key, whatever the quota.
    AllocateReplacement {
        /// The order.
        order: OrderId,
        /// Its line.
        line: u16,
        /// The account.
        account: Account,
        /// Now.
        now: Timestamp,
    },
    /// Give back what an undelivered line holds: its reservation, these allocated keys, its place among the
    /// waiting; then serve the waiting lines of other orders. For an order that gives up all its lines. No fact
    /// when this one holds nothing.
    Release {
        /// The order.
        order: OrderId,
        /// Its line.
        line: u16,
        /// The account.
        account: Account,
        /// The keys allocated to it, as its order knows them (reserved keys the pool knows itself).
        allocated: Vec<KeyRef>,
        /// Why: `expired`, `cancelled`, `refunded`.
        reason: String,
        /// Now.
        now: Timestamp,
    },
    /// Keep units from being sold: these, or (empty) the whole batch.
    Quarantine {
        /// The item.
        sku: Sku,
        /// The batch.
        batch: BatchId,
        /// Which units in stock.
        keys: Vec<KeyRef>,
        /// Why.
        reason: String,
    },
    /// Buyers were given other keys for some of a batch: where that happened to `limit` different keys of it since
    /// somebody last looked, the whole batch is quarantined. No fact before that, or where it is quarantined.
    JudgeBatch {
        /// The item.
        sku: Sku,
        /// The batch.
        batch: BatchId,
        /// How many bad keys are too many; 0 means that no number is.
        limit: u32,
    },
    /// Sell them again; then serve waiting lines.
    LiftQuarantine {
        /// The item.
        sku: Sku,
        /// The batch.
        batch: BatchId,
        /// Which units; empty means all of the batch.
        keys: Vec<KeyRef>,
        /// Why.
        reason: String,
        /// Now.
        now: Timestamp,
    },
    /// Declare delivered units void for their buyer.
    Revoke {
        /// The order.
        order: OrderId,
        /// Its line.
        line: u16,
        /// Which.
        keys: Vec<KeyRef>,
        /// Why: `refunded`, `bad_key`.
        reason: String,
    },
    /// Take units in stock (quarantined or not) out for good.
    Void {
        /// Which.
        keys: Vec<KeyRef>,
        /// Why.
        reason: String,
    },
}

/// What to do when too few units are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Reject: `OutOfStock`, or `QuotaExhausted` where stock is left that the account's quota does not reach.
    Refuse,
    /// Wait in line.
    Waitlist,
}
