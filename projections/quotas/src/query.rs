//! Questions about stock and quotas.

pub(crate) mod load;

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{Row, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{Account, BatchId, KeyRef, MerchantId, OrderId, Position, Sku, Timestamp};

use crate::pool::{available, shared};
use load::number;

/// The quota board's line of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkuBoard {
    /// The item.
    pub sku: Sku,
    /// Units that can be sold.
    pub sellable: u64,
    /// Sellable units that nobody has set aside: what an account without a quota may sell.
    pub shared: u64,
    /// The accounts that have a quota or have sold, by name.
    pub accounts: Vec<AccountQuota>,
}

/// What one account may sell of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountQuota {
    /// The account.
    pub account: Account,
    /// Whether a quota was set.
    pub is_set: bool,
    /// Units set aside when it was set.
    pub floor: u64,
    /// Units it may sell in all from then on; none means no limit.
    pub cap: Option<u64>,
    /// Units held or sold since then, less those given back.
    pub taken: u64,
    /// Units still set aside.
    pub floor_left: u64,
    /// Units held now for unpaid orders.
    pub held: u64,
    /// Units bound to paid orders and not given back, ever.
    pub sold: u64,
    /// Units it may sell now.
    pub available: u64,
}

/// One batch of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchStock {
    /// The batch.
    pub batch: BatchId,
    /// The item.
    pub sku: Sku,
    /// Who supplied it.
    pub supplier: Option<String>,
    /// Not sold from then on (RFC 3339).
    pub sell_until: Option<String>,
    /// Whether the whole batch is kept from sale.
    pub is_quarantined: bool,
    /// Units that came in.
    pub imported: u64,
    /// Units in stock and not kept from sale.
    pub available: u64,
    /// Units in stock kept from sale.
    pub quarantined: u64,
    /// Units held for unpaid orders.
    pub reserved: u64,
    /// Units bound to paid orders, not delivered.
    pub allocated: u64,
    /// Units with buyers.
    pub delivered: u64,
    /// Delivered units declared void.
    pub revoked: u64,
    /// Units taken out of stock for good.
    pub voided: u64,
}

/// Where one unit is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyPlace {
    /// The unit.
    pub key: KeyRef,
    /// The item.
    pub sku: Sku,
    /// `in_stock`, `quarantined`, `reserved`, `allocated`, `delivered`, `revoked` or `voided`.
    pub state: String,
    /// The account it is held or was sold for.
    pub account: Option<Account>,
    /// The order it is held or was sold for.
    pub order: Option<OrderId>,
    /// The position of the last event that touched it.
    pub last_pos: Position,
}

/// The quota board at an instant (batches whose time is over count no more), of one item or of all, by item.
pub async fn board(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    sku: Option<&Sku>,
    now: Timestamp,
) -> Result<Vec<SkuBoard>, sqlx::Error> {
    let stock = sqlx::query(
        "SELECT s.sku, COALESCE(SUM(b.available_count) FILTER (WHERE b.sell_until_at IS NULL OR b.sell_until_at > ?3), 0)
         FROM ops_stock AS s LEFT JOIN batch_row AS b USING (merchant, sku)
         WHERE merchant = ?1 AND (?2 IS NULL OR s.sku = ?2) GROUP BY s.sku ORDER BY s.sku",
    )
    .bind(merchant.as_str())
    .bind(sku.map(Sku::as_str))
    .bind(now.to_string())
    .fetch_all(&mut *conn)
    .await?;
    let quotas = sqlx::query(
        "SELECT sku, channel, is_set, floor_count, cap_count, taken_count, floor_left_count, held_count, sold_count
         FROM quota_row WHERE merchant = ?1 AND (?2 IS NULL OR sku = ?2) ORDER BY sku, channel",
    )
    .bind(merchant.as_str())
    .bind(sku.map(Sku::as_str))
    .fetch_all(&mut *conn)
    .await?;
    let mut accounts: BTreeMap<String, Vec<AccountQuota>> = BTreeMap::new();
    for row in &quotas {
        accounts.entry(row.try_get(0)?).or_default().push(quota_of(row)?);
    }
    stock.iter().map(|row| board_of(row, &mut accounts)).collect()
}

/// The batches of an item, the newest first.
pub async fn batches(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    sku: &Sku,
) -> Result<Vec<BatchStock>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT batch_id, sku, supplier, sell_until_at, is_quarantined, imported_count, available_count,
                quarantined_count, reserved_count, allocated_count, delivered_count, revoked_count, voided_count
         FROM batch_row WHERE merchant = ? AND sku = ? ORDER BY batch_id DESC",
    )
    .bind(merchant.as_str())
    .bind(sku.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(batch_of).collect()
}

/// Where a unit is; none where nothing ever happened to it, or it does not exist.
pub async fn key(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    key: KeyRef,
) -> Result<Option<KeyPlace>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT sku, state, channel, order_id, last_pos FROM ops_key
         WHERE merchant = ? AND batch_id = ? AND key_index = ? AND use_no = ?",
    )
    .bind(merchant.as_str())
    .bind(key.batch.0)
    .bind(key.index)
    .bind(key.use_no)
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(KeyPlace {
            key,
            sku: parsed(row.try_get(0)?)?,
            state: row.try_get(1)?,
            account: row.try_get::<Option<&str>, _>(2)?.map(parsed).transpose()?,
            order: row.try_get::<Option<&str>, _>(3)?.map(parsed).transpose()?,
            last_pos: Position(number(&row, 4)?),
        })
    })
    .transpose()
}

fn board_of(
    row: &SqliteRow,
    accounts: &mut BTreeMap<String, Vec<AccountQuota>>,
) -> Result<SkuBoard, sqlx::Error> {
    let (sku, sellable) = (row.try_get::<&str, _>(0)?, number(row, 1)?);
    let mut accounts = accounts.remove(sku).unwrap_or_default();
    let shared = shared(sellable, accounts.iter().map(|account| account.floor_left));
    for account in &mut accounts {
        let cap_left = account.cap.map(|cap| cap.saturating_sub(account.taken));
        account.available = available(sellable, shared, account.floor_left, cap_left);
    }
    Ok(SkuBoard { sku: parsed(sku)?, sellable, shared, accounts })
}

fn quota_of(row: &SqliteRow) -> Result<AccountQuota, sqlx::Error> {
    let cap: Option<i64> = row.try_get(4)?;
    Ok(AccountQuota {
        account: parsed(row.try_get(1)?)?,
        is_set: row.try_get(2)?,
        floor: number(row, 3)?,
        cap: cap.map(|cap| u64::try_from(cap).unwrap_or(0)),
        taken: number(row, 5)?,
        floor_left: number(row, 6)?,
        held: number(row, 7)?,
        sold: number(row, 8)?,
        available: 0,
    })
}

fn batch_of(row: &SqliteRow) -> Result<BatchStock, sqlx::Error> {
    Ok(BatchStock {
        batch: BatchId(row.try_get(0)?),
        sku: parsed(row.try_get(1)?)?,
        supplier: row.try_get(2)?,
        sell_until: row.try_get(3)?,
        is_quarantined: row.try_get(4)?,
        imported: number(row, 5)?,
        available: number(row, 6)?,
        quarantined: number(row, 7)?,
        reserved: number(row, 8)?,
        allocated: number(row, 9)?,
        delivered: number(row, 10)?,
        revoked: number(row, 11)?,
        voided: number(row, 12)?,
    })
}

fn parsed<T>(text: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err = vocabulary::ParseError>,
{
    text.parse().map_err(|error: vocabulary::ParseError| sqlx::Error::Decode(error.into()))
}

/// A time in which an account was unable to sell an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockoutTime {
    /// When it began, in seconds since 1970.
    pub from_secs: i64,
    /// When it ended; none while it lasts.
    pub to_secs: Option<i64>,
    /// Whether nothing was in stock at all, for no account.
    pub is_pool: bool,
}

/// The times without stock that were known at a position, by item and account, each in order.
pub async fn stockouts(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    at: Position,
) -> Result<BTreeMap<(Sku, Account), Vec<StockoutTime>>, sqlx::Error> {
    let at = i64::try_from(at.0).unwrap_or(i64::MAX);
    // What ended later still lasted then.
    let sql = "SELECT sku_id, channel_id, from_epoch, CASE WHEN last_pos <= ?2 THEN to_epoch END, cause
               FROM fct_stockout WHERE merchant = ?1 AND from_pos <= ?2 ORDER BY sku_id, channel_id, from_pos";
    let mut found: BTreeMap<_, Vec<StockoutTime>> = BTreeMap::new();
    for row in sqlx::query(sql).bind(merchant.as_str()).bind(at).fetch_all(db).await? {
        let decode = |error: vocabulary::ParseError| sqlx::Error::Decode(error.into());
        let sku: Sku = row.try_get::<&str, _>(0)?.parse().map_err(decode)?;
        let account: Account = row.try_get::<&str, _>(1)?.parse().map_err(decode)?;
        let is_pool = row.try_get::<&str, _>(4)? == "pool";
        let time = StockoutTime { from_secs: row.try_get(2)?, to_secs: row.try_get(3)?, is_pool };
        found.entry((sku, account)).or_default().push(time);
    }
    Ok(found)
}
