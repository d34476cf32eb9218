//! Decisions of those who keep the stock: batches, quotas, quarantine, what is taken out for good.

use events::{
    Fact,
    pool::{BatchOpened, KeysImported, KeysQuarantined, KeysRevoked, KeysVoided, QuarantineLifted, QuotaSet},
};
use vocabulary::{BatchId, KeyKind, KeyRef, Reason, Sku, Timestamp};

use super::{
    BAD_BATCH, State,
    lines::serve,
    state::{Batch, Quota},
    units::Units,
};
use crate::Rejection;

type Decision = Result<Vec<Fact>, Rejection>;

pub(super) fn open(state: &State, opened: BatchOpened) -> Decision {
    if let Some(batch) = state.batch(opened.batch) {
        let same = batch.key_kind == opened.key_kind
            && batch.supplier == opened.supplier
            && batch.unit_cost == opened.unit_cost
            && batch.sell_until == opened.sell_until;
        let taken =
            || Rejection::new(Reason::AlreadyExists, format!("batch {} is another one", opened.batch));
        return if same { Ok(Vec::new()) } else { Err(taken()) };
    }
    if opened.key_kind == (KeyKind::Reusable { use_limit: 0 }) {
        return Err(invalid("the use limit of a reusable key is at least 1"));
    }
    if opened.unit_cost.is_some_and(|cost| cost.minor < 0) {
        return Err(invalid("the unit cost is negative"));
    }
    Ok(vec![opened.into()])
}

pub(super) fn import(state: &State, imported: KeysImported, now: Timestamp) -> Decision {
    let batch = known_batch(state, imported.batch)?;
    if imported.fingerprints.is_empty() {
        return Err(invalid("an import holds at least one key"));
    }
    if imported.first_index != batch.keys {
        return Err(invalid(format!("the batch has {} keys, so the next index is that number", batch.keys)));
    }
    let count = u32::try_from(imported.fingerprints.len()).ok();
    let Some(keys) = count.and_then(|count| batch.keys.checked_add(count)) else {
        return Err(invalid("the batch would have more keys than it can number"));
    };
    let mut gained = Units::default();
    if state.sells_again(imported.batch, now) {
        gained.insert(imported.batch, batch.units(), u64::from(keys) * batch.uses());
    }
    let mut facts = vec![imported.into()];
    serve(state, now, gained, None, &mut facts);
    Ok(facts)
}

pub(super) fn set_quota(state: &State, set: QuotaSet) -> Decision {
    if set.cap.is_some_and(|cap| cap < set.floor) {
        return Err(invalid("the cap is less than the floor"));
    }
    let wanted = Quota { floor: set.floor, cap: set.cap, taken: 0 };
    let stands = state.quotas.get(&set.account) == Some(&wanted);
    Ok(if stands { Vec::new() } else { vec![set.into()] })
}

pub(super) fn quarantine(state: &State, mut wish: KeysQuarantined) -> Decision {
    let batch = known_batch(state, wish.batch)?;
    if wish.keys.is_empty() {
        return Ok(if batch.quarantined { Vec::new() } else { vec![wish.into()] });
    }
    wish.keys = named(state, Some(wish.batch), wish.keys)?;
    wish.keys = pending(state, wish.keys, &state.stock, &state.quarantined, "in stock")?;
    Ok(if wish.keys.is_empty() { Vec::new() } else { vec![wish.into()] })
}

pub(super) fn judge(state: &State, sku: Sku, batch: BatchId, limit: u32) -> Decision {
    let bad = known_batch(state, batch)?.bad.len();
    if limit == 0 || bad < usize::try_from(limit).unwrap_or(usize::MAX) {
        return Ok(Vec::new());
    }
    quarantine(state, KeysQuarantined { sku, batch, keys: Vec::new(), reason: BAD_BATCH.to_owned() })
}

pub(super) fn lift(state: &State, mut wish: QuarantineLifted, now: Timestamp) -> Decision {
    let batch = known_batch(state, wish.batch)?;
    let mut gained = Units::default();
    if wish.keys.is_empty() {
        let there = state.quarantined.of(wish.batch);
        if !batch.quarantined && there.is_none() {
            return Ok(Vec::new());
        }
        if let Some(units) = there {
            gained.absorb(wish.batch, units);
        }
    } else {
        wish.keys = named(state, Some(wish.batch), wish.keys)?;
        wish.keys = pending(state, wish.keys, &state.quarantined, &state.stock, "in quarantine")?;
        if wish.keys.is_empty() {
            return Ok(Vec::new());
        }
        for &key in &wish.keys {
            gained.put(key.batch, state.unit(key));
        }
    }
    if !batch.sells_at(now) {
        gained = Units::default();
    }
    let mut facts = vec![wish.into()];
    serve(state, now, gained, None, &mut facts);
    Ok(facts)
}

pub(super) fn revoke(state: &State, mut wish: KeysRevoked) -> Decision {
    wish.keys = named(state, None, wish.keys)?;
    wish.keys.retain(|&key| !state.revoked.contains(key.batch, state.unit(key)));
    if let Some(key) = wish.keys.iter().find(|key| !state.is_out(**key)) {
        return Err(invalid(format!("{key} is not allocated")));
    }
    Ok(if wish.keys.is_empty() { Vec::new() } else { vec![wish.into()] })
}

pub(super) fn void(state: &State, mut wish: KeysVoided) -> Decision {
    wish.keys = named(state, None, wish.keys)?;
    wish.keys.retain(|&key| !state.voided.contains(key.batch, state.unit(key)));
    let in_stock = |key: KeyRef| {
        let unit = state.unit(key);
        state.stock.contains(key.batch, unit) || state.quarantined.contains(key.batch, unit)
    };
    if let Some(key) = wish.keys.iter().find(|key| !in_stock(**key)) {
        return Err(invalid(format!("{key} is not in stock")));
    }
    Ok(if wish.keys.is_empty() { Vec::new() } else { vec![wish.into()] })
}

/// The keys in order, each once; all of them known, and of `batch` where one is given.
pub(super) fn named(
    state: &State,
    batch: Option<BatchId>,
    mut keys: Vec<KeyRef>,
) -> Result<Vec<KeyRef>, Rejection> {
    keys.sort_unstable();
    keys.dedup();
    if let Some(key) = keys.iter().find(|key| !state.knows(**key)) {
        return Err(Rejection::new(Reason::UnknownKey, format!("{key} was never imported")));
    }
    if let Some(key) = keys.iter().find(|key| batch.is_some_and(|batch| key.batch != batch)) {
        return Err(invalid(format!("{key} is of another batch")));
    }
    Ok(keys)
}

/// The keys that are in `from`; those in `to` are where they should be. Elsewhere is refused.
fn pending(
    state: &State,
    mut keys: Vec<KeyRef>,
    from: &Units,
    to: &Units,
    place: &str,
) -> Result<Vec<KeyRef>, Rejection> {
    keys.retain(|&key| !to.contains(key.batch, state.unit(key)));
    match keys.iter().find(|key| !from.contains(key.batch, state.unit(**key))) {
        Some(key) => Err(invalid(format!("{key} is not {place}"))),
        None => Ok(keys),
    }
}

fn known_batch(state: &State, batch: BatchId) -> Result<&Batch, Rejection> {
    state.batch(batch).ok_or_else(|| Rejection::new(Reason::UnknownKey, format!("there is no batch {batch}")))
}

pub(super) fn invalid(detail: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidValue, detail)
}
