//! Decisions about what order lines hold, get, give back and wait for.

use events::{
    Fact,
    pool::{AllocationReason, AllocationWaitlisted, KeysAllocated, KeysReleased, KeysReserved, WaitlistLeft},
};
use vocabulary::{Account, KeyRef, OrderId, Quantity, Reason, Timestamp};

use super::{
    Shortage, State,
    keeping::{invalid, named},
    state::Hold,
    units::Units,
};
use crate::Rejection;

type Decision = Result<Vec<Fact>, Rejection>;

/// The order line that a wish is about.
pub(super) struct Line {
    pub(super) order: OrderId,
    pub(super) line: u16,
    pub(super) account: Account,
}

impl Line {
    fn allocated(&self, keys: Vec<KeyRef>, chosen: AllocationReason) -> Fact {
        let account = self.account.clone();
        KeysAllocated { order: self.order, line: self.line, account, keys, chosen }.into()
    }

    fn waitlisted(&self, quantity: u32) -> Fact {
        let account = self.account.clone();
        AllocationWaitlisted { order: self.order, line: self.line, account, quantity }.into()
    }

    fn released(&self, keys: Vec<KeyRef>, reason: impl Into<String>) -> Fact {
        let account = self.account.clone();
        KeysReleased { order: self.order, line: self.line, account, keys, reason: reason.into() }.into()
    }
}

pub(super) fn reserve(
    state: &State,
    line: &Line,
    quantity: Quantity,
    until: Timestamp,
    now: Timestamp,
) -> Decision {
    if state.reserved(line.order, line.line).is_some() {
        return Ok(Vec::new());
    }
    if state.waits(line.order, line.line) {
        return Err(Rejection::new(Reason::WrongState, "the line is paid and waits for keys"));
    }
    if until <= now {
        return Err(invalid("the reservation would end before it begins"));
    }
    let sellable = state.sellable(now);
    within(sellable, state.reach(&line.account, sellable, 0), quantity)?;
    let (order, account) = (line.order, line.account.clone());
    let keys = state.oldest(quantity.get(), now);
    Ok(vec![KeysReserved { order, line: line.line, account, keys, until }.into()])
}

pub(super) fn allocate(
    state: &State,
    line: &Line,
    quantity: Quantity,
    shortage: Shortage,
    now: Timestamp,
) -> Decision {
    if let Some(hold) = state.reserved(line.order, line.line) {
        if hold.suspect.is_empty() && hold.keys.len() == quantity.get() as usize {
            return Ok(vec![line.allocated(hold.keys.clone(), AllocationReason::Reserved)]);
        }
        return allocate_anew(state, line, hold, quantity, shortage, now);
    }
    if state.waits(line.order, line.line) {
        return match shortage {
            Shortage::Waitlist => Ok(Vec::new()),
            Shortage::Refuse => Err(Rejection::new(Reason::OutOfStock, "the line waits for keys")),
        };
    }
    let sellable = state.sellable(now);
    match shortage {
        Shortage::Refuse => within(sellable, state.reach(&line.account, sellable, 0), quantity)?,
        Shortage::Waitlist if sellable < wanted(quantity) => {
            return Ok(vec![line.waitlisted(quantity.get())]);
        }
        Shortage::Waitlist => {}
    }
    Ok(vec![line.allocated(state.oldest(quantity.get(), now), AllocationReason::Stock)])
}

/// The line's reservation cannot be given out as it is: it is given up, and units are chosen as if it had never
/// been. The line comes before those that wait, since what it gives up was its own.
fn allocate_anew(
    state: &State,
    line: &Line,
    hold: &Hold,
    quantity: Quantity,
    shortage: Shortage,
    now: Timestamp,
) -> Decision {
    let gained = returning(state, &hold.keys, now);
    let sellable = state.sellable(now) + gained.len();
    if shortage == Shortage::Refuse {
        let given_back = hold.keys.len() as u64;
        within(sellable, state.reach(&line.account, sellable, given_back), quantity)?;
    }
    let why = if hold.suspect.is_empty() { "resized" } else { "quarantined" };
    let mut facts = vec![line.released(hold.keys.clone(), why)];
    let mut shelf = Shelf::new(state, now, gained);
    match shelf.take(quantity.get()) {
        Some(keys) => facts.push(line.allocated(keys, AllocationReason::Stock)),
        None => facts.push(line.waitlisted(quantity.get())),
    }
    shelf.serve(None, &mut facts);
    Ok(facts)
}

pub(super) fn replace(state: &State, line: &Line, now: Timestamp) -> Decision {
    let keys = state.oldest(1, now);
    if keys.is_empty() {
        return Err(Rejection::new(Reason::OutOfStock, "no unit is sellable"));
    }
    Ok(vec![line.allocated(keys, AllocationReason::Replacement)])
}

pub(super) fn release(
    state: &State,
    line: &Line,
    allocated: &[KeyRef],
    reason: String,
    now: Timestamp,
) -> Decision {
    let mut keys = named(state, None, allocated.to_vec())?;
    // A key that is not out was given back by an earlier wish of the same content.
    keys.retain(|key| state.is_out(*key));
    keys.extend(state.reserved(line.order, line.line).into_iter().flat_map(|hold| &hold.keys));
    keys.sort_unstable();
    let gained = returning(state, &keys, now);
    let mut facts = Vec::new();
    if !keys.is_empty() {
        facts.push(line.released(keys, reason));
    }
    if state.waits(line.order, line.line) {
        facts.push(WaitlistLeft { order: line.order, line: line.line }.into());
    }
    if !facts.is_empty() {
        serve(state, now, gained, Some(line.order), &mut facts);
    }
    Ok(facts)
}

/// Serves the waiting lines in order from what is sellable and `gained` besides, and stops at the first that
/// cannot be served in full. No line of the order that is `leaving` is served: it gives up every line, one by one.
pub(super) fn serve(
    state: &State,
    now: Timestamp,
    gained: Units,
    leaving: Option<OrderId>,
    facts: &mut Vec<Fact>,
) {
    // What waits wants more than is in stock, so the shelf is only built, and then is small, when it is of use.
    let first = state.waiting().find(|waiting| Some(waiting.order) != leaving);
    if first.is_some_and(|first| u64::from(first.quantity) <= state.sellable(now) + gained.len()) {
        Shelf::new(state, now, gained).serve(leaving, facts);
    }
}

/// Those of the keys that would be for sale if they were given back.
fn returning(state: &State, keys: &[KeyRef], now: Timestamp) -> Units {
    let mut units = Units::default();
    for &key in keys.iter().filter(|key| state.sells_again(key.batch, now)) {
        units.put(key.batch, state.unit(key));
    }
    units
}

/// What will be sellable when the facts of this decision have happened.
struct Shelf<'a> {
    state: &'a State,
    units: Units,
}

impl<'a> Shelf<'a> {
    fn new(state: &'a State, now: Timestamp, gained: Units) -> Self {
        let mut units = state.sellable_units(now);
        for (batch, ranges) in gained.batches() {
            units.absorb(batch, ranges);
        }
        Self { state, units }
    }

    /// The oldest `count` units, or nothing where there are fewer.
    fn take(&mut self, count: u32) -> Option<Vec<KeyRef>> {
        let chosen: Vec<_> = self.units.oldest().take(count as usize).collect();
        if chosen.len() < count as usize {
            return None;
        }
        for &(batch, unit) in &chosen {
            self.units.pick(batch, unit);
        }
        Some(chosen.into_iter().map(|(batch, unit)| self.state.key(batch, unit)).collect())
    }

    fn serve(&mut self, leaving: Option<OrderId>, facts: &mut Vec<Fact>) {
        for waiting in self.state.waiting().filter(|waiting| Some(waiting.order) != leaving) {
            let Some(keys) = self.take(waiting.quantity) else { return };
            let line = Line { order: waiting.order, line: waiting.line, account: waiting.account.clone() };
            facts.push(line.allocated(keys, AllocationReason::Waitlist));
        }
    }
}

/// Whether the account may take so many.
fn within(sellable: u64, reach: u64, quantity: Quantity) -> Result<(), Rejection> {
    let wanted = wanted(quantity);
    if wanted <= reach {
        return Ok(());
    }
    Err(if sellable < wanted {
        Rejection::new(Reason::OutOfStock, format!("{wanted} units are wanted, {sellable} are sellable"))
    } else {
        Rejection::new(
            Reason::QuotaExhausted,
            format!("{wanted} units are wanted, the quota reaches {reach}"),
        )
    })
}

fn wanted(quantity: Quantity) -> u64 {
    u64::from(quantity.get())
}
