//! Stream `pool-<sku>`: card keys by reference, their quotas and their life.
//!
//! Each key's history is a prefix of a word of
//! `Imported (Reserved|Allocated Released)* (Voided | Allocated Delivered Revoked?)`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BatchId, KeyKind, KeyRef, Money, OrderId, Sku, Timestamp};

/// A batch of keys was begun. Its keys follow in [`KeysImported`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchOpened {
    /// The item.
    pub sku: Sku,
    /// The batch.
    pub batch: BatchId,
    /// What kind of keys.
    pub key_kind: KeyKind,
    /// Who supplied them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// What one key cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    /// Keys of the batch are not sold from this instant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell_until: Option<Timestamp>,
}

/// Keys entered stock: consecutive indices of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysImported {
    /// The item.
    pub sku: Sku,
    /// The batch.
    pub batch: BatchId,
    /// The index of the first key.
    pub first_index: u32,
    /// One keyed fingerprint per key (hex, 32 digits), in index order.
    pub fingerprints: Vec<String>,
}

/// How many units a channel account may sell. Replaces the account's earlier quota.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaSet {
    /// The item.
    pub sku: Sku,
    /// The account.
    pub account: Account,
    /// Units set aside for this account alone, counted down as it sells.
    pub floor: u64,
    /// Units it may sell in all from now on; none means no limit but stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<u64>,
    /// Why.
    pub reason: String,
}

/// Units were held for an unpaid order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysReserved {
    /// The order.
    pub order: OrderId,
    /// Its line, from 0.
    pub line: u16,
    /// The account it sells on.
    pub account: Account,
    /// Which units.
    pub keys: Vec<KeyRef>,
    /// Until when.
    pub until: Timestamp,
}

/// Units were bound to a paid order line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysAllocated {
    /// The order.
    pub order: OrderId,
    /// Its line, from 0.
    pub line: u16,
    /// The account it sells on.
    pub account: Account,
    /// Which units. Where they were reserved for the line before, the same ones.
    pub keys: Vec<KeyRef>,
    /// How they were chosen: `reserved`, `stock`, `waitlist`, `replacement`.
    pub chosen: AllocationReason,
}

/// Why an allocation took the keys it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllocationReason {
    /// The line's own reservation.
    Reserved,
    /// Oldest sellable units in stock, within the account's quota.
    Stock,
    /// The line waited and units came in.
    Waitlist,
    /// In place of a bad key.
    Replacement,
}

/// Units went back to stock, never having been delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysReleased {
    /// The order that held them.
    pub order: OrderId,
    /// Its line.
    pub line: u16,
    /// The account it sells on.
    pub account: Account,
    /// Which units.
    pub keys: Vec<KeyRef>,
    /// Why: `expired`, `cancelled`, `refunded`, `quarantined` (chosen anew), `resized`.
    pub reason: String,
}

/// A paid line found no keys and waits for them, first come first served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllocationWaitlisted {
    /// The order.
    pub order: OrderId,
    /// Its line.
    pub line: u16,
    /// The account it sells on.
    pub account: Account,
    /// How many units it waits for.
    pub quantity: u32,
}

/// A waiting line waits no more (refunded or cancelled).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitlistLeft {
    /// The order.
    pub order: OrderId,
    /// Its line.
    pub line: u16,
}

/// Units, or a whole batch, are not to be sold until someone has looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysQuarantined {
    /// The item.
    pub sku: Sku,
    /// The batch.
    pub batch: BatchId,
    /// Which units; empty means every unit of the batch that is in stock, now and when it returns.
    pub keys: Vec<KeyRef>,
    /// Why.
    pub reason: String,
}

/// A batch, or units of it, may be sold again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineLifted {
    /// The item.
    pub sku: Sku,
    /// The batch.
    pub batch: BatchId,
    /// Which units; empty means the whole batch.
    pub keys: Vec<KeyRef>,
    /// Why.
    pub reason: String,
}

/// Delivered units are void for their buyer (refunded, or bad and replaced). They are never sold again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysRevoked {
    /// The order they were delivered to.
    pub order: OrderId,
    /// Its line.
    pub line: u16,
    /// Which units.
    pub keys: Vec<KeyRef>,
    /// Why: `refunded`, `bad_key`.
    pub reason: String,
}

/// Units in stock were taken out for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeysVoided {
    /// Which units.
    pub keys: Vec<KeyRef>,
    /// Why: `expired`, `withdrawn`, `bad_key`.
    pub reason: String,
}
