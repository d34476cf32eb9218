//! The stock figures that channels show.

use std::collections::{BTreeMap, BTreeSet};

use events::{Fact, channel::AttemptOutcome};
use projection::{ApplyError, Event, Rows};
use sqlx::{Row, SqliteConnection};
use vocabulary::{Account, MerchantId, Position, Sku, Timestamp};

use crate::tables;

type Item = (Account, String);

struct Figure {
    sku: Sku,
    wanted: u64,
    confirmed: Option<(u64, Timestamp)>,
    last_pos: Position,
}

/// All items that were ever told to a channel: few, so they are kept in memory.
pub(crate) struct Published {
    /// None before they were read.
    known: Option<BTreeMap<Item, Figure>>,
    changed: BTreeSet<Item>,
    rows: Rows,
}

impl Published {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self { known: None, changed: BTreeSet::new(), rows: Rows::new(&tables::PUBLISHED, merchant) }
    }

    /// Reads the rows, once, when there is something to do with them.
    pub(crate) async fn load(
        &mut self,
        merchant: &MerchantId,
        events: &[Event],
        conn: &mut SqliteConnection,
    ) -> Result<(), ApplyError> {
        let is_needed =
            |event: &Event| matches!(event.fact, Fact::StockPushRequested(_) | Fact::StockPushSettled(_));
        if self.known.is_some() || !events.iter().any(is_needed) {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT channel_id, item, sku_id, wanted_count, published_count, published_at, last_pos
             FROM ops_published WHERE merchant = ?",
        )
        .bind(merchant.as_str())
        .fetch_all(conn)
        .await?;
        let mut known = BTreeMap::new();
        let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
        for row in rows {
            let confirmed = match (row.try_get::<Option<i64>, _>(4)?, row.try_get::<Option<&str>, _>(5)?) {
                (Some(figure), Some(at)) => Some((count(figure), Timestamp::parse_rfc3339(at)?)),
                _ => None,
            };
            let figure = Figure {
                sku: row.try_get::<&str, _>(2)?.parse()?,
                wanted: count(row.try_get(3)?),
                confirmed,
                last_pos: Position(count(row.try_get(6)?)),
            };
            known.insert((row.try_get::<&str, _>(0)?.parse()?, row.try_get(1)?), figure);
        }
        self.known = Some(known);
        Ok(())
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let item = match &event.fact {
            Fact::StockPushRequested(fact) => {
                let item = (fact.account.clone(), fact.item.clone());
                let known = self.known.get_or_insert_default();
                let confirmed = known.get(&item).and_then(|figure| figure.confirmed);
                let (sku, wanted) = (fact.sku.clone(), fact.available);
                known.insert(item.clone(), Figure { sku, wanted, confirmed, last_pos: event.position });
                item
            }
            Fact::StockPushSettled(fact) if fact.outcome == AttemptOutcome::Done => {
                let item = (fact.account.clone(), fact.item.clone());
                let Some(figure) = self.known.get_or_insert_default().get_mut(&item) else { return };
                figure.confirmed = Some((fact.available, event.recorded_at));
                figure.last_pos = event.position;
                item
            }
            _ => return,
        };
        self.changed.insert(item);
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        for item in std::mem::take(&mut self.changed) {
            let Some(figure) = self.known.get_or_insert_default().get(&item) else { continue };
            let values = [
                item.0.as_str().into(),
                item.1.as_str().into(),
                figure.sku.as_str().into(),
                projection::Value::count(figure.wanted),
                figure.confirmed.map(|(count, _)| projection::Value::count(count)).into(),
                figure.confirmed.map(|(_, at)| at).into(),
            ];
            self.rows.push(figure.last_pos, values);
        }
        self.rows.write(conn).await
    }
}
