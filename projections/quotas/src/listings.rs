//! Which item of a channel stands for which of ours.

use std::collections::BTreeMap;

use events::Fact;
use projection::{ApplyError, Event, Rows, Value};
use sqlx::{Row, SqliteConnection, SqliteExecutor};
use vocabulary::{Account, MerchantId, Position, Sku, Timestamp};

use crate::tables;

/// What became of an item last, and when.
type Last = (Option<Sku>, Timestamp, Position);

/// The listings that a batch changes. A row is its newest event's alone, so nothing needs to be read.
pub(crate) struct Listings {
    changed: BTreeMap<(Account, String), Last>,
    rows: Rows,
}

impl Listings {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self { changed: BTreeMap::new(), rows: Rows::new(&tables::LISTING, merchant) }
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let (account, item, sku) = match &event.fact {
            Fact::ListingMapped(fact) => (&fact.account, &fact.item, Some(fact.sku.clone())),
            Fact::ListingRemoved(fact) => (&fact.account, &fact.item, None),
            _ => return,
        };
        let last = (sku, event.recorded_at, event.position);
        self.changed.insert((account.clone(), item.clone()), last);
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        for ((account, item), (sku, at, position)) in std::mem::take(&mut self.changed) {
            let sku = Value::maybe(sku);
            self.rows.push(position, [account.as_str().into(), item.into(), sku, at.into()]);
        }
        self.rows.write(conn).await
    }
}

/// The items an account sells, by name.
pub async fn listings(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    account: &Account,
) -> Result<Vec<(String, Sku)>, sqlx::Error> {
    let sql = "SELECT item, sku_id FROM dim_listing
               WHERE merchant = ? AND channel_id = ? AND sku_id IS NOT NULL ORDER BY item";
    let rows = sqlx::query(sql).bind(merchant.as_str()).bind(account.as_str()).fetch_all(db).await?;
    let one = |row: sqlx::sqlite::SqliteRow| {
        let sku = row.try_get::<&str, _>(1)?.parse();
        let decode = |error: vocabulary::ParseError| sqlx::Error::Decode(error.into());
        Ok((row.try_get(0)?, sku.map_err(decode)?))
    };
    rows.into_iter().map(one).collect()
}
