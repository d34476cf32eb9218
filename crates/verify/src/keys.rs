//! I9: each unit's life is a prefix of a word of `Imported (Reserved|Allocated Released)* (Voided | Allocated
//! Delivered Revoked?)`, with one order line inside each pair. A reservation that becomes an allocation of
//! the same line is one hold. Handing a unit to its own line once more (a resend) is not a second delivery.

use std::collections::BTreeMap;

use events::{
    Fact,
    order::LineKeys,
    pool::{AllocationReason, BatchOpened, KeysImported},
};
use vocabulary::{BatchId, KeyRef, OrderId, Sku};

use crate::{
    life::{Holder, Status, Step, Unit},
    orders::Orders,
    report::{At, Findings, Invariant},
};

/// A unit went from one status to another (from none at its import).
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) sku: Sku,
    pub(crate) from: Option<Status>,
    pub(crate) to: Status,
    /// Whose it is or was; none in stock.
    pub(crate) holder: Option<Holder>,
}

struct Batch {
    sku: Sku,
    uses: u32,
    /// By index, then use.
    units: Vec<Unit>,
    quarantined: bool,
}

/// Every unit of one merchant.
#[derive(Default)]
pub(crate) struct Keys {
    batches: BTreeMap<BatchId, Batch>,
}

/// Where a step is taken: the event, the units moved so far, and what is found.
pub(crate) struct Scene<'a> {
    pub(crate) at: At<'a>,
    /// The order whose stream the event stands in.
    pub(crate) order: Option<OrderId>,
    pub(crate) moves: &'a mut Vec<Move>,
    pub(crate) findings: &'a mut Findings,
}

impl Scene<'_> {
    fn wrong(&mut self, message: impl Into<String>) {
        self.findings.violation(Invariant::I9, self.at, message);
    }
}

impl Keys {
    /// The status and holder of a unit.
    pub(crate) fn unit(&self, key: KeyRef) -> Option<&Unit> {
        let batch = self.batches.get(&key.batch)?;
        batch.units.get(batch.place(key)?)
    }
    /// The item a unit is of.
    pub(crate) fn sku(&self, key: KeyRef) -> Option<&Sku> {
        self.batches.get(&key.batch).map(|batch| &batch.sku)
    }
    /// How many units one key of a batch is.
    pub(crate) fn uses(&self, batch: BatchId) -> u32 {
        self.batches.get(&batch).map_or(1, |batch| batch.uses)
    }
    /// Whether a key is neither voided nor revoked in all its uses.
    pub(crate) fn is_live(&self, batch: BatchId, index: u32) -> bool {
        (0..self.uses(batch)).any(|use_no| {
            let unit = self.unit(KeyRef { batch, index, use_no });
            unit.is_some_and(|unit| !matches!(unit.status, Status::Voided | Status::Revoked))
        })
    }
    /// How many keys a batch has; none where it was never begun.
    pub(crate) fn size(&self, batch: BatchId) -> Option<u64> {
        let batch = self.batches.get(&batch)?;
        Some(batch.units.len() as u64 / u64::from(batch.uses))
    }
    /// How many keys each batch has.
    pub(crate) fn batch_sizes(&self) -> BTreeMap<u32, u64> {
        let size = |batch: &Batch| batch.units.len() as u64 / u64::from(batch.uses);
        self.batches.iter().map(|(id, batch)| (id.0, size(batch))).collect()
    }

    pub(crate) fn fact(&mut self, fact: &Fact, orders: &Orders, scene: &mut Scene<'_>) {
        match fact {
            Fact::BatchOpened(e) => self.open(e, scene),
            Fact::KeysImported(e) => self.import(e, scene),
            Fact::KeysReserved(e) => self.step(&e.keys, Some((e.order, e.line)), Step::Reserve, scene),
            Fact::KeysAllocated(e) => {
                let step = Step::Allocate { reserved: e.chosen == AllocationReason::Reserved };
                self.step(&e.keys, Some((e.order, e.line)), step, scene);
            }
            Fact::KeysReleased(e) => self.step(&e.keys, Some((e.order, e.line)), Step::Release, scene),
            Fact::KeysRevoked(e) => {
                let order_delivered = orders.get(e.order).is_some_and(|order| order.delivered);
                self.step(&e.keys, Some((e.order, e.line)), Step::Revoke { order_delivered }, scene);
            }
            Fact::KeysVoided(e) => self.step(&e.keys, None, Step::Void, scene),
            Fact::KeysQuarantined(e) => self.quarantine(e.batch, &e.keys, true, scene),
            Fact::QuarantineLifted(e) => self.quarantine(e.batch, &e.keys, false, scene),
            _ => self.order_fact(fact, scene),
        }
    }

    fn order_fact(&mut self, fact: &Fact, scene: &mut Scene<'_>) {
        let Some(order) = scene.order else { return };
        match fact {
            Fact::DeliveryRequested(e) => {
                // The call may leave at once: from now on somebody may see them.
                self.bound(order, &e.lines, scene);
                e.lines.iter().for_each(|line| self.expose(&line.keys));
            }
            Fact::OrderDelivered(e) => {
                for line in &e.lines {
                    self.step(&line.keys, Some((order, line.line)), Step::Deliver, scene);
                }
            }
            Fact::KeysRevealed(e) => self.revealed(order, &e.keys, scene),
            _ => {}
        }
    }

    fn open(&mut self, opened: &BatchOpened, scene: &mut Scene<'_>) {
        if self.batches.contains_key(&opened.batch) {
            return scene.wrong(format!("batch {} is opened a second time", opened.batch));
        }
        let (sku, uses) = (opened.sku.clone(), opened.key_kind.uses());
        self.batches.insert(opened.batch, Batch { sku, uses, units: Vec::new(), quarantined: false });
    }

    fn import(&mut self, imported: &KeysImported, scene: &mut Scene<'_>) {
        let Some(batch) = self.batches.get_mut(&imported.batch) else {
            return scene.wrong(format!("batch {} has keys but was not opened", imported.batch));
        };
        let count = batch.units.len() / batch.uses as usize;
        if imported.first_index as usize != count {
            let message = format!(
                "batch {} has {count} keys, yet key {} follows",
                imported.batch, imported.first_index
            );
            return scene.wrong(message);
        }
        let fresh = Unit::in_stock(batch.quarantined);
        let added = imported.fingerprints.len() * batch.uses as usize;
        batch.units.extend(std::iter::repeat_n(fresh, added));
        let moved = Move { sku: batch.sku.clone(), from: None, to: Status::Stock, holder: None };
        scene.moves.extend(std::iter::repeat_n(moved, added));
    }

    /// Takes one step with each of the keys. A step that is not allowed is reported and not taken.
    fn step(&mut self, keys: &[KeyRef], holder: Option<Holder>, step: Step, scene: &mut Scene<'_>) {
        for key in keys {
            let Some(batch) = self.batches.get_mut(&key.batch) else {
                scene.wrong(format!("key {key} was never imported"));
                continue;
            };
            let (sku, returning) = (batch.sku.clone(), batch.quarantined);
            let Some(unit) = batch.place(*key).and_then(|place| batch.units.get_mut(place)) else {
                scene.wrong(format!("key {key} was never imported"));
                continue;
            };
            let from = unit.status;
            match unit.next(step, holder) {
                Ok(to) if to == from => {}
                Ok(to) => {
                    unit.enter(to, holder, returning);
                    scene.moves.push(Move { sku, from: Some(from), to, holder });
                }
                Err(why) => scene.wrong(format!("key {key} cannot be {}: {why}", step.verb())),
            }
        }
    }

    fn quarantine(&mut self, batch: BatchId, keys: &[KeyRef], on: bool, scene: &mut Scene<'_>) {
        let Some(found) = self.batches.get_mut(&batch) else {
            return scene.wrong(format!("batch {batch} was never opened"));
        };
        if keys.is_empty() {
            found.quarantined = on;
            found
                .units
                .iter_mut()
                .filter(|u| !on || u.status == Status::Stock)
                .for_each(|u| u.quarantined = on);
        }
        for key in keys {
            let place = if key.batch == batch { found.place(*key) } else { None };
            match place.and_then(|place| found.units.get_mut(place)) {
                Some(unit) => unit.quarantined = on,
                None => scene.wrong(format!("key {key} is not one of batch {batch}")),
            }
        }
    }

    /// Each key must be bound to the line of the order that it is listed under.
    pub(crate) fn bound(&self, order: OrderId, lines: &[LineKeys], scene: &mut Scene<'_>) {
        for (line, key) in lines.iter().flat_map(|l| l.keys.iter().map(move |key| (l.line, key))) {
            let bound = self.unit(*key).is_some_and(|unit| unit.is_bound_to((order, line)));
            if !bound {
                scene.wrong(format!("key {key} is not bound to line {line} of {order}"));
            }
        }
    }

    fn revealed(&mut self, order: OrderId, keys: &[KeyRef], scene: &mut Scene<'_>) {
        for key in keys {
            let own = self.unit(*key).and_then(|unit| unit.holder).is_some_and(|(holder, _)| holder == order);
            if !own {
                scene.wrong(format!("key {key} is shown to {order}, which does not hold it"));
            }
        }
        self.expose(keys);
    }

    fn expose(&mut self, keys: &[KeyRef]) {
        for key in keys {
            if let Some(batch) = self.batches.get_mut(&key.batch)
                && let Some(unit) = batch.place(*key).and_then(|place| batch.units.get_mut(place))
            {
                unit.exposed = true;
            }
        }
    }
}

impl Batch {
    fn place(&self, key: KeyRef) -> Option<usize> {
        let first = (key.index as usize).checked_mul(self.uses as usize)?;
        (key.use_no < self.uses).then(|| first + key.use_no as usize)
    }
}
