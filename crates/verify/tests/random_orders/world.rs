//! One merchant whose wishes go to the real deciders, run as the sequencer runs them, and the log they lead to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{
    Decider, Rejection,
    order::{self, Order, Placing, purchase, purchase::Surroundings, purchase::Then},
    pool::{self, Pool},
};
use events::{
    Fact,
    channel::{ChannelResumed, ChannelSuspended},
};
use vocabulary::{Account, KeyRef, OrderId, Reason, Sku, Timestamp};

use crate::{
    story::Step,
    support::{Log, facts},
};

/// How long a paid order waits for keys.
const BACKORDER_SECS: i64 = 60;

/// What somebody wants. Each wish is one unit of the log, if anything comes of it.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    /// Commands for an order, as one message brings them.
    Order {
        order: OrderId,
        commands: Vec<order::Command>,
        /// Whether the channel waits for a reply that can carry the keys.
        replied: bool,
    },
    /// A command for a pool.
    Pool(Sku, pool::Command),
    /// Another key for a bad one.
    Replace { order: OrderId, old: KeyRef },
    /// Sales on an account stop.
    Suspend(Account),
    /// They go on.
    Resume(Account),
}

/// One merchant.
pub(crate) struct World {
    pub(crate) log: Log,
    pub(crate) orders: BTreeMap<OrderId, order::State>,
    pub(crate) pools: BTreeMap<Sku, pool::State>,
    pub(crate) suspended: BTreeSet<Account>,
    pub(crate) now: Timestamp,
    pub(crate) steps: Vec<Step>,
    /// Facts of the unit at hand, with their streams.
    staged: Vec<(String, Fact)>,
}

/// The items on sale.
pub(crate) fn skus() -> [Sku; 2] {
    ["steam-50", "steam-100"].map(|sku| sku.parse().unwrap())
}
/// The shop accounts. Keys can be handed to the first by a call, to the second they cannot.
pub(crate) fn accounts() -> [Account; 2] {
    ["generic/main", "generic/second"].map(|account| account.parse().unwrap())
}
pub(crate) fn can_call(account: &Account) -> bool {
    *account == accounts()[0]
}

impl World {
    pub(crate) fn open(merchant: &str) -> Self {
        let mut log = Log::new(merchant);
        let mut set_up: Vec<_> = accounts().into_iter().map(facts::connected_as).collect();
        set_up.extend(skus().iter().map(facts::defined));
        log.unit(set_up);
        Self {
            log,
            orders: BTreeMap::new(),
            pools: BTreeMap::new(),
            suspended: BTreeSet::new(),
            now: Timestamp::from_secs(1_767_322_800),
            steps: Vec::new(),
            staged: Vec::new(),
        }
    }

    pub(crate) fn pass(&mut self, secs: i64) {
        self.now = self.now.plus_secs(secs);
    }

    /// Does what is wished for and all that follows from it. A wish may be turned down, as long as nothing was
    /// decided for it yet; an error says what went wrong with the process.
    pub(crate) fn grant(&mut self, wish: Wish) -> Result<(), String> {
        let refused = self.attempt(&wish).err();
        let broken = refused.as_ref().filter(|_| !self.staged.is_empty());
        let broken = broken.map(|rejection| format!("a step was turned down half-way: {rejection}"));
        self.commit();
        self.steps.push(Step { wish, refused, end: self.log.end() });
        broken.map_or_else(|| self.agrees(), Err)
    }

    fn attempt(&mut self, wish: &Wish) -> Result<(), Rejection> {
        match wish {
            Wish::Order { order, commands, replied } => {
                let replying_to = replied.then_some(*order);
                commands.iter().try_for_each(|command| {
                    self.admit(command)?;
                    self.run(Then::Order(*order, Box::new(command.clone())), replying_to)
                })
            }
            Wish::Pool(sku, command) => self.run(Then::Pool(sku.clone(), Box::new(command.clone())), None),
            Wish::Replace { order, old } => self.replace(*order, *old),
            Wish::Suspend(account) => {
                if self.suspended.insert(account.clone()) {
                    let suspended = ChannelSuspended { account: account.clone(), reason: "look".into() };
                    self.staged.push((account.stream().to_string(), suspended.into()));
                }
                Ok(())
            }
            Wish::Resume(account) => self.resume(account),
        }
    }

    /// One command, and all that follows from it.
    fn run(&mut self, first: Then, replying_to: Option<OrderId>) -> Result<(), Rejection> {
        self.follow(VecDeque::from([first]), replying_to)
    }

    fn follow(&mut self, mut queue: VecDeque<Then>, replying_to: Option<OrderId>) -> Result<(), Rejection> {
        while let Some(then) = queue.pop_front() {
            let next = match then {
                Then::Pool(sku, command) => self.execute_pool(&sku, &command, replying_to)?,
                Then::Order(order, command) => self.execute_order(order, &command, replying_to)?,
            };
            queue.extend(next);
        }
        Ok(())
    }

    fn execute_pool(
        &mut self,
        sku: &Sku,
        command: &pool::Command,
        replying_to: Option<OrderId>,
    ) -> Result<Vec<Then>, Rejection> {
        let state = self.pools.entry(sku.clone()).or_default();
        let facts = Pool::decide(state, command)?;
        facts.iter().for_each(|fact| Pool::evolve(state, fact));
        let then = purchase::after_pool(&facts, &self.around(None, replying_to));
        self.staged.extend(facts.into_iter().map(|fact| (sku.pool_stream().to_string(), fact)));
        Ok(then)
    }

    fn execute_order(
        &mut self,
        id: OrderId,
        command: &order::Command,
        replying_to: Option<OrderId>,
    ) -> Result<Vec<Then>, Rejection> {
        let state = self.orders.entry(id).or_default();
        let was_over = state.is_over();
        let facts = Order::decide(state, command)?;
        facts.iter().for_each(|fact| Order::evolve(state, fact));
        let state = &self.orders[&id];
        let around = self.around(state.placed.as_ref().map(|placed| &placed.account), replying_to);
        let then = purchase::after_order(&facts, was_over, state, &around);
        self.staged.extend(facts.into_iter().map(|fact| (id.to_string(), fact)));
        Ok(then)
    }

    fn around(&self, account: Option<&Account>, replying_to: Option<OrderId>) -> Surroundings {
        Surroundings {
            now: self.now,
            replying_to,
            backorder_secs: BACKORDER_SECS,
            suspended: account.is_some_and(|account| self.suspended.contains(account)),
            can_call: account.is_some_and(can_call),
            bad_keys_max: 3,
        }
    }

    /// An order that is to hold keys is only taken where there are enough of them for its account.
    fn admit(&self, command: &order::Command) -> Result<(), Rejection> {
        let order::Command::Place(placing, Some(_)) = command else { return Ok(()) };
        let Placing { order, account, lines, .. } = &**placing;
        if self.orders.get(order).is_some_and(|state| state.placed.is_some()) {
            return Ok(());
        }
        let short = skus().into_iter().find(|sku| {
            let wanted =
                lines.iter().filter(|line| line.sku == *sku).map(|line| u64::from(line.quantity.get()));
            let available = self.pools.get(sku).map_or(0, |pool| pool.available_to(account, self.now));
            wanted.sum::<u64>() > available
        });
        match short {
            Some(sku) => Err(Rejection::new(Reason::OutOfStock, format!("too few of {sku}"))),
            None => Ok(()),
        }
    }

    /// Everything is checked before the first step.
    fn replace(&mut self, order: OrderId, old: KeyRef) -> Result<(), Rejection> {
        let found = self.orders.get(&order).and_then(|state| {
            let (line, _) = state.keys.iter().find(|(_, keys)| keys.contains(&old))?;
            let placed = state.placed.as_ref()?;
            Some((state, *line, placed.lines[usize::from(*line)].sku.clone(), placed.account.clone()))
        });
        let Some((state, line, sku, account)) = found else {
            return Err(Rejection::new(Reason::NotReplaceable, "not one of the order's"));
        };
        state.may_replace(line, old)?;
        if self.pools[&sku].sellable(self.now) == 0 {
            return Err(Rejection::new(Reason::OutOfStock, "none left"));
        }
        let reason = || "bad_key".to_owned();
        let revoke = pool::Command::Revoke { order, line, keys: vec![old], reason: reason() };
        let allocate = pool::Command::AllocateReplacement { order, line, account, now: self.now };
        for command in [revoke, allocate] {
            self.run(Then::Pool(sku.clone(), Box::new(command)), None)?;
        }
        let new = self.staged.iter().rev().find_map(|(_, fact)| match fact {
            Fact::KeysAllocated(e) if e.order == order => e.keys.first().copied(),
            _ => None,
        });
        let (new, cost_owner) = (new.unwrap(), "supplier".to_owned());
        let replace = order::Command::Replace { line, old, new, reason: reason(), cost_owner };
        self.run(Then::Order(order, Box::new(replace)), None)
    }

    fn resume(&mut self, account: &Account) -> Result<(), Rejection> {
        if !self.suspended.remove(account) {
            return Ok(());
        }
        let resumed = ChannelResumed { account: account.clone(), reason: "fine".into() };
        self.staged.push((account.stream().to_string(), resumed.into()));
        let around = self.around(Some(account), None);
        let of_account = |state: &&order::State| state.placed.as_ref().is_some_and(|p| p.account == *account);
        let waiting = self.orders.values().filter(of_account);
        let then = waiting.flat_map(|state| purchase::resume(state, &around)).collect();
        self.follow(then, None)
    }

    /// Ends the unit at hand. The numbers that it used are stored with it.
    fn commit(&mut self) {
        if self.staged.is_empty() {
            return;
        }
        for (stream, fact) in &self.staged {
            let (kind, account, number) = match fact {
                Fact::OrderPlaced(e) => ("order", &e.account, &e.external_no),
                Fact::PastOrderRecorded(e) => ("order", &e.account, &e.external_no),
                Fact::PastRefundRecorded(e) => ("order", &e.account, &e.external_no),
                Fact::PaymentConfirmed(e) => ("txn", &e.through, &e.txn),
                _ => continue,
            };
            self.log.numbers.push((kind, account.to_string(), number.clone(), stream.parse().unwrap()));
        }
        self.log.unit(std::mem::take(&mut self.staged));
    }
}
