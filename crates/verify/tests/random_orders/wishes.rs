//! What is wished for at random: by buyers and their channels, by those who keep the stock, by support, and what
//! calls and time bring.

use domain::{
    order::{Command, DeliverBy, Past, PastKind, Placing, RefundState, State},
    pool,
};
use events::{
    channel::AttemptOutcome,
    order::{ClaimAttempted, OrderLine, PastLine},
};
use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, IteratorRandom},
};
use vocabulary::{Account, BatchId, DeliveryMethod, KeyKind, KeyRef, Money, OrderId, Sku};

use crate::{
    support::facts::{cny, fingerprints, order},
    world::{Wish, World, accounts, skus},
};

/// So few orders that their lives cross in many ways.
const ORDERS: u128 = 15;

/// Where wishes come from. The same seed gives the same wishes to the same world.
pub(crate) struct Dice {
    rng: StdRng,
    /// What is ordered, if it comes to that.
    orders: Vec<Placing>,
    /// Keys imported so far, so that no two are the same.
    keys: u32,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let orders = (1..=ORDERS).map(|n| placing(&mut rng, order(n))).collect();
        Self { rng, orders, keys: 0 }
    }

    /// How long until the next wish.
    pub(crate) fn secs(&mut self) -> i64 {
        self.rng.random_range(0..20)
    }

    pub(crate) fn wish(&mut self, world: &World) -> Wish {
        let placing = self.orders.choose(&mut self.rng).unwrap().clone();
        let state = world.orders.get(&placing.order).cloned().unwrap_or_default();
        match self.rng.random_range(0..100) {
            0..30 => self.channel(world, placing),
            30..40 => self.money_back(&placing, &state),
            40..60 => self.call_or_timer(world),
            60..75 => self.support(world, placing.order, &state),
            _ => self.keeper(world),
        }
    }

    /// A buyer orders, pays, calls it off or looks at the keys.
    fn channel(&mut self, world: &World, placing: Placing) -> Wish {
        let Placing { order, account: through, total: amount, .. } = placing.clone();
        let place = |until| Command::Place(Box::new(placing.clone()), until);
        let txn = format!("txn-{order}-{}", self.rng.random_range(0..2));
        let can_refund = self.rng.random();
        let pay = Command::Pay { txn: txn.clone(), through: through.clone(), amount, can_refund };
        match self.rng.random_range(0..16) {
            15 => self.past(&placing),
            0..4 => one(order, place(Some(world.now.plus_secs(40)))),
            4..7 => Wish::Order { order, commands: vec![place(None), pay], replied: self.rng.random() },
            7..9 => one(order, pay),
            9 | 10 => one(order, Command::CheckPayment { txn: format!("txn-{order}-2"), through, amount }),
            11 => one(
                order,
                Command::Cancel {
                    reason: "changed_mind".into(),
                    can_refund,
                    channel_refunds: self.rng.random(),
                },
            ),
            12 => one(order, Command::Note { text: "asks what is going on".into() }),
            13 => one(
                order,
                Command::Claim(ClaimAttempted {
                    proof: "phone_last4".into(),
                    matched: self.rng.random(),
                    client: "c0ffee".into(),
                    day: "2026-01-02".into(),
                }),
            ),
            _ => one(order, Command::ShowKeys { reason: "channel_query".into() }),
        }
    }

    /// An order is taken over as history: as a rule one of which nothing else is known.
    fn past(&mut self, placing: &Placing) -> Wish {
        let known = self.rng.random_bool(0.05);
        let order = if known { placing.order } else { order(100 + self.rng.random_range(0..6)) };
        let kind = if self.rng.random() { PastKind::Sale } else { PastKind::Refund };
        let line = |minor| PastLine { item: "22728".into(), quantity: 1, amount: cny(minor) };
        let lines = (0..self.rng.random_range(1..3)).map(|n| line(100 - 150 * n)).collect();
        let (account, external_no) = (placing.account.clone(), format!("no-{order}"));
        let past = Past { kind, account, external_no, lines, buyer: None };
        let taken = Command::RecordPast(order, Box::new(past));
        let note = Command::Note { text: "taken over".into() };
        Wish::Order {
            order,
            commands: if self.rng.random() { vec![taken] } else { vec![taken, note] },
            replied: false,
        }
    }

    /// A buyer wants money back, somebody answers, or the channel says that it went.
    fn money_back(&mut self, placing: &Placing, state: &State) -> Wish {
        let (order, reason, can_refund) = (placing.order, "r".to_owned(), self.rng.random());
        let amount = self.amount(placing.total);
        let known = state.refunds.keys().cloned().choose(&mut self.rng);
        let any = format!("refund-{order}-{}", self.rng.random_range(0..3));
        let refund = known.filter(|_| state.refund_open() || self.rng.random()).unwrap_or(any);
        let ask =
            Command::RequestRefund { refund: refund.clone(), amount, reason: reason.clone(), memo: None };
        let untouched = state.paid.is_some() && state.deliveries == 0 && !state.held;
        match self.rng.random_range(0..10) {
            // Before anything was handed over, the platform's request is agreed to at once.
            0..2 if untouched => {
                let agree = Command::AgreeRefund { refund, amount: None, reason, can_refund: false };
                Wish::Order { order, commands: vec![ask, agree], replied: false }
            }
            0..4 => one(order, ask),
            4..6 if state.paid.is_some() => {
                one(order, Command::AgreeRefund { refund, amount, reason, can_refund })
            }
            4..8 => one(order, Command::SettleRefund { refund, amount, reason }),
            _ => one(order, Command::RefuseRefund { refund, reason }),
        }
    }

    /// A call of ours ended, or time ran out.
    fn call_or_timer(&mut self, world: &World) -> Wish {
        let now = world.now;
        let concerned =
            |state: &State| !calls(state).is_empty() || state.due_at().is_some_and(|at| at <= now);
        let orders = world.orders.iter().filter(|(_, state)| concerned(state));
        let Some((&order, state)) = orders.choose(&mut self.rng) else { return self.keeper(world) };
        let (outcome, attempt, can_refund) = (self.outcome(), 1, self.rng.random());
        let command = match calls(state).choose(&mut self.rng).cloned() {
            Some(Call::Payment(txn)) => {
                Command::SettlePaymentCheck { txn, outcome, attempts: attempt, can_refund }
            }
            Some(Call::Delivery(delivery)) => Command::RecordDelivery { delivery, attempt, outcome },
            Some(Call::Refund(refund)) => Command::RecordRefundAttempt { refund, attempt, outcome },
            None => {
                let expire =
                    vec![Command::ExpireReservation { now }, Command::ExpireBackorder { now, can_refund }];
                return Wish::Order { order, commands: expire, replied: false };
            }
        };
        one(order, command)
    }

    /// A person helps.
    fn support(&mut self, world: &World, order: OrderId, state: &State) -> Wish {
        let (reason, by) = ("looked_at".to_owned(), [DeliverBy::Call, DeliverBy::Pickup]);
        let by = *by.choose(&mut self.rng).unwrap();
        let handed = world.orders.iter().filter(|(_, state)| state.delivered && !state.is_over());
        let handed =
            handed.flat_map(|(order, state)| state.keys.values().flatten().map(|key| (*order, *key)));
        let bad = handed.choose(&mut self.rng);
        let stopped = world.suspended.iter().next().cloned();
        let account = accounts().choose(&mut self.rng).unwrap().clone();
        match (self.rng.random_range(0..12), bad, stopped) {
            (0..2, ..) => one(order, Command::Deliver { by, again: self.rng.random(), reason: None }),
            (2..6, Some((order, old)), _) => Wish::Replace { order, old },
            (4..8, ..) if state.held => one(order, Command::Release { reason }),
            (6, ..) => one(order, Command::Hold { reason }),
            (8 | 9, _, Some(account)) => Wish::Resume(account),
            (9, ..) => Wish::Suspend(account),
            _ => one(order, Command::ShowKeys { reason }),
        }
    }

    /// Those who keep the stock.
    fn keeper(&mut self, world: &World) -> Wish {
        let sku = skus().choose(&mut self.rng).unwrap().clone();
        let reason = "r".to_owned();
        let batches = world.pools.get(&sku).into_iter().flat_map(pool::State::batches);
        let batch = batches.map(|(batch, state)| (batch, state.keys)).choose(&mut self.rng);
        let (Some((batch, first_index)), true) = (batch, self.rng.random_bool(0.85)) else {
            return self.open_batch(world, sku);
        };
        let keys = self.keys_of(batch);
        let command = match self.rng.random_range(0..12) {
            0..6 => self.import(world, &sku, batch, first_index),
            6 => self.quota(&sku),
            7 | 8 => pool::Command::Quarantine { sku: sku.clone(), batch, keys, reason },
            9 | 10 => pool::Command::LiftQuarantine { sku: sku.clone(), batch, keys, reason, now: world.now },
            _ => pool::Command::Void { keys, reason },
        };
        Wish::Pool(sku, command)
    }

    fn open_batch(&mut self, world: &World, sku: Sku) -> Wish {
        let batches = world.pools.values().flat_map(pool::State::batches);
        let last = batches.map(|(batch, _)| batch.0).max().unwrap_or(0);
        let reusable = self.rng.random_bool(0.2);
        let key_kind = if reusable { KeyKind::Reusable { use_limit: 2 } } else { KeyKind::OneShot };
        let sell_until = self.rng.random_bool(0.2).then(|| world.now.plus_secs(300));
        let (batch, supplier, unit_cost) = (BatchId(last + 1), None, None);
        let open =
            pool::Command::OpenBatch { sku: sku.clone(), batch, key_kind, supplier, unit_cost, sell_until };
        Wish::Pool(sku, open)
    }

    fn import(&mut self, world: &World, sku: &Sku, batch: BatchId, first_index: u32) -> pool::Command {
        let first = self.keys;
        self.keys += self.rng.random_range(1..8);
        let fingerprints = fingerprints(first..self.keys);
        pool::Command::ImportKeys { sku: sku.clone(), batch, first_index, fingerprints, now: world.now }
    }

    fn quota(&mut self, sku: &Sku) -> pool::Command {
        let account: Account = accounts().choose(&mut self.rng).unwrap().clone();
        let (floor, cap) = (self.rng.random_range(0..3), self.rng.random_bool(0.5));
        let cap = cap.then(|| self.rng.random_range(2..8));
        pool::Command::SetQuota { sku: sku.clone(), account, floor, cap, reason: "sale".into() }
    }

    /// One of the first keys of a batch, or (none) all of it.
    fn keys_of(&mut self, batch: BatchId) -> Vec<KeyRef> {
        let one = KeyRef { batch, index: self.rng.random_range(0..4), use_no: 0 };
        if self.rng.random() { vec![one] } else { Vec::new() }
    }

    /// Some of the total, seldom too much; or (none) all that is left.
    fn amount(&mut self, total: Money) -> Option<Money> {
        self.rng.random_bool(0.6).then(|| cny(self.rng.random_range(1..=total.minor + 1)))
    }

    fn outcome(&mut self) -> AttemptOutcome {
        let code = "x".to_owned();
        match self.rng.random_range(0..8) {
            0 => AttemptOutcome::Refused { code },
            1 => AttemptOutcome::RetryAfter { secs: 1, code },
            2 => AttemptOutcome::Unknown { code },
            3 => AttemptOutcome::Abandoned { code },
            _ => AttemptOutcome::Done,
        }
    }
}

/// A call that an order waits for.
#[derive(Clone)]
enum Call {
    Payment(String),
    Delivery(u32),
    Refund(String),
}

fn calls(state: &State) -> Vec<Call> {
    let payment = state.checking.iter().map(|(paid, _)| Call::Payment(paid.txn.clone()));
    let delivery = state.delivering.iter().map(|call| Call::Delivery(call.number));
    let refunds = state.refunds.iter().filter_map(|(refund, state)| match state {
        RefundState::Due { abandoned: false, .. } => Some(Call::Refund(refund.clone())),
        _ => None,
    });
    payment.chain(delivery).chain(refunds).collect()
}

fn one(order: OrderId, command: Command) -> Wish {
    Wish::Order { order, commands: vec![command], replied: false }
}

fn placing(rng: &mut StdRng, order: OrderId) -> Placing {
    let lines: Vec<OrderLine> = (0..rng.random_range(1..=3))
        .map(|_| OrderLine {
            sku: skus().choose(rng).unwrap().clone(),
            item: None,
            quantity: rng.random_range(1..=3).try_into().unwrap(),
            amount: cny(rng.random_range(1..200)),
        })
        .collect();
    let deliveries = [DeliveryMethod::Reply, DeliveryMethod::Api, DeliveryMethod::Pickup];
    Placing {
        order,
        account: accounts().choose(rng).unwrap().clone(),
        external_no: format!("no-{order}"),
        total: cny(lines.iter().map(|line| line.amount.minor).sum()),
        lines,
        buyer: None,
        delivery: *deliveries.choose(rng).unwrap(),
        memo: None,
    }
}
