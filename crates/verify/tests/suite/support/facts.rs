//! Facts in few words. Everything is of one item, one account and one currency unless said otherwise.

use events::{
    Fact,
    channel::{AttemptOutcome, ChannelConnected},
    order::*,
    pool::*,
    sku::SkuDefined,
};
use vocabulary::{
    Account, BatchId, Currency, DeliveryMethod, KeyKind, KeyRef, Money, OrderId, Sku, Timestamp,
};

pub(crate) const UNTIL: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) fn account() -> Account {
    "generic/main".parse().unwrap()
}
pub(crate) fn sku() -> Sku {
    "steam-50".parse().unwrap()
}
pub(crate) fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}
pub(crate) fn order(n: u128) -> OrderId {
    OrderId::from_uuid(uuid::Uuid::from_u128(n))
}
/// Keys of batch 1.
pub(crate) fn keys(range: std::ops::Range<u32>) -> Vec<KeyRef> {
    range.map(|index| KeyRef { batch: BatchId(1), index, use_no: 0 }).collect()
}
pub(crate) fn fingerprints(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("{n:032x}")).collect()
}

/// An event of the pool.
pub(crate) fn pool(fact: impl Into<Fact>) -> (String, Fact) {
    (sku().pool_stream().to_string(), fact.into())
}
/// An event of an order.
pub(crate) fn of(order: OrderId, fact: impl Into<Fact>) -> (String, Fact) {
    (order.to_string(), fact.into())
}

pub(crate) fn connected() -> (String, Fact) {
    connected_as(account())
}
pub(crate) fn connected_as(account: Account) -> (String, Fact) {
    let stream = account.stream().to_string();
    let fact = ChannelConnected {
        account: account.clone(),
        name: "A shop".into(),
        currency: Currency::CNY,
        orders_of: account,
        settings_digest: String::new(),
    };
    (stream, fact.into())
}
pub(crate) fn defined(sku: &Sku) -> (String, Fact) {
    let fact = SkuDefined {
        sku: sku.clone(),
        name: "Card".into(),
        family: "steam".into(),
        key_kind: KeyKind::OneShot,
        face_value: None,
    };
    (sku.stream().to_string(), fact.into())
}
pub(crate) fn opened(batch: u32) -> BatchOpened {
    let (sku, batch) = (sku(), BatchId(batch));
    BatchOpened { sku, batch, key_kind: KeyKind::OneShot, supplier: None, unit_cost: None, sell_until: None }
}
pub(crate) fn imported(batch: u32, first_index: u32, fingerprints: Vec<String>) -> KeysImported {
    KeysImported { sku: sku(), batch: BatchId(batch), first_index, fingerprints }
}
pub(crate) fn reserved(order: OrderId, keys: Vec<KeyRef>) -> KeysReserved {
    KeysReserved { order, line: 0, account: account(), keys, until: UNTIL }
}
pub(crate) fn allocated(order: OrderId, keys: Vec<KeyRef>, chosen: AllocationReason) -> KeysAllocated {
    KeysAllocated { order, line: 0, account: account(), keys, chosen }
}
pub(crate) fn released(order: OrderId, keys: Vec<KeyRef>) -> KeysReleased {
    KeysReleased { order, line: 0, account: account(), keys, reason: "expired".into() }
}
pub(crate) fn revoked(order: OrderId, keys: Vec<KeyRef>) -> KeysRevoked {
    KeysRevoked { order, line: 0, keys, reason: "refunded".into() }
}
pub(crate) fn voided(keys: Vec<KeyRef>) -> KeysVoided {
    KeysVoided { keys, reason: "withdrawn".into() }
}
pub(crate) fn quarantined(keys: Vec<KeyRef>) -> KeysQuarantined {
    KeysQuarantined { sku: sku(), batch: BatchId(1), keys, reason: "looks bad".into() }
}
pub(crate) fn lifted(keys: Vec<KeyRef>) -> QuarantineLifted {
    QuarantineLifted { sku: sku(), batch: BatchId(1), keys, reason: "was fine".into() }
}
pub(crate) fn quota(floor: u64, cap: Option<u64>) -> QuotaSet {
    QuotaSet { sku: sku(), account: account(), floor, cap, reason: "sale".into() }
}

pub(crate) fn placed(order: OrderId, quantity: i64, amount: i64) -> OrderPlaced {
    OrderPlaced {
        order,
        account: account(),
        external_no: format!("no-{order}"),
        lines: vec![OrderLine {
            sku: sku(),
            item: None,
            quantity: quantity.try_into().unwrap(),
            amount: cny(amount),
        }],
        total: cny(amount),
        buyer: None,
        delivery: DeliveryMethod::Reply,
        memo: None,
    }
}
pub(crate) fn paid(order: OrderId, amount: i64) -> PaymentConfirmed {
    PaymentConfirmed { txn: format!("txn-{order}"), through: account(), amount: cny(amount) }
}
pub(crate) fn lines(keys: Vec<KeyRef>) -> Vec<LineKeys> {
    vec![LineKeys { line: 0, sku: sku(), keys }]
}
pub(crate) fn fulfilled(keys: Vec<KeyRef>) -> OrderFulfilled {
    OrderFulfilled { lines: lines(keys) }
}
pub(crate) fn requested(delivery: u32, keys: Vec<KeyRef>) -> DeliveryRequested {
    DeliveryRequested { delivery, account: account(), lines: lines(keys), reason: None }
}
pub(crate) fn attempted(delivery: u32, outcome: AttemptOutcome) -> DeliveryAttempted {
    DeliveryAttempted { delivery, attempt: 1, outcome }
}
pub(crate) fn delivered(delivery: u32, keys: Vec<KeyRef>) -> OrderDelivered {
    OrderDelivered { delivery, method: DeliveryMethod::Reply, lines: lines(keys) }
}
pub(crate) fn shown(keys: Vec<KeyRef>) -> KeysRevealed {
    KeysRevealed { keys, reason: "channel_query".into() }
}
pub(crate) fn replaced(old: u32, new: u32) -> KeyReplaced {
    let key = |n: u32| keys(n..n + 1)[0];
    let (reason, cost_owner) = ("bad key".to_owned(), "supplier".to_owned());
    KeyReplaced { line: 0, old: key(old), new: key(new), reason, cost_owner }
}
pub(crate) fn due(refund: &str, amount: i64) -> RefundDue {
    RefundDue { refund: refund.into(), amount: cny(amount), reason: "refund_agreed".into(), through: None }
}
pub(crate) fn settled(refund: &str, amount: i64) -> RefundSettled {
    RefundSettled { refund: refund.into(), amount: cny(amount) }
}
pub(crate) fn loss(amount: i64) -> LossRecorded {
    LossRecorded { amount: cny(amount), reason: "partial_refund".into() }
}
pub(crate) fn cancelled() -> OrderCancelled {
    OrderCancelled { reason: "changed my mind".into(), channel_refunds: false }
}
pub(crate) fn closed(reason: &str) -> OrderClosed {
    OrderClosed { reason: reason.into() }
}
