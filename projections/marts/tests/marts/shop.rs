//! A shop that tests sell from.

use std::sync::Arc;

use events::{channel::*, order::*, pool::*, price::PriceSet, sku::SkuDefined};
use projection::{
    Views,
    testkit::{Scribe, merchant},
};
use vocabulary::{
    Account, BatchId, Currency, DeliveryMethod, KeyKind, KeyRef, Money, OrderId, Quantity, Sku, Timestamp,
};

use crate::support::folded;

pub(crate) fn parsed<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub(crate) fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

/// A shop with one account and one item.
pub(crate) struct Shop {
    pub(crate) scribe: Scribe,
    pub(crate) account: Account,
    pub(crate) sku: Sku,
    orders: u32,
}

impl Shop {
    pub(crate) fn open(now: &str) -> Self {
        let (account, sku): (Account, Sku) = (parsed("taobao/main"), parsed("steam-50"));
        let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339(now).unwrap());
        let connected = ChannelConnected {
            account: account.clone(),
            name: "Taobao".into(),
            currency: Currency::CNY,
            orders_of: account.clone(),
            settings_digest: "00".into(),
        };
        scribe.record(account.stream(), None, connected);
        let defined = SkuDefined {
            sku: sku.clone(),
            name: "Steam 50".into(),
            family: "games".into(),
            key_kind: KeyKind::OneShot,
            face_value: Some(yuan(5_000)),
        };
        scribe.record(sku.stream(), None, defined);
        Self { scribe, account, sku, orders: 0 }
    }

    pub(crate) fn import(&mut self, batch: u32, count: u32, sell_until: Option<Timestamp>) {
        let (sku, key_kind) = (self.sku.clone(), KeyKind::OneShot);
        let supplier = Some("wholesale".to_owned());
        let unit_cost = Some(yuan(3_000));
        let opened = BatchOpened { sku, batch: BatchId(batch), key_kind, supplier, unit_cost, sell_until };
        self.scribe.record(self.sku.pool_stream(), None, opened);
        let fingerprints = (0..count).map(|index| format!("{batch:016x}{index:016x}")).collect();
        let sku = self.sku.clone();
        let imported = KeysImported { sku, batch: BatchId(batch), first_index: 0, fingerprints };
        self.scribe.record(self.sku.pool_stream(), None, imported);
    }

    /// An order that is paid and delivered at once; the key is of batch 1.
    pub(crate) fn sell(&mut self, key: &str, buyer: Option<&str>, amount: i64) -> OrderId {
        self.orders += 1;
        let order: OrderId = parsed(&format!("order-0198c1c0a000700080000000{:08x}", self.orders));
        let line =
            OrderLine { sku: self.sku.clone(), item: None, quantity: Quantity::ONE, amount: yuan(amount) };
        let placed = OrderPlaced {
            order,
            account: self.account.clone(),
            external_no: format!("T-{}", self.orders),
            lines: vec![line],
            total: yuan(amount),
            buyer: buyer.map(parsed),
            delivery: DeliveryMethod::Reply,
            memo: None,
        };
        let account = self.account.clone();
        self.scribe.record_late(order.stream(), Some(&account), placed, 90_500);
        let paid =
            PaymentConfirmed { txn: format!("P-{}", self.orders), through: account, amount: yuan(amount) };
        self.scribe.record(order.stream(), None, paid);
        self.allocate(order, key, AllocationReason::Stock);
        let lines = vec![LineKeys { line: 0, sku: self.sku.clone(), keys: vec![parsed(key)] }];
        let delivered = OrderDelivered { delivery: 1, method: DeliveryMethod::Reply, lines };
        self.scribe.record(order.stream(), None, delivered);
        order
    }

    pub(crate) fn allocate(&mut self, order: OrderId, key: &str, chosen: AllocationReason) {
        let (keys, account) = (vec![parsed(key)], self.account.clone());
        let fact = KeysAllocated { order, line: 0, account, keys, chosen };
        self.scribe.record(self.sku.pool_stream(), None, fact);
    }

    pub(crate) fn replace(&mut self, order: OrderId, old: &str, new: &str, cost_owner: &str) {
        self.allocate(order, new, AllocationReason::Replacement);
        let (old, new): (KeyRef, KeyRef) = (parsed(old), parsed(new));
        let revoked = KeysRevoked { order, line: 0, keys: vec![old], reason: "bad_key".into() };
        self.scribe.record(self.sku.pool_stream(), None, revoked);
        let (reason, cost_owner) = ("bad_key".to_owned(), cost_owner.to_owned());
        self.scribe.record(order.stream(), None, KeyReplaced { line: 0, old, new, reason, cost_owner });
    }

    pub(crate) fn refuse(&mut self, units: i64) {
        let quantity = Quantity::try_from(units).unwrap();
        let fact = AttemptRefused {
            account: self.account.clone(),
            external_no: "T-no".into(),
            lines: vec![WantedLine { sku: self.sku.clone(), quantity }],
            reason: "out_of_stock".into(),
        };
        self.scribe.record(self.account.stream(), None, fact);
    }

    pub(crate) fn price(&mut self, account: Option<&str>, minor: i64) {
        let fact = PriceSet {
            sku: self.sku.clone(),
            account: account.map(parsed),
            unit_price: yuan(minor),
            valid_from: self.scribe.now,
            valid_until: None,
            reason: "plan".into(),
        };
        self.scribe.record(self.sku.price_stream(), None, fact);
    }

    pub(crate) fn later(&mut self, secs: i64) {
        self.scribe.now = self.scribe.now.plus_secs(secs);
    }

    pub(crate) async fn views(&self) -> Arc<Views> {
        folded(&self.scribe.events).await
    }
}
