//! Events into rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use events::{Fact, sku::SkuDefined};
use projection::{ApplyError, Cache, Event, Fold, Rows, Value};
use sqlx::SqliteConnection;
use vocabulary::{Account, BatchId, KeyRef, MerchantId, Position, Sku};

use crate::{
    listings::Listings,
    pool::{Batch, Holder, Misfit, Place, Pool, Stockout, Unit, available, shared},
    published::Published,
    purchases::Purchases,
    query::load::{load_pool, load_units},
    tables,
    units::{Touched, touched},
};

/// Units kept in memory between batches.
const HOT_UNITS: usize = 100_000;

pub(crate) struct QuotasFold {
    merchant: MerchantId,
    pools: HashMap<Sku, Pool>,
    units: Cache<KeyRef, Unit>,
    rows: TableRows,
    published: Published,
    listings: Listings,
    purchases: Purchases,
    /// Batches that changed as a whole: where their units at rest are now, and since when.
    moved_batches: Vec<(BatchId, Place, Position)>,
}

struct TableRows {
    sku: Rows,
    stock: Rows,
    quota: Rows,
    key_pool: Rows,
    key: Rows,
    stockout: Rows,
}

impl QuotasFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        let rows = |table| Rows::new(table, merchant);
        Self {
            merchant: merchant.clone(),
            pools: HashMap::new(),
            units: Cache::new(HOT_UNITS),
            rows: TableRows {
                sku: rows(&tables::SKU),
                stock: rows(&tables::STOCK),
                quota: rows(&tables::QUOTA),
                key_pool: rows(&tables::KEY_POOL),
                key: rows(&tables::KEY),
                stockout: rows(&tables::STOCKOUT),
            },
            published: Published::new(merchant),
            listings: Listings::new(merchant),
            purchases: Purchases::new(merchant),
            moved_batches: Vec::new(),
        }
    }

    fn apply_one(&mut self, event: &Event, changed: &mut Changed) -> Result<(), Misfit> {
        if let Fact::SkuDefined(fact) = &event.fact {
            changed.skus.insert(fact.sku.clone(), (event.position, fact.clone()));
            return Ok(());
        }
        self.published.apply(event);
        self.listings.apply(event);
        self.purchases.apply(event);
        for Touched { sku, keys } in touched(event) {
            let pool = self.pools.entry(sku.clone()).or_default();
            pool.touch(event);
            changed.whole_batches.extend(apply_to_pool(pool, event)?);
            for key in keys {
                apply_to_unit(pool, *key, self.units.entry(key, Unit::default), event)?;
                changed.units.insert(*key, sku.clone());
            }
            // A delivery moves units that were not for sale any more.
            if event.stream.kind() == "pool" {
                pool.notice_stockouts(&mut |stockout| changed.put_stockout(&sku, stockout));
            }
            changed.pools.insert(sku);
        }
        Ok(())
    }

    fn put(&mut self, changed: Changed) {
        for (sku, (position, fact)) in changed.skus {
            let values = [
                sku.as_str().into(),
                fact.name.into(),
                fact.family.into(),
                fact.key_kind.uses().into(),
                fact.face_value.map(|value| value.minor).into(),
                Value::maybe(fact.face_value.map(|value| value.currency)),
            ];
            self.rows.sku.push(position, values);
        }
        for sku in changed.pools {
            if let Some(pool) = self.pools.get_mut(&sku) {
                self.rows.put_pool(&sku, pool);
            }
        }
        for id in changed.whole_batches {
            if let Some(batch) = self.pools.values().find_map(|pool| pool.batches.get(&id)) {
                self.moved_batches.push((id, batch.rest(), batch.era_pos));
            }
        }
        self.rows.put_stockouts(changed.stockouts);
        let mut units: Vec<(KeyRef, Sku)> = changed.units.into_iter().collect();
        units.sort_unstable_by_key(|(key, _)| *key);
        for (key, sku) in units {
            let batch = self.pools.get(&sku).and_then(|pool| pool.batches.get(&key.batch));
            if let (Some(unit), Some(batch)) = (self.units.get(&key), batch) {
                self.rows.put_unit(key, &sku, unit, batch);
            }
        }
    }
}

#[async_trait]
impl Fold for QuotasFold {
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let mut missing = BTreeSet::new();
        for event in events {
            for Touched { sku, keys } in touched(event) {
                if !self.pools.contains_key(&sku) {
                    let pool = load_pool(&self.merchant, &sku, conn).await?;
                    self.pools.insert(sku.clone(), pool);
                }
                missing.extend(keys.iter().copied().filter(|key| self.units.get_mut(key).is_none()));
            }
        }
        self.published.load(&self.merchant, events, conn).await?;
        self.purchases.load(&self.merchant, events, conn).await?;
        for (key, sku, row) in load_units(&self.merchant, &missing, conn).await? {
            let batch = self.pools.get(&sku).and_then(|pool| pool.batches.get(&key.batch));
            let era = batch.map_or(0, |batch| batch.era);
            self.units.insert(key, Unit::stored(row.place, era, row.holder, row.last_pos));
        }
        Ok(())
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        let mut changed = Changed::default();
        for event in events {
            self.apply_one(event, &mut changed)
                .map_err(|misfit| ApplyError::event(event.position, misfit))?;
        }
        self.put(changed);
        Ok(())
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        // Rows of units at rest go with their batch; those that changed one by one are written afterwards.
        for (batch, rest, since) in std::mem::take(&mut self.moved_batches) {
            sqlx::query(
                "UPDATE ops_key SET state = ?, last_pos = ?
                 WHERE merchant = ? AND batch_id = ? AND state IN ('in_stock', 'quarantined')",
            )
            .bind(rest.as_str())
            .bind(i64::try_from(since.0).unwrap_or(i64::MAX))
            .bind(self.merchant.as_str())
            .bind(batch.0)
            .execute(&mut *conn)
            .await?;
        }
        let rows = &mut self.rows;
        let pools = [&mut rows.stock, &mut rows.quota, &mut rows.key_pool, &mut rows.stockout];
        for table in pools.into_iter().chain([&mut rows.sku, &mut rows.key]) {
            table.write(conn).await?;
        }
        self.published.write(conn).await?;
        self.listings.write(conn).await?;
        self.purchases.write(conn).await?;
        self.units.settle();
        Ok(())
    }
}

/// What a batch changed.
#[derive(Default)]
struct Changed {
    skus: BTreeMap<Sku, (Position, SkuDefined)>,
    pools: BTreeSet<Sku>,
    units: HashMap<KeyRef, Sku>,
    whole_batches: BTreeSet<BatchId>,
    stockouts: BTreeMap<(Sku, Account, Position), Stockout>,
}

impl Changed {
    /// Keeps the newest word of a time without stock; why it began is of its first.
    fn put_stockout(&mut self, sku: &Sku, stockout: Stockout) {
        let key = (sku.clone(), stockout.account.clone(), stockout.out.position);
        let first = self.stockouts.get(&key).map(|known| known.is_empty);
        let is_empty = first.unwrap_or(stockout.is_empty);
        self.stockouts.insert(key, Stockout { is_empty, ..stockout });
    }
}

/// Applies what concerns a pool as a whole. Returns the batch that changed as a whole, if one did.
fn apply_to_pool(pool: &mut Pool, event: &Event) -> Result<Option<BatchId>, Misfit> {
    match &event.fact {
        Fact::BatchOpened(e) => pool.open(e, event),
        Fact::KeysImported(e) => pool.import(e.batch, e.fingerprints.len() as u64)?,
        Fact::QuotaSet(e) => pool.set_quota(e),
        Fact::KeysQuarantined(e) if e.keys.is_empty() => {
            pool.quarantine_batch(e.batch, true)?;
            return Ok(Some(e.batch));
        }
        Fact::QuarantineLifted(e) if e.keys.is_empty() => {
            pool.quarantine_batch(e.batch, false)?;
            return Ok(Some(e.batch));
        }
        _ => {}
    }
    Ok(None)
}

fn apply_to_unit(pool: &mut Pool, key: KeyRef, unit: &mut Unit, event: &Event) -> Result<(), Misfit> {
    match &event.fact {
        Fact::KeysReserved(e) => {
            pool.reserve(key, unit, Holder { account: e.account.clone(), order: e.order, line: e.line })
        }
        Fact::KeysAllocated(e) => pool.allocate(
            key,
            unit,
            Holder { account: e.account.clone(), order: e.order, line: e.line },
            e.chosen,
        ),
        Fact::KeysReleased(e) => pool.release(key, unit, &e.account),
        Fact::KeysQuarantined(_) => pool.quarantine(key, unit, true),
        Fact::QuarantineLifted(_) => pool.quarantine(key, unit, false),
        Fact::KeysRevoked(e) => pool.revoke(key, unit, &e.reason),
        Fact::KeysVoided(e) => pool.void(key, unit, &e.reason),
        Fact::OrderDelivered(_) => pool.deliver(key, unit),
        _ => Ok(()),
    }
}

impl TableRows {
    fn put_pool(&mut self, sku: &Sku, pool: &mut Pool) {
        let sellable = pool.sellable(pool.now);
        let shared = shared(sellable, pool.quotas.values().map(|quota| quota.floor_left()));
        let stock = [
            sku.as_str().into(),
            Value::count(sellable),
            Value::count(shared),
            Value::count(pool.total(Place::Reserved)),
            Value::count(pool.total(Place::Quarantined)),
        ];
        self.stock.push(pool.last_pos, stock);
        for (account, quota) in &pool.quotas {
            let (floor_left, cap_left) = (quota.floor_left(), quota.cap_left());
            let values = [
                sku.as_str().into(),
                account.as_str().into(),
                quota.is_set.into(),
                Value::count(quota.floor),
                quota.cap.map(Value::count).into(),
                Value::count(quota.taken),
                Value::count(floor_left),
                cap_left.map(Value::count).into(),
                Value::count(quota.held),
                Value::count(quota.sold),
                Value::count(available(sellable, shared, floor_left, cap_left)),
                quota.out.map(|out| out.since).into(),
                quota.out.map(|out| out.position).into(),
                quota.set_pos.into(),
            ];
            self.quota.push(pool.last_pos, values);
        }
        for id in std::mem::take(&mut pool.changed_batches) {
            let Some(batch) = pool.batches.get(&id) else { continue };
            let values = [
                id.0.into(),
                sku.as_str().into(),
                batch.supplier.as_deref().into(),
                batch.unit_cost.map(|cost| cost.minor).into(),
                Value::maybe(batch.unit_cost.map(|cost| cost.currency)),
                batch.sell_until.into(),
                batch.opened_at.into(),
                batch.uses.into(),
                batch.is_quarantined.into(),
                Value::count(batch.imported),
                Value::count(batch.count(Place::InStock)),
                Value::count(batch.count(Place::Quarantined)),
                Value::count(batch.count(Place::Reserved)),
                Value::count(batch.count(Place::Allocated)),
                Value::count(batch.count(Place::Delivered)),
                Value::count(batch.count(Place::Revoked)),
                Value::count(batch.count(Place::Voided)),
                Value::count(batch.bad),
            ];
            self.key_pool.push(batch.last_pos, values);
        }
    }

    fn put_stockouts(&mut self, stockouts: BTreeMap<(Sku, Account, Position), Stockout>) {
        for ((sku, account, from), stockout) in stockouts {
            let values = [
                sku.as_str().into(),
                account.as_str().into(),
                from.into(),
                stockout.out.since.into(),
                stockout.until.into(),
                if stockout.is_empty { "pool" } else { "quota" }.into(),
            ];
            self.stockout.push(stockout.last_pos, values);
        }
    }

    fn put_unit(&mut self, key: KeyRef, sku: &Sku, unit: &Unit, batch: &Batch) {
        let (place, since) = unit.now(batch);
        let holder = unit.holder.as_ref();
        let values = [
            key.batch.0.into(),
            key.index.into(),
            key.use_no.into(),
            sku.as_str().into(),
            place.as_str().into(),
            holder.map(|holder| holder.account.as_str()).into(),
            Value::maybe(holder.map(|holder| holder.order)),
            holder.map(|holder| holder.line).into(),
        ];
        self.key.push(since, values);
    }
}
