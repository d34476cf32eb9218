//! Any sequence of wishes keeps what must always hold.

use proptest::prelude::*;

use super::{
    model::{Model, Place},
    *,
};

/// A wish before it meets a state: indices into what is there.
#[derive(Debug, Clone)]
enum Step {
    Open(u32),
    Import(u32, u32),
    Quota(usize, u64, Option<u64>),
    Reserve(u8, u32),
    Allocate(u8, u32, Shortage),
    Replace(u8),
    Release(u8, u8),
    Quarantine(u32, Vec<usize>),
    Lift(u32, Vec<usize>),
    Revoke(u8, usize),
    Void(usize),
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let some = || prop::collection::vec(0..24_usize, 0..3);
    prop_oneof![
        3 => (1..4u32).prop_map(Step::Open),
        6 => (1..4u32, 1..8u32).prop_map(|(batch, count)| Step::Import(batch, count)),
        2 => (0..2usize, 0..6u64, prop::option::of(0..12u64)).prop_map(|(a, f, c)| Step::Quota(a, f, c)),
        6 => (0..9u8, 1..5u32).prop_map(|(order, count)| Step::Reserve(order, count)),
        6 => (0..9u8, 1..5u32).prop_map(|(order, count)| Step::Allocate(order, count, Shortage::Refuse)),
        8 => (0..9u8, 1..5u32).prop_map(|(order, count)| Step::Allocate(order, count, Shortage::Waitlist)),
        1 => (0..9u8).prop_map(Step::Replace),
        5 => (0..9u8, any::<u8>()).prop_map(|(order, mask)| Step::Release(order, mask)),
        2 => (1..4u32, some()).prop_map(|(batch, keys)| Step::Quarantine(batch, keys)),
        2 => (1..4u32, some()).prop_map(|(batch, keys)| Step::Lift(batch, keys)),
        1 => (0..9u8, 0..5usize).prop_map(|(order, key)| Step::Revoke(order, key)),
        1 => (0..40usize).prop_map(Step::Void),
        1 => (1..60i64).prop_map(Step::Wait),
    ]
}

/// Two reusable uses in batch 2, a last instant of sale in batch 3.
fn kind(batch: u32) -> (KeyKind, Option<Timestamp>) {
    match batch {
        2 => (KeyKind::Reusable { use_limit: 2 }, None),
        3 => (KeyKind::Pair, Some(at(1_100))),
        _ => (KeyKind::OneShot, None),
    }
}

/// Orders 0 to 2 are of `jd/a`, 3 to 5 of `tb/b`, the others of an account without a quota.
fn owner(order: u8) -> &'static str {
    [JD, TB, "own/shop"][usize::from(order / 3)]
}

struct Run {
    state: State,
    model: Model,
    facts: Vec<Fact>,
    now: Timestamp,
}

impl Run {
    fn nth(&self, index: usize) -> Vec<KeyRef> {
        self.model.units.keys().copied().nth(index).into_iter().collect()
    }
    fn out(&self, number: u8) -> Vec<KeyRef> {
        self.model.of(Place::Out(order(number), 0))
    }

    fn command(&self, step: &Step) -> Option<Command> {
        let now = self.now;
        let in_batch = |batch: u32, keys: &[usize]| -> Vec<KeyRef> {
            keys.iter().flat_map(|&key| self.nth(key)).filter(|key| key.batch == BatchId(batch)).collect()
        };
        Some(match *step {
            Step::Open(batch) => {
                let (key_kind, sell_until) = kind(batch);
                wish(opened_as(batch, key_kind, sell_until).into())
            }
            Step::Import(batch, count) => {
                let first_index = self.state.batch(BatchId(batch)).map_or(0, |batch| batch.keys);
                let Fact::KeysImported(f) = imported(batch, first_index, count) else { return None };
                let (sku, batch, fingerprints) = (f.sku, f.batch, f.fingerprints);
                Command::ImportKeys { sku, batch, first_index, fingerprints, now }
            }
            Step::Quota(of, floor, cap) => wish(quota([JD, TB][of], floor, cap)),
            Step::Reserve(number, count) => {
                let (order, account) = (order(number), account(owner(number)));
                let until = now.plus_secs(60);
                Command::Reserve { order, line: 0, account, quantity: units(count), until, now }
            }
            Step::Allocate(number, count, shortage) => {
                let (order, account) = (order(number), account(owner(number)));
                Command::Allocate { order, line: 0, account, quantity: units(count), shortage, now }
            }
            Step::Replace(number) => Command::AllocateReplacement {
                order: order(number),
                line: 0,
                account: account(owner(number)),
                now,
            },
            Step::Release(number, mask) => {
                let some = self.out(number).into_iter().enumerate().filter(|(n, _)| mask >> (n % 8) & 1 == 1);
                let (allocated, reason) = (some.map(|(_, key)| key).collect(), "cancelled".to_owned());
                let (order, account) = (order(number), account(owner(number)));
                Command::Release { order, line: 0, account, allocated, reason, now }
            }
            Step::Quarantine(batch, ref keys) => {
                let (batch, keys, reason) = (BatchId(batch), in_batch(batch, keys), "complaints".to_owned());
                Command::Quarantine { sku: sku(), batch, keys, reason }
            }
            Step::Lift(batch, ref keys) => {
                let (batch, keys, reason) = (BatchId(batch), in_batch(batch, keys), "checked".to_owned());
                Command::LiftQuarantine { sku: sku(), batch, keys, reason, now }
            }
            Step::Revoke(number, key) => {
                let keys = self.out(number).get(key).copied().into_iter().collect();
                Command::Revoke { order: order(number), line: 0, keys, reason: "bad_key".into() }
            }
            Step::Void(key) => Command::Void { keys: self.nth(key), reason: "withdrawn".into() },
            Step::Wait(_) => return None,
        })
    }

    fn step(&mut self, step: &Step) {
        if let Step::Wait(secs) = step {
            self.now = self.now.plus_secs(*secs);
        }
        let Some(command) = self.command(step) else { return };
        let decision = Pool::decide(&self.state, &command);
        self.judge_refusal(&command, decision.as_ref().err().map(|no| no.reason));
        let written = serde_json::to_string(&self.state).unwrap();
        let read: State = serde_json::from_str(&written).unwrap();
        assert_eq!(Pool::decide(&read, &command), decision, "a state that was read back decides otherwise");
        for fact in decision.unwrap_or_default() {
            Pool::evolve(&mut self.state, &fact);
            self.model.apply(&fact, self.now);
            self.facts.push(fact);
        }
        self.judge_repeat(&command);
        self.judge();
    }

    /// What is fulfilled is not done twice.
    fn judge_repeat(&self, command: &Command) {
        let growing = matches!(
            command,
            Command::ImportKeys { .. }
                | Command::Allocate { .. }
                | Command::AllocateReplacement { .. }
                // What was given back may be out again, with a line that waited.
                | Command::Release { .. }
        );
        let again = Pool::decide(&self.state, command).unwrap_or_default();
        assert!(growing || again.is_empty(), "{command:?} again: {again:?}");
    }

    /// Quotas bind reservations and refusable allocations, and nothing else does.
    fn judge_refusal(&self, command: &Command, reason: Option<Reason>) {
        let (account, quantity) = match command {
            Command::Reserve { account, quantity, order, .. } if self.holds_nothing(*order) => {
                (account, quantity)
            }
            Command::Allocate { account, quantity, order, shortage: Shortage::Refuse, .. }
                if self.holds_nothing(*order) =>
            {
                (account, quantity)
            }
            _ => return,
        };
        let (wanted, sellable) = (u64::from(quantity.get()), self.model.sellable(self.now));
        let expected = if i128::from(wanted) <= self.model.available_to(account, self.now) {
            None
        } else if wanted > sellable {
            Some(Reason::OutOfStock)
        } else {
            Some(Reason::QuotaExhausted)
        };
        assert_eq!(reason, expected, "{command:?}");
    }
    fn holds_nothing(&self, order: OrderId) -> bool {
        self.model.of(Place::Held(order, 0)).is_empty() && !self.model.waiting.iter().any(|w| w.0 == order)
    }

    fn judge(&self) {
        let (state, model, now) = (&self.state, &self.model, self.now);
        assert_eq!(state.counters(), model.counters());
        let c = state.counters();
        assert_eq!(c.imported, c.on_hand() + c.allocated + c.voided);
        assert_eq!(state.sellable(now), model.sellable(now));
        for of in [JD, TB, "own/shop"].map(account) {
            let available = state.available_to(&of, now);
            assert_eq!(i128::from(available), model.available_to(&of, now));
            assert!(available <= state.sellable(now));
        }
        let taken: Vec<_> = state.quotas().map(|(account, quota)| (account.clone(), quota.taken)).collect();
        assert_eq!(taken, model.taken());
        let held: u64 = state.reservations().map(|hold| hold.keys.len() as u64).sum();
        assert_eq!(held, c.reserved);
        for hold in state.reservations() {
            assert_eq!(hold.keys, model.of(Place::Held(hold.order, hold.line)));
        }
        let waiting: Vec<_> = state.waiting().map(|w| (w.order, w.line, w.quantity)).collect();
        assert_eq!(waiting, model.waiting);
        if let Some(&(_, _, quantity)) = waiting.first() {
            assert!(
                u64::from(quantity) > state.sellable(now),
                "the first in line waits though it could be served"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_wished_for_each_unit_is_in_one_place_and_every_sum_adds_up(
        steps in prop::collection::vec(any_step(), 1..120)
    ) {
        let mut run = Run { state: State::default(), model: Model::default(), facts: Vec::new(), now: NOW };
        // Most wishes need a batch.
        for step in [Step::Open(1), Step::Open(2), Step::Open(3), Step::Import(1, 3)].iter().chain(&steps) {
            run.step(step);
        }
        prop_assert_eq!(after(&run.facts), run.state, "the facts alone make the state");
    }
}

#[test]
fn a_pool_of_a_million_keys_is_a_few_dozen_bytes() {
    let mut state = after(&[opened(1)]);
    let mut first_index = 0;
    while first_index < 1_000_000 {
        Pool::evolve(&mut state, &imported(1, first_index, 50_000));
        first_index += 50_000;
    }
    assert_eq!(state.sellable(NOW), 1_000_000);
    let text = serde_json::to_string(&state).unwrap();
    assert!(text.len() < 500, "{text}");
}
