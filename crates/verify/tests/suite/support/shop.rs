//! A shop with twenty keys and its usual ways of selling them.

use events::{
    channel::AttemptOutcome,
    order::{OrderBackordered, OrderReserved, ReservationExpired},
    pool::{AllocationReason, AllocationWaitlisted},
};
use vocabulary::{KeyRef, OrderId};

use super::{Log, facts::*};

/// How many keys the shop begins with.
pub(crate) const KEYS: u32 = 20;

pub(crate) struct Shop {
    pub(crate) log: Log,
    orders: u128,
    next_key: u32,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let mut log = Log::new("acme");
        log.unit(vec![connected(), defined(&sku())]);
        log.unit(vec![pool(opened(1)), pool(imported(1, 0, fingerprints(0..KEYS)))]);
        Self { log, orders: 0, next_key: 0 }
    }

    /// A new order, whose numbers are stored.
    pub(crate) fn new_order(&mut self) -> OrderId {
        self.orders += 1;
        let id = order(self.orders);
        let namespace = account().to_string();
        self.log.numbers.push(("order", namespace.clone(), format!("no-{id}"), id));
        self.log.numbers.push(("txn", namespace, format!("txn-{id}"), id));
        id
    }

    /// The next keys in stock.
    pub(crate) fn take(&mut self, count: u32) -> Vec<KeyRef> {
        self.next_key += count;
        keys(self.next_key - count..self.next_key)
    }

    /// Placed, paid and delivered in one unit, at 100 a key.
    pub(crate) fn buy(&mut self, quantity: u32) -> (OrderId, Vec<KeyRef>) {
        let (id, keys) = (self.new_order(), self.take(quantity));
        let price = i64::from(quantity) * 100;
        self.log.unit(vec![
            of(id, placed(id, quantity.into(), price)),
            of(id, paid(id, price)),
            pool(allocated(id, keys.clone(), AllocationReason::Stock)),
            of(id, fulfilled(keys.clone())),
            of(id, delivered(1, keys.clone())),
        ]);
        (id, keys)
    }

    /// Placed with a reservation of one key.
    pub(crate) fn reserve(&mut self) -> (OrderId, Vec<KeyRef>) {
        let (id, keys) = (self.new_order(), self.take(1));
        self.log.unit(vec![
            of(id, placed(id, 1, 100)),
            of(id, OrderReserved { until: UNTIL }),
            pool(reserved(id, keys.clone())),
        ]);
        (id, keys)
    }

    /// Paid for what it reserved, delivered by a call whose end is reported later.
    pub(crate) fn pay_and_call(&mut self, id: OrderId, held: &[KeyRef]) {
        self.log.unit(vec![
            of(id, paid(id, 100)),
            pool(allocated(id, held.to_vec(), AllocationReason::Reserved)),
            of(id, fulfilled(held.to_vec())),
            of(id, requested(1, held.to_vec())),
        ]);
        self.log.append(
            None,
            vec![of(id, attempted(1, AttemptOutcome::Done)), of(id, delivered(1, held.to_vec()))],
        );
    }

    /// The reservation runs out.
    pub(crate) fn expire(&mut self, id: OrderId, held: Vec<KeyRef>) {
        self.log.append(None, vec![of(id, ReservationExpired {}), pool(released(id, held))]);
    }

    /// Paid without a key in stock.
    pub(crate) fn backorder(&mut self) -> OrderId {
        let id = self.new_order();
        let wait = AllocationWaitlisted { order: id, line: 0, account: account(), quantity: 1 };
        self.log.unit(vec![
            of(id, placed(id, 1, 100)),
            of(id, paid(id, 100)),
            pool(wait),
            of(id, OrderBackordered { lines: vec![0], until: UNTIL }),
        ]);
        id
    }

    /// A key for a backorder.
    pub(crate) fn serve(&mut self, id: OrderId) {
        let keys = self.take(1);
        self.log.append(
            None,
            vec![
                pool(allocated(id, keys.clone(), AllocationReason::Waitlist)),
                of(id, fulfilled(keys.clone())),
                of(id, delivered(1, keys)),
            ],
        );
    }

    /// All money goes back, and the keys with it.
    pub(crate) fn refund(&mut self, id: OrderId, keys: Vec<KeyRef>) {
        let amount = keys.len() as i64 * 100;
        self.log.unit(vec![
            of(id, settled("r-1", amount)),
            of(id, closed("refunded")),
            pool(revoked(id, keys)),
        ]);
    }

    /// One of everything that may happen.
    pub(crate) fn busy() -> Self {
        let mut shop = Self::open();
        let (first, first_keys) = shop.buy(3);
        let (held, held_keys) = shop.reserve();
        let (lapsed, lapsed_keys) = shop.reserve();
        shop.pay_and_call(held, &held_keys);
        shop.expire(lapsed, lapsed_keys);
        let waiting = shop.backorder();
        let (second, second_keys) = shop.buy(2);
        shop.serve(waiting);
        shop.log.unit(vec![of(second, delivered(2, second_keys))]);
        shop.refund(first, first_keys);
        let (third, third_keys) = shop.buy(1);
        let new = shop.take(1);
        shop.log.unit(vec![
            pool(revoked(third, third_keys.clone())),
            pool(allocated(third, new.clone(), AllocationReason::Replacement)),
            of(third, replaced(third_keys[0].index, new[0].index)),
            of(third, delivered(2, new)),
        ]);
        shop.log.unit(vec![of(second, due("r-9", 50)), of(second, loss(50))]);
        shop.log.unit(vec![of(second, settled("r-9", 50))]);
        shop
    }
}
