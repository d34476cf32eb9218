//! An order and its pool, run by the purchase process as the sequencer runs them.

mod buying;
mod giving_back;
mod handing_over;

use std::collections::VecDeque;

use events::{Fact, channel::AttemptOutcome, order::OrderLine};
use uuid::Uuid;
use vocabulary::{
    Account, BatchId, Currency, DeliveryMethod, KeyKind, KeyRef, Money, OrderId, Quantity, Reason, Sku,
    Timestamp,
};

use super::{
    Command, DeliverBy, Order, Placing, Status,
    purchase::{self, Surroundings, Then},
    state::State,
};
use crate::{
    Decider, Rejection,
    pool::{self, Pool},
};

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}
fn account() -> Account {
    "generic/own".parse().unwrap()
}
fn sku() -> Sku {
    "steam-50".parse().unwrap()
}
fn order_id() -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(7))
}
const T0: Timestamp = Timestamp::from_secs(1_767_322_800);

/// One order, one pool.
struct World {
    order: State,
    pool: pool::State,
    log: Vec<Fact>,
    around: Surroundings,
}

impl World {
    fn with_keys(count: u32) -> Self {
        let around = Surroundings {
            now: T0,
            replying_to: Some(order_id()),
            backorder_secs: 3600,
            suspended: false,
            can_call: false,
            bad_keys_max: 3,
        };
        let mut world =
            Self { order: State::default(), pool: pool::State::default(), log: Vec::new(), around };
        let open = pool::Command::OpenBatch {
            sku: sku(),
            batch: BatchId(1),
            key_kind: KeyKind::OneShot,
            supplier: None,
            unit_cost: None,
            sell_until: None,
        };
        world.run(Then::Pool(sku(), Box::new(open))).unwrap();
        world.import(count);
        world
    }
    fn import(&mut self, count: u32) {
        if count > 0 {
            let first_index = self.pool.batch(BatchId(1)).map_or(0, |b| b.keys);
            let fingerprints = (0..count).map(|i| format!("{:032x}", first_index + i)).collect();
            let import = pool::Command::ImportKeys {
                sku: sku(),
                batch: BatchId(1),
                first_index,
                fingerprints,
                now: T0,
            };
            self.run(Then::Pool(sku(), Box::new(import))).unwrap();
        }
    }
    fn run(&mut self, first: Then) -> Result<(), Rejection> {
        let mut queue = VecDeque::from([first]);
        let mut outermost = true;
        while let Some(then) = queue.pop_front() {
            let before = self.order.is_over();
            let result = match &then {
                Then::Pool(_, command) => Pool::decide(&self.pool, command),
                Then::Order(_, command) => Order::decide(&self.order, command),
            };
            let facts = match result {
                Ok(facts) => facts,
                Err(rejection) if outermost => return Err(rejection),
                Err(rejection) => panic!("a step of the process was rejected: {rejection} ({then:?})"),
            };
            outermost = false;
            for fact in &facts {
                Order::evolve(&mut self.order, fact);
                Pool::evolve(&mut self.pool, fact);
            }
            queue.extend(match then {
                Then::Pool(..) => purchase::after_pool(&facts, &self.around),
                Then::Order(..) => purchase::after_order(&facts, before, &self.order, &self.around),
            });
            self.log.extend(facts);
        }
        Ok(())
    }
    fn order(&mut self, command: Command) -> Result<(), Rejection> {
        self.run(Then::Order(order_id(), Box::new(command)))
    }
    fn place(&mut self, reserve_secs: Option<i64>) -> Result<(), Rejection> {
        let place = Command::Place(Box::new(placing(&[2])), reserve_secs.map(|s| T0.plus_secs(s)));
        self.order(place)
    }
    fn pay(&mut self) -> Result<(), Rejection> {
        self.order(pay(2000))
    }
    /// What the engine does when a key of line 0 gives way to another.
    fn replace(&mut self, old: u32, new: u32) {
        let revoke = pool::Command::Revoke {
            order: order_id(),
            line: 0,
            keys: vec![key(old)],
            reason: pool::BAD_KEY.to_owned(),
        };
        let account = account();
        let allocate = pool::Command::AllocateReplacement { order: order_id(), line: 0, account, now: T0 };
        for command in [revoke, allocate] {
            self.run(Then::Pool(sku(), Box::new(command))).unwrap();
        }
        let (reason, cost_owner) = ("dead".to_owned(), "supplier".to_owned());
        self.order(Command::Replace { line: 0, old: key(old), new: key(new), reason, cost_owner }).unwrap();
    }
    fn names(&self) -> Vec<&'static str> {
        self.log
            .iter()
            .map(Fact::type_name)
            .filter(|n| !n.starts_with("Batch") && *n != "KeysImported")
            .collect()
    }
    fn live_keys(&self) -> usize {
        if self.order.given_back() { 0 } else { self.order.keys.values().map(Vec::len).sum() }
    }
}

fn placing(quantities: &[i64]) -> Placing {
    let line = |quantity: &i64| OrderLine {
        sku: sku(),
        item: None,
        quantity: Quantity::try_from(*quantity).unwrap(),
        amount: cny(quantity * 1000),
    };
    Placing {
        order: order_id(),
        account: account(),
        external_no: "A-1".to_owned(),
        lines: quantities.iter().map(line).collect(),
        total: cny(quantities.iter().sum::<i64>() * 1000),
        buyer: None,
        delivery: DeliveryMethod::Reply,
        memo: None,
    }
}
fn pay(minor: i64) -> Command {
    Command::Pay { txn: "T-1".to_owned(), through: account(), amount: cny(minor), can_refund: false }
}
fn request_refund() -> Command {
    Command::RequestRefund {
        refund: "R-1".to_owned(),
        amount: None,
        reason: "changed_mind".to_owned(),
        memo: None,
    }
}
fn settle_refund() -> Command {
    Command::SettleRefund { refund: "R-1".to_owned(), amount: None, reason: "agreed".to_owned() }
}
fn settle_part(refund: &str, minor: i64) -> Command {
    Command::SettleRefund { refund: refund.to_owned(), amount: Some(cny(minor)), reason: String::new() }
}
fn key(index: u32) -> KeyRef {
    KeyRef { batch: BatchId(1), index, use_no: 0 }
}
